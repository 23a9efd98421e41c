"""``lossgp evolve``: evolves a loss function for image classifiers."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deap_lossgp.commands.options import PRESETS, announce, experiment_parser, parse_experiment
from deap_lossgp.commands.parser import CommandParser, refused, resumable
from deap_lossgp.engines import TrainingError
from deap_lossgp.search import RunSettings, TensorBoard
from deap_lossgp.training.tensorflow_setup import check_tensorflow

if TYPE_CHECKING:
    from deap_lossgp.search.runs import Run

EXAMPLES = """\
examples:
  lossgp evolve
      on small images of digits, in about a minute
  lossgp evolve --datasets my_images --image-size 32 --output my_run
      on a folder of your own, with a folder of images for each class
  lossgp evolve --datasets cifar10 --train-size 10000 --epochs 6 --final-epochs 20
      the search on few images, the choice and the tests on all of them
At first --datasets, --image-size, --epochs, --population, --generations and --output are enough.
The last lines of the output say how to see and use the result."""
"""What stands below the options in ``--help``."""


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Evolves a loss, and says where its run's folder is and what to do next.

    Args:
        argv: The arguments; None for those in ``sys.argv``.
        prog: What the user types before them; None for a program of its own.
    """
    parser = experiment_parser(
        "Evolve a loss function for image classifiers by genetic programming.",
        RunSettings(), PRESETS, prog)
    parser.epilog = EXAMPLES
    parser.add_argument("--tensorboard", metavar="DIR", help="folder for TensorBoard's files")
    with resumable(parser, argv), refused(parser, prepare, parser, argv) as run:
        try:
            introduce(run)
            result = run.execute()
            print(result.report(shortened=sys.stdout.isatty()))
            folder = shlex.quote(str(run.output))
            print(f"Page: {run.output / 'report.html'}, for a browser: the loss, its tests, how "
                  f"the search went, code to copy")
            print(f"Next: {parser.call_of('describe')} {folder} shows what the loss does")
            print(f"      {parser.call_of('export')} {folder} --to torch writes it for PyTorch "
                  f"(or keras, latex, sympy, text)")
        except TrainingError as error:
            parser.error(error)


def introduce(run: Run) -> None:
    """Says on a terminal what is about to happen, because nothing is to be seen of it at first."""
    if not sys.stderr.isatty():
        return
    s = run.settings
    print(f"Evolving a loss for {', '.join(task.name for task in run.tasks)}: a population of "
          f"{s.population}, {s.generations} generations; each loss trains a network for up to "
          f"{s.epochs} epochs.\nCtrl-C stops the run, and the same command goes on with it. All "
          f"of it is kept in {run.output}{os.sep}", file=sys.stderr)


def prepare(parser: CommandParser, argv: Sequence[str] | None) -> Run:
    """Returns the ``Run`` that a command line describes."""
    settings, execution, options = parse_experiment(parser, argv, RunSettings, PRESETS)
    announce(settings)
    check_tensorflow()
    from deap_lossgp.search import Run

    callbacks = [TensorBoard(options["tensorboard"])] if options["tensorboard"] else []
    return Run(settings, options["output"], execution=execution, callbacks=callbacks)
