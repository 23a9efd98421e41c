"""How similarly two losses train: the cosine between their gradients at random predictions."""

import math
from functools import cache, lru_cache

import numpy as np

from deap_lossgp.curves.loss_curves import LossCurves, logit_gradients
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree


@cache
def known_curves() -> dict[str, LossCurves]:
    """Returns {name: ``LossCurves``} of the known losses, of protected primitives."""
    pset = loss_primitive_set()
    return {name: LossCurves.of(LossTree.from_string(text, pset), pset)
            for name, text in KNOWN_LOSSES.items()}


def similarities(curves: LossCurves, seed: int) -> tuple[tuple[str, float], ...]:
    """Compares a loss with the known losses.

    The gradients with respect to the logits of two losses that train alike are in proportion, so
    their cosine is 1. They are compared at 1,000 predictions of 10 classes; the logits of each are
    normal, with a standard deviation drawn from 0 (undecided) to 3 (confident).

    Args:
        curves: The loss's ``LossCurves``.
        seed: Seed of the random predictions, at least 0.

    Returns:
        A tuple of (name, cosine), the most similar first; a cosine is NaN where the losses cannot
        be compared, because one has no gradient.
    """
    gradients = _gradients(curves, seed)
    pairs = [(name, _cosine(gradients, known)) for name, known in _known_gradients(seed).items()]
    return tuple(sorted(pairs, key=lambda pair: -pair[1] if math.isfinite(pair[1]) else math.inf))


@lru_cache(maxsize=4)
def _known_gradients(seed):
    return {name: _gradients(curves, seed) for name, curves in known_curves().items()}


def _gradients(curves, seed):
    return logit_gradients(curves.derivatives, *_predictions(seed))


@lru_cache(maxsize=4)
def _predictions(seed, samples=1000, num_classes=10):
    """Draws random logits, from undecided to confident, and one-hot labels."""
    generator = np.random.default_rng(seed)
    logits = generator.uniform(0.0, 3.0, (samples, 1)) * generator.standard_normal(
        (samples, num_classes))
    return logits, np.eye(num_classes, dtype=bool)[generator.integers(0, num_classes, samples)]


def _cosine(one, two):
    """Returns the cosine over the samples where both are finite.

    It is NaN if fewer than half of the samples are finite, or if one of the two is zero.
    """
    known = np.isfinite(one).all(axis=1) & np.isfinite(two).all(axis=1)
    if 2 * known.sum() < len(known):
        return math.nan
    one, two = (each[known] / (np.abs(each[known]).max() or 1.0) for each in (one, two))
    lengths = np.linalg.norm(one) * np.linalg.norm(two)
    return float(np.sum(one * two) / lengths) if lengths else math.nan
