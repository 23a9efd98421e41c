"""What a run notes of its progress, and what it does not write again."""

import math

from deap_lossgp.search.progress import Progress

FIRST = [0, ["a", "b"], [(0.0, -0.5), (1.0, 0.25)]]
SECOND = [1, ["c"], [(1.0, 0.125)]]
THIRD = [2, ["d"], [(2.0, 0.0)]]


def noted(known, *generations):
    kept = []
    progress = Progress(known, lambda content: kept.append(repr(content)))
    for generation in generations:
        progress.end_generation(*generation)
    return kept


def test_the_best_so_far_is_noted_for_every_generation():
    kept = noted({}, FIRST, SECOND, THIRD)
    assert kept == [
        repr({"generations": {"0": [1.0, 0.25]}, "best": "b"}),
        repr({"generations": {"0": [1.0, 0.25], "1": [1.0, 0.25]}, "best": "b"}),
        repr({"generations": {"0": [1.0, 0.25], "1": [1.0, 0.25], "2": [2.0, 0.0]}, "best": "d"}),
    ]


def test_what_an_earlier_start_noted_is_written_again_only_from_where_it_differs():
    known = {"generations": {"0": [1.0, 0.25], "1": [1.0, 0.25]}, "best": "b"}
    assert noted(known, FIRST, SECOND) == []
    assert len(noted(known, FIRST, SECOND, THIRD)) == 1
    other = [0, ["e"], [(2.0, 0.5)]]
    assert len(noted(known, other, SECOND)) == 2
    known = {"generations": {"0": [1.0, 0.0], "1": [1.0, 0.25]}, "best": "b"}
    assert len(noted(known, FIRST, SECOND)) == 2, "it is another path from there"


def test_a_fitness_that_is_not_finite_is_none_and_nothing_evaluated_is_no_note():
    (kept,) = noted({}, [0, ["a"], [(0.0, -math.inf)]])
    assert kept == repr({"generations": {"0": [0.0, None]}, "best": "a"})
    assert noted({"generations": 3}, [0, [], []]) == []


def test_it_returns_the_best_so_far():
    progress = Progress({}, lambda _: None)
    assert progress.end_generation(*FIRST) == (1.0, 0.25)
    assert progress.end_generation(*SECOND) == (1.0, 0.25), "noted anew or not"
    assert progress.end_generation(*THIRD) == (2.0, 0.0)
    known = {"generations": {"0": [1.0, 0.25]}, "best": "b"}
    assert Progress(known, lambda _: None).end_generation(*FIRST) == (1.0, 0.25)
    assert Progress({}, lambda _: None).end_generation(0, [], []) is None
