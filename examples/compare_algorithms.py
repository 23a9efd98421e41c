"""Compares algorithms that evolve losses on equal terms: the thesis's experiment, with replicates.

The thesis's Algorithm 2: cross entropy first, then one initial population, from a copy of which
each algorithm starts. At laptop scale, on real images of its three data sets, in minutes:

    python examples/compare_algorithms.py --preset laptop --data-dir DIR_WITH_NPZ

More replicates later go on from there: the same command with --replicates 5.
"""

import sys

from deap_lossgp.cli import fail, refused, resumable
from deap_lossgp.engines import TrainingError
from deap_lossgp.options import PRESETS, experiment_parser, parse_experiment
from deap_lossgp.settings import ComparisonSettings
from deap_lossgp.tensorflow_setup import check_tensorflow

PRESETS = {
    **PRESETS,
    "laptop": {**PRESETS["small"], "model": "small_cnn", "train_size": 5000, "workers": 2},
}


def main(argv=None):
    parser = experiment_parser("Compare algorithms that evolve losses, on equal terms.",
                               ComparisonSettings(), PRESETS)
    group = parser.add_argument_group("comparison")
    group.add_argument("--arms", nargs="+", metavar="NAME",
                       help="algorithms: archive, sample-tournament, random, regularized, glo")
    group.add_argument("--replicates", type=int, help="repetitions from other populations")
    group.add_argument("--initial", metavar="FITNESS",
                       help="the fitness whose notion of validity the initial populations are "
                            "drawn by; default: --fitness")
    group.add_argument("--seed-losses", nargs="+", metavar="NAME",
                       help="known losses to put into the initial populations")
    group.add_argument("--known-losses", nargs="+", metavar="NAME",
                       help="known losses to test beside the winners")
    with resumable(parser.prog, argv), refused(parser.prog, prepare, parser, argv) as comparison:
        try:
            comparison.execute()
            print(comparison.report())
        except TrainingError as error:
            fail(parser.prog, error)


def prepare(parser, argv):
    settings, execution, options = parse_experiment(parser, argv, ComparisonSettings, PRESETS)
    check_tensorflow()
    from deap_lossgp.comparisons import Comparison

    return Comparison(settings, options["output"], execution=execution)


if __name__ == "__main__":
    sys.exit(main())
