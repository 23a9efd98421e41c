"""Compares algorithms that evolve losses on equal terms: the thesis's experiment, with replicates.

As in the thesis's Algorithm 2, an initial population is made, each algorithm starts from a copy of
it, and all are compared with cross entropy. This takes minutes on a laptop, with real images of the
thesis's three data sets:

    python examples/compare_algorithms.py --preset laptop --data-dir DIR_WITH_NPZ

The same command with a larger --replicates adds replicates later.
"""

import sys

from deap_lossgp.commands import (
    PRESETS,
    announce,
    experiment_parser,
    fail,
    parse_experiment,
    refused,
    resumable,
)
from deap_lossgp.comparison import ComparisonSettings
from deap_lossgp.engines import TrainingError
from deap_lossgp.training.tensorflow_setup import check_tensorflow

PRESETS = {
    **PRESETS,
    "laptop": {**PRESETS["small"], "search": "full", "model": "small_cnn", "train_size": 5000,
               "validation_share": 0.1, "workers": 2},
}


def main(argv=None):
    parser = experiment_parser("Compare algorithms that evolve losses, on equal terms.",
                               ComparisonSettings(), PRESETS)
    with resumable(parser.prog, argv), refused(parser.prog, prepare, parser, argv) as comparison:
        try:
            comparison.execute()
            print(comparison.report())
        except TrainingError as error:
            fail(parser.prog, error)


def prepare(parser, argv):
    settings, execution, options = parse_experiment(parser, argv, ComparisonSettings, PRESETS)
    announce(settings)
    check_tensorflow()
    from deap_lossgp.comparison import Comparison

    return Comparison(settings, options["output"], execution=execution)


if __name__ == "__main__":
    sys.exit(main())
