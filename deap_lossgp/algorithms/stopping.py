"""When an evolution stops before its last generation."""

from __future__ import annotations

from typing import TYPE_CHECKING

from deap_lossgp.algorithms.loop import check_integer

if TYPE_CHECKING:
    from deap import tools


class EarlyStopping:
    """``toolbox.stop``: ends an algorithm that finds nothing better; the name is Keras's.

    Of several objectives the first counts first, as DEAP compares fitness. It serves for one call
    of an algorithm: the next one needs another.

    Args:
        patience: Generations in a row without a better best after which it stops, at least 1.

    Raises:
        TypeError: ``patience`` is not an integer.
        ValueError: It is less than 1.

    Examples:
        >>> from deap import base
        >>> from deap_lossgp.algorithms import eaRandom
        >>> class Largest(base.Fitness):
        ...     weights = (1.0,)
        >>> class Number(list):
        ...     def __init__(self, value):
        ...         super().__init__([value])
        ...         self.fitness = Largest()
        >>> values = iter([5, 3, 4, 6, 6, 1, 2, 7])
        >>> toolbox = base.Toolbox()
        >>> toolbox.register("individual", lambda: Number(next(values)))
        >>> toolbox.register("evaluate", tuple)
        >>> toolbox.register("stop", EarlyStopping(patience=3))
        >>> _, logbook = eaRandom([toolbox.individual()], toolbox, ngen=100, verbose=False)
        >>> len(logbook), next(values)
        (7, 7)
    """

    def __init__(self, patience: int) -> None:
        check_integer("patience", patience, 1)
        self.patience = patience
        self._best, self._waited = None, 0

    def __call__(self, population: list, logbook: tools.Logbook | None = None) -> bool:
        """Takes note of a generation's end; returns whether to stop.

        Args:
            population: List of evaluated individuals.
            logbook: Not used.
        """
        best = max(individual.fitness.wvalues for individual in population)
        if self._best is None or best > self._best:
            self._best, self._waited = best, 0
        else:
            self._waited += 1
        return self._waited >= self.patience
