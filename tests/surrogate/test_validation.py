"""The surrogate is worth what is claimed of it; claims are in the documents, margins here."""

import numpy as np
import pytest

from deap_lossgp.surrogate import cross_validate


@pytest.fixture(scope="module")
def figures():
    rows = cross_validate(questions=["new", "elsewhere"])
    return {(row["dataset"], row["question"]): row for row in rows}


@pytest.mark.parametrize("dataset", ["cifar10", "fashion_mnist"])
def test_it_ranks_new_losses_on_a_data_set_that_was_left_out(figures, dataset):
    row = figures[dataset, "new"]
    assert row["all"] > 0.75
    assert row["half"] > 0.5
    assert row["top"] > 0.5  # by chance 0.25


@pytest.mark.parametrize("dataset", ["cifar10", "fashion_mnist"])
def test_of_many_children_it_chooses_few_that_die_and_many_that_are_good(figures, dataset):
    row = figures[dataset, "new"]
    assert row["dead_chosen"] < 0.25 * row["dead"]
    assert row["good_chosen"] > 3.0 * row["good"]


@pytest.mark.parametrize("dataset", ["cifar10", "fashion_mnist"])
def test_it_ranks_losses_measured_on_other_data_sets_better_still(figures, dataset):
    row = figures[dataset, "elsewhere"]
    assert row["all"] > 0.8
    assert row["half"] > 0.6


def test_a_few_losses_teach_much_and_the_atlas_teaches_more(figures):
    known = "cifar10", "fashion_mnist"  # of a hundred classes, ten teach little
    few = np.mean([row["all"] for row in cross_validate(losses=25, questions=["new"])
                   if row["dataset"] in known])
    whole = np.mean([figures[dataset, "new"]["all"] for dataset in known])
    assert 0.65 < few < whole - 0.03
