"""What ends a run before its last generation, in the same place whenever it is executed again."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Mapping, Sequence

from deap_lossgp.algorithms.stopping import EarlyStopping
from deap_lossgp.search.settings import STOPPING, RunSettings


class Clock:
    """The seconds that a run's generations took when they were made first.

    A generation that was made before has the time that it had then, so that whatever is decided by
    the time is decided again. It is the same generation if all that was evaluated up to its end is
    the same. The time of a generation that is interrupted is not known later.

    Args:
        known: dict from a digest to seconds since the start of the run, from earlier starts.
        keep: ``keep(known)`` writes it down, called when there is more of it.

    Attributes:
        seconds: From the start of the run to the end of the last generation.
    """

    def __init__(self, known: dict[str, float], keep: Callable[[dict[str, float]], None]) -> None:
        self.seconds = 0.0
        self._known, self._keep = dict(known), keep
        self._evaluated, self._since = hashlib.sha256(), time.monotonic()

    def end_generation(self, evaluated: Sequence) -> None:
        """Takes note of the end of a generation.

        Args:
            evaluated: The individuals that were evaluated in it, in their order.
        """
        self._evaluated.update(repr([str(individual) for individual in evaluated]).encode())
        name = self._evaluated.hexdigest()[:16]
        now = time.monotonic()
        if name not in self._known:
            self._known[name] = self.seconds + now - self._since
            self._keep(self._known)
        self.seconds, self._since = self._known[name], now


class Limits:
    """``toolbox.stop`` of a run: the settings named by ``STOPPING``, as far as they are given.

    Args:
        settings: ``RunSettings``.
        counts: The ``counts`` of the run's ``Evaluation``.
        clock: The run's ``Clock``.

    Attributes:
        reached: Names of the settings that ended the run; empty as long as none has.
    """

    def __init__(self, settings: RunSettings, counts: Mapping[str, float], clock: Clock) -> None:
        self.reached: tuple[str, ...] = ()
        limits: dict[str, Callable] = {
            "max_minutes": lambda most: lambda _: clock.seconds >= 60.0 * most,
            "max_trainings": lambda most: lambda _: counts["curves"] + counts["exact"] >= most,
            "max_epochs": lambda most: lambda _: counts["epochs"] >= most,
            "patience": EarlyStopping,
        }
        self._limits = {name: limits[name](getattr(settings, name)) for name in STOPPING
                        if getattr(settings, name) is not None}

    def __call__(self, population: Sequence, _logbook: object) -> bool:
        """Returns whether the run ends with this generation."""
        self.reached = tuple(name for name, reached in self._limits.items() if reached(population))
        return bool(self.reached)
