"""The distance between the forces of losses: what it ignores, and what it does not."""

import math

import numpy as np
import pytest

from deap_lossgp.curves import LossCurves
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate.features import forces
from deap_lossgp.surrogate.likeness import ForceDistance
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


def tree(text, pset=PSET):
    return LossTree.from_string(KNOWN_LOSSES.get(text, text), pset)


@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_a_loss_is_at_no_distance_from_itself_at_any_scale_and_shift(name):
    distance = ForceDistance(tree(name), PSET)
    text = KNOWN_LOSSES[name]
    # A constant added to both derivatives drops out of the softmax.
    for same in (text, f"mul(0.01, {text})", f"add(mul(50.0, {text}), mul(3.0, y_true))",
                 f"add({text}, mul(0.5, y_pred))"):
        assert distance(tree(same)) < 1e-3, same
    assert distance(tree(f"neg({text})")) == 1.0


def test_it_is_computed_from_the_forces_on_the_whole_grid():
    for target, other in (("cross_entropy", "focal"), ("baikal", "baikal_cma")):
        one, two = (forces(LossCurves.of(tree(name), PSET).derivatives, 10)[1]
                    for name in (target, other))
        size = np.sqrt((one**2).mean(-1, keepdims=True))
        one, two = ((each / (size + np.median(size))).ravel() for each in (one, two))
        best = one @ two / (two @ two)
        expected = np.linalg.norm(one - best * two) / np.linalg.norm(one)
        assert 0.0 < ForceDistance(tree(target), PSET)(tree(other)) == pytest.approx(expected,
                                                                                    rel=0.05)


def test_what_is_not_finite_is_far_away_and_no_target():
    pset = loss_primitive_set(protected=False)
    distance = ForceDistance(tree("cross_entropy", pset), pset)
    undefined = tree("mul(y_true, log(neg(y_pred)))", pset)
    assert distance(undefined) == math.inf
    assert distance(tree("y_true", pset)) == 1.0
    for bad in (undefined, tree("y_true", pset)):
        with pytest.raises(ValueError, match="^expected a target that is finite"):
            ForceDistance(bad, pset)
