"""``TreeLoss``: a loss tree as a ``keras.losses.Loss``, for models on any of Keras's backends."""

import math
from typing import Any

import keras
from deap import gp
from keras import ops
from keras.src.backend import set_keras_mask

from deap_lossgp.constants import is_constant
from deap_lossgp.curves.grid import LOWEST
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.curves.operations import check_operations, elementwise_loss
from deap_lossgp.errors import unknown_name
from deap_lossgp.found_losses import KNOWN_LOSSES, FoundLoss
from deap_lossgp.labels import read_labels
from deap_lossgp.primitives import PLAIN, PROTECTED
from deap_lossgp.psets import ARGUMENTS, loss_primitive_set
from deap_lossgp.trees import LossTree

_TABLES = {"protected": PROTECTED, "plain": PLAIN}


@keras.saving.register_keras_serializable(package="deap_lossgp")
class TreeLoss(keras.losses.Loss):
    """The mean over the classes of an element-wise loss L(y_true, y_pred).

    Predictions are clipped to [LOWEST, 1 - LOWEST], as in the trainings of an evolution. Outside,
    the gradient is zero. Inside, it is made of the primitives' own derivatives, as in an evolution,
    so it is finite where a backend's own differentiation overflows. Labels have no gradient.

    Everything is computed in float32, or in float64 if ``dtype`` says so, under a mixed-precision
    policy too: protected values of up to 1e18 do not fit into half precision. (Under such a policy
    give the last layer of the network ``dtype="float32"``: the gradient that it receives has the
    layer's precision.)

    For predictions of shape (batch, ..., classes) the shape of the labels tells what they are, and
    their dtype does not:

    * (batch, ..., classes): one-hot labels, or other probabilities of the classes;
    * (batch, ...) or (batch, ..., 1): the numbers of the classes, counted from 0.

    Predictions with a single output, of shape (batch, ..., 1), are probabilities of class 1 of two.
    Labels of shape (batch, ..., 1) or (batch, ...) are then probabilities of class 1 too, and the
    loss is that of the probabilities of both classes. Predictions of shape (classes,) are a single
    sample if the label is a single number; else they are refused.

    A label that is the number of no class is refused. While a graph is compiled, as in ``fit``,
    labels cannot be seen: then the loss and the gradient of its sample are NaN.
    ``docs/losses.rst`` has all of this as a table, for the exports too.

    A model that was compiled with a ``TreeLoss`` is saved with it and loaded with
    ``keras.models.load_model`` after ``import deap_lossgp.losses``, which makes the class known to
    Keras. If the loss uses a primitive set of your own, give the set a ``name`` of its own and load
    with ``custom_objects={pset.name: pset}``.

    Args:
        loss: An expression, a name of ``KNOWN_LOSSES``, a ``LossTree``, or a ``FoundLoss`` as
            ``read_loss`` returns it.
        primitives: What the names in the expression mean: "protected", "plain", or a primitive
            set. None takes the primitives of a ``FoundLoss``, else "protected".
        from_logits: Whether the predictions are logits, to which softmax is applied.
        label_smoothing: The share of the labels that is spread evenly over the classes, in [0, 1].
        scale: A positive number by which the loss is multiplied, or "cross_entropy". That takes the
            sum over the classes instead of their mean, times
            ``LossCurves.scale_factor``. It brings the gradient to the size of cross entropy's, as
            an evolution does, so that an optimizer tuned for cross entropy suits. Cross entropy
            itself becomes Keras's own.
        axis: The axis of the classes, not 0.
        ignore_class: The class number of samples that do not count, nor in a mean; or None.
        reduction: As in every Keras loss.
        name: As in every Keras loss.
        dtype: "float32" or "float64". None takes Keras's ``floatx``; half precision gives float32.

    Attributes:
        tree: The ``LossTree``.
        pset: Its primitive set.

    Raises:
        TypeError: An argument has a wrong type.
        ValueError: An argument is none of the above. When called: the shapes do not fit, there is
            no sample, or a label is the number of no class.

    Examples:
        >>> entropy = TreeLoss("neg(mul(y_true, log(y_pred)))", scale="cross_entropy")
        >>> y_pred = [[0.25, 0.75], [0.5, 0.5]]
        >>> round(float(entropy([1, 0], y_pred)), 4)
        0.4904
        >>> round(float(keras.losses.CategoricalCrossentropy()([[0, 1], [1, 0]], y_pred)), 4)
        0.4904
    """

    def __init__(self, loss: str | LossTree | FoundLoss, *,
                 primitives: str | gp.PrimitiveSet | None = None, from_logits: bool = False,
                 label_smoothing: float = 0.0, scale: float | str = 1.0, axis: int = -1,
                 ignore_class: int | None = -100, reduction: str = "sum_over_batch_size",
                 name: str = "tree_loss", dtype: str | None = None) -> None:
        super().__init__(name=name, reduction=reduction, dtype=_precision(dtype))
        self.tree, self.pset = _tree_and_set(loss, primitives)
        for option, value, expected in (("from_logits", from_logits, bool), ("axis", axis, int),
                                        ("ignore_class", ignore_class, int)):
            if type(value) is not expected and (option, value) != ("ignore_class", None):
                raise TypeError(f"{option} must be {expected.__name__}, got {value!r}")
        self.from_logits = from_logits
        self.label_smoothing = _number("label_smoothing", label_smoothing, "in [0, 1]",
                                       lambda x: 0.0 <= x <= 1.0)
        self.scale = scale
        self.axis = axis
        self.ignore_class = ignore_class
        self._factor = self._multiplier()
        self._elementwise = elementwise_loss(self.tree, self.pset)

    def call(self, y_true: Any, y_pred: Any) -> Any:
        """Returns the samples' values; calling the loss itself reduces them.

        Args:
            y_true: Labels, of one of the shapes above.
            y_pred: Predictions, of shape (batch, ..., classes).

        Returns:
            Tensor of shape (batch, ...).
        """
        # Keras converts the numbers within lists to tensors, not the lists.
        y_true, y_pred = (ops.convert_to_tensor(y, dtype=self.dtype) for y in (y_true, y_pred))
        y_true, y_pred, weights = read_labels(ops, y_true, y_pred, self.axis, self.ignore_class,
                                              self.from_logits)
        if self.from_logits:
            y_pred = ops.softmax(y_pred)
        if self.label_smoothing:
            y_true = (1.0 - self.label_smoothing) * y_true + self.label_smoothing / y_pred.shape[-1]
        reduce = ops.sum if self.scale == "cross_entropy" else ops.mean
        losses = self._factor * reduce(_clipped(self._elementwise, y_true, y_pred), axis=-1)
        if weights is not None:
            counted = weights != 0.0
            losses = ops.where(counted, losses * weights, 0.0)
            set_keras_mask(losses, counted)
        return losses

    def get_config(self) -> dict[str, Any]:
        """Returns all arguments as values for JSON, the loss as its expression.

        Raises:
            ValueError: The loss uses a primitive of the user's, in a set that has the name of one
                of the package's sets.
        """
        if table := _TABLES.get(self.pset.name):
            names = {node.name for node in self.tree if not is_constant(node)} - {*ARGUMENTS}
            for name in sorted(names):
                if table.get(name) != self.pset.context[name]:
                    raise ValueError(f"the loss uses {name!r}, which is not in the "
                                     f"{self.pset.name} primitives: to save it, give the primitive "
                                     f"set another name (pset.name = ...)")
        return {
            **super().get_config(), "loss": str(self.tree), "primitives": self.pset.name,
            "from_logits": self.from_logits, "label_smoothing": self.label_smoothing,
            "scale": self.scale, "axis": self.axis, "ignore_class": self.ignore_class,
            "dtype": self.dtype,
        }

    def _multiplier(self):
        if isinstance(self.scale, str):
            if self.scale != "cross_entropy":
                raise unknown_name("scale", self.scale, ["cross_entropy"],
                                   hint="or give a positive number")
            factor = LossCurves.of(self.tree, self.pset).scale_factor
            if factor is None:
                raise ValueError("scale 'cross_entropy': the loss has no gradient to be scaled")
            return factor
        self.scale = _number("scale", self.scale, "a positive finite number, or 'cross_entropy'",
                             lambda x: 0.0 < x < math.inf)
        return self.scale


def _clipped(loss, y_true, y_pred):
    """Computes the element-wise loss of clipped predictions, with the primitives' derivatives.

    The derivative that a backend computes is infinite or NaN for some protected trees.
    """
    y_true = ops.stop_gradient(y_true)

    def clip(y_pred):
        return ops.clip(y_pred, LOWEST, 1.0 - LOWEST)

    @ops.custom_gradient
    def compute(y_pred):
        def gradient(*arguments, upstream=None):
            # PyTorch passes (y_pred, upstream=...), the other backends (upstream).
            upstream = arguments[-1] if upstream is None else upstream
            inside = ops.logical_and(y_pred >= LOWEST, y_pred <= 1.0 - LOWEST)
            slope = ops.where(inside, loss.derivative(y_true, clip(y_pred)), 0.0)
            return ops.multiply(upstream, slope)

        return loss(y_true, clip(y_pred)), gradient

    return compute(y_pred)


def _precision(dtype):
    """Returns the dtype to compute in, at least float32."""
    asked = keras.dtype_policies.get(dtype or keras.config.floatx()).compute_dtype
    if asked not in ("float16", "bfloat16", "float32", "float64"):
        raise ValueError(f"dtype must be 'float32' or 'float64', got {dtype!r}")
    return "float64" if asked == "float64" else "float32"


def _number(name, value, expected, fits):
    try:
        number = math.nan if isinstance(value, bool | str) else float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not fits(number):
        raise ValueError(f"{name} must be {expected}, got {value!r}")
    return number


def _tree_and_set(loss, primitives):
    """Returns the loss as a tree of the primitive set, and the set."""
    if isinstance(loss, FoundLoss):
        pset = loss.pset if primitives is None else _primitive_set(primitives)
        if pset.name != loss.pset.name:
            raise ValueError(f"primitives: the loss {loss.name!r} was made with "
                             f"{loss.pset.name!r} primitives, got {pset.name!r}")
        loss = loss.tree
    else:
        pset = _primitive_set("protected" if primitives is None else primitives)
    if isinstance(loss, gp.PrimitiveTree):
        loss = str(loss)
    elif not isinstance(loss, str):
        raise TypeError(f"loss must be an expression, a known loss's name, a LossTree or a "
                        f"FoundLoss, got {type(loss).__name__}")
    elif loss not in pset.mapping and loss.isidentifier():
        if loss not in KNOWN_LOSSES:
            raise unknown_name("loss", loss, KNOWN_LOSSES, hint="or give an expression")
        loss = KNOWN_LOSSES[loss]
    return LossTree.from_string(loss, pset), pset


def _primitive_set(primitives):
    if isinstance(primitives, str) and primitives in _TABLES:
        return loss_primitive_set(primitives == "protected")
    pset = primitives
    if isinstance(primitives, str):
        pset = keras.saving.get_registered_object(primitives)
        if pset is None:
            raise unknown_name("primitive set", primitives, _TABLES, hint="to load a loss made "
                               "with another, give custom_objects={name: primitive set}")
    if not isinstance(pset, gp.PrimitiveSetTyped):
        raise TypeError(f"primitives must be 'protected', 'plain' or a primitive set, got "
                        f"{type(pset).__name__}")
    if tuple(pset.arguments) != ARGUMENTS:
        raise ValueError(f"the primitive set {pset.name!r} must have the arguments y_true and "
                         f"y_pred, got {', '.join(pset.arguments)}")
    check_operations(pset)
    return pset
