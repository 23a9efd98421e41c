"""A loss as a Keras loss, in a file that needs only ``keras``."""

from string import Template

from deap_lossgp.export.languages import Language, named_functions
from deap_lossgp.export.python_code import python_float

KERAS = Language(
    {**named_functions("ops."), "asin": "ops.arcsin({})", "acos": "ops.arccos({})",
     "atan": "ops.arctan({})", "Abs": "ops.abs({})", "square": "ops.square({})",
     "clip": "ops.clip({}, {}, {})", "lower": "ops.maximum({}, {})",
     "upper": "ops.minimum({}, {})", "Max": "ops.maximum({}, {})", "Min": "ops.minimum({}, {})"},
    python_float, differentiated=True,
)  # fmt: skip

KERAS_FILE = Template('''\
"""$class_name for Keras 3, on any backend; needs nothing but keras.

$about
"""

import keras
from keras import ops

LOWEST = 2.0**-23
"""Probabilities are clipped to [LOWEST, 1 - LOWEST]."""

SCALE = $scale
"""A sample's loss is this times the $total over its classes."""


$functions


@keras.saving.register_keras_serializable(package="evolved_losses")
class $class_name(keras.losses.Loss):
    """The loss of each sample, of shape (N, ...) for predictions of shape (N, ..., C).

    Labels are one-hot or class probabilities, of the predictions' shape, or integers, of
    that shape without C or with 1 in its place.

    Args:
        from_logits: Whether predictions are logits instead of probabilities.
        label_smoothing: The share of a label that is spread evenly over all classes.
        reduction, name: As in other losses.
        dtype: The precision; by default keras.config.floatx(), but at least float32.
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        reduction="sum_over_batch_size",
        name="$name",
        dtype=None,
    ):
        # Half precision cannot hold all labels above 2048.
        dtype = dtype or keras.backend.result_type(keras.config.floatx(), "float32")
        super().__init__(name=name, reduction=reduction, dtype=dtype)
        self.from_logits = from_logits
        self.label_smoothing = label_smoothing

    def call(self, y_true, y_pred):
        # Half precision would lose probabilities near 0 and 1.
        dtype = keras.backend.result_type(y_pred.dtype, "float32")
        y_pred = ops.cast(y_pred, dtype)
        if self.from_logits:
            y_pred = ops.softmax(y_pred)
        y_pred = ops.clip(y_pred, LOWEST, 1.0 - LOWEST)
        classes = y_pred.shape[-1]
        if classes == 1:
            raise ValueError("expected predictions of 2 or more classes, got 1")
        if len(y_true.shape) == len(y_pred.shape) and y_true.shape[-1] == 1:
            y_true = ops.squeeze(y_true, -1)
        if len(y_true.shape) < len(y_pred.shape):
            y_true = ops.one_hot(ops.cast(y_true, "int32"), classes)
        y_true = ops.cast(y_true, dtype)
        spread = self.label_smoothing
        y_true = (1.0 - spread) * y_true + spread / classes
        return SCALE * ops.$total(elementwise(y_true, y_pred), axis=-1)

    def get_config(self):
        return {
            **super().get_config(),
            "from_logits": self.from_logits,
            "label_smoothing": self.label_smoothing,
            "dtype": self.dtype,
        }
''')
