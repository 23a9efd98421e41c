"""A loss as a Keras loss, in a file that needs only ``keras``."""

import inspect
from string import Template

from deap_lossgp.export.languages import Language, named_functions
from deap_lossgp.export.python_code import python_float
from deap_lossgp.labels import check_labels, check_shapes, read_labels

KERAS = Language(
    {**named_functions("ops."), "asin": "ops.arcsin({})", "acos": "ops.arccos({})",
     "atan": "ops.arctan({})", "Abs": "ops.abs({})", "square": "ops.square({})",
     "clip": "ops.clip({}, {}, {})", "lower": "ops.maximum({}, {})",
     "upper": "ops.minimum({}, {})", "Max": "ops.maximum({}, {})", "Min": "ops.minimum({}, {})"},
    python_float, differentiated=True,
)  # fmt: skip

_READERS = "\n\n".join(inspect.getsource(part) for part in (check_shapes, check_labels,
                                                           read_labels))

KERAS_FILE = Template('''\
"""$class_name for Keras 3, on any backend; needs nothing but keras.

$about
"""

import keras
from keras import ops
from keras.src.backend import set_keras_mask

LOWEST = 2.0**-23
"""Probabilities are clipped to [LOWEST, 1 - LOWEST]."""

SCALE = $scale
"""A sample's loss is this times the $total over its classes."""


$functions


''' + _READERS + '''

@keras.saving.register_keras_serializable(package="evolved_losses")
class $class_name(keras.losses.Loss):
    """The loss of each sample, of shape (N, ...) for predictions of shape (N, ..., C).

    Labels are one-hot or class probabilities, of the predictions' shape, or class numbers,
    of that shape without C or with 1 in its place. A single output, C = 1, is the
    probability of class 1 of two, and so are its labels. Predictions of shape (C,) with a
    single number as the label are one sample.

    Labels of no class are refused; in a compiled graph, as in fit, the loss and gradient of
    their samples are NaN.

    Args:
        from_logits: Whether predictions are logits instead of probabilities.
        label_smoothing: The share of a label that is spread evenly over all classes.
        reduction, name: As in other losses.
        dtype: The precision; by default keras.config.floatx(), but at least float32.
        ignore_class: The class number of samples that do not count; or None.
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        reduction="sum_over_batch_size",
        name="$name",
        dtype=None,
        ignore_class=-100,
    ):
        # Half precision cannot hold all labels above 2048.
        dtype = keras.backend.result_type(dtype or keras.config.floatx(), "float32")
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing
        self.ignore_class = ignore_class

    def call(self, y_true, y_pred):
        y_true = ops.convert_to_tensor(y_true, self.dtype)
        y_pred = ops.convert_to_tensor(y_pred, self.dtype)
        y_true, y_pred, weights = read_labels(
            ops, y_true, y_pred, -1, self.ignore_class, self.from_logits
        )
        if self.from_logits:
            y_pred = ops.softmax(y_pred)
        y_pred = ops.clip(y_pred, LOWEST, 1.0 - LOWEST)
        spread = self.label_smoothing
        y_true = (1.0 - spread) * y_true + spread / y_pred.shape[-1]
        losses = SCALE * ops.$total(elementwise(y_true, y_pred), axis=-1)
        if weights is not None:
            counted = weights != 0.0
            losses = ops.where(counted, losses * weights, 0.0)
            set_keras_mask(losses, counted)
        return losses

    def get_config(self):
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "dtype": self.dtype,
            "ignore_class": self.ignore_class,
        }
''')
