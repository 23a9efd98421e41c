"""Exported PyTorch modules, against the float64 reference and ``nn.CrossEntropyLoss``."""

import numpy as np
import pytest
from exported import (
    CORNERS,
    PLAIN,
    PSET,
    found,
    known_and_random_losses,
    logits_and_labels,
    loss_object,
    run_alone,
    softmax_reference,
)
from rounding import assert_agrees, points, reference

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.export.files import export_loss
from deap_lossgp.found_losses import KNOWN_LOSSES, read_loss
from deap_lossgp.primitives import LossPrimitive
from deap_lossgp.psets import add_primitive, loss_primitive_set

pytestmark = pytest.mark.frameworks


def torch_loss(load, loss, *args, scale=1.0, **kwargs):
    return loss_object(load(loss, "torch", scale=scale), loss, *args, **kwargs)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pset", [PSET, PLAIN], ids=["protected", "plain"])
def test_values_and_gradients_are_those_of_the_loss(load, pset, dtype):
    torch = pytest.importorskip("torch")
    y_true, y_pred = points()
    for loss in known_and_random_losses(pset):
        p = torch.tensor(y_pred, dtype=getattr(torch, dtype), requires_grad=True)
        values = load(loss, "torch").elementwise(torch.tensor(y_true, dtype=p.dtype), p)
        assert values.dtype == p.dtype and values.shape == p.shape
        values.sum().backward()
        expected = reference(loss.tree, pset, y_true, y_pred)
        assert_agrees([values.detach().numpy(), p.grad.numpy()], expected, str(loss.tree))


@pytest.mark.parametrize("text", ["add(1, 2)", "exp(y_true)", "exp(add(y_pred, 1000))"])
def test_a_loss_without_predictions_has_their_shape_and_no_slope(load, text):
    torch = pytest.importorskip("torch")
    y_pred = torch.tensor([[0.25, 0.75]], requires_grad=True)
    values = load(found(text), "torch").elementwise(torch.tensor([[0.0, 1.0]]), y_pred)
    values.sum().backward()
    expected, _ = differentiate(found(text).tree, PSET, np.array([[0.0, 1.0]]), np.full(2, 0.5))
    np.testing.assert_allclose(values.detach(), expected, rtol=1e-6)
    np.testing.assert_array_equal(y_pred.grad, 0.0)


def swish(ops, a):
    return ops.divide(a, ops.add(1.0, ops.exp(-a)))


def d_swish(ops, a):
    gate = ops.divide(1.0, ops.add(1.0, ops.exp(-a)))
    return (gate + a * gate * (1.0 - gate),)


def larger(ops, a, b):
    return ops.maximum(a, b)


def d_larger(ops, a, b):
    return ops.where(a > b, 1.0, 0.0), ops.where(a > b, 0.0, 1.0)


def test_primitives_of_ones_own_are_exported(load):
    torch = pytest.importorskip("torch")
    pset = loss_primitive_set()
    add_primitive(pset, LossPrimitive("swish", 1, swish, d_swish, "({0}/(1 + exp(-{0})))"))
    add_primitive(pset, LossPrimitive("larger", 2, larger, d_larger, "Max({0}, {1})", True))
    loss = found("larger(swish(mul(3, sub(y_pred, y_true))), larger(0.25, swish(y_pred)))", pset)
    module = load(loss, "torch")
    assert "\ndef _swish(a):\n    return a / (1.0 + torch.exp(-a))\n" in export_loss(loss, "torch")
    assert "torch.clamp(_swish(y_pred), min=0.25)" in export_loss(loss, "torch")
    y_true, y_pred = points()
    p = torch.tensor(y_pred, requires_grad=True)
    values = module.elementwise(torch.tensor(y_true), p)
    values.sum().backward()
    for got, expected in zip((values.detach(), p.grad),
                             differentiate(loss.tree, pset, y_true, y_pred), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-12)
    assert r"$\operatorname{swish}(u)$ stands for $\frac{u}{1 + e^{-u}}$" in export_loss(
        loss, "latex")
    assert "Here swish(a) stands for a / (1 + exp(-a))." in export_loss(loss, "text")


def test_an_unknown_function_in_a_form_is_refused():
    pset = loss_primitive_set()
    add_primitive(pset, LossPrimitive("mine", 1, swish, d_swish, "expit({0})"))
    with pytest.raises(ValueError, match="'mine': the symbolic form .* unknown function 'expit'"):
        export_loss(found("mine(y_pred)", pset), "torch")


@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_the_module_takes_logits_by_the_chain_rule(load, name):
    torch = pytest.importorskip("torch")
    loss = read_loss(name)
    module = torch_loss(load, loss, reduction="none")
    for logits, labels in (logits_and_labels(), (CORNERS, np.array([1, 0, 2, 0, 1]))):
        tensor = torch.tensor(logits, requires_grad=True)
        losses = module(tensor, torch.tensor(labels))
        losses.mean().backward()
        expected, slopes = softmax_reference(loss, logits, labels)
        np.testing.assert_allclose(losses.detach(), expected, rtol=3e-6)
        np.testing.assert_allclose(tensor.grad, slopes, rtol=3e-6,
                                   atol=1e-13 * np.abs(slopes).max())


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_half_precision_is_computed_in_single(load, name, dtype):
    torch = pytest.importorskip("torch")
    module = torch_loss(load, read_loss(name))
    logits = torch.tensor(CORNERS).to(getattr(torch, dtype)).requires_grad_()
    labels = torch.tensor([1, 0, 2, 0, 1])
    result = module(logits, labels)
    assert result.dtype == torch.float32
    assert result.item() == module(logits.detach().float(), labels).item()
    result.backward()
    assert torch.isfinite(logits.grad).all()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert module(logits.detach(), labels).item() == pytest.approx(result.item(), rel=1e-6)


def test_random_losses_are_finite_at_the_corners_in_single_precision(load):
    torch = pytest.importorskip("torch")
    logits = torch.tensor(CORNERS, dtype=torch.float32)
    for loss in known_and_random_losses(PSET, seed=8, count=15):
        assert torch.isfinite(torch_loss(load, loss)(logits, torch.tensor([1, 0, 2, 0, 1])))


def cross_entropies(load, **options):
    torch = pytest.importorskip("torch")
    return (torch_loss(load, read_loss("cross_entropy"), scale="cross_entropy", **options),
            torch.nn.CrossEntropyLoss(**options))


def assert_same_as_torch(ours, theirs, logits, target):
    torch = pytest.importorskip("torch")
    results = []
    for module in (ours, theirs):
        tensor = torch.tensor(logits, requires_grad=True)
        value = module(tensor, target)
        value.sum().backward()
        results.append((value.detach().numpy(), tensor.grad.numpy()))
    for got, expected in zip(*results, strict=True):
        assert got.shape == expected.shape
        np.testing.assert_allclose(got, expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("weighted", [True, False], ids=["weighted", ""])
@pytest.mark.parametrize("ignored", [-100, 2])
def test_cross_entropy_is_that_of_pytorch(load, reduction, weighted, ignored):
    torch = pytest.importorskip("torch")
    weight = torch.tensor([0.5, 2.0, 1.0, 0.0, 3.0, 1.5], dtype=torch.float64)
    options = {"weight": weight if weighted else None, "reduction": reduction,
               "ignore_index": ignored}
    logits, labels = logits_and_labels()
    assert_same_as_torch(*cross_entropies(load, **options), logits, torch.tensor(labels))
    images = np.moveaxis(logits.reshape(5, 4, 2, 6), -1, 1)
    assert_same_as_torch(*cross_entropies(load, **options), images,
                         torch.tensor(labels.reshape(5, 4, 2)))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_class_probabilities_and_smoothed_labels_are_as_in_pytorch(load, reduction):
    torch = pytest.importorskip("torch")
    logits, labels = logits_and_labels()
    options = {"reduction": reduction, "label_smoothing": 0.2}
    target = torch.softmax(torch.tensor(logits[::-1].copy()), 1)
    assert_same_as_torch(*cross_entropies(load, **options), logits, torch.tensor(labels))
    assert_same_as_torch(*cross_entropies(load, **options), logits, target)
    assert_same_as_torch(*cross_entropies(load, **options), logits[0], torch.tensor(labels[0]))


def test_weights_of_class_probabilities_are_averaged(load):
    torch = pytest.importorskip("torch")
    weight = torch.tensor([1.0, 3.0])
    logits = torch.tensor([[0.5, -0.25]])
    loss = torch_loss(load, read_loss("ngl"), weight, reduction="sum")
    plain = torch_loss(load, read_loss("ngl"), reduction="sum")
    target = torch.tensor([[0.25, 0.75]])
    assert loss(logits, target).item() == pytest.approx(2.5 * plain(logits, target).item())
    assert "weight" in loss.state_dict()


def test_targets_that_do_not_fit_are_refused_with_both_shapes(load):
    torch = pytest.importorskip("torch")
    module = torch_loss(load, read_loss("mse"))
    for target in (torch.zeros(4, 4).long(), torch.zeros(4, 2), torch.zeros(3).long()):
        with pytest.raises(ValueError, match=r"expected labels of shape \[4, 3\], .*, got \["):
            module(torch.zeros(4, 3), target)
    with pytest.raises(ValueError, match="reduction: mean, sum or none, not 'average'"):
        torch_loss(load, read_loss("mse"), reduction="average")


@pytest.mark.parametrize("weighted", [True, False], ids=["weighted", ""])
def test_a_single_output_is_that_of_pytorch_for_binary_cross_entropy(load, weighted):
    torch = pytest.importorskip("torch")
    logits, labels = logits_and_labels(classes=2)
    target = torch.tensor(labels[:, None], dtype=torch.float64)
    weight = torch.tensor([1.0, 2.5], dtype=torch.float64)
    ours = torch_loss(load, read_loss("cross_entropy"), weight if weighted else None,
                      scale="cross_entropy", reduction="sum")
    theirs = torch.nn.BCEWithLogitsLoss(pos_weight=weight[1:] if weighted else None,
                                        reduction="sum")
    assert_same_as_torch(ours, theirs, logits[:, :1], target)


def transformed(torch, name, module, logits, labels):
    if name == "script":
        return torch.jit.script(module)(logits, labels)
    if name == "trace":
        return torch.jit.trace(module, (logits, labels))(logits, labels)
    if name == "export":
        return torch.export.export(module, (logits, labels)).module()(logits, labels)
    return torch.compile(module, backend="aot_eager", fullgraph=True)(logits, labels)


@pytest.mark.parametrize("name", ["script", "trace", "export", "compile"])
@pytest.mark.parametrize("loss", KNOWN_LOSSES)
def test_compilers_of_pytorch_give_the_same(load, loss, name):
    torch = pytest.importorskip("torch")
    module = torch_loss(load, read_loss(loss))
    logits, labels = map(torch.tensor, logits_and_labels())
    labels[3] = -100
    expected = module(logits, labels)
    torch.compiler.reset()
    torch.testing.assert_close(transformed(torch, name, module, logits, labels), expected)


@pytest.mark.parametrize("loss", KNOWN_LOSSES)
def test_gradients_of_single_samples_are_rows_of_the_sums_gradient(load, loss):
    torch = pytest.importorskip("torch")
    module = torch_loss(load, read_loss(loss), reduction="sum")
    logits, labels = map(torch.tensor, logits_and_labels())
    labels[3] = -100
    expected = torch.func.grad(module)(logits, labels)
    single = torch.func.vmap(torch.func.grad(module))(logits, labels)
    batched = torch.func.vmap(torch.func.grad(lambda z, y: module(z[None], y[None])))
    torch.testing.assert_close(single, expected)
    torch.testing.assert_close(batched(logits, labels), expected)
    assert (expected[3] == 0.0).all() and (expected[4] != 0.0).any()


def test_the_pytorch_file_trains_where_keras_and_this_package_are_missing(tmp_path):
    pytest.importorskip("torch")
    (tmp_path / "baikal_torch.py").write_text(export_loss(read_loss("baikal"), "torch"))
    output = run_alone("""
import torch
from baikal_torch import BaikalLoss

torch.manual_seed(0)
model, images = torch.nn.Linear(8, 3), torch.randn(64, 8)
labels = images[:, :3].argmax(1)
loss = BaikalLoss()
for _ in range(200):  # torch.optim would take longer to import
    gradients = torch.autograd.grad(loss(model(images), labels), model.parameters())
    with torch.no_grad():
        for variable, gradient in zip(model.parameters(), gradients):
            variable -= 0.2 * gradient
print((model(images).argmax(1) == labels).float().mean().item())
""", ["keras", "tensorflow", "jax", "deap_lossgp", "deap"], tmp_path)
    assert float(output) > 0.9
