"""How far a run has come, noted in its ``run.json`` after every generation, for those who watch."""

import math
from collections.abc import Callable, Iterable
from typing import Any


class Progress:
    """The best losses so far, generation by generation.

    What an earlier start noted is not written again, as long as it is the same.

    Args:
        known: What earlier starts have noted, a dict; or empty.
        keep: ``keep(noted)`` writes it down: a dict with ``generations``, from the number of each
            as a text to ``[wins, improvement]`` of the best so far, and ``best``, the text of this
            loss. What is not finite is None.

    Examples:
        >>> progress = Progress({}, print)
        >>> progress.end_generation(0, ["y_pred", "y_true"], [(0, -0.5), (1, 0.25)])
        {'generations': {'0': [1, 0.25]}, 'best': 'y_true'}
        (1, 0.25)
    """

    def __init__(self, known: dict[str, Any], keep: Callable[[dict[str, Any]], Any]) -> None:
        before = known.get("generations")
        self._before = before if isinstance(before, dict) else {}
        self._generations, self._keep = {}, keep
        self._best: Any = None

    def end_generation(self, generation: int, individuals: Iterable[Any],
                       fitnesses: Iterable[tuple[float, float]]) -> tuple[float, float] | None:
        """Takes note of the end of a generation.

        Args:
            generation: Its number.
            individuals: What was evaluated in it.
            fitnesses: The fitness of each, (wins, improvement).

        Returns:
            The fitness of the best so far; None if nothing was evaluated.
        """
        for individual, fitness in zip(individuals, fitnesses, strict=True):
            if self._best is None or fitness > self._best[0]:
                self._best = fitness, str(individual)
        if self._best is None:
            return None
        fitness, text = self._best
        wins, improvement = fitness
        entry = [wins, improvement if math.isfinite(improvement) else None]
        self._generations[str(generation)] = entry
        if self._before.get(str(generation)) == entry:
            return fitness
        self._before = {}
        self._keep({"generations": self._generations, "best": text})
        return fitness
