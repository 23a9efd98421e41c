"""A surrogate: what trainings would show, predicted from features by extremely randomised trees."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from deap_lossgp.surrogate.evidence import Evidence

GUESSED = 0.5
"""What a row that did not reach the last rung counts, relative to one that did."""

_ENOUGH = 5  # rows that reached both of two rungs, to learn the second from the first


class Surrogate:
    """Learns figures at several rungs from features, and says how sure it is.

    It knows nothing of losses: features and figures are arrays, larger figures are better. What
    else a figure depends on, such as the budget of a training, can be one more feature.

    A row that stopped at a rung counts as evidence too: its later figures are guessed from the
    last one that it has, by isotonic regression over the rows that have both.

    Args:
        trees: Number of trees.
        min_samples_leaf: Least numbers of rows in a leaf; each holds for an equal part of the
            trees. Small leaves know single good rows, large ones average noise away.
        max_features: Share of the features that are tried at each split.
        seed: Of the trees. Equal seeds and equal rows give equal predictions.

    References:
        P. Geurts, D. Ernst and L. Wehenkel, Extremely randomized trees, Machine Learning 63, 2006.
        Deviation over the trees as uncertainty: F. Hutter, H. Hoos and K. Leyton-Brown, Sequential
        model-based optimization for general algorithm configuration, LION 5, 2011.

    Examples:
        >>> from deap_lossgp.surrogate.evidence import Evidence
        >>> x = np.linspace(0, 1, 40)[:, None]
        >>> surrogate = Surrogate(seed=1).fit(Evidence(x, x**2, np.ones(40)))
        >>> mean, deviation = surrogate.predict([[0.2], [0.5], [0.8]])
        >>> bool((np.diff(mean) > 0.0).all())
        True
    """

    def __init__(self, *, trees: int = 200, min_samples_leaf: Sequence[int] = (1, 2, 4, 8),
                 max_features: float = 0.3, seed: int = 0) -> None:
        self._leaves = min_samples_leaf
        self._settings = {"n_estimators": trees // len(min_samples_leaf),
                          "max_features": max_features, "random_state": seed, "n_jobs": 1}
        self._trees: Sequence[Any] = ()

    def fit(self, evidence: Evidence) -> Self:
        """Learns from an ``Evidence`` anew, and returns the surrogate.

        Raises:
            ValueError: No rows, a row without a figure at the first rung, or features that are
                not finite.
        """
        from sklearn.ensemble import ExtraTreesRegressor

        if not len(evidence) or np.isnan(evidence.figures[:, 0]).any():
            raise ValueError(f"expected rows with a figure at the first rung, got "
                             f"{len(evidence)} rows, {np.isnan(evidence.figures[:, 0]).sum()} "
                             f"of them without")
        reached = ~np.isnan(evidence.figures[:, -1])
        figures = completed(evidence.figures)
        forests = (ExtraTreesRegressor(min_samples_leaf=rows, **self._settings).fit(
            evidence.features, figures[:, 0] if figures.shape[1] == 1 else figures,
            sample_weight=evidence.weights * np.where(reached, 1.0, GUESSED),
        ) for rows in self._leaves)  # fmt: skip
        self._trees = [tree for forest in forests for tree in forest.estimators_]
        return self

    def predict_trees(self, features: Any) -> np.ndarray:
        """What each tree predicts.

        Args:
            features: Array of shape (individuals, features).

        Returns:
            float64 of shape (trees, individuals, rungs).

        Raises:
            ValueError: The surrogate has not been fitted.
        """
        if not self._trees:
            raise ValueError("the surrogate has learned nothing: call fit first")
        features = np.ascontiguousarray(features, np.float32)
        # Straight from the trees: scikit-learn's checks of a single row cost 50 times the rest.
        trees = [tree.tree_.predict(features) for tree in self._trees]
        return np.array(trees).reshape(len(trees), len(features), -1)

    def predict(self, features: Any) -> tuple[np.ndarray, np.ndarray]:
        """Predicts the figure at the last rung.

        Args:
            features: Array of shape (individuals, features).

        Returns:
            Mean and standard deviation over the trees, each float64 of shape (individuals,). The
            deviation does not know what differs between data sets: on one that was left out, 78
            to 85% of the truths lay within two deviations.
        """
        last = self.predict_trees(features)[..., -1]
        return last.mean(0), last.std(0)


def completed(figures: Any) -> np.ndarray:
    """Fills figures that are NaN with guesses from the rung before, as ``Surrogate`` describes.

    Args:
        figures: float array of shape (rows, rungs), without NaN at the first rung.

    Returns:
        float64 of that shape.
    """
    from sklearn.isotonic import IsotonicRegression

    figures = np.array(figures, np.float64)
    for rung in range(1, figures.shape[1]):
        before, here = figures[:, rung - 1], figures[:, rung]
        missing = np.isnan(here)
        if (~missing).sum() >= _ENOUGH:
            rule = IsotonicRegression(out_of_bounds="clip").fit(before[~missing], here[~missing])
            # What did worse than all that went on can only be as bad as it was.
            lowest = before[~missing].min()
            guesses = np.where(before < lowest, np.minimum(before, here[~missing].min()),
                               rule.predict(before))
        else:
            guesses = before
        here[missing] = guesses[missing]
    return figures
