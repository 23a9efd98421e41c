"""What the commands share: bad input is one line on stderr and exit status 2."""

import argparse
import os
import sys


class CommandParser(argparse.ArgumentParser):
    """An ``ArgumentParser`` whose errors are one line, without the usage."""

    def __init__(self, description, **kwargs):
        super().__init__(
            description=description,
            formatter_class=argparse.ArgumentDefaultsHelpFormatter,
            allow_abbrev=False,
            **kwargs,
        )

    def error(self, message):
        fail(self.prog, message)


def fail(program, message):
    """Prints one line and ends the command with exit status 2."""
    print(f"{program}: error: {' '.join(str(message).split())}", file=sys.stderr)
    sys.exit(2)


def refused(program, action, *args, **kwargs):
    """Calls ``action``; what it refuses with a ValueError, TypeError or OSError ends the command."""
    try:
        return action(*args, **kwargs)
    except (ValueError, TypeError, OSError) as error:
        return fail(program, error)


def quiet_tensorflow():
    """Keeps TensorFlow's start-up messages off the screen; call it before the first import."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
