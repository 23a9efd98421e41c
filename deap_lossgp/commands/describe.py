"""``lossgp describe``: cards, curves and trees of losses."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deap_lossgp.commands.parser import CommandParser, piped, refused
from deap_lossgp.curves import describe
from deap_lossgp.found_losses import KNOWN_LOSSES, FoundLoss, read_loss
from deap_lossgp.plotting import plot_loss, plot_tree


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Prints cards of losses, and draws their curves and trees.

    Args:
        argv: The arguments; None for those in ``sys.argv``.
        prog: What the user types before them; None for a program of its own.
    """
    parser = CommandParser("Describe losses: a card as text, their curves and trees as pictures.",
                           prog=prog)
    parser.add_argument("losses", nargs="+", metavar="LOSS",
                        help="a JSON file with an expression, such as a run's best_loss.json, the "
                             f"folder of a run, or a known loss: {', '.join(KNOWN_LOSSES)}")
    parser.add_argument("--seed", type=int, default=0,
                        help="seed of the random predictions at which losses are compared")
    parser.add_argument("--output", default="runs/describe_loss", metavar="DIR",
                        help="folder for the pictures")
    with piped():
        refused(parser, describe_losses, **vars(parser.parse_args(argv)))


def describe_losses(losses: Sequence[str], output: Path | str, seed: int = 0) -> None:
    """Prints the cards of losses, and writes their pictures to a folder."""
    losses = [read_loss(source) for source in losses]
    output = Path(output)
    output.mkdir(parents=True, exist_ok=True)
    pictures = []
    for loss, name in zip(losses, distinct_names(losses), strict=True):
        print(describe(loss.tree, loss.pset, name=name, seed=seed), end="\n\n")
        for kind, ax in (("card", plot_loss(loss)[0, 0]), ("tree", plot_tree(loss.tree))):
            pictures.append(f"{name}_{kind}.png")
            figure: Any = ax.figure
            figure.savefig(output / pictures[-1])
    print(f"Results in {output}: {', '.join(pictures)}")


def distinct_names(losses: Sequence[FoundLoss]) -> list[str]:
    """Returns the losses' names, numbered where several have the same."""
    names = []
    for loss in losses:
        count = sum(other.name == loss.name for other in losses[:len(names)])
        names.append(f"{loss.name}-{count + 1}" if count else loss.name)
    return names
