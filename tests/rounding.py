"""Bounds on the effect of rounding to float32, to compare other ways of computing a loss with."""

import copy
from dataclasses import dataclass, field

import numpy as np

from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.curves.grid import LOWEST

UNIT = 2.0**-24


@dataclass(frozen=True)
class Rounded:
    """A primitive whose value and derivatives are float32's, and up to half a unit off."""

    row: object
    generator: np.random.Generator = field(repr=False)

    def _rounded(self, values):
        noise = self.generator.uniform(-UNIT, UNIT, (1000,))[: np.size(values)]
        values = values * (1.0 + noise.reshape(np.shape(values)))
        return np.asarray(values, np.float32).astype(np.float64)

    def value(self, ops, *operands):
        return self._rounded(self.row.value(ops, *operands))

    def derivative(self, ops, *operands):
        return tuple(map(self._rounded, self.row.derivative(ops, *operands)))


def points(seed=0):
    """Labels and predictions, float64 arrays of one shape: random ones, and the corners."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=4.0, size=(24, 5))
    softmax = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    ends = np.geomspace(LOWEST, 0.1, 8)
    y_pred = np.concatenate([softmax.ravel(), ends, 1.0 - ends, [0.25, 0.5]])
    # Numbers that float32 can hold.
    y_pred = np.clip(y_pred.astype(np.float32), LOWEST, 1.0 - LOWEST).astype(np.float64)
    y_true = generator.integers(0, 2, y_pred.size).astype(np.float64)
    y_true[::7] = generator.uniform(size=y_true[::7].size).astype(np.float32)
    return y_true, y_pred


def reference(tree, pset, y_true, y_pred, samples=10):
    """The float64 value and derivative of a loss, and how far float32 may be from them.

    Every operation of the tree is perturbed at random (Monte Carlo arithmetic); where that makes
    more than a thousandth, float32 has no say and the reference is NaN.

    Returns:
        Two pairs (reference, tolerance) of arrays: of the value, of the derivative.
    """
    exact = differentiate(tree, pset, y_true, y_pred)
    generator = np.random.default_rng(1)
    perturbed = copy.copy(pset)
    perturbed.context = {name: Rounded(row, generator) if hasattr(row, "symbolic") else row
                         for name, row in pset.context.items()}
    with np.errstate(all="ignore"):
        trials = [differentiate(tree, perturbed, y_true, y_pred) for _ in range(samples)]
        spreads = [np.max([np.abs(trial[part] - exact[part]) for trial in trials], axis=0)
                   for part in (0, 1)]
        hopeless = ~np.all([spread <= 1e-3 * np.abs(values) + 1e-30
                            for spread, values in zip(spreads, exact, strict=True)], axis=0)
        hopeless |= np.abs(exact).max(axis=0) > 1e30
        return tuple((np.where(hopeless, np.nan, values), 16 * (spread + UNIT * np.abs(values)))
                     for values, spread in zip(exact, spreads, strict=True))


def assert_agrees(got, expected, what=""):
    """That values and derivatives are within the tolerances of ``reference``."""
    for part, values, (exact, tolerance) in zip(("value", "slope"), got, expected, strict=False):
        known = np.isfinite(exact)
        error = np.abs(np.asarray(values, np.float64) - exact)
        wrong = known & ~(error <= tolerance + 1e-30)
        assert not wrong.any(), (part, what, error[wrong][:3], tolerance[wrong][:3])
