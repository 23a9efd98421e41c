"""What stands around an exported expression: the files, with $names for what differs."""

from string import Template

TORCH_FILE = Template('''\
"""$class_name for PyTorch; needs nothing but torch.

$about
"""

import torch
from torch import nn
from torch.nn import functional

LOWEST = 2.0**-23
"""Probabilities are clipped to [LOWEST, 1 - LOWEST]."""

SCALE = $scale
"""A sample's loss is this times the $total over its classes."""


$functions


class $class_name(nn.Module):
    """The loss on logits, used like nn.CrossEntropyLoss.

    Args:
        weight: A weight for each class, a tensor of shape (C,). A sample has the weight
            of its label; of class probabilities, the average.
        ignore_index: The integer target of samples that do not count.
        reduction: "mean" (the weighted mean, if targets are integers), "sum" or "none".
        label_smoothing: The share of a label that is spread evenly over all classes.

    Shape:
        Logits (N, C), (N, C, d1, ...) or (C,). Targets: integers of that shape without
        C, or class probabilities of that shape.
    """

    def __init__(
        self,
        weight=None,
        *,
        ignore_index=-100,
        reduction="mean",
        label_smoothing=0.0,
    ):
        super().__init__()
        if reduction not in ("mean", "sum", "none"):
            raise ValueError(f"reduction: mean, sum or none, not {reduction!r}")
        self.register_buffer("weight", weight)
        self.ignore_index = ignore_index
        self.reduction = reduction
        self.label_smoothing = label_smoothing

    def forward(self, logits, target):
        axis = min(1, logits.ndim - 1)
        classes = logits.shape[axis]
        # Half precision would lose probabilities near 0 and 1.
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        y_pred = torch.softmax(logits, axis).clamp(LOWEST, 1.0 - LOWEST)
        counted = None
        if target.is_floating_point():
            y_true = target.to(logits.dtype)
        else:
            counted = target != self.ignore_index
            labels = torch.where(counted, target, 0).long()
            y_true = functional.one_hot(labels, classes).movedim(-1, axis)
            y_true = y_true.to(logits.dtype)
        if y_true.shape != logits.shape:
            raise ValueError(
                f"logits of shape {tuple(logits.shape)} and target of shape "
                f"{tuple(target.shape)} do not fit"
            )
        spread = self.label_smoothing
        smoothed = (1.0 - spread) * y_true + spread / classes
        losses = SCALE * elementwise(smoothed, y_pred).$total(axis)
        weights = torch.ones_like(losses)
        if self.weight is not None:
            weights = (y_true.movedim(axis, -1) * self.weight).sum(-1)
        if counted is not None:
            weights = weights * counted
            losses = losses.masked_fill(~counted, 0.0)
        losses = losses * weights
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        return losses.sum() / (losses.numel() if counted is None else weights.sum())
''')

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
        reduction, name: As of other losses.
        dtype: The precision; by default keras.config.floatx(), but not half.
    """

    def __init__(
        self,
        from_logits=False,
        label_smoothing=0.0,
        reduction="sum_over_batch_size",
        name="$name",
        dtype=None,
    ):
        # Half precision holds no label above 2048.
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

SYMPY_FILE = Template('''\
"""$class_name for SymPy; needs nothing but sympy.

``loss`` is an expression in the symbols ``y_true`` and ``y_pred``.
$evaluated

$about
"""

import sympy

y_true = sympy.Symbol("y_true", nonnegative=True)
y_pred = sympy.Symbol("y_pred", positive=True)
$functions
''')

LATEX_FILE = Template(r'''% $class_name
%
$about
\documentclass{article}
\usepackage{amsmath}
\usepackage[margin=2.5cm]{geometry}
\allowdisplaybreaks
\begin{document}
\noindent
With labels $$y_c$$ and predicted probabilities $$\hat{y}_c$$ of $$C$$ classes, clipped to
$$[2^{-23}, 1 - 2^{-23}]$$, the loss of a sample is
\begin{align*}
  L &= $scale \sum_{c=1}^C \ell(y_c, \hat{y}_c), \\
$equations
\end{align*}
$notes\end{document}
''')

TEXT_FILE = Template('''\
$class_name

$about

$infix

$scaled
''')
