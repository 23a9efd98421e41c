"""TensorFlow, imported late and quietly; every other module names it only below the wall."""

import importlib.util
import os
import sys


def check_tensorflow():
    """Raises a ValueError with the command that installs TensorFlow where it is not installed."""
    if importlib.util.find_spec("tensorflow") is None:
        raise ValueError(_missing("there is no module of this name"))


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
        raise ValueError(_missing(error)) from None
    finally:
        os.dup2(kept, 2)
        os.close(kept)


def _missing(reason):
    return (f"TensorFlow cannot be imported ({reason}): pip install -e '.[cpu]' in the clone, "
            f"or [gpu]")
