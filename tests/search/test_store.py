"""The store of results: exact, whole after kills, and never silent about damage.

``python tests/search/test_store.py`` makes ``stores/version3.sqlite`` anew. What a version wrote is
kept as it wrote it: where the format changes, the new code must still read the old file.
"""

import contextlib
import dataclasses
import errno
import itertools
import json
import math
import os
import random
import shutil
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from deap_lossgp.search import store as store_module
from deap_lossgp.search.store import COLUMNS, Store, StoreError
from deap_lossgp.training.results import STATUSES, TrainingResult

STORES = Path(__file__).parents[1] / "stores"
# key, result, expression, seed; from the hand, every kind of number and text once.
OF_VERSION2 = [
    ("a1", TrainingResult("digits", 10, "ok", 0.1, 0.9, 1 / 3, 1.5, (0.3, 0.1), (0.8, 0.9),
                          (0.5, 1 / 3), test_accuracy=0.875), "sub(y_true, y_pred)", 0),
    ("a2", TrainingResult("digits", 10, "nan", seconds=0.25, losses=(0.5, math.nan),
                          accuracies=(0.1, 0.1), cross_entropies=(math.inf, -math.inf),
                          message="the loss became nan in epoch 2"), "log(y_pred)", 1),
    ("a3", TrainingResult("digits", 10, "ok", -0.0, 1.0, 0.0, 2.0, (5e-324,), (1.0,), (-0.0,),
                          exact=True), "mul(y_true, y_pred)", 2),
    ("b1", TrainingResult("fashion-mnist", 10, "ok", 1e300, 0.1, 2.302585092994046, 3.0),
     "y_pred", 4294967295),
    ("b2", TrainingResult("Größe \U0001f4be", 3, "error", math.inf, math.nan, -math.inf,
                          message="line\n\ttab 'quote' \"double\" \0 end"), "y_true", -1),
    ("b3" * 32, TrainingResult("cifar100", 100, "no_gradient", message="\udcff.npz"), "", 3),
    ("c1", TrainingResult("my images", 3, "ok", 0.1, 0.9, 0.3, 2.0, balanced_accuracy=2 / 3),
     "y_pred", 4),
    ("c2", TrainingResult("my images", 3, "ok", balanced_accuracy=-0.0, exact=True), "y_pred", 5),
    ("c3", TrainingResult("my images", 3, "nan", balanced_accuracy=math.nan), "y_pred", 6),
]  # fmt: skip
OF_VERSION3 = [
    *OF_VERSION2,
    ("d1", TrainingResult("my images", 3, "ok", 0.1, 0.9, 0.3, 2.0, test_accuracy=0.75,
                          test_balanced_accuracy=1 / 3), "y_pred", 7),
    ("d2", TrainingResult("my images", 3, "ok", test_balanced_accuracy=-0.0), "y_pred", 8),
]  # fmt: skip


def make_version3():
    STORES.mkdir(exist_ok=True)
    path = STORES / "version3.sqlite"
    path.unlink(missing_ok=True)
    with Store(path) as store:
        for key, result, expression, seed in OF_VERSION3:
            store.put(key, result, expression=expression, seed=seed)


def any_number(rng):
    """A float of any bit pattern: every exponent, denormals, infinities, nan, both zeros."""
    special = 0.0, -0.0, 1.0, math.nan, math.inf, -math.inf, 5e-324, -5e-324, sys.float_info.max
    if rng.random() < 0.3:
        return rng.choice(special)
    return struct.unpack("<d", rng.randbytes(8))[0]


def any_text(rng):
    alphabets = "abc \n\r\0'\"\\,[]{}", "äß漢\U0001f4be\u2028\ufeff", "\ud800\udcff", "0.-einfa"
    return "".join(rng.choice(rng.choice(alphabets)) for _ in range(rng.randrange(12)))


def any_result(rng):
    def numbers():
        return tuple(any_number(rng) for _ in range(rng.randrange(6)))

    def figure():
        return any_number(rng) if rng.random() < 0.8 else None

    return TrainingResult(
        any_text(rng), rng.randrange(2, 1000), rng.choice(STATUSES), figure(), figure(), figure(),
        any_number(rng), numbers(), numbers(), numbers(), rng.random() < 0.5, any_text(rng),
        test_accuracy=figure(), balanced_accuracy=figure(), test_balanced_accuracy=figure(),
    )  # fmt: skip


def results_of(number, seed=1):
    rng = random.Random(seed)
    return {f"{index:03}{any_text(rng)}": any_result(rng) for index in range(number)}


def fill(store, results):
    for seed, (key, result) in enumerate(results.items()):
        store.put(key, result, expression="add(y_true, y_pred)", seed=seed)


def make(path, number=40, seed=1):
    results = results_of(number, seed)
    with Store(path) as store:
        fill(store, results)
    return results


def contents(path):
    """What a store holds; as text, in which equal is equal to the last bit and nan is nan."""
    with Store(path) as store:
        return {key: repr(store.get(key)) for key in store.keys()}  # noqa: SIM118


def texts(results):
    return {key: repr(result) for key, result in results.items()}


def refusal(path):
    with pytest.raises(StoreError) as caught:
        Store(path)
    message = str(caught.value)
    assert len(message.splitlines()) == 1
    assert repr(str(path)) in message
    return message


def run(script, *arguments):
    return subprocess.run([sys.executable, "-c", script, *map(str, arguments)],
                          capture_output=True, text=True)  # fmt: skip


def small(index=0):
    return TrainingResult("digits", 10, "ok", 1 / (index + 1), 0.5, 0.25, losses=(0.1, 0.2))


# What comes back.


@pytest.mark.parametrize("seed", range(5))
def test_what_was_put_comes_back_to_the_last_bit(tmp_path, seed):
    results = make(tmp_path / "s.sqlite", 100, seed)
    assert contents(tmp_path / "s.sqlite") == texts(results)
    assert list(contents(tmp_path / "s.sqlite")) == list(results)


@pytest.mark.parametrize(("version", "rows"), [(2, OF_VERSION2), (3, OF_VERSION3)])
def test_the_store_of_an_earlier_version_is_read(version, rows, tmp_path):
    """What a version wrote stays readable."""
    path = STORES / f"version{version}.sqlite"
    before = path.read_bytes()
    copy = Path(shutil.copy(path, tmp_path))  # a store that is open has files beside it
    for _ in range(2):
        assert contents(copy) == {key: repr(result) for key, result, _, _ in rows}
        found = select(copy, "SELECT expression, seed FROM trainings ORDER BY rowid")
        assert found == [(expression, seed) for _, _, expression, seed in rows]
    assert copy.read_bytes() == before, "whoever only reads changes nothing"
    with Store(copy) as store:
        assert len(store.rows()) == len(rows)
        store.put("new", small(), expression="y_pred", seed=9)
        assert len(store.rows()) == len(rows) + 1
    assert [*contents(copy)] == [*(key for key, *_ in rows), "new"]
    assert select(copy, "PRAGMA user_version") == [(store_module.VERSION,)]


def test_two_that_have_a_store_of_version_2_open_can_both_write(tmp_path):
    copy = Path(shutil.copy(STORES / "version2.sqlite", tmp_path))
    with Store(copy) as one, Store(copy) as other:
        one.put("one", small(1), expression="y_pred", seed=1)
        other.put("other", small(2), expression="y_pred", seed=2)
        assert len(other.rows()) == len(OF_VERSION2) + 2
    assert [*contents(copy)] == [*(key for key, *_ in OF_VERSION2), "one", "other"]


@pytest.mark.parametrize("change", [
    "UPDATE trainings SET loss = loss + 1", "UPDATE trainings SET checksum = ''",
    "CREATE TRIGGER t AFTER INSERT ON trainings BEGIN DELETE FROM trainings; END",
    "CREATE TABLE other (x)", "ALTER TABLE trainings ADD COLUMN test_balanced_accuracy REAL",
])  # fmt: skip
def test_a_damaged_store_of_version_2_stays_as_it_is(change, tmp_path):
    copy = Path(shutil.copy(STORES / "version2.sqlite", tmp_path))
    with contextlib.closing(sqlite3.connect(copy, isolation_level=None)) as client:
        client.execute(change)
    before = copy.read_bytes()
    assert refusal(copy).endswith("; remove it to train anew")
    assert copy.read_bytes() == before


def test_a_store_that_cannot_be_upgraded_whole_stays_as_it_is(tmp_path, monkeypatch):
    copy = Path(shutil.copy(STORES / "version2.sqlite", tmp_path))
    before = select(copy, "SELECT * FROM trainings")
    monkeypatch.setattr(store_module, "INSERT", "INSERT INTO trainings SELECT 1")
    with Store(copy) as store, pytest.raises(OSError):
        store.put("new", small(), expression="y_pred", seed=9)
    assert select(copy, "SELECT * FROM trainings") == before
    assert select(copy, "PRAGMA user_version") == [(2,)]
    monkeypatch.undo()
    assert len(contents(copy)) == len(before)


def select(path, statement):
    with contextlib.closing(sqlite3.connect(path)) as client:
        return client.execute(statement).fetchall()


def test_every_figure_of_a_result_has_a_column():
    figures = {field.name for field in dataclasses.fields(TrainingResult)}
    assert {*COLUMNS} == figures | {"key", "expression", "seed"}


def test_figures_can_be_read_with_any_sqlite_client(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        store.put("k", small(1), expression="y_pred", seed=7)
    with contextlib.closing(sqlite3.connect(tmp_path / "s.sqlite")) as client:
        client.row_factory = sqlite3.Row
        row = dict(client.execute("SELECT * FROM trainings").fetchone())
    assert len(row.pop("checksum")) == 64
    assert json.loads(row["losses"]) == [0.1, 0.2]
    assert row == {
        "key": "k", "task": "digits", "num_classes": 10, "expression": "y_pred", "seed": 7,
        "status": "ok", "loss": 0.5, "accuracy": 0.5, "cross_entropy": 0.25, "test_accuracy": None,
        "balanced_accuracy": None, "seconds": 0.0, "losses": "[0.1, 0.2]", "accuracies": "[]",
        "cross_entropies": "[]", "exact": 0, "message": "", "test_balanced_accuracy": None,
    }  # fmt: skip


def test_rows_are_what_was_put_without_the_key(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        store.put("k", small(1), expression="y_pred", seed=7)
        (row,) = store.rows()
    assert row == {**vars(small(1)), "expression": "y_pred", "seed": 7}


def test_a_store_without_a_path_leaves_no_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with Store() as store:
        fill(store, results_of(3))
        assert len(store) == 3
    assert list(tmp_path.iterdir()) == []


def test_a_closed_store_is_one_file(tmp_path):
    make(tmp_path / "s.sqlite")
    assert [path.name for path in tmp_path.iterdir()] == ["s.sqlite"]


def test_a_store_knows_its_keys(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        fill(store, {"a": small(), "b": small(), "c": small()})
        store.discard(["b", "unknown"])
        assert (len(store), store.keys()) == (2, ["a", "c"])
        assert "a" in store and "b" not in store
        assert store.get("b") is None
        store.put("b", small(5), expression="", seed=0)
    assert list(contents(tmp_path / "s.sqlite")) == ["a", "c", "b"]


def test_several_threads_may_use_a_store_one_after_another(tmp_path):
    with Store(tmp_path / "store.sqlite") as store, ThreadPoolExecutor(1) as other:
        result = TrainingResult("digits", 10, "ok", 0.1)
        other.submit(store.put, "a", result, expression="y_pred", seed=1).result()
        store.put("b", result, expression="y_pred", seed=2)
        assert other.submit(store.rows).result() == store.rows()
        other.submit(store.discard, ["b"]).result()
        assert store.keys() == ["a"]
    with Store(tmp_path / "store.sqlite") as store:
        assert store.keys() == ["a"]


def test_a_result_replaces_another_only_if_asked(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        fill(store, {"a": small(1), "b": small(2)})
        store.put("a", small(3), expression="y_pred", seed=8, replace=True)
        store.put("c", small(4), expression="", seed=0, replace=True)
        assert (store.get("a"), len(store)) == (small(3), 3)
    assert contents(path) == texts({"a": small(3), "b": small(2), "c": small(4)})


def test_a_key_can_be_put_only_once(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path) as store, Store(path) as other:
        store.put("k", small(1), expression="", seed=0)
        for each in (store, other):  # the second does not know it, the file does
            with pytest.raises(ValueError, match="holds a training with key 'k' already"):
                each.put("k", small(2), expression="", seed=0)
    assert contents(path) == {"k": repr(small(1))}


# Other processes, kills.

READ = """
import sys
from deap_lossgp.search.store import Store
with Store(sys.argv[1]) as store:
    print(ascii({key: repr(store.get(key)) for key in store.keys()}))
"""


def test_another_process_reads_the_same(tmp_path):
    results = make(tmp_path / "s.sqlite")
    assert run(READ, tmp_path / "s.sqlite").stdout.strip() == ascii(texts(results))


COUNT = """
import sqlite3, sys
client = sqlite3.connect(sys.argv[1])
seen = [0]
print("ready", flush=True)
while seen[-1] < 50:
    seen.append(client.execute("SELECT count(*) FROM trainings WHERE accuracy = 0.5").fetchone()[0])
assert seen == sorted(seen)
"""


def test_other_processes_read_while_one_writes(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        reader = subprocess.Popen([sys.executable, "-c", COUNT, tmp_path / "s.sqlite"],
                                  stdout=subprocess.PIPE, text=True)  # fmt: skip
        assert reader.stdout.readline() == "ready\n"
        with contextlib.closing(sqlite3.connect(tmp_path / "s.sqlite")) as slow:
            cursor = slow.execute("SELECT * FROM sqlite_master")
            cursor.fetchone()  # leaves a transaction open that reads
            for index in range(50):
                store.put(str(index), small(index), expression="", seed=0)
        reader.communicate()
    assert reader.returncode == 0


WRITE = """
import itertools, sys
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.search.store import Store
print("ready", flush=True)
store = Store(sys.argv[1])
for index in itertools.count(int(sys.argv[2])):
    result = TrainingResult("digits", 10, "ok", 1 / (index + 1), 0.5, 0.25, losses=(0.1, 0.2))
    store.put(f"{index}", result, expression="", seed=0)
    print(index, flush=True)
"""


def killed_writer(path, first, seconds):
    """The indices that a writer had reported when it was killed."""
    writer = subprocess.Popen([sys.executable, "-c", WRITE, path, str(first)],
                              stdout=subprocess.PIPE, text=True)  # fmt: skip
    assert writer.stdout.readline() == "ready\n"
    time.sleep(seconds)
    writer.send_signal(signal.SIGKILL)
    return [int(line) for line in writer.communicate()[0].splitlines(keepends=True)
            if line.endswith("\n")]  # fmt: skip


def test_a_killed_process_loses_nothing_that_it_reported(tmp_path):
    rng = random.Random(1)
    written, path = set(), tmp_path / "s.sqlite"
    for _ in range(15):
        reported = killed_writer(path, max(written, default=-1) + 1, rng.uniform(0.05, 0.3))
        with Store(path) as store:
            for index in written.union(reported):
                assert repr(store.get(str(index))) == repr(small(index))
            written = {int(key) for key in store.keys()}  # noqa: SIM118
    assert len(written) > 100


def test_a_process_killed_while_it_makes_the_file_leaves_a_file_that_can_be_used(tmp_path):
    rng = random.Random(2)
    for index in range(20):
        path = tmp_path / f"{index}.sqlite"
        reported = killed_writer(path, 0, rng.uniform(0.0, 0.008))
        with Store(path) as store:
            assert {*map(str, reported)} <= {*store.keys()}
            store.put("k", small(), expression="", seed=0)


def test_a_half_made_file_is_completed(tmp_path):
    (tmp_path / "empty").touch()
    with contextlib.closing(sqlite3.connect(tmp_path / "bare")) as client:
        client.execute("PRAGMA journal_mode = WAL")  # writes a header
    assert (tmp_path / "bare").stat().st_size > 0
    for name in ("missing", "empty", "bare"):
        results = make(tmp_path / name, 3)
        assert contents(tmp_path / name) == texts(results)


MAKE = """
import sys, time
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.search.store import Store
time.sleep(max(0.0, float(sys.argv[2]) - time.time()))
with Store(sys.argv[1]) as store:
    store.put(sys.argv[3], TrainingResult("digits", 10, "ok"), expression="", seed=0)
"""


def test_several_processes_may_make_one_file(tmp_path):
    start = str(time.time() + 0.7)
    makers = [subprocess.Popen([sys.executable, "-c", MAKE, tmp_path / "s", start, str(index)])
              for index in range(8)]  # fmt: skip
    assert [maker.wait() for maker in makers] == 8 * [0]
    assert {*contents(tmp_path / "s")} == {*"01234567"}


# Damage.


def outcomes_of(path, damages, results):
    """How many of the damages were refused, and how many lost nothing or something.

    Whatever happened to the bytes, nothing but one-line StoreErrors and right results may come.
    """
    outcomes = {"refused": 0, "whole": 0, "part": 0}
    expected = texts(results)
    for damage in damages:
        damage()
        try:
            found = contents(path)
        except StoreError as error:
            assert len(str(error).splitlines()) == 1, error
            outcomes["refused"] += 1
        else:
            assert found.items() <= expected.items()
            outcomes["whole" if len(found) == len(expected) else "part"] += 1
        for beside in ("-wal", "-shm", "-journal"):
            path.with_name(path.name + beside).unlink(missing_ok=True)
    return outcomes


def flipped(data, bit):
    return data[: bit // 8] + bytes([data[bit // 8] ^ 1 << bit % 8]) + data[bit // 8 + 1 :]


def test_a_truncated_file_is_refused_or_right(tmp_path):
    path = tmp_path / "s.sqlite"
    results = make(path)
    data, rng = path.read_bytes(), random.Random(3)
    lengths = [*range(20), 99, 100, 101, *(rng.randrange(len(data)) for _ in range(180))]
    damages = [lambda n=length: path.write_bytes(data[:n]) for length in lengths]
    assert outcomes_of(path, damages, results)["refused"] > 190


def test_a_flipped_bit_is_noticed_or_harmless(tmp_path):
    path = tmp_path / "s.sqlite"
    results = make(path)
    data, rng = path.read_bytes(), random.Random(4)
    bits = [*range(8 * 100), *(rng.randrange(8 * len(data)) for _ in range(500))]
    damages = [lambda b=bit: path.write_bytes(flipped(data, b)) for bit in bits]
    outcomes = outcomes_of(path, damages, results)
    assert outcomes["refused"] > 400 and outcomes["whole"] > 50


def test_a_flipped_bit_beside_a_live_log_is_noticed_or_harmless(tmp_path):
    path, copy = tmp_path / "s.sqlite", tmp_path / "copy.sqlite"
    log = tmp_path / "copy.sqlite-wal"
    results, rng = results_of(40), random.Random(5)
    with Store(path) as store:
        fill(store, dict(itertools.islice(results.items(), 20)))
        store._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        fill(store, dict(itertools.islice(results.items(), 20, None)))
        data, tail = path.read_bytes(), path.with_name(path.name + "-wal").read_bytes()
    assert len(tail) > 20 * 4096

    def damage():
        copy.write_bytes(data)
        log.write_bytes(tail)
        hit, content = rng.choice([(copy, data), (log, tail)])
        hit.write_bytes(flipped(content, rng.randrange(8 * len(content))))

    outcomes = outcomes_of(copy, 300 * [damage], results)
    assert min(outcomes.values()) > 10, outcomes


@pytest.mark.parametrize("change", [
    "UPDATE trainings SET loss = loss + 1 WHERE key = 'a'",
    "UPDATE trainings SET key = 'c' WHERE key = 'a'",
    "UPDATE trainings SET key = CASE key WHEN 'a' THEN 'z' ELSE 'a' END",
    "UPDATE trainings SET checksum = ''",
    "UPDATE trainings SET losses = CAST(losses AS BLOB)",
    "UPDATE trainings SET message = CAST(x'ff' AS TEXT)",
    "DROP TABLE trainings",
    "CREATE TABLE other (x)",
    "CREATE TRIGGER t AFTER INSERT ON trainings BEGIN DELETE FROM trainings; END",
    "ALTER TABLE trainings ADD COLUMN x",
    "PRAGMA user_version = 0",
])  # fmt: skip
def test_a_changed_row_or_table_is_refused(tmp_path, change):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        fill(store, {"a": small(1), "b": small(2)})
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as client:
        client.execute(change)
    before = path.read_bytes()
    assert refusal(path).endswith("; remove it to train anew")
    assert path.read_bytes() == before


def test_a_changed_row_is_named_by_its_key(tmp_path):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        fill(store, {"a": small(1), "b": small(2), "c": small(3)})
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as client:
        client.execute("UPDATE trainings SET loss = loss + 1 WHERE key = 'b'")
    assert "a row that does not agree with its checksum (key 'b'); " in refusal(path)


@pytest.mark.parametrize("column, cell", [
    ("losses", "[" * 100_000), ("losses", '{"a": 1}'), ("losses", "[[1]]"), ("losses", "1"),
    ("losses", "[null, 1"), ("losses", None), ("loss", "many"), ("status", "fine"),
    ("num_classes", "ten"), ("message", b"\xff"),
])  # fmt: skip
def test_a_strange_cell_with_a_right_checksum_is_refused(tmp_path, column, cell):
    path = tmp_path / "s.sqlite"
    with Store(path) as store:
        store.put("k", small(), expression="", seed=0)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as client:
        client.execute(f"UPDATE trainings SET {column} = ?", (cell,))
        *row, _ = client.execute("SELECT * FROM trainings").fetchone()
        client.execute("UPDATE trainings SET checksum = ?", (store_module._checksum(row),))
    refusal(path)


# Files that are no store.


@pytest.mark.parametrize(("version", "message"), [
    (4, "got the newer version 4; upgrade deap_lossgp"),
    (1, "got the older version 1; remove it to train anew"),
])
def test_the_store_of_another_version_is_refused(tmp_path, version, message):
    path = tmp_path / "s.sqlite"
    make(path, 2)
    with contextlib.closing(sqlite3.connect(path)) as client:
        client.execute(f"PRAGMA user_version = {version}")
    before = path.read_bytes()
    assert f"expected a store of version 3, {message}" in refusal(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("statement", [
    "CREATE TABLE notes (text)", "PRAGMA user_version = 3", "PRAGMA application_id = 77",
])  # fmt: skip
def test_another_programs_database_is_refused_and_left_alone(tmp_path, statement):
    path = tmp_path / "notes.sqlite"
    with contextlib.closing(sqlite3.connect(path)) as client:
        client.execute(statement)
    before = path.read_bytes()
    assert "the database of another program" in refusal(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize("data", [b"xy", b"gen,wins\n0,1\n", b"\0" * 5000, b"SQLite format 3\0"])
def test_a_file_that_is_no_database_is_refused_and_left_alone(tmp_path, data):
    path = tmp_path / "individuals.csv"
    path.write_bytes(data)
    assert "expected an undamaged store" in refusal(path)
    assert path.read_bytes() == data


@pytest.mark.parametrize("name", [".", "no/such/folder/s.sqlite", "\n"])
def test_a_path_at_which_no_file_can_be_is_refused(tmp_path, name):
    (tmp_path / "\n").mkdir()
    assert "expected a file in a folder that can be written to" in refusal(tmp_path / name)


# Writing that fails.


def fill_up(store):
    """Put until it fails; returns the error and the key that was not written."""
    message = 10_000 * "x"
    for index in range(1000):
        try:
            store.put(f"{index}", dataclasses.replace(small(index), message=message),
                      expression="", seed=0)  # fmt: skip
        except OSError as error:
            assert len(str(error).splitlines()) == 1
            return error, f"{index}"
    raise AssertionError("there was room for everything")


@pytest.fixture
def small_disk(tmp_path):
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)]
    if sys.platform != "linux" or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("may not mount")
    yield tmp_path
    subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_is_an_oserror_and_the_store_goes_on_when_there_is_room(small_disk):
    path, ballast = small_disk / "s.sqlite", small_disk / "ballast"
    ballast.write_bytes(bytes(300_000))
    with Store(path) as store:
        error, key = fill_up(store)
        assert (error.errno, error.filename) == (errno.ENOSPC, str(path))
        assert "disk is full" in str(error)
        assert key not in store
        assert store.get(key) is None
        with pytest.raises(OSError, match="disk is full"):
            store.put(key, dataclasses.replace(small(), message=10_000 * "x"),
                      expression="", seed=0)  # fmt: skip
        assert len(store) == int(key) > 10
        assert [store.get(str(index)).loss for index in range(int(key))] == [
            small(index).loss for index in range(int(key))
        ]
        ballast.unlink()
        store.put(key, small(), expression="", seed=0)
    assert len(contents(path)) == int(key) + 1


@pytest.mark.parametrize("pages", [0, 2])
def test_a_disk_too_full_to_open_a_store_is_an_oserror(small_disk, pages):
    """Never a StoreError, whose reader would remove a good file."""
    old, new = small_disk / "old.sqlite", small_disk / "new.sqlite"
    results = make(old, 3)
    with (small_disk / "ballast").open("wb", buffering=0) as ballast:
        with contextlib.suppress(OSError):
            while ballast.write(bytes(4096)):
                pass
        ballast.truncate(ballast.tell() - pages * 4096)
    for path in (new, old):
        with pytest.raises(OSError, match="no room left") as caught:
            Store(path)
        assert (caught.value.errno, caught.value.filename) == (errno.ENOSPC, str(path))
        new.unlink(missing_ok=True)
    (small_disk / "ballast").unlink()
    assert contents(old) == texts(results)


LIMITED = """
import resource, sys
sys.path.insert(0, sys.argv[2])
from test_store import Store, fill_up, small
unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
with Store(sys.argv[1]) as store:
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, unlimited[1]))
    error, key = fill_up(store)
    assert error.filename == sys.argv[1] and key not in store and len(store) == int(key) > 5
    resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    store.put(key, small(), expression="", seed=0)
print(int(key) + 1)
"""


@pytest.mark.skipif(os.name != "posix", reason="has no limits")
def test_a_file_that_may_not_grow_is_an_oserror_and_the_store_goes_on(tmp_path):
    result = run(LIMITED, tmp_path / "s.sqlite", Path(__file__).parent)
    assert result.returncode == 0, result.stderr
    assert len(contents(tmp_path / "s.sqlite")) == int(result.stdout)


def test_a_lock_that_is_held_too_long_is_an_oserror(tmp_path, monkeypatch):
    monkeypatch.setattr(store_module, "TIMEOUT", 0.1)
    path = tmp_path / "s.sqlite"
    with Store(path) as store, contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(OSError, match="another process holds the file") as caught:
            store.put("k", small(), expression="", seed=0)
        assert (caught.value.errno, caught.value.filename) == (errno.EBUSY, str(path))
        other.rollback()
        store.put("k", small(), expression="", seed=0)
    with contextlib.closing(sqlite3.connect(path)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(OSError, match="another process holds the file"):
            Store(path)
    assert contents(path) == {"k": repr(small())}


def test_a_closed_store_is_read_but_not_written(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        store.put("k", small(), expression="", seed=0)
    store.close()
    assert store.get("k") == small()
    with pytest.raises(OSError, match="closed"):
        store.put("other", small(), expression="", seed=0)
    assert "other" not in store


AS_ANYBODY = """
import errno, os, sys
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.search.store import Store, StoreError
if os.geteuid() == 0:  # who may write anywhere
    os.setuid(65534)
try:
    Store(sys.argv[1])
    sys.exit("a store was opened where nothing can be written")
except StoreError as error:
    assert "folder that can be written to" in str(error), error
for path in sys.argv[2:]:
    store = Store(path)
    assert len(store) == 3
    try:
        store.put("new", TrainingResult("digits", 10, "ok"), expression="", seed=0)
        sys.exit("it was written")
    except OSError as error:
        assert error.errno == errno.EROFS and "read-only" in str(error), error
    assert len(store) == 3
"""


@pytest.mark.skipif(os.name != "posix", reason="has other permissions")
def test_what_may_not_be_written_is_an_error_in_one_line():
    with tempfile.TemporaryDirectory() as folder:
        closed, open_ = Path(folder) / "closed", Path(folder) / "open"
        for each in (closed, open_):
            each.mkdir()
            make(each / "s.sqlite", 3)
            for path in each.iterdir():
                path.chmod(0o444)
        Path(folder).chmod(0o755)
        closed.chmod(0o555)
        open_.chmod(0o777)
        result = run(AS_ANYBODY, closed / "s.sqlite", open_ / "s.sqlite")
        closed.chmod(0o755)
    assert result.returncode == 0, result.stderr


if __name__ == "__main__":
    make_version3()


class Refusing:
    """A connection in which every statement fails in one way."""

    def __init__(self, code):
        self.error = sqlite3.OperationalError("as SQLite says it")
        self.error.sqlite_errorcode = code

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        return False

    def execute(self, statement):
        raise self.error


@pytest.mark.parametrize(("code", "number", "reason"), [
    (sqlite3.SQLITE_FULL, errno.ENOSPC, "no room left"),
    (sqlite3.SQLITE_IOERR_SHMSIZE, errno.ENOSPC, "no room left"),
    (sqlite3.SQLITE_BUSY, errno.EBUSY, "another process holds the file"),
    (sqlite3.SQLITE_BUSY_SNAPSHOT, errno.EBUSY, "another process holds the file"),
    (sqlite3.SQLITE_READONLY_DBMOVED, errno.EROFS, "the file is read-only"),
    (sqlite3.SQLITE_IOERR_WRITE, errno.EIO, "cannot be written"),
    (sqlite3.SQLITE_IOERR, errno.EIO, "cannot be written"),
])
def test_every_failure_of_a_write_has_its_reason(code, number, reason):
    store = Store()
    store._connection.close()
    store._connection = Refusing(code)
    with pytest.raises(OSError) as caught:
        store.discard(["a"])
    assert (caught.value.errno, caught.value.strerror) == (number,
                                                           f"{reason} (as SQLite says it)")
