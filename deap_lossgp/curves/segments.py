"""The curves of a loss as parabolas, between knots that each loss puts where it needs them.

Knots are numbers that float32 holds, as predictions are. So refinement ends: a cell without such a
number inside is exact, and poles, kinks and jumps come down to a few of these.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import uniform_filter1d

from deap_lossgp.curves.grid import HIGHEST_LOGIT, LOWEST, probability

MOST_CELLS = 16384
"""A loss that needs more is not resolved. Twice as many would resolve 1% more of random trees."""

NEGLIGIBLE = 1e-3
"""Gradients this small relative to the median one that reaches a logit need no relative precision.

An error of a thousandth of them is 1e-6 of the median gradient; softmax's own gradient loses that
much in float32."""

_CELLS, _PARTS = 1024, 8  # to begin with, and the parts of each that are looked at
_LOGITS = np.linspace(-HIGHEST_LOGIT, HIGHEST_LOGIT, _CELLS * _PARTS + 1)
POINTS = np.clip(probability(_LOGITS).astype(np.float32), LOWEST, np.float32(1.0 - LOWEST))
"""Where every loss is looked at: float32, about uniform in logit(p), from LOWEST to 1 - LOWEST."""

_AFTER = np.nextafter(POINTS[-1:], np.float32(1.0))
_TWO_ZEROS = ((0, 0), (0, 0), (0, 2))
_NEIGHBOURS = 17  # cells: a quarter of a unit of logit(p) on either side


@dataclass(frozen=True, eq=False)
class Segments:
    """Parabolas through the derivatives of a loss, for both labels.

    Attributes:
        knots: Where the cells begin and the last one ends, ascending; float32 of shape (n + 1,).
            The last cell holds nothing but its beginning, 1 - LOWEST.
        values: L(0, p) and L(1, p) where the cells begin, float64 of shape (2, n).
        derivatives: Coefficients of their derivatives with respect to p, in powers of the position
            in the cell, which runs from 0 to 1; float64 of shape (2, n, 3).
        error: The largest error of a derivative among the points that were looked at, at least four
            in each cell, relative to its size there (see ``refined``).
    """

    knots: np.ndarray
    values: np.ndarray
    derivatives: np.ndarray
    error: float

    def value(self, y_true: np.ndarray | int, p: np.ndarray) -> np.ndarray:
        """Returns L(y_true, p) at predictions: the parabolas' integrals.

        Args:
            y_true: 0 or 1, or an array of them, of the shape of p.
            p: Array of any shape; it is clipped to [LOWEST, 1 - LOWEST].

        Returns:
            float64 of the shape of p.
        """
        p = np.clip(np.asarray(p, np.float32), LOWEST, np.float32(1.0 - LOWEST))
        cell = np.searchsorted(self.knots, p, side="right") - 1
        left = self.knots[cell].astype(np.float64)
        position = (p - left) / (self.knots[cell + 1] - left)
        label = np.asarray(y_true, np.int64)
        mean = _along(self.derivatives[label, cell] / (1.0, 2.0, 3.0), position)
        return self.values[label, cell] + (p - left) * mean


def refined(sample: Callable[[np.ndarray], Sequence[np.ndarray]], scale: float,
            tolerance: float) -> Segments:
    """Halves cells until a parabola in each meets the derivative to a tolerance.

    A derivative's size at a point is its magnitude, the geometric mean of its magnitudes within a
    quarter of a unit of logit(p), or ``NEGLIGIBLE`` of the typical one, whichever is largest.

    Args:
        sample: ``differentiate_with_signs`` of the loss: returns values, derivatives and signs,
            arrays of shape (2, n), at p of shape (n,). A cell where signs differ is halved to the
            end: what happens between its points may be too narrow to be met by chance.
        scale: The typical p (1 - p) dL/dp, ``LossCurves.gradient_scale``.
        tolerance: The error that is allowed, relative to the derivative's size.

    Returns:
        ``Segments``. Its error is infinite if the loss needs more than ``MOST_CELLS``, or if
        something is not finite; else it is within the tolerance.
    """
    def sampled(points):
        arrays = sample(points.ravel().astype(np.float64))
        values, derivatives, signs = (array.reshape(2, *points.shape) for array in arrays)
        return np.stack([values, derivatives]), signs

    index = np.arange(_CELLS)[:, None] * _PARTS + np.arange(_PARTS + 1)
    samples, signs = (array[..., index] for array in sampled(POINTS))
    with np.errstate(all="ignore"):
        cells = list(_refinements(POINTS[index], samples, signs, sampled, scale, tolerance))
    values, ends = samples[:, :, -1, -1]
    cells.append((POINTS[-1:], _AFTER, values[:, None], np.pad(ends[:, None, None], _TWO_ZEROS),
                  np.zeros(1)))
    lefts, rights, values, fits, errors = (
        np.concatenate(parts, axis) for parts, axis in
        zip(zip(*cells, strict=True), (0, 0, 1, 1, 0), strict=True))
    order = np.argsort(lefts, kind="stable")
    order = order[(rights > lefts)[order]]  # float32 may hold two points as one number
    return Segments(np.append(lefts[order], _AFTER), values[:, order], fits[:, order],
                    float(errors.max()))


def typical_size(derivatives: np.ndarray) -> np.ndarray:
    """Returns the geometric mean of magnitudes around each cell.

    Args:
        derivatives: Array of shape (2, cells, points), cells about uniform in logit(p).

    Returns:
        Array of shape (2, cells, 1).
    """
    logarithms = np.log(np.abs(derivatives) + np.finfo(float).tiny).mean(-1)
    return np.exp(uniform_filter1d(logarithms, _NEIGHBOURS, axis=1))[..., None]


def sizes(derivatives: np.ndarray, typical: np.ndarray, points: np.ndarray,
          scale: float) -> np.ndarray:
    """Returns the size of derivatives, to which an error is relative, as ``refined`` defines it."""
    p = points.astype(np.float64)
    return np.maximum(np.maximum(np.abs(derivatives), typical),
                      NEGLIGIBLE * scale / (p * (1.0 - p)))


def _refinements(points, samples, signs, sampled, scale, tolerance) -> Iterator[tuple]:
    """Yields (lefts, rights, values, fits, errors) of the cells done after each halving."""
    typical, done = typical_size(samples[1]), 0
    while True:
        left, right = points[:, 0].astype(np.float64), points[:, -1].astype(np.float64)
        position = np.nan_to_num((points - left[:, None]) / (right - left)[:, None])
        fits = _parabolas(position, samples[1])
        off = np.abs(_along(fits[..., None, :], position) - samples[1])
        off = np.where(off == 0.0, 0.0, off / sizes(samples[1], typical, points, scale))
        error = np.nan_to_num(off.max((0, 2)), nan=np.inf)
        exact = np.nextafter(points[:, 0], np.float32(1.0)) >= points[:, -1]  # nothing between
        error[exact] = 0.0
        open_ = ((error > tolerance) | (signs != signs[..., :1]).any((0, 2))) & ~exact
        done += (~open_).sum()
        if not np.isfinite(error).all() or done + _foreseen(error[open_] / tolerance) > MOST_CELLS:
            error[open_] = np.inf
            open_[:] = False
        yield (points[~open_, 0], points[~open_, -1], samples[0][:, ~open_, 0], fits[:, ~open_],
               error[~open_])
        if not open_.any():
            return
        points, samples, signs = (_halves(columns) for columns in
                                  (points[open_], samples[:, :, open_], signs[:, open_]))
        typical = np.concatenate([typical[:, open_]] * 2, 1)
        if points.shape[1] == 3:
            between = ((points[:, :-1].astype(np.float64) + points[:, 1:]) / 2.0).astype(np.float32)
            points, samples, signs = map(_woven, (points, samples, signs),
                                         (between, *sampled(between)))


def _foreseen(errors):
    """Returns about how many cells are to come of those whose errors are so many times too large.

    A parabola's error falls with the third power of the width of a cell.
    """
    return max(2 * len(errors), np.cbrt(np.clip(errors, 1.0, 1000.0)).sum())


def _parabolas(position, samples):
    """Fits parabolas through the first, the middle and the last of each cell's points."""
    middle = position.shape[1] // 2
    first, half, last = samples[..., 0], samples[..., middle], samples[..., -1]
    x = position[:, middle]
    line = (x == 0.0) | (x == 1.0)  # no number of float32 lies between
    chord = last - first
    bend = np.where(line, 0.0, (first + chord * x - half) / np.where(line, 1.0, x * (1.0 - x)))
    return np.stack([first, chord - bend, bend], axis=-1)


def _along(fits, position):
    constant, slope, bend = np.moveaxis(fits, -1, 0)
    return constant + position * (slope + position * bend)


def _halves(columns):
    middle = columns.shape[-1] // 2
    return np.concatenate([columns[..., : middle + 1], columns[..., middle:]], axis=-2)


def _woven(columns, between):
    """Puts columns between each two others."""
    shape = (*columns.shape[:-1], columns.shape[-1] + between.shape[-1])
    woven = np.empty(shape, columns.dtype)
    woven[..., ::2], woven[..., 1::2] = columns, between
    return woven
