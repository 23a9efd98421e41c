"""Reading a store without touching it: while it is written, after a kill, and when it is closed."""

import hashlib
import signal
import subprocess
import sys

import pytest

from deap_lossgp.search.reports.store_reading import read_trainings
from deap_lossgp.search.store import Store
from deap_lossgp.training.results import TrainingResult

COLUMNS = ("task", "expression", "seed", "status", "accuracy", "losses")

WRITER = """
import sys
from deap_lossgp.search.store import Store
from deap_lossgp.training.results import TrainingResult

store = Store(sys.argv[1])
for line in sys.stdin:
    store.put(line, TrainingResult("digits", 10, "ok", 0.5, 0.75), expression="y_pred", seed=7)
    print("done", flush=True)
"""


def files(folder):
    return {path.name: (path.stat().st_mtime_ns, hashlib.sha256(path.read_bytes()).hexdigest())
            for path in folder.iterdir()}


@pytest.fixture
def writer(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "a b?.sqlite")],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def put(key):
        process.stdin.write(f"{key}\n")
        process.stdin.flush()
        assert process.stdout.readline() == "done\n"

    yield process, put
    process.kill()
    process.communicate()


def test_a_store_is_read_while_it_is_written_and_nothing_changes(writer, tmp_path):
    process, put = writer
    path = tmp_path / "a b?.sqlite"
    for count in (1, 2, 3):
        put(str(count))
        before = files(tmp_path)
        rows = read_trainings(path, COLUMNS)
        assert files(tmp_path) == before and len(rows) == count
    assert rows[0] == {"task": "digits", "expression": "y_pred", "seed": 7, "status": "ok",
                       "accuracy": 0.75, "losses": ()}
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = files(tmp_path)
    assert len(before) == 3, "the newest rows are in a file of their own"
    assert len(read_trainings(path, COLUMNS)) == 3 and files(tmp_path) == before


def test_a_closed_store_is_read_and_nothing_is_made_beside_it(tmp_path):
    with Store(tmp_path / "store.sqlite") as store:
        store.put("k", TrainingResult("digits", 10, "nan", float("nan")), expression="y_pred",
                  seed=1)
    before = files(tmp_path)
    (row,) = read_trainings(tmp_path / "store.sqlite", ("status", "accuracy"))
    assert row["status"] == "nan"
    assert files(tmp_path) == before and [*before] == ["store.sqlite"]


def test_no_file_is_no_trainings_and_another_file_is_an_error(tmp_path):
    assert read_trainings(tmp_path / "none.sqlite", COLUMNS) == []
    assert not [*tmp_path.iterdir()]
    (tmp_path / "text.sqlite").write_text("not a database, " * 100)
    with pytest.raises(ValueError, match="text.sqlite: the trainings cannot be read"):
        read_trainings(tmp_path / "text.sqlite", COLUMNS)
