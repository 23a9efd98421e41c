"""Trains found losses in plain Keras beside cross entropy and NGL, in pairs with the same seed.

Does the loss of a run help, and does it help a larger network than the one it was found on?

    python examples/train_with_loss.py runs/MY_RUN --model small_cnn resnet8 --seeds 7

A loss is a run's folder, a best_loss.json, or the name of a known loss. The same command with more
seeds, losses, models or data sets trains only what is missing in its --output.
"""

import sys

from deap_lossgp.commands import CommandParser, add_settings, read_settings, refused, resumable
from deap_lossgp.comparison import ConfirmationSettings
from deap_lossgp.found_losses import KNOWN_LOSSES


def main(argv=None):
    p = CommandParser("Train losses side by side in plain Keras, over seeds, with statistics.")
    p.add_argument("losses", nargs="+", metavar="LOSS",
                   help=f"a best_loss.json, the folder of a run, or {', '.join(KNOWN_LOSSES)}")
    p.add_argument("--output", metavar="DIR", help="the folder; by default one in runs/")
    p.add_argument("--threads", type=int, default=1,
                   help="threads per operation on the CPU; more for large networks")
    add_settings(p, ConfirmationSettings())
    with resumable(p.prog, argv), refused(p.prog, prepare, p.parse_args(argv)) as confirmation:
        print(confirmation.execute())


def prepare(options):
    settings = read_settings(vars(options), ConfirmationSettings)
    from deap_lossgp.comparison import Confirmation

    return Confirmation(options.losses, settings, options.output, threads=options.threads)


if __name__ == "__main__":
    sys.exit(main())
