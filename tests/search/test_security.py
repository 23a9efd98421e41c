"""Files from strangers that try to run something: what SECURITY.rst calls safe never does."""

import io
import json
import pickle
import sqlite3

import numpy as np
import pytest

from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.folders import RunFolder
from deap_lossgp.search.store import Store, StoreError
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


@pytest.fixture
def canary(tmp_path):
    """A file that appears when something of a stranger's is executed."""
    path = tmp_path / "executed"
    yield path
    assert not path.exists()


def attempts(canary):
    call = f"open({str(canary)!r}, 'w')"
    return [
        call,
        f"__import__('os').system('touch {canary}')",
        f"add(y_true, {call})",
        f"add(y_true, (lambda: {call})())",
        f"exec(\"{call}\")",
        f"y_true if {call} else y_pred",
        f"[{call} for _ in (1,)][0]",
        f"log.__globals__['__builtins__']['eval'](\"{call}\")",
    ]


def test_an_expression_is_never_executed(canary):
    for text in attempts(canary):
        with pytest.raises(ValueError):
            LossTree.from_string(text, PSET)


def test_a_loss_in_json_is_never_executed(canary):
    good = json.loads(LossTree.from_string("mul(y_true, y_pred)", PSET).to_json(PSET))
    for text in attempts(canary):
        with pytest.raises(ValueError):
            LossTree.from_json(json.dumps({**good, "expression": text}), PSET)


def test_a_runs_settings_are_never_executed(canary, tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    (folder / "run.json").write_text(attempts(canary)[0])
    with pytest.raises(ValueError, match="is not a run's file"):
        RunFolder(folder, {"seed": 1}).claim([], {})


@pytest.mark.parametrize("content", [
    '{"settings": {}, "data": [{}]}', '{"settings": {}, "data": 3}',
    '{"settings": {}, "data": [1]}', '{"settings": {}, "process": "me"}',
    '{"settings": {}, "finished": {"generations": "9"}}', '{"settings": {}, "clock": [1]}',
    '{"settings": {}, "clock": {"a": NaN}}', '{"settings": {}, "clock": {"a": 1e999}}',
    '{"settings": {}, "environment": [1]}', '{"settings": {}, "code": "0"}', "[]", '"settings"',
])
def test_a_strange_file_of_settings_is_refused_in_one_line(content, tmp_path):
    (tmp_path / "run.json").write_text(content)
    with pytest.raises(ValueError, match=r"^\S+run.json is not a run's file: [^\n]*$"):
        RunFolder(tmp_path, {"seed": 1}).claim([], {})


class Executed:
    """Unpickling it makes the canary."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


def test_a_data_set_is_never_unpickled(canary, tmp_path):
    images, labels = np.zeros((8, 4, 4), np.uint8), np.arange(8) % 2
    strange = np.array([Executed(canary)] * 8, dtype=object)
    np.savez(tmp_path / "strange.npz", x_train=images, y_train=strange, x_test=images,
             y_test=labels)
    with pytest.raises(ValueError) as caught:
        load_dataset("strange", tmp_path)
    assert "\n" not in str(caught.value)
    pickle.dump(Executed(canary), (tmp_path / "bare.npz").open("wb"))
    with pytest.raises(ValueError):
        load_dataset("bare", tmp_path)


@pytest.mark.parametrize("statement", [
    "CREATE TRIGGER t AFTER INSERT ON trainings BEGIN DELETE FROM trainings; END",
    "CREATE VIEW v AS SELECT writefile('executed', 'x')",
    "CREATE TABLE more (x)",
    "CREATE INDEX i ON trainings (status)",
])
def test_a_store_with_more_than_its_table_is_refused(statement, tmp_path):
    path = tmp_path / "evaluations.sqlite"
    with Store(path) as store:
        store.put("k", TrainingResult("digits", 10, "nan"), expression="y_pred", seed=1)
    connection = sqlite3.connect(path)
    connection.execute(statement)
    connection.commit()
    connection.close()
    with pytest.raises(StoreError) as caught:
        Store(path)
    assert "\n" not in str(caught.value)


def test_a_stores_rows_are_never_unpickled(canary, tmp_path):
    path = tmp_path / "evaluations.sqlite"
    with Store(path) as store:
        store.put("k", TrainingResult("digits", 10, "nan"), expression="y_pred", seed=1)
    file = io.BytesIO()
    pickle.dump(Executed(canary), file)
    connection = sqlite3.connect(path)
    connection.execute("UPDATE trainings SET losses = ?", [file.getvalue()])
    connection.commit()
    connection.close()
    with pytest.raises(StoreError):
        Store(path)
