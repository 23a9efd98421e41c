"""The three forms of a loss at the edges: the same losses, means and gradients, or refusals."""

from pathlib import Path

import numpy as np
import pytest
from edges import CASES, forms

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.found_losses import read_loss

tf = pytest.importorskip("tensorflow")

ROOT = Path(__file__).parents[2]
ANSWERED = [case for case in CASES if not case.refused]
UNSEEN = [case for case in CASES if case.unseen]
TOLERANCE = {"rtol": 2e-5, "atol": 2e-6}


@pytest.fixture(scope="module")
def loss():
    return read_loss("ngl")


@pytest.fixture(scope="module")
def made(loss, tmp_path_factory):
    return forms(loss, tmp_path_factory.mktemp("edges"))


@pytest.fixture(params=["TreeLoss", "keras",
                        pytest.param("torch", marks=pytest.mark.frameworks)])
def form(request, made):
    if request.param not in made:
        pytest.skip("torch is not installed")
    return made[request.param]


def named(cases):
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


def expected(loss, case):
    """In float64: the samples' losses, their mean, and the gradient of their sum by the logits."""
    logits = np.asarray(tf.cast(case.logits, case.dtype), np.float64)
    single = logits.shape[-1] == 1
    if single:
        logits = np.concatenate([np.zeros_like(logits), logits], -1)
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    y_true = (1.0 - case.smoothing) * case.one_hot + case.smoothing / p.shape[-1]
    factor = 0.5 / LossCurves.of(loss.tree, loss.pset).gradient_scale
    values, slopes = (factor * array for array in differentiate(loss.tree, loss.pset, y_true, p))
    counted = np.ones(p.shape[:-1]) if case.counted is None else np.asarray(case.counted)
    weights = counted if case.weights is None else counted * case.weights
    losses = weights * values.sum(-1)
    gradient = weights[..., None] * p * (slopes - (slopes * p).sum(-1, keepdims=True))
    return losses, losses.sum() / max(counted.sum(), 1.0), gradient[..., 1:] if single else gradient


@named(ANSWERED)
def test_losses_and_their_mean_are_the_references(loss, form, case):
    losses, mean, _ = expected(loss, case)
    np.testing.assert_allclose(form.losses(case), losses, **TOLERANCE)
    np.testing.assert_allclose(form.mean(case), mean, **TOLERANCE)


@named([case for case in ANSWERED if case.dtype == "float32"])
def test_compiled_losses_and_their_gradients_are_the_references(loss, form, case):
    for got, reference in zip(form.compiled(case), expected(loss, case)[::2], strict=True):
        np.testing.assert_allclose(got, reference, **TOLERANCE)


@named([case for case in ANSWERED if case.counted])
def test_the_mean_in_a_compiled_graph_leaves_out_what_is_ignored(loss, form, case):
    np.testing.assert_allclose(form.mean(case, compiled=True), expected(loss, case)[1], **TOLERANCE)


@named([case for case in CASES if case.refused])
def test_the_same_is_refused_in_the_same_words(form, case):
    with pytest.raises(ValueError) as caught:
        form.losses(case)
    assert str(caught.value).startswith(case.refused) and "\n" not in str(caught.value)


@named(UNSEEN)
def test_in_a_compiled_graph_labels_of_no_class_make_their_samples_nan_and_no_other(form, case):
    losses, gradient = form.compiled(case)
    assert np.flatnonzero(np.isnan(losses)).tolist() == case.unseen
    assert np.flatnonzero(np.isnan(gradient).all(-1)).tolist() == case.unseen
    assert np.flatnonzero(np.isnan(gradient).any(-1)).tolist() == case.unseen


def test_half_precision_gives_single(made):
    case = next(case for case in CASES if case.dtype == "float16")
    assert {form.losses(case).dtype for form in made.values()} == {np.dtype("float32")}


def test_the_document_has_every_case():
    text = (ROOT / "docs/losses.rst").read_text()
    assert [case.name for case in CASES if f"\n{case.name} " not in text] == []
