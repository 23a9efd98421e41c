"""What the commands share: bad input is one line on stderr and exit status 2."""

import argparse
import os
import sys


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
    except (ValueError, TypeError, OSError) as error:
        return fail(program, error)


def import_tensorflow():
    """Imports TensorFlow without its start-up messages on the screen.

    Raises:
        ValueError: It is not installed; names the command that installs it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # The messages come from C++, before any log level is read: only the descriptor helps.
    sys.stderr.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        import tensorflow

        tensorflow.config.list_physical_devices()
    except ImportError as error:
        raise ValueError(f"TensorFlow cannot be imported ({error}): "
                         f"pip install -e '.[cpu]' in the clone, or [gpu]") from None
    finally:
        os.dup2(kept, 2)
        os.close(kept)
