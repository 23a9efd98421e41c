"""Evolves a loss function for image classifiers.

With no arguments it evolves one on scikit-learn's digits, in about a minute:

    python examples/evolve_loss.py

At the thesis's small scale, which needs a GPU:

    python examples/evolve_loss.py --preset small
"""

import shlex
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
from deap_lossgp.engines import TrainingError
from deap_lossgp.search import RunSettings, TensorBoard
from deap_lossgp.training.tensorflow_setup import check_tensorflow


def main(argv=None):
    parser = experiment_parser(
        "Evolve a loss function for image classifiers by genetic programming.",
        RunSettings(), PRESETS,
    )
    parser.add_argument("--tensorboard", metavar="DIR", help="folder for TensorBoard's files")
    with resumable(parser.prog, argv), refused(parser.prog, prepare, parser, argv) as run:
        try:
            print(run.execute())
            folder = shlex.quote(str(run.output))
            print(f"Next: python examples/describe_loss.py {folder} shows what the loss does, "
                  f"export_loss.py writes it for Keras, PyTorch or a paper")
        except TrainingError as error:
            fail(parser.prog, error)


def prepare(parser, argv):
    settings, execution, options = parse_experiment(parser, argv, RunSettings, PRESETS)
    announce(settings)
    check_tensorflow()
    from deap_lossgp.search import Run

    callbacks = [TensorBoard(options["tensorboard"])] if options["tensorboard"] else []
    return Run(settings, options["output"], execution=execution, callbacks=callbacks)


if __name__ == "__main__":
    sys.exit(main())
