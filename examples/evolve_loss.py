"""Evolves a loss function for image classifiers.

With no arguments it evolves one on scikit-learn's digits, in about a minute:

    python examples/evolve_loss.py

The thesis's small scale, which wants a GPU:

    python examples/evolve_loss.py --preset small
"""

import sys

from deap_lossgp.callbacks import TensorBoard
from deap_lossgp.cli import fail, refused, resumable
from deap_lossgp.engines import TrainingError
from deap_lossgp.options import PRESETS, experiment_parser, parse_experiment
from deap_lossgp.settings import RunSettings
from deap_lossgp.tensorflow_setup import check_tensorflow


def main(argv=None):
    parser = experiment_parser(
        "Evolve a loss function for image classifiers by genetic programming.",
        RunSettings(), PRESETS,
    )
    parser.add_argument("--algorithm",
                        help="sample-tournament (the thesis), archive (NGL), random search, "
                             "regularized evolution, or glo")
    parser.add_argument("--tensorboard", metavar="DIR", help="folder to write for TensorBoard to")
    with resumable(parser.prog, argv), refused(parser.prog, prepare, parser, argv) as run:
        try:
            print(run.execute())
            print(f"Next: python examples/describe_loss.py {run.output} shows what the loss does, "
                  f"export_loss.py writes it for Keras, PyTorch or a paper")
        except TrainingError as error:
            fail(parser.prog, error)


def prepare(parser, argv):
    settings, execution, options = parse_experiment(parser, argv, RunSettings, PRESETS)
    check_tensorflow()
    from deap_lossgp.runs import Run

    callbacks = [TensorBoard(options["tensorboard"])] if options["tensorboard"] else []
    return Run(settings, options["output"], execution=execution, callbacks=callbacks)


if __name__ == "__main__":
    sys.exit(main())
