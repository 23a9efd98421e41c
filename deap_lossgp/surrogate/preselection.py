"""Preselection: of many children, the few that are worth a training, by what is predicted."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import numpy as np

_TINY = 1e-12


class Preselection:
    """``preselect(children, k)`` chooses k of many children, in the manner of DEAP's selection.

    A child's worth is an optimistic guess, mean + ``optimism`` * deviation. The best child is
    chosen first; each choice then lowers the worth of the children near it (local penalisation),
    by the probability that they lie in the ball around it in which, by its own predicted figure
    and the steepness of the predictions, the optimum cannot be. So the k are good and spread out.

    What has equal features is one: the first of them stands for all. What has been chosen before,
    or was given to ``remember``, is not chosen again.

    It knows nothing of losses: register it under ``preselect`` in any toolbox.

    Args:
        surrogate: Has ``predict(features) -> (means, deviations)``, larger means are better; or
            None as long as there is none: then the first k new children are chosen.
        features: ``features(individual)``, a float array of a fixed shape.
        optimism: Weight of what is uncertain.
        valid: ``valid(individual)``, asked only of a child that is about to be chosen: whether it
            may be. By default all may.

    Attributes:
        surrogate: As given; may be replaced as more is known.

    References:
        Y. Jin, Surrogate-assisted evolutionary computation: recent advances and future challenges,
        Swarm and Evolutionary Computation 1, 2011 (preselection).
        J. Gonzalez, Z. Dai, P. Hennig and N. Lawrence, Batch Bayesian optimization via local
        penalization, AISTATS 2016. The steepness there is a Gaussian process's; here it is the
        largest between two children, but for a hundredth of the pairs: predictions of trees are
        made of steps.

    Examples:
        >>> class Sum:
        ...     def predict(self, features):
        ...         return features.sum(1), np.full(len(features), 0.1)
        >>> preselect = Preselection(Sum(), lambda bits: np.array(bits, float))
        >>> preselect([[0, 0, 0], [1, 1, 1], [1, 1, 1], [0, 1, 1]], k=2)
        [[1, 1, 1], [0, 1, 1]]
        >>> preselect([[1, 1, 1], [0, 0, 0]], k=2)
        [[0, 0, 0]]
    """

    def __init__(self, surrogate: Any, features: Callable[[Any], Any], *, optimism: float = 0.5,
                 valid: Callable[[Any], bool] | None = None) -> None:
        self.surrogate = surrogate
        self._features = features
        self._optimism = optimism
        self._valid = valid or (lambda individual: True)
        self._taken = set()

    def remember(self, individuals: Iterable[Any]) -> None:
        """Takes note of individuals that have been evaluated: they are not chosen again."""
        self._taken.update(self._key(individual)[0] for individual in individuals)

    def __call__(self, children: Sequence[Any], k: int) -> list[Any]:
        """Chooses among children.

        Args:
            children: A sequence of individuals.
            k: How many to choose.

        Returns:
            A list of at most k children, the most promising first; fewer if fewer are new.
        """
        new, features = [], []
        met = set(self._taken)
        for child in children:
            key, values = self._key(child)
            if key not in met:
                met.add(key)
                new.append(child)
                features.append(values)
        if self.surrogate is None or not new:
            order = iter(range(len(new)))
        else:
            means, deviations = self.surrogate.predict(np.array(features))
            order = spread_out(means, deviations, np.array(features), self._optimism)
        chosen = []
        while len(chosen) < k and (index := next(order, None)) is not None:
            self.remember([new[index]])
            if self._valid(new[index]):
                chosen.append(new[index])
        return chosen

    def _key(self, individual):
        values = np.asarray(self._features(individual), np.float64).ravel() + 0.0  # no -0.0
        return values.tobytes(), values


def spread_out(means: np.ndarray, deviations: np.ndarray, features: np.ndarray,
               optimism: float = 0.5) -> Iterator[int]:
    """Orders rows by greedy local penalisation, as ``Preselection`` describes it.

    Args:
        means, deviations: Float arrays of shape (rows,), what is predicted of each row.
        features: Float array of shape (rows, features); distances are taken after each feature is
            divided by its deviation.
        optimism: Weight of the deviations.

    Yields:
        The indices of all rows, the best first.
    """
    from scipy.special import log_ndtr

    spread = features.std(0)
    places = (features - features.mean(0))[:, spread > 0.0] / spread[spread > 0.0]
    optimistic = means + optimism * deviations
    optimistic = (optimistic - np.median(optimistic)) / (optimistic.std() + _TINY)
    worth = np.log(np.logaddexp(0.0, optimistic))  # positive before the logarithm, as there
    steepness = _steepness(means, places)
    for _ in means:
        best = int(np.argmax(worth))
        yield best
        distance = np.linalg.norm(places - places[best], axis=1)
        outside = steepness * distance - (means.max() - means[best])
        # The paper's factor, erfc(-z) / 2 with z = outside / sqrt(2 variance), as a logarithm.
        worth = worth + log_ndtr(outside / (deviations[best] + _TINY))
        worth[best] = -np.inf


def _steepness(means, places):
    """The largest difference in the mean over the distance, but for a hundredth of the pairs."""
    from scipy.spatial.distance import pdist

    distance, difference = pdist(places), pdist(means[:, None])
    apart = distance > 0.0
    return float(np.quantile(difference[apart] / distance[apart], 0.99)) if apart.any() else 0.0
