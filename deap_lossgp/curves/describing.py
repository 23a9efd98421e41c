"""Describing a loss: what its two curves say of it, measured; NumPy and SciPy only."""

import math
from functools import cache, lru_cache

import numpy as np
from scipy.signal import find_peaks

from deap_lossgp.curves.cards import MISTAKES, LossCard, TotalLoss
from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import CENTRE, GRID, KNOTS, interpolate, logit
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.expressions import infix
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.primitives import LIMIT
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

CLASSES = (2, 10, 100)

LARGEST_BLINDNESS = 1e-4
"""Largest effect of the label on the gradient of a label-blind loss, relative to the gradient."""

_SAME = 1e-12  # values that differ relatively by less are equal but for rounding
_DECADE = round(math.log(10.0) / float(logit(GRID[1]) - logit(GRID[0])))  # in knots
_LABELS = np.array([[0.0], [1.0]])


def describe(tree, pset, *, name=None, seed=0):
    """Measures what there is to say of a loss.

    Every figure is read from values and derivatives on p; nothing is simplified, so what holds is
    said of the range that trains, from 1.2e-7 to 1 - 1.2e-7. No valid loss is refused: what is not
    finite, constant or label-blind is said to be so.

    Args:
        tree: A ``LossTree``.
        pset: Its primitive set.
        name: For the card; None calls it ``loss``.
        seed: Of the random predictions at which known losses are compared.

    Returns:
        A ``LossCard``.

    Raises:
        ValueError: ``seed`` is negative, or a primitive of the set is not a ``LossPrimitive``.

    Examples:
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
        scale=curves.gradient_scale / _cross_entropy().gradient_scale,
        totals=tuple(_total_loss(tree, pset, curves, number) for number in CLASSES),
        unbounded=tuple(_unbounded(tree, pset, curves)),
        power=_power(curves),
        mistakes=tuple(_relative_gradient(curves, p, 1.0 - p) for p in MISTAKES),
        label_blind=_is_label_blind(curves),
        similarities=_similarities(curves, seed),
    )


@cache
def _known_curves():
    pset = loss_primitive_set()
    return {name: LossCurves.of(LossTree.from_string(text, pset), pset)
            for name, text in KNOWN_LOSSES.items()}


def _cross_entropy():
    return _known_curves()["cross_entropy"]


# The loss of a sample, by p_target


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
    """The loss at predictions for the target, and its derivative by the target's logit.

    As p_target rises, the others stay in proportion, so dp_target/dlogit = p_target (1 - p_target).
    """
    others = (1.0 - p_target) / (num_classes - 1)
    # At the very points: between knots an interpolated curve would have bends of its own.
    (other, true), slopes = differentiate(tree, pset, _LABELS, np.stack([others, p_target]))
    value = (true + (num_classes - 1) * other) / num_classes
    return value, p_target * (1.0 - p_target) * (slopes[1] - slopes[0]) / num_classes


def _relative_gradient(curves, target, other):
    """On the target's logit, on cross entropy's scale and relative to it, at two predictions."""
    if not curves.gradient_scale:
        return 0.0
    slope, reference = (
        (interpolate(each.derivatives[1], target) - interpolate(each.derivatives[0], other))
        / each.gradient_scale
        for each in (curves, _cross_entropy())
    )
    return float(slope / reference)


def _course(total):
    """In words, how a loss goes with p_target."""
    if np.isnan(total).any():
        return "undefined"
    total = np.clip(total, -LIMIT**2, LIMIT**2)
    sizes = np.abs(total)
    least = _SAME * (sizes + np.median(sizes))
    tops, bottoms = (len(find_peaks(sign * total, prominence=least)[0]) for sign in (1, -1))
    if tops + bottoms > 1:
        return f"turns {tops + bottoms} times"
    if tops + bottoms:
        return "rises, falls" if tops else "falls, rises"
    change = total[-1] - total[0]
    if abs(change) <= max(least[0], least[-1]):
        return "stays"
    return "rises" if change > 0.0 else "falls"


# Where values and gradients go


def _unbounded(tree, pset, curves):
    """Yields the places where a value grows without end or is not finite."""
    for label, words in ((1, "for the target"), (0, "for other classes")):
        values = curves.values[label]
        if not np.isfinite(values).all():
            place = GRID[np.argmin(np.isfinite(values))]
            yield f"not finite near p = {place:.3g} {words}"
            continue
        for end, outwards in ((0, values[::-1]), (1, values)):
            if _grows_outwards(outwards):
                yield f"as p -> {end} {words}"
        for sign in (1.0, -1.0):
            place = _pole(tree, pset, label, sign, values)
            if place is not None:
                yield f"near p = {place:.3g} {words}"


def _grows_outwards(values):
    """Whether the last decade of p widens the range of values nearly as the one before did.

    That of a logarithm widens by the same in each, that of p**a by 10**-a.
    """
    half = values[KNOTS // 2:]
    ranges = [np.ptp(half[:len(half) - decades * _DECADE]) for decades in (2, 1, 0)]
    before, last = np.diff(ranges)
    return bool(np.abs(half).max() >= 0.9 * LIMIT
                or last > max(0.8 * before, 1e-6 * ranges[-1], _SAME * np.abs(half).max()))


def _pole(tree, pset, label, sign, values):
    """Where looking closer at the greatest value finds ever greater ones, or far greater; None."""
    knot, spread = int(np.argmax(sign * values)), np.ptp(values)
    inside = 2 * _DECADE <= knot < KNOTS - 2 * _DECADE
    if not inside or spread <= _SAME * np.abs(values).max():
        return None
    low, high, greatest = GRID[knot - 1], GRID[knot + 1], [sign * values[knot]]
    for _ in range(3):
        places = np.linspace(low, high, 129)
        closer = sign * differentiate(tree, pset, np.float64(label), places)[0]
        if not np.isfinite(closer).all():
            return GRID[knot]
        at = int(np.argmax(closer))
        greatest.append(closer[at])
        low, high = places[max(at - 1, 0)], places[min(at + 1, 128)]
    before, last = np.diff(greatest)[1:]
    far = min(0.9 * LIMIT, greatest[0] + 10.0 * spread)
    grows = greatest[-1] >= far or last > max(0.5 * before, 1e-6 * spread)
    return GRID[knot] if grows else None


def _power(curves):
    """The power of p that the target's derivative goes with near 0; NaN if it is none."""
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


# Gradients with respect to the logits, as a field over predictions


def _similarities(curves, seed):
    field = _field(curves, seed)
    pairs = [(name, _cosine(field, known)) for name, known in _known_fields(seed).items()]
    return tuple(sorted(pairs, key=lambda pair: -pair[1] if math.isfinite(pair[1]) else math.inf))


@lru_cache(maxsize=4)
def _known_fields(seed):
    return {name: _field(curves, seed) for name, curves in _known_curves().items()}


def _field(curves, seed):
    """Gradients of shape (samples, classes); a constant added to both derivatives drops out."""
    logits, one_hot = _predictions(seed)
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    other, true = interpolate(curves.derivatives, p)
    slopes = p * np.where(one_hot, true, other)
    return slopes - p * slopes.sum(1, keepdims=True)


@lru_cache(maxsize=4)
def _predictions(seed, samples=1000, num_classes=10):
    """Random logits, from undecided to confident, and labels."""
    generator = np.random.default_rng(seed)
    logits = generator.uniform(0.0, 3.0, (samples, 1)) * generator.standard_normal(
        (samples, num_classes))
    return logits, np.eye(num_classes, dtype=bool)[generator.integers(0, num_classes, samples)]


def _cosine(one, two):
    """Over the samples where both are finite; NaN where these are under half, or one is zero."""
    known = np.isfinite(one).all(axis=1) & np.isfinite(two).all(axis=1)
    if 2 * known.sum() < len(known):
        return math.nan
    one, two = (field[known] / (np.abs(field[known]).max() or 1.0) for field in (one, two))
    lengths = np.linalg.norm(one) * np.linalg.norm(two)
    return float(np.sum(one * two) / lengths) if lengths else math.nan
