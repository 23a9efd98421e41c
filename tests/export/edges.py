"""The edges of a loss: predictions and labels as they come, and what all three forms make of them.

    PYTHONPATH=tests:. python tests/export/edges.py [LOSS]

prints the table of ``TreeLoss``, the Keras export and the PyTorch export on these cases. Without
torch its column is empty.
"""

import importlib.util
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

LOGITS = np.array([[0.5, -1.0, 2.0], [1.5, 0.25, -0.5], [-2.0, 0.0, 1.0], [0.1, 0.2, 0.3]])
ONE = LOGITS[:, :1]
NUMBERS = np.array([2, 0, 1, 2])
ONE_HOT = np.eye(3)[NUMBERS]
SOFT = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0], [0.0, 0.4, 0.6], [0.1, 0.8, 0.1]])
BINARY = np.array([0, 1, 1, 0])
DENSE = np.stack([LOGITS, LOGITS[::-1] - 0.25])
WEIGHTS = np.array([0.5, 2.0, 0.0, 1.0])


@dataclass(frozen=True)
class Case:
    """What is given, and what is expected.

    Attributes:
        name: What ``docs/losses.rst`` calls it.
        logits: Logits, the classes on the last axis, as in Keras.
        labels: Labels, of any kind.
        one_hot: Expected: the labels' probabilities, of the logits' shape, or of two classes if
            there is one output. None if it is refused.
        counted: Expected: which samples count; by default all.
        refused: How the message begins with which it is refused.
        ignored: ``ignore_class``, or ``ignore_index``.
        smoothing: ``label_smoothing``.
        weights: A weight for each sample.
        dtype: The dtype of the logits.
        unseen: Expected in a compiled graph, if labels are refused where they are seen: the
            numbers of the samples whose loss is NaN.
    """

    name: str
    logits: np.ndarray
    labels: np.ndarray
    one_hot: np.ndarray | None = None
    counted: list | None = None
    refused: str = ""
    ignored: int = -100
    smoothing: float = 0.0
    weights: np.ndarray | None = None
    dtype: str = "float32"
    unseen: list = field(default_factory=list)


def two(p):
    return np.stack([1.0 - np.asarray(p), p], -1)


def no_class(label, number, **options):
    labels = np.array([2, 0, number, 2], options.pop("kind", "int64"))
    return Case(label, LOGITS, labels, refused="expected labels from 0 to 2, or -100, got "
                f"{number:g}", unseen=[2], **options)


CASES = [
    Case("class numbers", LOGITS, NUMBERS, ONE_HOT),
    Case("class numbers (N, 1)", LOGITS, NUMBERS[:, None], ONE_HOT),
    Case("class numbers, uint8", LOGITS, NUMBERS.astype("uint8"), ONE_HOT),
    Case("class numbers, float", LOGITS, NUMBERS.astype("float32"), ONE_HOT),
    Case("class numbers, half precision", LOGITS, NUMBERS.astype("float16"), ONE_HOT),
    Case("class numbers of pixels", DENSE, np.stack([NUMBERS, NUMBERS]),
         np.stack([ONE_HOT, ONE_HOT])),
    Case("one-hot, float", LOGITS, ONE_HOT.astype("float32"), ONE_HOT),
    Case("one-hot, integer", LOGITS, ONE_HOT.astype("int64"), ONE_HOT),
    Case("one-hot, boolean", LOGITS, ONE_HOT.astype("bool"), ONE_HOT),
    Case("one-hot, uint8, of pixels", DENSE, np.stack([ONE_HOT, ONE_HOT]).astype("uint8"),
         np.stack([ONE_HOT, ONE_HOT])),
    Case("soft labels", LOGITS, SOFT, SOFT),
    Case("soft labels, smoothed", LOGITS, SOFT, SOFT, smoothing=0.3),
    Case("two classes, boolean numbers", LOGITS[:, :2], BINARY.astype("bool"), two(BINARY)),
    no_class("label beyond the classes", 3),
    no_class("negative label", -1),
    no_class("label 255", 255, kind="uint8"),
    no_class("label between two classes", 1.5, kind="float32"),
    no_class("label NaN", float("nan"), kind="float32"),
    Case("label -100", LOGITS, np.array([2, -100, 1, 2]), ONE_HOT, [1, 0, 1, 1]),
    Case("label 255, ignored", LOGITS, np.array([2, 255, 1, 2], "uint8"), ONE_HOT, [1, 0, 1, 1],
         ignored=255),
    Case("label 156, uint8, -100 ignored", LOGITS, np.array([2, 156, 1, 2], "uint8"), unseen=[1],
         refused="expected labels from 0 to 2, or -100, got 156"),
    Case("ignored pixels", DENSE, np.stack([NUMBERS, [-100, 0, -100, 2]]),
         np.stack([ONE_HOT, ONE_HOT]), [[1, 1, 1, 1], [0, 1, 0, 1]]),
    Case("all ignored", LOGITS, np.full(4, -100), ONE_HOT, [0, 0, 0, 0]),
    Case("one output, numbers (N,)", ONE, BINARY, two(BINARY)),
    Case("one output, numbers (N, 1)", ONE, BINARY[:, None], two(BINARY)),
    Case("one output, boolean", ONE, BINARY.astype("bool"), two(BINARY)),
    Case("one output, probabilities", ONE, SOFT[:, 1], two(SOFT[:, 1])),
    Case("one output, smoothed", ONE, BINARY, two(BINARY), smoothing=0.2),
    Case("one output, one ignored", ONE, np.array([0, 1, -100, 0]), two(BINARY), [1, 1, 0, 1]),
    Case("one output, label -1", ONE, np.array([0, 1, -1, 0]), unseen=[2],
         refused="expected labels from 0 to 1, or -100, got -1"),
    Case("one output, label 255", ONE, np.array([0, 255, 1, 0], "uint8"), unseen=[1],
         refused="expected labels from 0 to 1, or -100, got 255"),
    Case("no class axis", LOGITS[:, 0], BINARY, refused="expected predictions of shape"),
    Case("no class axis, probabilities", LOGITS[:, 0], SOFT[:, 0],
         refused="expected predictions of shape"),
    Case("a single sample (C,)", LOGITS[0], np.array(2), ONE_HOT[0]),
    Case("a single sample, its label -1", LOGITS[0], np.array(-1),
         refused="expected labels from 0 to 2, or -100, got -1"),
    Case("neither batch nor classes", np.array(0.5), np.array(1),
         refused="expected predictions of shape"),
    Case("empty batch", LOGITS[:0], NUMBERS[:0], refused="expected at least one sample, got"),
    Case("empty batch, one-hot", LOGITS[:0], ONE_HOT[:0],
         refused="expected at least one sample, got"),
    Case("other number of labels", LOGITS, NUMBERS[:3], refused="expected labels of shape"),
    Case("other number of classes", LOGITS, ONE_HOT[:, :2], refused="expected labels of shape"),
    Case("sample weights", LOGITS, NUMBERS, ONE_HOT, weights=WEIGHTS),
    Case("sample weights, soft labels", LOGITS, SOFT, SOFT, weights=WEIGHTS),
    Case("sample weights, one ignored", LOGITS, np.array([2, -100, 1, 2]), ONE_HOT, [1, 0, 1, 1],
         weights=WEIGHTS),
    Case("predictions float16", LOGITS, NUMBERS, ONE_HOT, dtype="float16"),
    Case("predictions bfloat16", LOGITS, NUMBERS, ONE_HOT, dtype="bfloat16"),
    Case("one output, float16", ONE, BINARY, two(BINARY), dtype="float16"),
    Case("predictions float64", LOGITS, NUMBERS, ONE_HOT, dtype="float64"),
]


class Keras:
    """A Keras loss, called as its users do."""

    def __init__(self, make, tensorflow):
        self.make, self.tf = make, tensorflow

    def losses(self, case):
        return self._call(case, "none").numpy()

    def mean(self, case, compiled=False):
        return self._call(case, "sum_over_batch_size", compiled).numpy()

    def compiled(self, case):
        """The samples' losses and the gradient of their sum, of a compiled graph."""
        logits = self.tf.Variable(case.logits, dtype="float32")
        with self.tf.GradientTape() as tape:
            losses = self._call(case, "none", True, logits)
        return losses.numpy(), tape.gradient(losses, logits).numpy()

    def _call(self, case, reduction, compiled=False, logits=None):
        loss = self.make(from_logits=True, label_smoothing=case.smoothing, reduction=reduction,
                         ignore_class=case.ignored)
        if logits is None:
            logits = self.tf.cast(case.logits, case.dtype)
        weights = () if case.weights is None else (self.tf.constant(case.weights, "float32"),)
        call = self.tf.function(loss) if compiled else loss
        return call(self.tf.constant(case.labels), self.tf.convert_to_tensor(logits), *weights)


class Torch:
    """A PyTorch loss; samples are weighted as its users do it, by hand."""

    def __init__(self, make, torch):
        self.make, self.torch = make, torch

    def losses(self, case):
        return self._call(case, "none").numpy()

    def mean(self, case, compiled=False):
        if case.weights is None:
            return self._call(case, "mean", compiled).numpy()
        counted = case.counted or np.ones(len(case.weights))
        return self._call(case, "none", compiled).numpy().sum() / np.sum(counted)

    def compiled(self, case):
        logits = self.torch.tensor(case.logits, dtype=self.torch.float32, requires_grad=True)
        losses = self._call(case, "none", True, logits)
        losses.sum().backward()
        return losses.detach().numpy(), logits.grad.numpy()

    def _call(self, case, reduction, compiled=False, logits=None):
        loss = self.make(reduction=reduction, label_smoothing=case.smoothing,
                         ignore_index=case.ignored)
        if compiled:
            self.torch.compiler.reset()  # it gives up on code that meets many shapes
            loss = self.torch.compile(loss, backend="eager", fullgraph=True)
        if logits is None:
            logits = self.torch.tensor(case.logits, dtype=getattr(self.torch, case.dtype))
        labels = self.torch.tensor(case.labels)
        if labels.ndim == logits.ndim > 2:
            labels = labels.movedim(-1, 1)
        losses = loss(logits.movedim(-1, 1) if logits.ndim > 2 else logits, labels)
        if case.weights is not None:
            losses = losses * self.torch.tensor(case.weights, dtype=self.torch.float32)
        return losses


def forms(found, folder, scale="cross_entropy"):
    """Returns the forms of a loss by name; without PyTorch's where it is not installed."""
    import tensorflow as tf

    from deap_lossgp.export.files import export_loss, file_name
    from deap_lossgp.export.names import class_name
    from deap_lossgp.losses import TreeLoss

    def exported(to):
        path = Path(folder) / file_name(found, to)
        path.write_text(export_loss(found, to, scale=scale), "utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return getattr(module, class_name(found.name))

    made = {"TreeLoss": Keras(lambda **options: TreeLoss(found, scale=scale, **options), tf),
            "keras": Keras(exported("keras"), tf)}
    if importlib.util.find_spec("torch"):
        import torch

        made["torch"] = Torch(exported("torch"), torch)
    return made


def main():
    from deap_lossgp.found_losses import read_loss

    with tempfile.TemporaryDirectory() as folder:
        columns = forms(read_loss(sys.argv[1] if sys.argv[1:] else "cross_entropy"), folder)
    print(f"{'':32}", *(f"{name:12}" for name in columns))
    for case in CASES:
        cells, message = [], ""
        for form in columns.values():
            try:
                cells.append(f"{float(form.mean(case)):.6f}")
            except ValueError as error:
                cells.append("refused")
                message = str(error)
        print(f"{case.name:32}", *(f"{cell:12}" for cell in cells), message, sep=" ")


if __name__ == "__main__":
    main()
