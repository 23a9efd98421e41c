"""A loss as a PyTorch module, in a file that needs only ``torch``."""

from string import Template

from deap_lossgp.export.languages import Language, named_functions
from deap_lossgp.export.python_code import python_float

TORCH = Language(
    {**named_functions("torch."), "Abs": "torch.abs({})", "clip": "torch.clamp({}, {}, {})",
     "lower": "torch.clamp({}, min={})", "upper": "torch.clamp({}, max={})",
     "Max": "torch.maximum({}, {})", "Min": "torch.minimum({}, {})"},
    python_float, differentiated=True,
)  # fmt: skip

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
            of its label or, with class probabilities, their average weight.
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
