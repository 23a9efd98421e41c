"""``lossgp compare``: the thesis's Algorithm 2, with replicates."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from deap_lossgp.commands.options import PRESETS, announce, experiment_parser, parse_experiment
from deap_lossgp.commands.parser import CommandParser, refused, resumable
from deap_lossgp.comparison import ComparisonSettings
from deap_lossgp.engines import TrainingError
from deap_lossgp.training.tensorflow_setup import check_tensorflow

if TYPE_CHECKING:
    from deap_lossgp.comparison.comparisons import Comparison

PRESETS = {
    **PRESETS,
    "laptop": {**PRESETS["small"], "search": "full", "model": "small_cnn", "train_size": 5000,
               "validation_share": 0.1, "workers": 2},
}


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Compares algorithms on equal terms, and prints the report.

    Args:
        argv: The arguments; None for those in ``sys.argv``.
        prog: What the user types before them; None for a program of its own.
    """
    parser = experiment_parser("Compare algorithms that evolve losses, on equal terms.",
                               ComparisonSettings(), PRESETS, prog)
    with resumable(parser, argv), refused(parser, prepare, parser, argv) as comparison:
        try:
            comparison.execute()
            print(comparison.report())
        except TrainingError as error:
            parser.error(error)


def prepare(parser: CommandParser, argv: Sequence[str] | None) -> Comparison:
    """Returns the ``Comparison`` that a command line describes."""
    settings, execution, options = parse_experiment(parser, argv, ComparisonSettings, PRESETS)
    announce(settings)
    check_tensorflow()
    from deap_lossgp.comparison import Comparison

    return Comparison(settings, options["output"], execution=execution)
