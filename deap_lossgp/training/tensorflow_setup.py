"""TensorFlow in a process: imported late and quietly, and set up before it is first used.

Importing this module does not import TensorFlow; calling its functions does.
"""

import importlib.util
import os
import platform
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


def prepare_tensorflow(threads=1, determinism=None):
    """Sets what TensorFlow takes once per process, before it is first used.

    Args:
        threads: Threads of one operation on the CPU. One is fastest for small networks, whose
            operations are shorter than sharing them out, and makes results independent of the
            number of cores; large networks want more.
        determinism: Whether operations are deterministic, so that a training is bit-identical
            when repeated. By default where there is no GPU: on GPUs it can be very slow.

    GPUs get memory growth. Where TensorFlow has been used in this process already, as in a
    notebook, its threads and memory stay as they are.

    Returns:
        What the bits of a training depend on besides seed and code: a dict with the keys
        ``tensorflow keras threads determinism device``.
    """
    import keras
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        # Two at least: the exact path's loss runs inside an operation of the loop.
        tf.config.threading.set_inter_op_parallelism_threads(max(2, threads))
        for gpu in gpus:
            tf.config.experimental.set_memory_growth(gpu, True)
    except RuntimeError:
        threads = tf.config.threading.get_intra_op_parallelism_threads() or _usable_cpus()
    determinism = not gpus if determinism is None else determinism
    if determinism:
        tf.config.experimental.enable_op_determinism()
    return {
        "tensorflow": tf.__version__, "keras": keras.__version__, "threads": threads,
        "determinism": determinism, "device": _device_name(gpus),
    }


def _device_name(gpus):
    import tensorflow as tf

    if not gpus:
        return f"CPU {platform.machine()}"
    details = tf.config.experimental.get_device_details(gpus[0])
    return details.get("device_name", gpus[0].name)


def compiled(function):
    """The function as a graph, traced when first called.

    Left to eager operations where the one thread there is would wait for itself: the loop calls
    the function while it runs.
    """
    import tensorflow as tf

    threads = tf.config.threading.get_inter_op_parallelism_threads() or _usable_cpus()
    return tf.function(function, autograph=False) if threads > 1 else function


def _usable_cpus():
    """TensorFlow sizes its pool by these, not by the machine's."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
