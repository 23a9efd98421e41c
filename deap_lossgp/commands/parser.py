"""How commands read their arguments, and how they end: bad input, a closed pipe, a stop."""

import argparse
import os
import select
import shlex
import signal
import sys
from contextlib import contextmanager

from deap_lossgp.errors import printable, unknown_name


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults, but no empty or boolean ones; several values are shown without brackets."""

    def _get_help_string(self, action):
        if action.default in (None, (), []) or isinstance(action.default, bool):
            return action.help
        if isinstance(action.default, list | tuple):
            return f"{action.help} (default: {' '.join(map(str, action.default))})"
        return super()._get_help_string(action)


class CommandParser(argparse.ArgumentParser):
    """An ``ArgumentParser`` whose errors are one line, without the usage."""

    def __init__(self, description, **kwargs):
        print_anything()
        super().__init__(
            description=description,
            formatter_class=_HelpFormatter,
            allow_abbrev=False,
            **kwargs,
        )

    def parse_known_args(self, args=None, namespace=None):
        """Parses like argparse, but reports a misspelt option before a missing argument."""
        args = sys.argv[1:] if args is None else args
        known = self._option_string_actions
        for option in (word.partition("=")[0] for word in args):
            if option.startswith("--") and len(option) > 2 and option not in known:
                self.error(unknown_name("option", option, [o for o in known if o[:2] == "--"]))
        return super().parse_known_args(args, namespace)

    def error(self, message):
        fail(self.prog, message)


def print_anything():
    """Lets output show escapes for characters that its encoding lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # not where a notebook or a test has replaced it
            stream.reconfigure(errors="backslashreplace")


def fail(program, message):
    """Prints an error in one line and ends the command with exit status 2.

    Args:
        program: The command's name.
        message: The text, or an exception.

    Raises:
        SystemExit: Always.
    """
    print(f"{program}: error: {printable(' '.join(str(message).split()))}", file=sys.stderr)
    sys.exit(2)


def refused(program, action, *args, **kwargs):
    """Calls ``action``; its ValueError, TypeError or OSError ends the command with one line.

    Args:
        program: The command's name.
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
        return fail(program, error)


@contextmanager
def piped():
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
def resumable(program, argv=None):
    """Ends the command on Ctrl-C, SIGTERM or a failing disk; its last line says how to go on.

    The exit status is 130, 143 or 1. A closed pipe ends the command as in ``piped``.

    Args:
        program: The command's name.
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
            reason, status = f"{program}: error: {printable(' '.join(str(error).split()))}", 1
        else:
            reason, status = f"{program}: stopped", 143 if isinstance(error, _Terminated) else 130
        arguments = sys.argv[1:] if argv is None else argv
        print(f"{reason}. What was trained is kept; the same command goes on from there:\n"
              f"python {shlex.join([sys.argv[0], *arguments])}", file=sys.stderr, flush=True)
        sys.exit(status)
    finally:
        if signal.getsignal(signal.SIGTERM) is terminate:
            signal.signal(signal.SIGTERM, before)
