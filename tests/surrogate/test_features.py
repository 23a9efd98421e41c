"""Landmarks: what trains alike has equal ones, and they mean what their names say."""

from types import SimpleNamespace

import numpy as np
import pytest

from deap_lossgp.curves import KNOTS, LossCurves, logit, probability
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate import LANDMARKS, LossFeatures, forces, landmarks
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


def curves_of(text):
    return LossCurves.of(LossTree.from_string(text, PSET), PSET)


def of(text, num_classes=10):
    return dict(zip(LANDMARKS, landmarks(curves_of(text), num_classes), strict=True))


@pytest.mark.parametrize("wrapped", ["mul(7.25, {})", "sub({}, 3.0)", "add({}, mul(0.4, y_pred))"])
@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_losses_that_train_alike_have_equal_landmarks(name, wrapped):
    text = KNOWN_LOSSES[name]
    for num_classes in (10, 100):
        one, other = of(text, num_classes), of(wrapped.format(text), num_classes)
        assert one == pytest.approx(other, abs=5e-3)


@pytest.mark.parametrize("name", ["cross_entropy", "mse"])
@pytest.mark.parametrize("belief", [0.2, 0.5, 0.8])
def test_a_proper_loss_rests_where_the_prediction_is_the_probability_of_being_right(name, belief):
    rest = of(KNOWN_LOSSES[name])[f"rest_{belief}"]
    assert probability(rest) == pytest.approx(belief, abs=0.02)


def test_ngl_rests_below_certainty():
    # Its least value lies at p = 0.39 for 10 classes.
    assert probability(of(KNOWN_LOSSES["ngl"])["rest_1.0"]) == pytest.approx(0.39, abs=0.01)


def test_a_loss_of_the_wrong_sign_never_leaves_the_start():
    wrong = of("mul(y_true, log(y_pred))")
    assert wrong["start"] > 0.0 > of(KNOWN_LOSSES["cross_entropy"])["start"]
    assert wrong["rest_1.0"] == pytest.approx(float(logit(0.1)), abs=0.5)  # half a unit apart


def test_landmarks_are_small_numbers_however_little_force_there_is_at_the_start():
    derivatives = np.zeros((2, KNOTS))
    derivatives[1] = -1e-310 * np.linspace(1.0, 2.0, KNOTS)
    derivatives[1, 5 * KNOTS // 8:] = -1e300
    found = landmarks(SimpleNamespace(derivatives=derivatives), 51)
    assert np.abs(found).max() < 1e3


@pytest.mark.parametrize("text", [KNOWN_LOSSES["cross_entropy"], KNOWN_LOSSES["ngl"]])
def test_forces_are_the_derivatives_of_the_loss_with_respect_to_a_logit(text):
    curves, num_classes, step = curves_of(text), 5, 1e-4
    places, (true, false, _) = forces(curves.derivatives, num_classes)
    points = places[10:22:3, 5]

    def loss(logit, label):
        # Class 0 has the logit, the others share the rest; the label is one-hot.
        p = np.full(num_classes, (1.0 - probability(logit)) / (num_classes - 1))
        z = np.log(np.concatenate([[probability(logit)], p[1:]]))
        values = []
        for shift in (step, -step):
            moved = z.copy()
            moved[0] += shift
            p = np.exp(moved) / np.exp(moved).sum()
            total = 0.0
            for index, each in enumerate(p):
                row = curves.values[int(index == label)]
                total += np.interp(np.log(each / (1 - each)), KNOT_LOGITS, row)
            values.append(total)
        return (values[0] - values[1]) / (2 * step)

    assert true[10:22:3, 5] == pytest.approx([loss(x, 0) for x in points], rel=1e-2, abs=1e-4)
    assert false[10:22:3, 5] == pytest.approx([loss(x, 1) for x in points], rel=1e-2, abs=1e-4)


KNOT_LOGITS = np.linspace(-15.942385, 15.942385, 8193)


def test_landmarks_are_finite_for_every_tree(seeded):
    toolbox = make_toolbox(PSET)
    for tree in toolbox.population(n=60):
        found = landmarks(LossCurves.of(tree, PSET), 10)
        assert found.shape == (len(LANDMARKS),)
        assert np.isfinite(found).all()


@pytest.mark.parametrize("num_classes", [2, 3, 1000, 20_000])
def test_any_number_of_classes_has_landmarks(num_classes):
    found = of(KNOWN_LOSSES["cross_entropy"], num_classes)
    assert np.isfinite(list(found.values())).all()
    assert found["start"] < 0.0
    assert probability(found["rest_0.65"]) == pytest.approx(0.65, abs=0.02)


def test_features_are_computed_once_for_expressions_that_are_the_same():
    features = LossFeatures(PSET, 100)
    one, two = (LossTree.from_string(text, PSET) for text in
                ("add(y_true, log(y_pred))", "add(log(y_pred), y_true)"))  # fmt: skip
    assert features(one) is features(two)
    assert features(one).shape == (len(LANDMARKS),)
