"""The fused step of Adam against Keras's own."""

import numpy as np
import pytest

pytest.importorskip("tensorflow")

import keras  # noqa: E402

from deap_lossgp.training.adam import FusedAdam  # noqa: E402

STEPS = 20


class Elsewhere(FusedAdam):
    """Adam as in a version of Keras that keeps its moments elsewhere."""

    def _handles(self, variable):
        raise AttributeError("no _momentums")


def steps_of(optimizer, shapes=((3, 4), (5,))):
    """The weights after each of some steps on the same random gradients, all in one row."""
    rng = np.random.default_rng(0)
    weights = [keras.Variable(rng.normal(size=shape), dtype="float32") for shape in shapes]
    optimizer.build(weights)
    rows = []
    for _ in range(STEPS):
        gradients = [keras.ops.convert_to_tensor(rng.normal(size=shape), "float32")
                     for shape in shapes]
        optimizer.apply(gradients, weights)
        rows.append(np.concatenate([np.ravel(weight) for weight in weights]))
    return np.stack(rows)


@pytest.mark.parametrize("adam", [FusedAdam, Elsewhere])
def test_the_steps_are_those_of_keras_whether_they_are_fused_or_not(adam):
    theirs = steps_of(keras.optimizers.Adam(0.01))
    np.testing.assert_allclose(steps_of(adam(0.01)), theirs, rtol=1e-5, atol=1e-6)
    assert np.abs(theirs[-1] - theirs[0]).min() > 1e-4
