"""The settings of an execution, and the engine that they name."""

import pytest
from trained import PSET, TASK

from deap_lossgp.engines import Execution, InProcess, WorkerProcesses, make_engine
from deap_lossgp.engines.execution import ENGINES, EngineRow


@pytest.mark.parametrize(("workers", "engine"), [(0, InProcess), (2, WorkerProcesses)])
def test_the_local_engine_trains_in_workers_if_there_are_any(workers, engine):
    assert type(make_engine([TASK], PSET, Execution(workers=workers))) is engine


def test_a_row_of_the_table_is_an_engine_that_settings_can_name(monkeypatch):
    def make(tasks, pset, **options):
        return tasks, pset, options

    monkeypatch.setitem(ENGINES, "queue", EngineRow(make, "a queue", ("address",)))
    execution = Execution(engine="queue", address="there", time_limit=3.0)
    assert make_engine([TASK], PSET, execution) == (
        [TASK], PSET, {"threads": 1, "determinism": None, "time_limit": 3.0, "address": "there"})


@pytest.mark.parametrize(("options", "message"), [
    ({"engine": "rya"}, "unknown engine 'rya': did you mean 'ray'? known: local, ray, tabular"),
    ({"address": "auto", "gpus_per_training": 0.5},
     "only the engine 'ray' takes address and gpus_per_training, got engine 'local'"),
    ({"workers": 0, "time_limit": 3.0}, "time_limit needs workers, at least 1, got 0"),
    ({"time_limit": float("inf")}, "time_limit must be positive and finite, got inf"),
    ({"workers": -1}, "workers must be at least 0, got -1"),
])
def test_settings_that_no_engine_can_follow_are_refused_in_one_line(options, message):
    with pytest.raises(ValueError) as caught:
        Execution(**options)
    assert str(caught.value) == message
