"""NglLoss for PyTorch 2; needs nothing but torch.

Expression: sub(exp(sub(2.4092, mul(y_pred, add(1.0, y_true)))),
    cos(cos(sin(y_pred))))

13 nodes, height 5. Primitives: protected, of which none can differ here from the
    plain.

A known loss.

Derivative of the expression by y_pred in [2**-23, 1 - 2**-23]: of the true class
    -22.3 to -3.26, of the others -11.1 to -4.34.

Exported by deap_lossgp 0.1.0.
"""

import torch
from torch import nn

LOWEST = 2.0**-23
"""Probabilities are clipped to [LOWEST, 1 - LOWEST]."""

SCALE = 1.0
"""A sample's loss is this times the mean over its classes."""


def elementwise(y_true, y_pred):
    """The loss of each label and predicted probability."""
    a = torch.exp(2.4092 - y_pred * (1.0 + y_true))
    return a - torch.cos(torch.cos(torch.sin(y_pred)))


def check_labels(labels, known, classes, ignored):
    """Refuses labels of no class, where values can be seen: on the CPU, not compiled."""
    if labels.device.type != "cpu" or torch.compiler.is_compiling():
        return
    try:
        fine = bool(known.all())
    except RuntimeError:  # torch.func.vmap shows no values
        return
    if not fine:
        wrong = labels[~known][0].item()
        last = f"0 to {classes - 1}, or {ignored}"
        raise ValueError(f"expected labels from {last}, got {wrong:g}")


class NglLoss(nn.Module):
    """The loss on logits, used like nn.CrossEntropyLoss.

    Logits have the shape (N, C) or (N, C, d1, ...). Targets are one-hot or class
    probabilities, of that shape, or class numbers, of that shape without C or with 1 in its
    place, of any dtype. A single output, C = 1, is the logit of class 1 of two, and its
    targets are probabilities of class 1, as in nn.BCEWithLogitsLoss. Logits of shape (C,)
    with a single number as the target are one sample.

    Labels of no class are refused. On GPUs, and in compiled graphs, values cannot be seen:
    then the loss and gradient of their samples are NaN.

    torch.compile, torch.export and torch.func.vmap(torch.func.grad(loss)) work; so does
    torch.jit.script, unless a function above is called with a number.

    Args:
        weight: A weight for each class, a tensor of shape (C,), or (2,) if C = 1. A sample
            has the weight of its label or, with probabilities, their average weight.
        ignore_index: The class number of samples that do not count.
        reduction: "mean", "sum" or "none". The mean is weighted, except for class
            probabilities, and 0 if nothing counts.
        label_smoothing: The share of a label that is spread evenly over all classes.
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
        self.lowest = LOWEST  # torch.jit.script knows no global names
        self.scale = SCALE

    def forward(self, logits, target):
        shape, labels = list(logits.shape), list(target.shape)
        if len(shape) < 2 and (len(shape) == 0 or len(labels) > 0):
            raise ValueError(f"expected predictions of shape (N, C, ...), got {shape}")
        if logits.numel() == 0:
            raise ValueError(f"expected at least one sample, got the shape {shape}")
        axis = min(1, len(shape) - 1)
        classes = shape[axis]
        without = shape[:axis] + shape[axis + 1 :]
        single = shape[:axis] + [1] + shape[axis + 1 :]
        if labels != without and labels != single and labels != shape:
            raise ValueError(
                f"expected labels of shape {shape}, or class numbers of shape {without} or "
                f"{single}, for predictions of shape {shape}, got {labels}"
            )
        # Half precision would lose probabilities near 0 and 1.
        logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
        y_true = target.to(logits.dtype)
        if len(labels) < len(shape):
            y_true = y_true.unsqueeze(axis)
        numbers = y_true.shape[axis] == 1
        counted = known = torch.ones_like(logits.select(axis, 0), dtype=torch.bool)
        if numbers:
            counted = y_true != self.ignore_index
            y_true = y_true.masked_fill(~counted, 0.0)
            if classes == 1:
                known = (y_true >= 0.0) & (y_true <= 1.0)
                one_hot = torch.cat([1.0 - y_true, y_true], axis)
                logits = torch.cat([torch.zeros_like(logits), logits], axis)
                classes = 2
            else:
                every = torch.arange(classes, dtype=logits.dtype, device=logits.device)
                every = every.view([classes] + [1] * (len(shape) - 1 - axis))
                matches = y_true == every
                known = matches.any(axis, keepdim=True)
                one_hot = matches.to(logits.dtype)
            if not torch.jit.is_scripting():
                check_labels(y_true, known, classes, self.ignore_index)
            y_true = one_hot
            counted, known = counted.squeeze(axis), known.squeeze(axis)
        y_pred = torch.softmax(logits, axis).clamp(self.lowest, 1.0 - self.lowest)
        spread = self.label_smoothing
        smoothed = (1.0 - spread) * y_true + spread / classes
        losses = self.scale * elementwise(smoothed, y_pred).mean(axis)
        weights = counted.to(losses.dtype).masked_fill(~known, float("nan"))
        if self.weight is not None:
            weights = weights * (y_true.movedim(axis, -1) * self.weight).sum(-1)
        losses = losses.masked_fill(~counted, 0.0) * weights
        if self.reduction == "none":
            return losses
        if self.reduction == "sum":
            return losses.sum()
        total = weights.sum() if numbers else torch.ones_like(weights).sum()
        return losses.sum() / total.masked_fill(total == 0.0, 1.0)
