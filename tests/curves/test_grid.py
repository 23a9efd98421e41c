"""The grid of probabilities, and interpolation between its knots."""

import numpy as np
import pytest

from deap_lossgp.curves.grid import (
    GRID,
    HIGHEST_LOGIT,
    KNOTS,
    LOWEST,
    centre,
    interpolate,
    logit,
)


def test_the_grid_is_uniform_in_logit_and_ends_at_the_clipping():
    assert (len(GRID), GRID[0], GRID[-1]) == (KNOTS, pytest.approx(LOWEST), 1.0 - LOWEST)
    np.testing.assert_allclose(logit(GRID), np.linspace(-HIGHEST_LOGIT, HIGHEST_LOGIT, KNOTS),
                               atol=1e-8)


def test_interpolation_is_exact_at_the_knots():
    curves = np.random.default_rng(0).normal(size=(2, KNOTS))
    # Near p = 1 a knot's own position is rounded, to 1e-7 of the distance between two.
    np.testing.assert_allclose(interpolate(curves, GRID), curves, rtol=0, atol=1e-5)


def test_interpolation_clips_predictions_to_the_grid():
    curves = np.stack([np.log(GRID), np.log1p(-GRID)])
    np.testing.assert_array_equal(interpolate(curves, [0.0, 1.0]),
                                  interpolate(curves, GRID[[0, -1]]))


def test_the_centre_holds_both_its_ends_and_nothing_beyond():
    p = np.array([0.005, np.nextafter(0.01, 0), 0.01, 0.5, 0.99, np.nextafter(0.99, 1), 0.995])
    assert p[centre(p)].tolist() == [0.01, 0.5, 0.99]
