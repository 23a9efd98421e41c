"""Labels of classes: what their shape says, the labels of no class, the samples that count.

``ops`` is ``keras.ops``. An exported Keras file has the text of these functions in it, so it reads
labels as ``TreeLoss`` does.
"""


def check_shapes(labels, shape, axis):
    """Tells whether labels are class numbers, by their shape and the predictions'.

    Dimensions that are unknown while a graph is compiled are None.
    """
    sample = len(shape) == 1 and labels == ()
    if not (-len(shape) <= axis < len(shape)) or (axis % len(shape) == 0) != sample:
        raise ValueError(
            f"expected predictions of shape (batch, ..., classes), "
            f"the classes on axis {axis}, got {shape}"
        )
    axis %= len(shape)
    if shape[axis] is None:
        raise ValueError(f"expected the number of classes, axis {axis}, got {shape}")
    if 0 in shape:
        raise ValueError(f"expected at least one sample, got the shape {shape}")
    without = shape[:axis] + shape[axis + 1 :]
    single = shape[:axis] + (1,) + shape[axis + 1 :]

    def fits(expected):
        return len(labels) == len(expected) and all(
            ours is None or theirs is None or ours == theirs
            for ours, theirs in zip(labels, expected, strict=True)
        )

    if fits(without) or (fits(single) and labels[axis] == 1):
        return True
    if not fits(shape):
        raise ValueError(
            f"expected labels of shape {shape}, or class numbers of shape {without} or "
            f"{single}, for predictions of shape {shape}, got {labels}"
        )
    return shape[axis] == 1


def check_labels(ops, y_true, known, classes, ignored):
    """Refuses labels of no class, where values can be seen: not in a compiled graph."""
    try:
        known = ops.convert_to_numpy(known)
    except (NotImplementedError, RuntimeError, TypeError, ValueError):
        return
    if not known.all():
        wrong = ops.convert_to_numpy(y_true)[~known][0]
        last = f"0 to {classes - 1}" + ("" if ignored is None else f", or {ignored}")
        raise ValueError(f"expected labels from {last}, got {wrong:g}")


def read_labels(ops, y_true, y_pred, axis, ignored, from_logits):
    """Returns labels and predictions of shape (batch, ..., classes), and weights.

    The weights of the samples are 1; 0 if the label is ``ignored``; NaN if it is that
    of no class. They are None if labels are probabilities of the classes.
    """
    labels, shape = tuple(y_true.shape), tuple(y_pred.shape)
    numbers = check_shapes(labels, shape, axis)
    if len(labels) < len(shape):
        y_true = ops.expand_dims(y_true, axis)
    if axis not in (-1, len(shape) - 1):
        y_true, y_pred = (ops.moveaxis(y, axis, -1) for y in (y_true, y_pred))
    if not numbers:
        # Class numbers of an unknown shape would be broadcast; reshape refuses them.
        return ops.reshape(y_true, ops.shape(y_pred)), y_pred, None
    counted = ops.not_equal(y_true, float("nan") if ignored is None else ignored)
    y_true = ops.where(counted, y_true, 0.0)
    classes = y_pred.shape[-1]
    if classes == 1:
        # The output is the probability of class 1 of two, and so is the label.
        known = ops.logical_and(y_true >= 0.0, y_true <= 1.0)
        one_hot = ops.concatenate([1.0 - y_true, y_true], -1)
        other = ops.zeros_like(y_pred) if from_logits else 1.0 - y_pred
        y_pred = ops.concatenate([other, y_pred], -1)
    else:
        matches = ops.equal(y_true, ops.arange(classes, dtype=y_true.dtype))
        known = ops.any(matches, axis=-1, keepdims=True)
        one_hot = ops.cast(matches, y_pred.dtype)
    check_labels(ops, y_true, known, y_pred.shape[-1], ignored)
    weights = ops.where(known, ops.cast(counted, y_pred.dtype), float("nan"))
    return one_hot, y_pred, ops.squeeze(weights, -1)
