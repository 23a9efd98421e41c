"""Curves made of a few numbers: what each number adds to the forces of a loss."""

import numpy as np
import pytest

from deap_lossgp.curves import GRID, LossCurves, logit
from deap_lossgp.curves.bumps import CENTRES, BumpedLoss
from deap_lossgp.curves.screening import is_trainable
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
LOGITS = logit(GRID)


def known(name, pset=PSET):
    return LossTree.from_string(KNOWN_LOSSES[name], pset)


def forces(tree, pset=PSET):
    """p (1 - p) dL/dp for the others and for the right class."""
    return LossCurves.of(tree, pset).derivatives * GRID * (1.0 - GRID)


def added(name, place):
    bumped = BumpedLoss(known(name), PSET)
    numbers = np.zeros(len(bumped))
    numbers[place] = 1.0
    return forces(bumped(numbers)) - forces(known(name))


@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_without_bumps_the_curves_are_those_of_the_loss(name):
    bumped = BumpedLoss(known(name), PSET)
    np.testing.assert_array_equal(forces(bumped([0.0] * 14)), forces(known(name)))


@pytest.mark.parametrize("label", [1, 0])
@pytest.mark.parametrize("index", range(len(CENTRES)))
def test_a_bump_is_the_logistic_density_and_changes_one_label(label, index):
    centre = CENTRES[index]
    found = added("cross_entropy", index + (0 if label else 7))
    p = 1.0 / (1.0 + np.exp(-centre))
    height = p * (1.0 - p) + (1.0 - p if label else 0.0)  # cross entropy's force is 1 - p
    bump = height / np.cosh((LOGITS - centre) / 2.0) ** 2
    np.testing.assert_allclose(found[label], bump, rtol=1e-5, atol=1e-8)
    assert not found[1 - label].any()


def test_the_last_numbers_add_cross_entropy_and_its_mirror_image():
    np.testing.assert_allclose(added("cross_entropy", 6)[1], 0.5 * (1.0 - GRID), rtol=1e-6)
    np.testing.assert_allclose(added("cross_entropy", 13)[0], -0.5 * GRID, rtol=1e-6)


def test_bumps_grow_with_the_scale_of_the_loss():
    loss = known("cross_entropy")
    larger = LossTree.from_string(f"mul(8.0, {loss})", PSET)
    numbers = np.linspace(-1.0, 1.0, 14)
    np.testing.assert_allclose(forces(BumpedLoss(larger, PSET)(numbers)),
                               8.0 * forces(BumpedLoss(loss, PSET)(numbers)), rtol=1e-9)


@pytest.mark.parametrize("protected", [True, False])
@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_most_of_the_losses_around_are_certified_and_train(name, protected):
    pset = loss_primitive_set(protected)
    bumped, rng = BumpedLoss(known(name, pset), pset), np.random.default_rng(1)
    curves = [LossCurves.of(bumped(rng.normal(0.0, 0.35, 14)), pset) for _ in range(20)]
    assert sum(each.certified for each in curves) >= 18
    assert sum(map(is_trainable, curves)) >= 12
    assert len({each.derivatives.tobytes() for each in curves}) == 20


def test_there_are_as_many_places_on_either_side_and_none_twice():
    assert list(CENTRES) == sorted({*CENTRES}) and [-c for c in reversed(CENTRES)] == [*CENTRES]
