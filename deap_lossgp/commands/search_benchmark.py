"""``lossgp search-benchmark``: what a search finds, with its parts and without."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from deap_lossgp.commands.options import experiment_parser, parse_experiment
from deap_lossgp.commands.parser import CommandParser, refused, resumable
from deap_lossgp.search import RunSettings
from deap_lossgp.training.tensorflow_setup import check_tensorflow

SETTINGS = RunSettings(generations=1000, max_epochs=120, final_size=0, test_seeds=5,
                       rate_factors=())  # fmt: skip


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Runs every arm from several seeds, and prints the table of what they found.

    Args:
        argv: The arguments; None for those in ``sys.argv``.
        prog: What the user types before them; None for a program of its own.
    """
    parser = experiment_parser("Measure what a search finds, with its parts and without.",
                               SETTINGS, {}, prog)
    parser.add_argument("--arms", nargs="+", default=["all"], metavar="NAME",
                        help="all, none, or a part alone: known, rungs, surrogate (which learns "
                             "from the run), prior (from the atlas, too), epochs (averaged over), "
                             "race; or all but a part, such as no-known (default: all)")
    parser.add_argument("--replicates", type=int, default=10, metavar="N",
                        help="runs of each arm, the first from --seed, seeds 100 apart")
    with resumable(parser, argv):
        print(refused(parser, measure, parser, argv))


def measure(parser: CommandParser, argv: Sequence[str] | None) -> str:
    """Runs the arms that a command line names, and returns their table as text."""
    settings, execution, options = parse_experiment(parser, argv, RunSettings, {})
    for name in ("replicates", "test_seeds"):
        if options[name] < 1:
            raise ValueError(f"{name} must be at least 1, got {options[name]}")
    check_tensorflow()
    from deap_lossgp.comparison.search_arms import run_search, search_arm, summary

    output, rows = Path(options["output"] or "runs/search"), []
    seeds = [settings.seed + 100 * replicate for replicate in range(options["replicates"])]
    runs = [(search_arm(settings, arm, seed), arm) for arm in options["arms"] for seed in seeds]
    for run, arm in runs:
        rows += run_search(run, arm, output / arm / str(run.seed), execution=execution)
        pd.DataFrame(rows).to_csv(output / "tests.csv", index=False)
    table = summary(pd.DataFrame(rows))
    table.to_csv(output / "summary.csv", index=False)
    return table.round(2).T.to_string(header=False)
