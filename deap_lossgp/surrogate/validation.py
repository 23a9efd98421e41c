"""How far the surrogate can be trusted, measured: ``python -m deap_lossgp.surrogate.validation``.

Questions, each for one data set that is left out completely (its rows, and the losses that were
bred on it): ``new`` losses have been measured nowhere, which is the case of a child in a search;
``elsewhere`` losses may have been measured on the other data sets, which is the case of an atlas's
loss on a data set of one's own. ``within`` is no transfer: new losses, the data set's own rows.
These three are asked at a data set's main budget; ``longer`` asks about new losses at its others.
Losses of equal landmarks are one loss.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate.atlas import load_atlas, main_budget
from deap_lossgp.surrogate.evidence import CLASSES, evidence_of, one_name, tasks_of
from deap_lossgp.surrogate.model import Surrogate, completed
from deap_lossgp.surrogate.preselection import spread_out

if TYPE_CHECKING:
    import pandas as pd
    from deap import gp

    from deap_lossgp.surrogate.evidence import Evidence
    from deap_lossgp.surrogate.features import LossFeatures

QUESTIONS = ("new", "elsewhere", "within", "longer")
NEAR_CHANCE = -4.4
"""On the common scale, on which chance is at about -4.6."""

_FOLDS = 10
_FEWEST = 40  # losses on a data set, for a rank correlation to say anything


def cross_validate(table: pd.DataFrame | None = None, *, make: Callable[[], Any] = Surrogate,
                   questions: Sequence[str] = QUESTIONS, losses: int | None = None, seed: int = 0,
                   pset: gp.PrimitiveSet | None = None,
                   by_task: dict[int, LossFeatures] | None = None) -> list[dict[str, Any]]:
    """Measures a surrogate on each data set of a table that has losses enough.

    Args:
        table: As ``load_atlas`` gives it; the atlas by default.
        make: ``make()`` gives an unfitted surrogate with ``fit`` and ``predict``.
        questions: Of ``QUESTIONS``.
        losses: Learn from that many losses only, drawn by chance; all by default.
        seed: Of the folds, and of the losses drawn.
        pset: The primitive set; the protected one by default.
        by_task: As for ``evidence_of``.

    Returns:
        A list of dicts: dataset, question, losses (that were predicted), all and half (rank
        correlations with the truth, over all losses and over the truly better half), top (share of
        the true best 20 in the predicted best quarter), within (share of the truths at most two
        deviations from their prediction), and what ``chosen`` gives.
    """
    table = load_atlas() if table is None else table
    pset = pset or loss_primitive_set()
    by_task = {} if by_task is None else by_task
    rows = _Rows(table, pset, by_task)
    texts = np.array(sorted({*rows.texts}))
    draw = np.random.default_rng(seed)
    fold_of = dict(zip(texts, draw.permutation(len(texts)) % _FOLDS, strict=True))
    folds = np.array([fold_of[text] for text in rows.texts])
    drawn = np.ones(len(folds), bool)
    if losses is not None:
        # More are drawn than asked for, as a tenth of them is left out in each fold.
        some = {*draw.permutation(texts)[: round(losses * _FOLDS / (_FOLDS - 1))]}
        drawn = np.array([text in some for text in rows.texts])
    results = []
    for dataset in sorted({*rows.datasets}):
        own = rows.datasets == dataset
        honest = ~own & ~rows.bred_on[dataset] & drawn
        for question in questions:
            here = own & (rows.longer if question == "longer" else ~rows.longer)
            if here.sum() < _FEWEST:
                continue
            learn = here & drawn if question == "within" else honest
            mean, deviation = np.full((2, len(folds)), np.nan)
            for fold in [None] if question == "elsewhere" else range(_FOLDS):
                test = here & (folds == fold if fold is not None else True)
                known = learn & (folds != fold if fold is not None else True)
                model = make().fit(rows.evidence(known))
                mean[test], deviation[test] = model.predict(rows.features[test])
            figures = agreement(rows.figures[here, -1], mean[here], deviation[here])
            choice = chosen(rows.figures[here, -1], mean[here], deviation[here],
                            rows.features[here], seed)  # fmt: skip
            results.append({"dataset": dataset, "question": question, **figures, **choice})
    return results


def agreement(truth: np.ndarray, mean: np.ndarray, deviation: np.ndarray) -> dict[str, Any]:
    """Compares predictions with the truth; the figures of ``cross_validate``."""
    from scipy.stats import spearmanr

    half = truth >= np.median(truth)
    best = np.argsort(-truth, kind="stable")[:20]
    quarter = np.argsort(-mean, kind="stable")[: len(mean) // 4]
    return {
        "losses": len(truth),
        "all": float(spearmanr(truth, mean).statistic),
        "half": float(spearmanr(truth[half], mean[half]).statistic),
        "top": float(np.isin(best, quarter).mean()),
        "within": float((np.abs(truth - mean) <= 2.0 * deviation).mean()),
    }


def chosen(truth: np.ndarray, mean: np.ndarray, deviation: np.ndarray, features: np.ndarray,
           seed: int, k: int = 6, children: int = 150, draws: int = 100) -> dict[str, float]:
    """What preselection makes of it: ``k`` of ``children`` that are drawn by chance.

    Args:
        truth, mean, deviation: float arrays of shape (losses,), on the common scale.
        features: float array of shape (losses, features).
        seed: Of the draws.
        k, children, draws: How many are chosen of how many, how often.

    Returns:
        A dict: dead and good, the shares of all losses that end near chance and above cross
        entropy; dead_chosen and good_chosen, those among the chosen.
    """
    draw, picked = np.random.default_rng(seed), []
    for _ in range(draws):
        some = draw.permutation(len(truth))[:children]
        order = spread_out(mean[some], deviation[some], features[some])
        picked.extend(some[list(islice(order, k))])
    shares = {"dead": truth < NEAR_CHANCE, "good": truth > 0.0}
    return {name + ending: float(share[rows].mean()) for name, share in shares.items()
            for ending, rows in (("", slice(None)), ("_chosen", picked))}  # fmt: skip


class _Rows:
    """The rows of a table as evidence, with what is needed to divide them."""

    def __init__(self, table, pset, by_task):
        self._all = evidence = evidence_of(table, pset, by_task=by_task)
        self.features = evidence.features
        self.figures = completed(evidence.figures)  # what was stopped at chance stays there
        names = {dataset: one_name(part["expression"], by_task[CLASSES[dataset]])
                 for dataset, part in table.groupby("dataset")}  # fmt: skip
        keys = sorted({(*task, names[task[0]][text]) for task, text
                       in zip(tasks_of(table), table["expression"], strict=True)})  # fmt: skip
        self.datasets, *_, texts = (np.array(part) for part in zip(*keys, strict=True))
        main = {*tasks_of(main_budget(table))}
        self.longer = np.array([key[:3] not in main for key in keys])
        # Across data sets: by the landmarks for the fewest classes.
        alike = one_name(table["expression"], by_task[min(by_task)])
        self.texts = np.array([alike[text] for text in texts])
        bred = {(alike[text], place) for text, place
                in zip(table["expression"], table["bred"], strict=True)}  # fmt: skip
        self.bred_on = {place: np.array([(text, place) in bred for text in self.texts])
                        for place in {*self.datasets}}  # fmt: skip

    def evidence(self, rows):
        parts = (getattr(self._all, name)[rows] for name in ("features", "figures", "weights"))
        return type(self._all)(*parts)


class Boosted:
    """Gradient boosting in the surrogate's place, for comparison; it knows no deviation."""

    def fit(self, evidence: Evidence) -> Self:
        from sklearn.ensemble import HistGradientBoostingRegressor

        figures = evidence.figures[:, -1]
        known = ~np.isnan(figures)
        model = HistGradientBoostingRegressor(max_iter=150, learning_rate=0.05, max_leaf_nodes=8,
                                              min_samples_leaf=10, random_state=0)
        self._model = model.fit(evidence.features[known], figures[known], evidence.weights[known])
        return self

    def predict(self, features: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        mean = self._model.predict(features)
        return mean, np.zeros_like(mean)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Cross-validate the surrogate on the atlas.")
    parser.add_argument("--losses", type=int, nargs="+", default=[None], metavar="N",
                        help="learn from N losses only: a learning curve")
    parser.add_argument("--boosted", action="store_true", help="gradient boosting for comparison")
    parser.add_argument("--atlas", metavar="CSV", help="another table")
    settings = parser.parse_args(argv)
    table = load_atlas(path=settings.atlas) if settings.atlas else load_atlas()
    make, by_task = Boosted if settings.boosted else Surrogate, {}
    print(f"{'learned from':>12} {'dataset':14} {'question':10} losses   all  half   top  2 dev."
          "  dead > chosen  good > chosen")
    for losses in settings.losses:
        for row in cross_validate(table, make=make, losses=losses, by_task=by_task):
            row = SimpleNamespace(**row)
            print(f"{losses or 'all':>12} {row.dataset:14} {row.question:10} {row.losses:6}  "
                  f"{row.all:.2f}  {row.half:.2f}  {row.top:.2f}  {row.within:.2f}  "
                  f"   {row.dead:.2f} > {row.dead_chosen:.2f}     {row.good:.2f} > "
                  f"{row.good_chosen:.2f}", flush=True)


if __name__ == "__main__":
    main()
