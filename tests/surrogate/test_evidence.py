"""Figures of several tasks become rows on one scale."""

import numpy as np
import pandas as pd
import pytest

from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate import Evidence, evidence_of, from_common_scale, to_common_scale
from deap_lossgp.surrogate.evidence import rung_figures

PSET = loss_primitive_set()
ENTROPY = "neg(mul(y_true, log(y_pred)))"
OTHER = "mul(sub(y_true, y_pred), sub(y_true, y_pred))"


def table(*rows):
    names = ["dataset", "seed", "expression", "status", "validation_accuracies"]
    return pd.DataFrame(rows, columns=names).assign(images=1000, epochs=6)


BASELINE = ("cifar10", 0, ENTROPY, "ok", "0.30 0.35 0.40 0.44 0.46 0.46")


def test_the_scale_is_undone():
    accuracies = np.array([0.1, 0.3, 0.455, 0.46, 0.48])
    there = to_common_scale(accuracies, 0.46, 0.1)
    assert from_common_scale(there, 0.46, 0.1) == pytest.approx(accuracies)


def test_cross_entropy_is_at_zero_on_every_task_and_what_is_better_above():
    for baseline, chance in ((0.46, 0.1), (0.85, 0.1), (0.13, 0.01)):
        below, at, above = to_common_scale([baseline - 0.01, baseline, baseline + 0.01],
                                           baseline, chance)  # fmt: skip
        assert below < at == 0.0 < above


def test_a_loss_is_compared_with_cross_entropy_at_its_own_seed():
    evidence = evidence_of(table(
        BASELINE, ("cifar10", 1, ENTROPY, "ok", "0.35 0.40 0.45 0.49 0.51 0.51"),
        ("cifar10", 1, OTHER, "ok", "0.35 0.40 0.45 0.49 0.51 0.51"),
    ), PSET)  # fmt: skip
    assert len(evidence) == 2
    assert evidence.figures == pytest.approx(0.0)
    assert sorted(evidence.weights) == [1.0, 2.0]  # seeds


def test_failed_trainings_are_at_chance_and_stopped_ones_have_no_later_figures():
    evidence = evidence_of(table(BASELINE, ("cifar10", 0, OTHER, "nan", ""),
                                 ("cifar10", 0, "cos(y_pred)", "stopped", "0.11")), PSET)
    by_text = dict(zip(sorted([ENTROPY, OTHER, "cos(y_pred)"]), evidence.figures, strict=True))
    assert by_text[OTHER] == pytest.approx(np.arcsinh(-50.0))
    assert np.isnan(by_text["cos(y_pred)"]).tolist() == [False, True, True]


def test_losses_of_equal_curves_are_one_row():
    twice = f"mul(2.0, {OTHER})"
    evidence = evidence_of(table(BASELINE, ("cifar10", 0, OTHER, "ok", "0.2 0.2 0.2 0.2 0.2 0.2"),
                                 ("cifar10", 0, twice, "ok", "0.4 0.4 0.4 0.4 0.4 0.4")), PSET)
    assert sorted(evidence.weights) == [1.0, 2.0]


def test_a_data_set_without_cross_entropy_is_refused_and_so_is_an_unknown_one():
    with pytest.raises(ValueError, match="no training with cross entropy on 'cifar10'"):
        evidence_of(table(("cifar10", 0, OTHER, "ok", "0.3 0.3 0.3 0.3 0.3 0.3")), PSET)
    with pytest.raises(ValueError, match="unknown data set 'cifar01': did you mean 'cifar10'"):
        evidence_of(table(("cifar01", 0, OTHER, "ok", "0.3")), PSET)


def test_each_budget_is_compared_with_its_own_cross_entropy_and_is_a_feature():
    short = table(BASELINE, ("cifar10", 0, OTHER, "ok", "0.30 0.35 0.40 0.44 0.46 0.46"))
    later = " ".join(["0.5"] * 4 + ["0.6"] * 3)  # of nine epochs the last three count
    long = table(("cifar10", 0, ENTROPY, "ok", f"0.4 0.5 {later}"),
                 ("cifar10", 0, OTHER, "ok", f"0.4 0.5 {later}")).assign(images=5000, epochs=9)
    evidence = evidence_of(pd.concat([short, long]), PSET)
    assert len(evidence) == 4 and evidence.figures == pytest.approx(0.0)
    budgets = np.log10([6 * 1000] * 2 + [9 * 5000] * 2)
    assert evidence.features[:, -1] == pytest.approx(budgets)
    assert evidence.features[0, :-1].tolist() == evidence.features[2, :-1].tolist()
    worse = long.assign(validation_accuracies=[f"0.4 0.5 {later}", "0.4 0.5" + " 0.5" * 7])
    assert (evidence_of(pd.concat([short, worse]), PSET).figures[:, -1] < -0.1).tolist() == [
        False, False, True, False]
    with pytest.raises(ValueError, match="no training with cross entropy on 'cifar10' with 5000 "
                                         "images and 9 epochs"):
        evidence_of(pd.concat([short, long[1:]]), PSET)


def test_a_figure_is_the_mean_of_the_last_third_of_the_epochs():
    accuracies = [0.1 * epoch for epoch in range(12)]
    assert rung_figures(accuracies, [1, 3, 6, 9, 12]) == pytest.approx(
        [0.0, 0.15, 0.45, 0.7, 0.95])


def test_sources_are_joined():
    one = Evidence(np.ones((2, 3)), np.ones((2, 1)), np.ones(2))
    assert len(one + one) == 4
