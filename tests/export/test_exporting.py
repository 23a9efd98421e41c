"""Exported files: what they compute, alone and where strangers' names would do harm."""

import ast
import importlib.util
import json
import os
import random
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from rounding import assert_agrees, points, reference

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import LOWEST
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.export.files import ENDINGS, class_name, export_loss, file_name, identifier
from deap_lossgp.found_losses import KNOWN_LOSSES, FoundLoss, read_loss
from deap_lossgp.operators import genLoss
from deap_lossgp.primitives import LossPrimitive
from deap_lossgp.psets import add_primitive, loss_primitive_set
from deap_lossgp.trees import LossTree

ROOT = Path(__file__).parents[2]
TREES = int(os.environ.get("DEAP_LOSSGP_TREES", 40))
PSET = loss_primitive_set()
PLAIN = loss_primitive_set(protected=False)


def found(text, pset=PSET, name="mine", **record):
    return FoundLoss(name, LossTree.from_string(text, pset), pset, record)


def known_and_random_losses(pset, seed=1, count=TREES):
    random.seed(seed)
    yield from (found(text, pset, name) for name, text in KNOWN_LOSSES.items())
    yield from (FoundLoss(f"random{index}", LossTree(genLoss(pset)), pset)
                for index in range(count))


@pytest.fixture
def load(tmp_path):
    """Imports an exported file."""

    def load(loss, to, **options):
        path = tmp_path / file_name(loss, to)
        path.write_text(export_loss(loss, to, **options), "utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load


def loss_class(module, loss):
    return getattr(module, class_name(loss.name))


def torch_loss(load, loss, *args, scale=1.0, **kwargs):
    return loss_class(load(loss, "torch", scale=scale), loss)(*args, **kwargs)


def keras_loss(load, loss, *args, scale=1.0, **kwargs):
    return loss_class(load(loss, "keras", scale=scale), loss)(*args, **kwargs)


# The element-wise part, against the float64 reference


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("pset", [PSET, PLAIN], ids=["protected", "plain"])
def test_values_and_gradients_in_pytorch_are_those_of_the_loss(load, pset, dtype):
    torch = pytest.importorskip("torch")
    y_true, y_pred = points()
    for loss in known_and_random_losses(pset):
        p = torch.tensor(y_pred, dtype=getattr(torch, dtype), requires_grad=True)
        values = load(loss, "torch").elementwise(torch.tensor(y_true, dtype=p.dtype), p)
        assert values.dtype == p.dtype and values.shape == p.shape
        values.sum().backward()
        expected = reference(loss.tree, pset, y_true, y_pred)
        assert_agrees([values.detach().numpy(), p.grad.numpy()], expected, str(loss.tree))


@pytest.mark.parametrize("pset", [PSET, PLAIN], ids=["protected", "plain"])
def test_values_and_gradients_in_keras_are_those_of_the_loss(load, pset):
    tf = pytest.importorskip("tensorflow")
    y_true, y_pred = points()
    for loss in known_and_random_losses(pset):
        p = tf.constant(y_pred, "float32")
        with tf.GradientTape() as tape:
            tape.watch(p)
            values = load(loss, "keras").elementwise(tf.constant(y_true, "float32"), p)
        assert values.dtype == p.dtype and values.shape == p.shape
        expected = reference(loss.tree, pset, y_true, y_pred)
        assert_agrees([values.numpy(), tape.gradient(values, p).numpy()], expected, str(loss.tree))


def test_the_sympy_file_has_the_values_of_the_loss(load):
    sympy = pytest.importorskip("sympy")
    y_true, y_pred = points()
    for loss in known_and_random_losses(PSET, count=8):
        module = load(loss, "sympy")
        compute = sympy.lambdify([module.y_true, module.y_pred], module.loss, "numpy")
        with np.errstate(all="ignore"):
            got = np.broadcast_to(compute(y_true, y_pred), y_pred.shape)
        assert_agrees([got], reference(loss.tree, PSET, y_true, y_pred), str(loss.tree))


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


# The PyTorch module, against nn.CrossEntropyLoss and the chain rule


def softmax_reference(loss, logits, labels):
    """Per-sample losses in float64 and the slopes of their mean by the logits."""
    y_pred = np.exp(logits - logits.max(1, keepdims=True))
    y_pred /= y_pred.sum(1, keepdims=True)
    inside = (y_pred >= LOWEST) & (y_pred <= 1.0 - LOWEST)
    y_true = np.eye(logits.shape[1])[labels]
    values, slopes = differentiate(loss.tree, loss.pset, y_true,
                                   np.clip(y_pred, LOWEST, 1.0 - LOWEST))
    slopes = np.where(inside, slopes, 0.0) / values.size
    return values.mean(1), y_pred * (slopes - (slopes * y_pred).sum(1, keepdims=True))


def logits_and_labels(samples=40, classes=6, scale=3.0):
    generator = np.random.default_rng(0)
    return (generator.normal(scale=scale, size=(samples, classes)),
            generator.integers(0, classes, samples))


CORNERS = np.array([[200.0, 0.0, 0.0], [-200.0, 200.0, 0.0], [0.0, 0.0, 0.0], [14.0, 0.0, -14.0],
                    [17.0, 0.0, -1.0]])  # fmt: skip


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
    for target in (torch.zeros(4, 1, dtype=torch.long), torch.zeros(4, 2), torch.zeros(3).long()):
        with pytest.raises(ValueError, match=r"logits of shape \(4, 3\) and target of shape"):
            module(torch.zeros(4, 3), target)
    with pytest.raises(ValueError, match="reduction: mean, sum or none, not 'average'"):
        torch_loss(load, read_loss("mse"), reduction="average")


# The Keras loss, against Keras's own


def test_cross_entropy_is_that_of_keras_for_all_kinds_of_labels(load):
    keras = pytest.importorskip("keras")
    logits, labels = logits_and_labels()
    logits = logits.astype("float32")
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    one_hot = np.eye(6)[labels]
    weights = np.linspace(0.5, 2.0, len(labels))
    loss = read_loss("cross_entropy")
    for smoothing in (0.0, 0.3):
        theirs = keras.losses.CategoricalCrossentropy(label_smoothing=smoothing)
        expected = float(theirs(one_hot, probabilities, weights))
        for y_true in (labels, labels[:, None], one_hot, one_hot.astype("int32")):
            for from_logits in (False, True):
                ours = keras_loss(load, loss, from_logits=from_logits, scale="cross_entropy",
                                  label_smoothing=smoothing)
                got = ours(y_true, logits if from_logits else probabilities, weights)
                assert float(got) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_the_keras_loss_takes_logits_by_the_chain_rule(load, name):
    tf = pytest.importorskip("tensorflow")
    loss = read_loss(name)
    ours = keras_loss(load, loss, from_logits=True, reduction="none", dtype="float64")
    for logits, labels in (logits_and_labels(), (CORNERS, np.array([1, 0, 2, 0, 1]))):
        tensor = tf.constant(logits)
        with tf.GradientTape() as tape:
            tape.watch(tensor)
            losses = ours(labels, tensor)
            mean = tf.reduce_mean(losses)
        slopes = tape.gradient(mean, tensor)
        expected = softmax_reference(loss, logits, labels)
        np.testing.assert_allclose(losses, expected[0], rtol=3e-6)
        np.testing.assert_allclose(slopes, expected[1], rtol=3e-6,
                                   atol=1e-13 * np.abs(expected[1]).max())


def test_keras_losses_have_values_per_sample_at_any_rank_in_half_precision_too(load):
    keras = pytest.importorskip("keras")
    ours = keras_loss(load, read_loss("ngl"), reduction=None)
    y_pred = keras.ops.cast(np.full((2, 3, 4), 0.25), "float16")
    values = ours(np.zeros((2, 3)), y_pred)
    assert values.shape == (2, 3) and keras.backend.standardize_dtype(values.dtype) == "float32"
    with pytest.raises(ValueError, match="2 or more classes"):
        ours(np.zeros((2, 1)), np.full((2, 1), 0.5))


def test_keras_losses_keep_their_configuration(load):
    pytest.importorskip("keras")
    ours = keras_loss(load, read_loss("baikal"), from_logits=True, label_smoothing=0.1,
                      reduction="sum", dtype="float64")
    config = ours.get_config()
    assert config == {"name": "baikal", "reduction": "sum", "from_logits": True,
                      "label_smoothing": 0.1, "dtype": "float64"}
    assert type(ours).from_config(config).get_config() == config


# Alone


WALL = """
import sys
from importlib.machinery import ModuleSpec

class Wall:
    def find_spec(self, name, path=None, target=None):
        return ModuleSpec(name, self) if name.split(".")[0] in BLOCKED else None

    def create_module(self, spec):
        raise ModuleNotFoundError(f"No module named {spec.name!r}", name=spec.name)

    def exec_module(self, module):
        pass

sys.meta_path.insert(0, Wall())
for name in BLOCKED:
    try:
        __import__(name)
        sys.exit("the wall is open")
    except ModuleNotFoundError:
        pass
"""


def run_alone(code, blocked, cwd, **environment):
    process = subprocess.run(
        [sys.executable, "-c", f"BLOCKED = {blocked!r}\n{WALL}\n{code}"], cwd=cwd,
        capture_output=True, text=True, check=False,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", **environment},
    )
    assert process.returncode == 0, process.stderr[-3000:]
    return process.stdout


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


KERAS_HEAD = """
import keras, numpy as np
from ngl_keras import NglLoss

images = np.random.default_rng(0).normal(size=(64, 8)).astype("float32")
labels = images[:, :3].argmax(1)
"""
KERAS_FIT = """
model.fit(images, labels, epochs=15, batch_size=16, verbose=0)
print(*model.evaluate(images, labels, verbose=0))
model.save("model.keras")
"""


def test_the_keras_file_trains_and_loads_on_every_backend_where_this_package_is_missing(tmp_path):
    pytest.importorskip("tensorflow")
    (tmp_path / "ngl_keras.py").write_text(export_loss(read_loss("ngl"), "keras"))
    value = None
    for backend in ("tensorflow", "jax", "torch"):
        if importlib.util.find_spec(backend) is None:
            continue
        make = """
model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(3)])
loss = NglLoss(from_logits=True, label_smoothing=0.01)
model.compile(keras.optimizers.Adam(0.02), loss, metrics=["accuracy"])
print(0, 0)
""" if value is None else """
model = keras.models.load_model("model.keras", safe_mode=True)
assert type(model.loss) is NglLoss and model.loss.from_logits
print(*model.evaluate(images, labels, verbose=0))
"""
        lines = run_alone(KERAS_HEAD + make + KERAS_FIT, ["deap_lossgp", "deap"], tmp_path,
                          KERAS_BACKEND=backend).splitlines()
        before, after = ([float(number) for number in line.split()] for line in lines)
        if value is not None:
            assert before == pytest.approx(value, rel=1e-5)
            assert after[0] < 1.001 * before[0]
        value = after
    assert value[1] > 0.7


def test_the_sympy_file_needs_only_sympy(tmp_path):
    pytest.importorskip("sympy")
    (tmp_path / "mse_sympy.py").write_text(export_loss(read_loss("mse"), "sympy"))
    output = run_alone("from mse_sympy import loss\nprint(loss)", ["deap_lossgp"], tmp_path)
    assert output == "(-y_pred + y_true)**2\n"


# As if written by hand


@pytest.mark.parametrize("to", ["torch", "keras", "sympy"])
def test_exported_python_is_formatted_and_without_fault(to, tmp_path):
    names = [(tmp_path / f"{index}.py", loss) for index, loss in
             enumerate(known_and_random_losses(PSET, seed=4, count=15))]
    for path, loss in names:
        path.write_text(export_loss(loss, to, scale="cross_entropy"))
        assert max(map(len, path.read_text().splitlines())) <= 99
    for command in (["check", "--isolated", "--select", "E,F,W,I,B,UP,SIM,RET,PIE,A,C4",
                     "--line-length", "99"],
                    ["format", "--check", "--isolated"],
                    ["format", "--check", "--isolated", "--line-length", "99"]):
        process = subprocess.run([sys.executable, "-m", "ruff", *command, str(tmp_path)],
                                 capture_output=True, text=True, check=False)
        if "No module named ruff" in process.stderr:
            pytest.skip("needs ruff")
        assert process.returncode == 0, process.stdout[-3000:]


def test_cross_entropy_is_one_line():
    assert "    return -(y_true * torch.log(y_pred))\n" in export_loss(
        read_loss("cross_entropy"), "torch")
    assert "def _" not in export_loss(read_loss("cross_entropy"), "keras").partition("class")[0]
    assert "Here" not in export_loss(read_loss("cross_entropy"), "latex")


def test_the_text_tells_what_is_known_of_a_run():
    loss = found(KNOWN_LOSSES["baikal"], name="digits-seed0", wins=1.0, improvement=0.0125,
                 fitness="error",
                 validation={"digits": {"accuracy": 0.95, "loss": 0.1, "status": "ok"}},
                 test_accuracy={"digits": {"evolved": [0.9, 0.92], "cross_entropy": [0.9, None]}})
    text = " ".join(export_loss(loss, "text").split())
    for fact in ("Expression: neg(sub(log(y_pred), div(y_true, y_pred)))", "From digits-seed0.",
                 "(error): data sets won against cross entropy: 1, improvement +0.0125.",
                 "digits: validation accuracy 0.9500, test accuracy 0.9100, mean of 2, with cross "
                 "entropy 0.9000, mean of 1.", "of the true class -7.04e+13 to -2, of the others "
                 "-8.39e+06 to -1.", "loss = y_true / y_pred - log(y_pred)",
                 "Here a / b stands for max(-1e18, min(1e18, a * (b / (b**2 + 1e-20))))."):
        assert fact in text, fact


# Scale


def test_the_scale_multiplies_the_mean_over_the_classes(load):
    torch = pytest.importorskip("torch")
    logits, labels = map(torch.tensor, logits_and_labels())
    once, thrice = (torch_loss(load, read_loss("ngl"), scale=scale)(logits, labels)
                    for scale in (1.0, 3.0))
    assert thrice.item() == pytest.approx(3.0 * once.item(), rel=1e-12)


def test_the_scale_of_cross_entropy_is_that_at_which_evolution_trains():
    loss = read_loss("ngl")
    factor = 0.5 / LossCurves.of(loss.tree, loss.pset).gradient_scale
    assert f"\nSCALE = {factor!r}\n" in export_loss(loss, "torch", scale="cross_entropy")
    assert f"L &= {factor!r} \\sum" in export_loss(loss, "latex", scale="cross_entropy")
    assert f"is {factor!r} times the sum of" in export_loss(loss, "text", scale="cross_entropy")


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), "2", "mse", None, True])
def test_another_scale_is_refused(scale):
    with pytest.raises(ValueError, match="the scale is a positive number or 'cross_entropy', got"):
        export_loss(read_loss("mse"), "torch", scale=scale)


def test_a_loss_without_gradient_has_no_scale():
    with pytest.raises(ValueError, match="no gradient to bring to the scale of cross entropy"):
        export_loss(found("y_true"), "torch", scale="cross_entropy")


def test_an_unknown_target_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="unknown target 'pytorch': did you mean 'torch'?"):
        export_loss(read_loss("mse"), "pytorch")


# Strangers' files


HOSTILE = [
    '"""\nimport os\nos.system("touch executed")\n"""', "'''); open('executed', 'w')", "\\",
    "a\\", 'x" + open("executed", "w").name + "', "\r\nimport os", "größe ∑", "\x00\x1b[31m",
    "$(touch executed)", "\\input{/etc/passwd}", "%\n\\input{x}", "{class_name}", "$name", "__",
    "1", "class", "None", "", " ", "x" * 5000, "../../evil", "a\u2028b",
]  # fmt: skip


def hostile_record(text):
    return {
        "wins": text, "improvement": 10**400, "fitness": text, text: text,
        "validation": {text: {"accuracy": 0.5, "status": text}, "digits": {"accuracy": text},
                       "more": [text]},
        "test_accuracy": {text: {"evolved": [0.5, text, float("nan"), True],
                                 "cross_entropy": text}, "digits": text},
    }  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_names_in_strangers_files_are_made_plain(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loss = found(KNOWN_LOSSES["ngl"], name=text, **hostile_record(text))
    plain = found(KNOWN_LOSSES["ngl"], name="plain")
    for to in ENDINGS:
        written = export_loss(loss, to)
        assert written.isascii() and re.fullmatch(r"[\x20-\x7e\n]*", written)
        assert re.fullmatch(r"[A-Za-z]\w*(_\w+)?\.\w+", file_name(loss, to), re.ASCII)
        assert "\\input" not in written and "executed" not in written.replace("touch", "", 1) or (
            to in ("text", "latex") or "executed" in ast.get_docstring(ast.parse(written)))
        if ENDINGS[to].endswith(".py"):
            # Nothing but docstrings and names differs from the file of a plain name.
            assert skeleton(written, loss) == skeleton(export_loss(plain, to), plain)
        if to == "latex":
            bodies = [w.partition("\\documentclass") for w in (written, export_loss(plain, to))]
            assert bodies[0][2] == bodies[1][2]
            assert all(line.startswith("%") for line in bodies[0][0].splitlines())


def skeleton(text, loss):
    tree = ast.parse(text)
    assert isinstance(tree.body[0].value, ast.Constant)
    code = ast.unparse(tree.body[1:])
    return code.replace(class_name(loss.name), "CLASS").replace(
        repr(identifier(loss.name)), "NAME")


def test_a_strangers_file_is_exported_from_the_command_line(tmp_path):
    path = tmp_path / "it's.json"
    path.write_text(json.dumps({"expression": KNOWN_LOSSES["mse"], **hostile_record(HOSTILE[0])}))
    export_command([str(path), "--to", "torch", "--output", str(tmp_path / "out")])
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == "it_s_torch.py" and not (tmp_path / "executed").exists()
    assert ast.parse(file.read_text())


# The command


def export_command(arguments, cwd=None, status=0):
    process = subprocess.run([sys.executable, str(ROOT / "examples" / "export_loss.py"),
                              *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert process.returncode == status, process.stderr
    return process


@pytest.mark.parametrize("to", ENDINGS)
def test_the_command_writes_a_file_and_says_where(to, tmp_path):
    output = export_command(["ngl", "--to", to], cwd=tmp_path).stdout
    written = (tmp_path / file_name(read_loss("ngl"), to)).read_text()
    assert written == export_loss(read_loss("ngl"), to)
    name = file_name(read_loss("ngl"), to)
    assert f"Written to {name}" in output.splitlines()
    use = f"Use it with: from {Path(name).stem} import NglLoss"
    assert (use in output.splitlines()) == (to in ("keras", "torch"))
    assert (written in output) == (to in ("latex", "sympy", "text"))


def test_the_output_is_a_folder_or_a_file(tmp_path):
    export_command(["mse", "--to", "torch", "--output", "a/b", "--scale", "2.5"], cwd=tmp_path)
    export_command(["mse", "--to", "torch", "--output", "c/loss.py", "--scale", "cross_entropy"],
                   cwd=tmp_path)
    assert "\nSCALE = 2.5\n" in (tmp_path / "a" / "b" / "mse_torch.py").read_text()
    assert ".sum(axis)\n" in (tmp_path / "c" / "loss.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["ngl"], "--to"),
        (["ngl", "--to", "onnx"], "'onnx'"),
        (["ngll", "--to", "torch"], "did you mean 'ngl'?"),
        (["ngl", "--to", "torch", "--scale", "big"], "--scale: expected a number"),
        (["ngl", "--to", "torch", "--scale", "-1"], "the scale is a positive number"),
        (["ngl", "--to", "torch", "--output", "file/below"], "file"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, fault, tmp_path):
    (tmp_path / "file").write_text("")
    error = export_command(arguments, cwd=tmp_path, status=2).stderr
    assert error.count("\n") == 1 and fault in error
