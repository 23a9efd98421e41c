"""The program ``lossgp``, which is ``python -m deap_lossgp``, too: finds the command and calls it.

    lossgp evolve --datasets digits

Only the module of that command is imported.
"""

import sys
from collections.abc import Sequence
from importlib import import_module

from deap_lossgp import __version__
from deap_lossgp.commands.parser import CommandParser, fail, piped
from deap_lossgp.commands.table import COMMANDS, Command
from deap_lossgp.errors import unknown_name


def main(argv: Sequence[str] | None = None, prog: str = "lossgp") -> int | None:
    """Runs a command.

    Args:
        argv: The command's name and its arguments; None for those in ``sys.argv``.
        prog: What the user types before them.

    Returns:
        The exit status; None where all went well.

    Raises:
        SystemExit: The command ended early, or there is no such command: exit status 2.
    """
    argv = sys.argv[1:] if argv is None else argv
    parser = CommandParser("Evolve loss functions for image classifiers, and use them.", prog=prog)
    parser.add_argument("--version", action="version", version=f"deap_lossgp {__version__}")
    if argv and argv[0] in COMMANDS:
        command = import_module(Command.module_of(argv[0]))
        return command.main(argv[1:], prog=f"{prog} {argv[0]}")
    if argv and not argv[0].startswith("-"):
        fail(prog, unknown_name("command", argv[0], COMMANDS))
    parser.epilog = (f"Start with {prog} evolve, which takes about a minute. {prog} COMMAND --help "
                     f"lists the options of a command.")
    shown = parser.add_subparsers(title="commands", metavar="COMMAND", parser_class=CommandParser)
    for name, command in COMMANDS.items():
        shown.add_parser(name, help=command.summary, description=command.summary)
    with piped():
        parser.parse_args(argv[:1])
        parser.print_help()
    return 2
