"""What the commands share: bad input is one line and status 2; a stop says how to go on."""

import argparse
import os
import shlex
import signal
import sys
from contextlib import contextmanager

from deap_lossgp.errors import unknown_name


class _HelpFormatter(argparse.ArgumentDefaultsHelpFormatter):
    """Shows defaults where there is something to show."""

    def _get_help_string(self, action):
        if action.default is None or isinstance(action.default, bool):
            return action.help
        return super()._get_help_string(action)


class CommandParser(argparse.ArgumentParser):
    """An ``ArgumentParser`` whose errors are one line, without the usage."""

    def __init__(self, description, **kwargs):
        super().__init__(
            description=description,
            formatter_class=_HelpFormatter,
            allow_abbrev=False,
            **kwargs,
        )

    def parse_known_args(self, args=None, namespace=None):
        """As argparse's, but that a misspelt option is told of before anything that is missing."""
        args = sys.argv[1:] if args is None else args
        known = self._option_string_actions
        for option in (word.partition("=")[0] for word in args):
            if option.startswith("--") and len(option) > 2 and option not in known:
                self.error(unknown_name("option", option, [o for o in known if o[:2] == "--"]))
        return super().parse_known_args(args, namespace)

    def error(self, message):
        fail(self.prog, message)


def fail(program, message):
    """Prints one line and ends the command with exit status 2."""
    print(f"{program}: error: {' '.join(str(message).split())}", file=sys.stderr)
    sys.exit(2)


def refused(program, action, *args, **kwargs):
    """Calls ``action``; a ValueError, TypeError or OSError of its ends the command in one line."""
    try:
        return action(*args, **kwargs)
    except BrokenPipeError:  # not of what the user gave
        raise
    except (ValueError, TypeError, OSError) as error:
        return fail(program, error)


@contextmanager
def piped():
    """Who reads what is printed may stop, like ``head``: then the command ends without a word."""
    try:
        yield
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would try to print the rest when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)  # as of what SIGPIPE ends


class _Terminated(KeyboardInterrupt):
    """SIGTERM, as an exception."""


@contextmanager
def resumable(program, argv=None):
    """Ctrl-C, SIGTERM and a failing disk end the command; its last line is how to go on.

    The exit status is 130, 143 and 1. As in ``piped``, nobody need read what is printed.
    """

    def terminate(number, frame):
        raise _Terminated

    before = signal.signal(signal.SIGTERM, terminate)
    try:
        with piped():
            yield
    except (KeyboardInterrupt, OSError) as error:
        # No second one while this one is dealt with.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        if isinstance(error, OSError):
            reason, status = f"{program}: error: {' '.join(str(error).split())}", 1
        else:
            reason, status = f"{program}: stopped", 143 if isinstance(error, _Terminated) else 130
        arguments = sys.argv[1:] if argv is None else argv
        print(f"{reason}. What was trained is kept; the same command goes on from there:\n"
              f"python {shlex.join([sys.argv[0], *arguments])}", file=sys.stderr, flush=True)
        sys.exit(status)
    finally:
        if signal.getsignal(signal.SIGTERM) is terminate:
            signal.signal(signal.SIGTERM, before)
