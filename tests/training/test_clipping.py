"""Where all predictions are clipped a loss is flat: there is nothing to follow, on either path."""

import faulty
import pytest

keras = pytest.importorskip("keras")

from deap_lossgp.engines.engine import InProcess  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402
from deap_lossgp.psets import loss_primitive_set  # noqa: E402

PSET = loss_primitive_set()


def sure_of(logit):
    """Returns a network whose first class has this logit for every image, and the others 0."""

    def network(input_shape, num_classes):
        first = keras.ops.convert_to_numpy(keras.ops.one_hot(0, num_classes)) * logit
        return keras.Sequential([
            keras.Input(input_shape), keras.layers.Flatten(),
            keras.layers.Dense(num_classes, "softmax", kernel_initializer="zeros",
                               bias_initializer=lambda shape, dtype: keras.ops.cast(first, dtype)),
        ])

    return network


@pytest.mark.parametrize("exact", [False, True], ids=["curves", "exact"])
@pytest.mark.parametrize("loss", ["cross_entropy", "baikal"])
@pytest.mark.parametrize(("logit", "status"), [(20.0, "no_gradient"), (10.0, "ok")])
def test_clipped_predictions_have_no_gradient(loss, logit, status, exact):
    task = faulty.digits(sure_of(logit))  # softmax gives the other classes e**-20 = 2e-9
    job = faulty.job(KNOWN_LOSSES[loss], PSET, task, exact=exact)
    ((_, result),) = InProcess([task], PSET).train([job])
    assert (result.status, result.exact) == (status, exact)
