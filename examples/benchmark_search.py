"""Measures what a search finds, from many seeds: all of it, each of its parts alone, all but one.

Ten runs on CIFAR-10, some minutes each:

    python examples/benchmark_search.py --datasets cifar10 --epochs 6 --train-size 10000

With figures that are predicted from the atlas, a run takes seconds:

    python examples/benchmark_search.py --engine tabular --datasets cifar10 --epochs 6
        --train-size 10000 --replicates 50 --arms all none known rungs surrogate prior epochs race
"""

import sys
from pathlib import Path

import pandas as pd

from deap_lossgp.commands import experiment_parser, parse_experiment, refused, resumable
from deap_lossgp.search import RunSettings
from deap_lossgp.training.tensorflow_setup import check_tensorflow

SETTINGS = RunSettings(generations=1000, max_epochs=120, final_size=0, test_seeds=5,
                       rate_factors=())  # fmt: skip


def main(argv=None):
    parser = experiment_parser("Measure what a search finds, with its parts and without.",
                               SETTINGS, {})
    parser.add_argument("--arms", nargs="+", default=["all"], metavar="NAME",
                        help="all, none, or a part alone: known, rungs, surrogate (which learns "
                             "from the run), prior (from the atlas, too), epochs (averaged over), "
                             "race; or all but a part, such as no-known (default: all)")
    parser.add_argument("--replicates", type=int, default=10, metavar="N",
                        help="runs of each arm, the first from --seed, seeds 100 apart")
    with resumable(parser.prog, argv):
        print(refused(parser.prog, measure, parser, argv))


def measure(parser, argv):
    settings, execution, options = parse_experiment(parser, argv, RunSettings, {})
    if options["replicates"] < 1:
        raise ValueError(f"replicates must be at least 1, got {options['replicates']}")
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


if __name__ == "__main__":
    sys.exit(main())
