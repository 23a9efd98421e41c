"""Imports TensorFlow late and quietly, and sets it up before it is first used in a process.

Importing this module does not import TensorFlow; calling its functions does.
"""

import importlib.util
import json
import os
import platform
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any, TextIO


def check_tensorflow() -> None:
    """Checks that TensorFlow is installed and is Keras's backend, without importing them.

    Raises:
        ValueError: It is not installed, with the command that installs it; or Keras has another
            backend, with the place that says so.
    """
    if importlib.util.find_spec("tensorflow") is None:
        raise ValueError(_missing("there is no module of this name"))
    for place, backend in _backends():
        if backend != "tensorflow":
            raise ValueError(f"expected Keras on the backend 'tensorflow', on which alone losses "
                             f"are evolved, got {backend!r} from {place}")


def _backends():
    """Yields (place, backend) of what says which backend Keras has, or will have in a worker."""
    home = Path(os.environ.get("KERAS_HOME") or "~/.keras", "keras.json").expanduser()
    if backend := os.environ.get("KERAS_BACKEND"):
        yield "KERAS_BACKEND", backend
    else:
        with suppress(OSError, ValueError, AttributeError):
            if backend := json.loads(home.read_text()).get("backend"):
                yield str(home), backend
    if "keras" in sys.modules:
        yield "keras.config.backend()", sys.modules["keras"].config.backend()


FLAGS = ("TF_XLA_", "XLA_FLAGS", "TF_ENABLE_", "TF_DISABLE_", "TF_USE_", "TF_NUM_", "TF_GPU_",
         "TF_DETERMINISTIC_", "TF_CUDNN_", "TF_AUTO_MIXED_PRECISION_", "TF_ONEDNN_", "ONEDNN_",
         "DNNL_", "CUBLAS_WORKSPACE_CONFIG", "NVIDIA_TF32_OVERRIDE")
"""How variables of the environment begin with which TensorFlow, XLA and oneDNN compute otherwise.

Not all that begin with ``TF_``: others are Terraform's, and may be secrets."""


def arithmetic_settings(threads: int, determinism: bool | None, **others: Any) -> dict[str, Any]:
    """Returns what the bits of a training depend on and a user sets: part of the store's keys.

    Args:
        threads, determinism: As for ``prepare_tensorflow``.
        **others: What else has been set in this process, by name.

    Returns:
        dict: ``threads``, ``determinism``, and under ``flags`` a dict of the others and of the
        variables of the environment in ``FLAGS``.
    """
    variables = {name: value for name, value in os.environ.items() if name.startswith(FLAGS)}
    return {"threads": threads, "determinism": determinism,
            "flags": dict(sorted({**variables, **others}.items()))}


def import_tensorflow(quiet: bool = True) -> None:
    """Imports TensorFlow.

    Args:
        quiet: Whether to keep its start-up messages off the screen.

    Raises:
        ValueError: It cannot be imported. The message gives the command that installs it.
    """
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    try:
        with quiet_start_up() if quiet and "tensorflow" not in sys.modules else nullcontext():
            import tensorflow

            tensorflow.config.list_physical_devices()
    except ImportError as error:
        raise ValueError(_missing(error)) from None


_kept_open: list[TextIO] = []  # loggers that were made meanwhile go on writing to them


@contextmanager
def quiet_start_up() -> Iterator[None]:
    """Keeps what TensorFlow says while it is imported off the screen; what Python says appears."""
    # C++ prints the messages before it reads any log level, so the descriptor is redirected.
    stream = sys.stderr
    stream.flush()
    kept = os.dup(2)
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    if _descriptor(stream) == 2:
        sys.stderr = os.fdopen(kept, "w", 1, errors="backslashreplace", closefd=False)
        _kept_open.append(sys.stderr)
    try:
        yield
    finally:
        sys.stderr = stream
        os.dup2(kept, 2)


def _descriptor(stream):
    try:
        return stream.fileno()
    except (OSError, AttributeError):  # a notebook's, or none
        return None


def _missing(reason):
    reason = " ".join(str(reason).split())
    return (f"TensorFlow cannot be imported ({reason}): pip install -e '.[cpu]' in the clone, "
            f"or [gpu]")


def prepare_tensorflow(threads: int = 1, determinism: bool | None = None) -> dict[str, Any]:
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

    Raises:
        ValueError: Keras has another backend, or TensorFlow does not run eagerly.
    """
    import keras
    import tensorflow as tf

    check_tensorflow()
    if not tf.executing_eagerly():
        raise ValueError("expected TensorFlow as it is by default, got eager execution disabled")
    gpus = tf.config.get_visible_devices("GPU")
    try:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        # Two at least, as in all that was measured; one is enough for both paths of the loop.
        tf.config.threading.set_inter_op_parallelism_threads(max(2, threads))
        for gpu in gpus:
            with suppress(ValueError):  # the user has divided it
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


def own_options() -> dict[str, Any]:
    """Returns what else was set in this process and changes results, for ``arithmetic_settings``.

    Returns:
        dict: TensorFlow's options for its optimizer of graphs, and whether it may round to TF32.
    """
    import tensorflow as tf

    options = sorted(item for item in tf.config.optimizer.get_experimental_options().items()
                     if not (item[0].startswith("disable_") and item[1] is False))
    found = {"optimizer": repr(options)} if options else {}
    if not tf.config.experimental.tensor_float_32_execution_enabled():
        found["tensor_float_32"] = "disabled"
    return found


def _device_name(gpus):
    import tensorflow as tf

    if not gpus:
        return f"CPU {platform.machine()}"
    details = tf.config.experimental.get_device_details(gpus[0])
    return details.get("device_name", gpus[0].name)


_used_before_fork = False


def check_not_forked() -> None:
    """Refuses to train in a forked copy of a process that has used TensorFlow: it would hang.

    Raises:
        ValueError: This process is such a copy.
    """
    if _used_before_fork:
        raise ValueError(
            "this process was forked from one that had used TensorFlow, which hangs in the copy: "
            "make the pool before anything is evaluated, or with get_context('spawn').Pool, or "
            "train in worker processes (engine=WorkerProcesses(...), toolbox.map = evaluation.map)")


def _note_fork():
    global _used_before_fork
    context = getattr(sys.modules.get("tensorflow.python.eager.context"), "_context", None)
    _used_before_fork |= context is not None and getattr(context, "_initialized", True)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_note_fork)


def _usable_cpus():
    """Returns the number of CPUs that this process may use; TensorFlow's default thread count."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count()
