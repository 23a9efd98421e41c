"""Describing a loss: its card, measured on its two curves, with NumPy and SciPy only."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from scipy.signal import find_peaks

from deap_lossgp.curves.cards import MISTAKES, LossCard, TotalLoss
from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import CENTRE, GRID, interpolate
from deap_lossgp.curves.growth import ROUNDING, unbounded_places
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.curves.similarity import known_curves, similarities
from deap_lossgp.expressions import infix
from deap_lossgp.primitives import LIMIT

if TYPE_CHECKING:
    from deap import gp

    from deap_lossgp.trees import LossTree

CLASSES = (2, 10, 100)
"""Numbers of classes for which a card has a ``TotalLoss``."""

LARGEST_BLINDNESS = 1e-4
"""Largest effect of the label on the gradient of a label-blind loss, relative to the gradient."""

_LABELS = np.array([[0.0], [1.0]])


def describe(tree: LossTree, pset: gp.PrimitiveSet, *, name: str | None = None,
             seed: int = 0) -> LossCard:
    """Measures the figures that describe a loss.

    Every figure is read from values and derivatives on p; nothing is simplified. So the card holds
    for the range of p that is trained on, from 1.2e-7 to 1 - 1.2e-7. No valid loss is refused: the
    card says what is not finite, constant or label-blind.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.
        name: For the card; None calls it ``loss``.
        seed: Seed of the random predictions at which it is compared with the known losses.

    Returns:
        A ``LossCard``.

    Raises:
        ValueError: ``seed`` is negative, or a primitive of the set is not a ``LossPrimitive``.

    Examples:
        >>> from deap_lossgp.found_losses import KNOWN_LOSSES
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> card = describe(LossTree.from_string(KNOWN_LOSSES["ngl"], pset), pset)
        >>> [round(total.least_at, 2) for total in card.totals], card.monotone, card.bounded
        ([0.57, 0.39, 0.36], False, True)
    """
    if seed < 0:
        raise ValueError(f"expected a seed of at least 0, got {seed}")
    with np.errstate(all="ignore"):
        return _card(tree, pset, "loss" if name is None else str(name), seed)


def _card(tree, pset, name, seed):
    curves = LossCurves.of(tree, pset)
    return LossCard(
        name=name,
        expression=str(tree),
        infix=infix(tree),
        primitives=pset.name,
        size=len(tree),
        height=tree.height,
        certified=curves.certified,
        certificate_error=curves.error,
        finite=curves.finite,
        scale=curves.gradient_scale / known_curves()["cross_entropy"].gradient_scale,
        totals=tuple(_total_loss(tree, pset, curves, number) for number in CLASSES),
        unbounded=tuple(unbounded_places(tree, pset, curves)),
        power=_power(curves),
        mistakes=tuple(_relative_gradient(curves, p, 1.0 - p) for p in MISTAKES),
        label_blind=_is_label_blind(curves),
        similarities=similarities(curves, seed),
    )


def _total_loss(tree, pset, curves, num_classes):
    start = 1.0 / num_classes
    total = _total_at(tree, pset, GRID, num_classes)[0]
    (value,), (gradient,) = _total_at(tree, pset, np.array([start]), num_classes)
    course = _course(total)
    least = math.nan
    if course != "stays" and not np.isnan(total).all():
        least = float(GRID[np.nanargmin(total)])
    relative = _relative_gradient(curves, start, start)
    return TotalLoss(num_classes, float(value), float(gradient), relative, least, course)


def _total_at(tree, pset, p_target, num_classes):
    """Returns the loss at predictions for the target, and its derivative by the target's logit.

    As p_target rises, the others stay in proportion, so dp_target/dlogit = p_target (1 - p_target).
    """
    others = (1.0 - p_target) / (num_classes - 1)
    # Not interpolated: a curve interpolated between knots has bends of its own.
    (other, true), slopes = differentiate(tree, pset, _LABELS, np.stack([others, p_target]))
    value = (true + (num_classes - 1) * other) / num_classes
    return value, p_target * (1.0 - p_target) * (slopes[1] - slopes[0]) / num_classes


def _relative_gradient(curves, target, other):
    """Returns the gradient on the target's logit, relative to cross entropy's.

    Both losses are brought to the same scale before.
    """
    if not curves.gradient_scale:
        return 0.0
    slope, reference = (
        (interpolate(each.derivatives[1], target) - interpolate(each.derivatives[0], other))
        / each.gradient_scale
        for each in (curves, known_curves()["cross_entropy"])
    )
    return float(slope / reference)


def _course(total):
    """Says how a loss changes as p_target rises, in the words of ``TotalLoss.course``."""
    if np.isnan(total).any():
        return "undefined"
    total = np.clip(total, -LIMIT**2, LIMIT**2)
    sizes = np.abs(total)
    least = ROUNDING * (sizes + np.median(sizes))
    tops, bottoms = (len(find_peaks(sign * total, prominence=least)[0]) for sign in (1, -1))
    if tops + bottoms > 1:
        return f"turns {tops + bottoms} times"
    if tops + bottoms:
        return "rises, falls" if tops else "falls, rises"
    change = total[-1] - total[0]
    if abs(change) <= max(least[0], least[-1]):
        return "stays"
    return "rises" if change > 0.0 else "falls"


def _power(curves):
    """Returns the power of p that the target's derivative follows near 0; NaN if there is none."""
    p = np.logspace(-6.0, -3.0, 31)
    slopes = interpolate(curves.derivatives[1], p)
    if not (np.isfinite(slopes).all() and (np.all(slopes > 0.0) or np.all(slopes < 0.0))):
        return math.nan
    powers = np.diff(np.log(np.abs(slopes))) / np.diff(np.log(p))
    return float(powers.mean()) if np.ptp(powers) <= 0.05 else math.nan


def _is_label_blind(curves):
    slopes = (GRID * (1.0 - GRID) * curves.derivatives)[:, CENTRE]
    known = np.isfinite(slopes).all(axis=0)
    if not known.any():
        return False
    slopes = slopes[:, known] / (np.abs(slopes[:, known]).max() or 1.0)
    effect = np.abs(slopes[1] - slopes[0]).mean()
    return bool(effect <= LARGEST_BLINDNESS * np.abs(slopes).mean())
