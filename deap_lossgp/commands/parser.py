"""How commands read their arguments, and how they end: bad input, a closed pipe, a stop."""

from __future__ import annotations

import argparse
import os
import re
import select
import shlex
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

from deap_lossgp.commands.table import COMMANDS
from deap_lossgp.errors import printable, unknown_name

Result = TypeVar("Result")
"""What an action returns."""


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but no empty or boolean ones; several values are shown without brackets. A
    text of several lines keeps them. Settings are called as ``as_typed`` says."""

    as_typed: Callable[[str], str]

    def _fill_text(self, text, width, indent):
        return text if "\n" in text else super()._fill_text(text, width, indent)

    def _get_help_string(self, action):
        help = self.as_typed(action.help)
        if action.default in (None, (), []) or isinstance(action.default, bool):
            return help
        if isinstance(action.default, list | tuple):
            return f"{help} (default: {' '.join(map(str, action.default))})"
        return self.as_typed(super()._get_help_string(action))


class CommandParser(argparse.ArgumentParser):
    """An ``ArgumentParser`` whose errors are one line, without the usage.

    Args:
        description: What the command does, in one line.
        prog: What the user types before the arguments, such as ``lossgp evolve``; None for a
            program of its own.
        **kwargs: As for an ``ArgumentParser``.

    Attributes:
        call: What the user types before the arguments, the path of a program included.
    """

    def __init__(self, description: str, prog: str | None = None, **kwargs: Any) -> None:
        print_anything()
        self.call = prog or f"python {shlex.quote(sys.argv[0])}"
        super().__init__(
            description=description,
            prog=prog,
            formatter_class=_HelpFormatter,
            allow_abbrev=False,
            **kwargs,
        )

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        """Parses like argparse, but reports a misspelt option before a missing argument."""
        args = sys.argv[1:] if args is None else args
        known = self._option_string_actions
        for option in (word.partition("=")[0] for word in args):
            if option.startswith("--") and len(option) > 2 and option not in known:
                options = [name for name in known if name[:2] == "--"]
                self.error(str(unknown_name("option", option, options)))
        return super().parse_known_args(args, namespace)

    def as_typed(self, text: str) -> str:
        """Returns a text about settings with the options that set them in place of their names.

        A name of several words is always replaced, one of a single word before "must". What stands
        in quotes, and what is part of another name or a path, stays as it is.

        Args:
            text: A help text or the message of an error.

        Examples:
            >>> parser = CommandParser("")
            >>> _ = [parser.add_argument(f"--{name}", type=int) for name in ("train-size", "seed")]
            >>> parser.as_typed("seed must be less than train_size, the size, got 'train_size'")
            "--seed must be less than --train-size, the size, got 'train_size'"
        """
        options = {action.dest: action.option_strings[0] for action in self._actions
                   if action.option_strings and (action.nargs != 0 or _names_its_setting(action))}
        names = "|".join(map(re.escape, sorted(options, key=len, reverse=True)))

        def typed(match):
            name = match["name"]
            is_meant = name and ("_" in name or match["must"] is not None)
            return options[name] if is_meant else match[0]

        quoted = r"""(?<!\w)(?P<quote>['"]).*?(?P=quote)"""
        named = rf"(?<![\w./-])(?P<name>{names})(?![\w/-]|\.\w)(?P<must>(?= must ))?"
        return re.sub(f"{quoted}|{named}", typed, text)

    def _get_formatter(self):
        formatter = super()._get_formatter()
        formatter.as_typed = self.as_typed
        return formatter

    def error(self, message: object) -> NoReturn:
        message = self.as_typed(str(message))
        if message.startswith("the following arguments are required"):
            message += "".join(f"; {'/'.join(action.option_strings)} is one of "
                               f"{', '.join(action.choices)}" for action in self._actions
                               if action.choices and {*action.option_strings} & {*message.split()})
        fail(self.prog, message)

    def call_of(self, name: str) -> str:
        """Returns what the user types for another command, who has typed this one so.

        Args:
            name: One of ``COMMANDS``.

        Examples:
            >>> CommandParser("", prog="python -m deap_lossgp evolve").call_of("describe")
            'python -m deap_lossgp describe'
        """
        if self.call == self.prog:
            return f"{self.prog.rpartition(' ')[0]} {name}"
        program = Path(sys.argv[0]).parent / COMMANDS[name].program
        return f"python {shlex.quote(str(program))}" if program.is_file() else f"lossgp {name}"


def _names_its_setting(action):
    """Whether an option without a value is not the opposite of its setting, as --plain is."""
    return action.option_strings[0] == f"--{action.dest.replace('_', '-')}"


def print_anything() -> None:
    """Lets output show escapes for characters that its encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a notebook or a test has replaced it
            stream.reconfigure(errors="backslashreplace")


def fail(program: str, message: object) -> NoReturn:
    """Prints an error in one line and ends the command with exit status 2.

    Args:
        program: The command's name.
        message: The text, or an exception.

    Raises:
        SystemExit: Always.
    """
    print(f"{program}: error: {printable(' '.join(str(message).split()))}", file=sys.stderr)
    sys.exit(2)


def refused(parser: CommandParser, action: Callable[..., Result], *args: Any,
            **kwargs: Any) -> Result:
    """Calls ``action``; its ValueError, TypeError or OSError ends the command with one line.

    Args:
        parser: The command's ``CommandParser``.
        action: Is called with the other arguments.

    Returns:
        The result of the action.

    Raises:
        SystemExit: The action raised one of these errors.
    """
    try:
        return action(*args, **kwargs)
    except (ValueError, TypeError, OSError) as error:
        if isinstance(error, BrokenPipeError) and _output_is_closed():
            raise  # not caused by bad input
        parser.error(error)


@contextmanager
def piped() -> Iterator[None]:
    """Ends the command silently if the program that reads its output stops, as ``head`` does.

    Another pipe that breaks is an error like any other.
    """
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        if not _output_is_closed():
            raise
        # Otherwise Python tries to print the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # the exit status of a program that SIGPIPE ends: 128 + 13


def _output_is_closed():
    """Returns whether nothing reads standard output any more."""
    try:
        poll = select.poll()  # not on Windows, where a broken pipe is another error
        poll.register(sys.stdout.fileno(), 0)
        return any(events & (select.POLLERR | select.POLLHUP) for _, events in poll.poll(0))
    except (AttributeError, OSError, ValueError):  # no descriptor
        return False


class _Terminated(KeyboardInterrupt):
    """SIGTERM as an exception."""


@contextmanager
def resumable(parser: CommandParser, argv: Sequence[str] | None = None) -> Iterator[None]:
    """Ends the command on Ctrl-C, SIGTERM or a failing disk; its last line says how to go on.

    The exit status is 130, 143 or 1. A closed pipe ends the command as in ``piped``.

    Args:
        parser: The command's ``CommandParser``.
        argv: The command's arguments; None for those in ``sys.argv``.
    """

    def terminate(number, frame):
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        with piped():
            yield
    except (KeyboardInterrupt, OSError) as error:
        # A second signal must not interrupt what follows.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if isinstance(error, OSError):
            reason = f"{parser.prog}: error: {printable(' '.join(str(error).split()))}"
            status = 1
        else:
            reason = f"{parser.prog}: stopped"
            status = 143 if isinstance(error, _Terminated) else 130
        arguments = sys.argv[1:] if argv is None else argv
        print(f"{reason}. What was trained is kept; the same command goes on from there:\n"
              f"{parser.call} {shlex.join(arguments)}".rstrip(), file=sys.stderr, flush=True)
        sys.exit(status)
    finally:
        if signal.getsignal(signal.SIGTERM) is terminate:
            signal.signal(signal.SIGTERM, before)
