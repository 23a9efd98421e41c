"""``lossgp train``: losses side by side in plain Keras."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from deap_lossgp.commands.options import add_settings, read_settings
from deap_lossgp.commands.parser import CommandParser, refused, resumable
from deap_lossgp.comparison import ConfirmationSettings
from deap_lossgp.found_losses import KNOWN_LOSSES

if TYPE_CHECKING:
    from deap_lossgp.comparison.confirmations import Confirmation


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Trains losses over seeds, and prints a table with statistics.

    Args:
        argv: The arguments; None for those in ``sys.argv``.
        prog: What the user types before them; None for a program of its own.
    """
    p = CommandParser("Train losses side by side in plain Keras, over seeds, with statistics.",
                      prog=prog)
    p.add_argument("losses", nargs="+", metavar="LOSS",
                   help=f"a best_loss.json, the folder of a run, or {', '.join(KNOWN_LOSSES)}")
    p.add_argument("--output", metavar="DIR", help="the folder; by default one in runs/")
    p.add_argument("--threads", type=int, default=1,
                   help="threads per operation on the CPU; more for large networks")
    add_settings(p, ConfirmationSettings())
    with resumable(p, argv), refused(p, prepare, p.parse_args(argv)) as confirmation:
        print(confirmation.execute())


def prepare(options: argparse.Namespace) -> Confirmation:
    """Returns the ``Confirmation`` that parsed options describe."""
    settings = read_settings(vars(options), ConfirmationSettings)
    from deap_lossgp.comparison import Confirmation

    return Confirmation(options.losses, settings, options.output, threads=options.threads)
