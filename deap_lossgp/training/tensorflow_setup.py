"""Imports TensorFlow late and quietly, and sets it up before it is first used in a process.

Importing this module does not import TensorFlow; calling its functions does.
"""

import importlib.util
import os
import platform
import sys


def check_tensorflow():
    """Checks that TensorFlow is installed, without importing it.

    Raises:
        ValueError: It is not installed. The message gives the command that installs it.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise ValueError(_missing("there is no module of this name"))


def import_tensorflow():
    """Imports TensorFlow without its start-up messages on the screen.

    Raises:
        ValueError: It cannot be imported. The message gives the command that installs it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # C++ prints the messages before it reads any log level, so the descriptor is redirected.
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
    """Sets up TensorFlow in this process, before it is first used.

    GPUs get memory growth. If TensorFlow has been used in this process already, as in a notebook,
    its threads and memory settings stay as they are.

    Args:
        threads: Threads of one operation on the CPU. One is fastest for small networks, whose
            operations are too short to be shared out, and makes results independent of the number
            of cores. Large networks need more threads to be fast.
        determinism: Whether operations are deterministic, so that a repeated training gives the
            same bits. Default: only without a GPU, because on GPUs it can be slow.

    Returns:
        dict: Everything on which the bits of a training depend, besides its seed and the code; the
        keys are ``tensorflow keras threads determinism device``.
    """
    import keras
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        # At least two: on the exact path the loss runs inside an operation of the loop.
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
    """Makes a graph of a function that the loop calls while it runs; it is traced when called.

    If TensorFlow has a single thread for operations, the function is returned as it is and runs
    eagerly: the loop's operation holds this thread, so a graph would wait for it for ever.

    Args:
        function: A function of tensors.

    Returns:
        callable: Takes the same arguments and returns the same values.
    """
    import tensorflow as tf

    threads = tf.config.threading.get_inter_op_parallelism_threads() or _usable_cpus()
    return tf.function(function, autograph=False) if threads > 1 else function


def _usable_cpus():
    """Returns the number of CPUs that this process may use; TensorFlow's default thread count."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
