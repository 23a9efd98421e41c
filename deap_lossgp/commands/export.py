"""``lossgp export``: a loss as a file that does not need this package."""

from __future__ import annotations

from collections.abc import Sequence
from keyword import iskeyword
from pathlib import Path

from deap_lossgp.commands.parser import CommandParser, piped, refused
from deap_lossgp.export import TARGETS, class_name, export_loss, file_name
from deap_lossgp.export.names import USES
from deap_lossgp.found_losses import FoundLoss, read_loss


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Writes a loss as a file, and says how to use it.

    Args:
        argv: The arguments; None for those in ``sys.argv``.
        prog: What the user types before them; None for a program of its own.
    """
    parser = CommandParser("Write a loss as a file that does not need this package.", prog=prog)
    parser.add_argument("loss", metavar="LOSS",
                        help="a run's best_loss.json or folder, or the name of a known loss")
    parser.add_argument("--to", required=True, choices=TARGETS, help="what to write")
    parser.add_argument("--scale", default="1", metavar="NUMBER",
                        help="what the mean over the classes is multiplied by; or cross_entropy, "
                             "for its gradient summed over the classes, as evolution trains")
    parser.add_argument("--output", metavar="DIR", default=".",
                        help="the folder, or the file; a file of the same name is replaced")
    parser.add_argument("--seed", type=int, help="not used: an export is not random")
    arguments = parser.parse_args(argv)
    found, path, text = refused(parser, export, arguments.loss, arguments.to,
                                arguments.scale, arguments.output)
    defines_class = TARGETS[arguments.to].defines_class
    with piped():
        if not defines_class:
            print(text)
        print(f"Written to {path}")
        if defines_class and path.stem.isidentifier() and not iskeyword(path.stem):
            print(f"Use it with: from {path.stem} import {class_name(found.name)}")
            print(f"             {USES[arguments.to].format(class_name(found.name))}")
            if arguments.scale == "1":
                print("With --scale cross_entropy its gradient is as large as that of cross "
                      "entropy, as in the evolution.")
        elif defines_class:
            print(f"It defines {class_name(found.name)}; to import it, rename the file: "
                  f"{path.stem!r} is no name of a module")


def export(loss: str, to: str, scale: str = "1",
           output: Path | str = ".") -> tuple[FoundLoss, Path, str]:
    """Writes the file and returns the loss, the file's path and its text."""
    found = read_loss(loss)
    text = export_loss(found, to, scale=scale if scale == "cross_entropy" else number(scale))
    path, ending = Path(output), Path(file_name(found, to)).suffix
    if path.is_dir() or not path.suffix:
        path /= file_name(found, to)
    elif path.suffix != ending:
        raise ValueError(f"--output: expected a folder, or a file that ends in {ending}, "
                         f"got {output}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return found, path, text


def number(text: str) -> float:
    """Returns the number that ``--scale`` gives."""
    try:
        return float(text)
    except ValueError:
        raise ValueError(f"--scale: expected a number or cross_entropy, got {text!r}") from None
