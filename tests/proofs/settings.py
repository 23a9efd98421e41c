"""Runs under settings of Keras and TensorFlow that others have made: the same, or another key."""

import json
import shutil
import sys
from dataclasses import replace

from deap_lossgp.search.store import Store

FILES = {"image_data_format": "channels_first", "floatx": "float64", "epsilon": 1e-3}
"""What ``keras.json`` may say."""

VARIABLES = {
    "TF_XLA_FLAGS": "--tf_xla_auto_jit=2 --tf_xla_cpu_global_jit",
    "XLA_FLAGS": "--xla_cpu_enable_fast_math=true",
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_NUM_INTRAOP_THREADS": "3",
    "KERAS_MAX_EPOCHS": "1",
    "KERAS_BACKEND": "jax",
}
"""What the environment may say."""

CALLS = (
    "keras.config.set_image_data_format('channels_first')", "keras.config.set_floatx('float16')",
    "keras.config.set_epsilon(1e-2)", "keras.config.set_dtype_policy('mixed_float16')",
    "keras.config.set_max_epochs(1)", "keras.utils.set_random_seed(7)",
    "tf.config.run_functions_eagerly(True)", "tf.config.optimizer.set_jit(True)",
    "tf.config.optimizer.set_experimental_options({'constant_folding': False})",
    "tf.config.experimental.enable_tensor_float_32_execution(False)",
    "tf.config.threading.set_intra_op_parallelism_threads(4)",
    "tf.config.experimental.enable_op_determinism()",
    "tf.constant(1.0) + 1.0",  # from here on threads cannot be set
)
"""What a program may have called before; they are called in this order."""

SETTINGS = (*FILES, *VARIABLES, *CALLS)

PROGRAM = """
import sys
from deap_lossgp import evolve

CALLS
evolve("digits", output=sys.argv[1], workers=int(sys.argv[2]), population=2, generations=0,
       epochs=2, train_size=300, finalists=0, test_seeds=0, progress=False)
"""


def other_settings(bench, number, rng):
    """Runs under one of the settings, in turn, and up to two more; half train in the process."""
    first = SETTINGS[(number - 1) % len(SETTINGS)]
    chosen = {first, *rng.sample(SETTINGS, rng.randrange(3))}
    workers = number % 2 if first not in CALLS else 0
    expected, _ = _run(bench, (), 1)
    rows, said = _run(bench, chosen, workers)
    if not rows:
        outcome, held = "refused", "KERAS_BACKEND" in chosen and "got 'jax' from" in said
    elif rows.keys() == expected.keys():
        outcome, held = "the same", rows == expected
    else:
        outcome, held = "another key", not rows.keys() & expected.keys()
    if not held:
        print(said, file=sys.stderr)
    return {"settings": " | ".join(name for name in SETTINGS if name in chosen),
            "workers": workers, "outcome": outcome, "held": int(held)}


def said_of_settings(rows):
    outcomes = [row["outcome"] for row in rows]
    return ", ".join(f"{outcomes.count(name)} {name}"
                     for name in ("the same", "another key", "refused"))


_KNOWN = {}


def _run(bench, chosen, workers):
    """Returns ({key: result} of the trainings of a run, the last line on stderr)."""
    if not chosen and bench in _KNOWN:
        return _KNOWN[bench]
    folder, home = bench.fresh("settings"), bench.fresh("keras")
    home.mkdir()
    (home / "keras.json").write_text(json.dumps(
        {name: value for name, value in FILES.items() if name in chosen}))
    calls = [call for call in CALLS if call in chosen and "KERAS_BACKEND" not in chosen]
    calls = "\n".join(["import keras, tensorflow as tf", *calls] if calls else [])
    command = [sys.executable, "-c", PROGRAM.replace("CALLS", calls), str(folder), str(workers)]
    variables = {name: value for name, value in VARIABLES.items() if name in chosen}
    _, errors, _ = bench.finished(command, KERAS_HOME=str(home), **variables)
    found = {}
    if (folder / "evaluations.sqlite").exists():
        with Store(folder / "evaluations.sqlite") as store:
            keys = store.keys()
            found = {key: replace(store.get(key), seconds=0.0) for key in keys}
    shutil.rmtree(folder, ignore_errors=True)
    said = (errors.strip().splitlines() or [""])[-1]
    if not chosen:
        _KNOWN[bench] = found, said
    return found, said
