"""An audit of the rungs: a share of what they stopped is trained to the end, and then ranked.

It is drawn by seed and loss, and made when the search is over. So it changes nothing of the search,
and neither the number of workers nor a resumption changes the audit.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from deap_lossgp.curves.canonical import canonical_key
from deap_lossgp.search.fitness import WORST

if TYPE_CHECKING:
    from deap_lossgp.search.evaluation import Evaluation

COLUMNS = ("expression", "epochs", "wins", "improvement", "rank")


@dataclass(frozen=True)
class Audit:
    """What stopping would have lost. Printed, it is a line of the report.

    Attributes:
        stopped: Number of losses that were stopped on some task.
        rows: A dict ``expression epochs wins improvement rank`` for each audited loss: after how
            many epochs it was stopped, the fitness that it would have had, and the rank of this
            fitness among those of the search, 1 being above all.
        lost: By how much the best improvement of an audited loss of rank 1 exceeds that of the
            search's best; 0 if there is none.
        best: How many losses count as the best of the search.
        seconds: What the further trainings took.
    """

    stopped: int
    rows: list
    lost: float
    best: int
    seconds: float

    def __str__(self) -> str:
        above = sum(row["rank"] == 1 for row in self.rows)
        among = sum(row["rank"] <= self.best for row in self.rows)
        return (f"Audit: {len(self.rows)} of {self.stopped} losses that were stopped early were "
                f"trained to the end, in {self.seconds:.0f} s: {among} would be among the best "
                f"{self.best} of the search, {above} above its best"
                + (f"; the largest improvement lost is {self.lost:.4f}." if above else "."))


def audit(evaluation: Evaluation, share: float, best: int) -> Audit:
    """Audits a share of what an evaluation has stopped.

    Args:
        evaluation: The ``Evaluation``, when the search is over.
        share: The probability that a loss is audited, in [0, 1].
        best: How many losses count as the best of the search, at least 1.

    Returns:
        An ``Audit``.
    """
    finished, stopped = [WORST], []
    for tree, results in evaluation.trained():
        if any(result.status == "stopped" for result in results):
            epochs = min(len(r.accuracies) for r in results if r.status == "stopped")
            stopped.append((tree, epochs))
        else:
            finished.append(evaluation.score(results))
    drawn = [(tree, epochs) for tree, epochs in stopped
             if _draw(evaluation.seed, canonical_key(tree, evaluation.pset)) < share]
    rows, lost = [], [0.0]
    fitnesses = evaluation.finished([tree for tree, _ in drawn])
    for (tree, epochs), fitness in zip(drawn, fitnesses, strict=True):
        rank = 1 + sum(other >= fitness for other in finished)
        rows.append(dict(zip(COLUMNS, (str(tree), epochs, *fitness, rank), strict=True)))
        if rank == 1 and math.isfinite(max(finished)[1]):
            lost.append(fitness[1] - max(finished)[1])
    return Audit(len(stopped), rows, max(lost), best, evaluation.counts["audit_seconds"])


def _draw(seed, loss):
    """Returns a number in [0, 1) that a seed and a loss decide."""
    return int.from_bytes(hashlib.sha256(f"audit {seed} {loss}".encode()).digest()[:6]) / 2**48
