"""A collection for an atlas: what is trained, what a row says, and that a kill loses nothing."""

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pandas as pd
import pytest

pytest.importorskip("tensorflow")

from invented import Invented  # noqa: E402

from deap_lossgp.curves import LossCurves, is_trainable  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402
from deap_lossgp.psets import loss_primitive_set  # noqa: E402
from deap_lossgp.search import collecting, evolutions  # noqa: E402
from deap_lossgp.search.collecting import Collection, CollectionSettings  # noqa: E402
from deap_lossgp.surrogate.atlas import COLUMNS, load_atlas  # noqa: E402
from deap_lossgp.surrogate.evidence import evidence_of  # noqa: E402
from deap_lossgp.surrogate.showing import view  # noqa: E402
from deap_lossgp.trees import LossTree  # noqa: E402

PROGRAM = Path(__file__).parents[2] / "examples" / "loss_atlas.py"
PSET = loss_primitive_set()
ENTROPY = KNOWN_LOSSES["cross_entropy"]


@pytest.fixture
def invented(monkeypatch):
    """Trains nothing; the engines that were made."""
    engines = []

    def make(tasks, pset, execution):
        engines.append(Invented(tasks))
        return engines[-1]

    monkeypatch.setattr(evolutions, "make_engine", make)
    return engines


def collect(folder, **options):
    settings = CollectionSettings(**{"datasets": ("digits",), "epochs": 4, "train_size": 200,
                                     "losses": 20, "max_size": 25, **options})
    with Collection(settings, folder, progress=False) as collection:
        return collection.execute(), collection


def test_half_is_random_half_is_bred_and_the_best_have_a_second_seed(invented, tmp_path):
    table, _ = collect(tmp_path / "a", seed=3)
    assert tuple(table.columns) == COLUMNS
    first = table[table["seed"] == 3]
    assert dict(first["bred"].value_counts()) == {"known": len(KNOWN_LOSSES), "random": 10,
                                                  "digits": 10}
    assert {*KNOWN_LOSSES.values()} <= {*first["expression"]} and first["expression"].is_unique
    second = table[table["seed"] == 4]
    last = first["validation_accuracies"].str.split().str[-1].astype(float)
    best = first.loc[last[first["status"] == "ok"].nlargest(len(second) - 1).index, "expression"]
    assert {*best} <= {*second["expression"]} and ENTROPY in {*second["expression"]}
    assert len(first) // 8 < len(second) <= len(first) // 4 + 2
    for text in first["expression"]:
        assert is_trainable(LossCurves.of(LossTree.from_string(text, PSET), PSET))
    assert {len(text.split()) for text in first["validation_accuracies"]} == {4}


def test_what_is_bred_or_trained_twice_owes_nothing_to_another_data_set(invented, tmp_path,
                                                                        monkeypatch):
    parents, child = [], collecting._child
    monkeypatch.setattr(collecting, "_child", lambda of, toolbox: parents.append(
        [str(request.tree) for request in of]) or child(of, toolbox))
    x = Path(tmp_path / "two.npz")
    _npz(x)
    table, _ = collect(tmp_path / "a", datasets=("digits", str(x)), losses=40)
    first = table[table["seed"] == 0]
    bred = first.drop_duplicates("expression").set_index("expression")["bred"]
    assert dict(bred.value_counts()) == {"known": len(KNOWN_LOSSES), "random": 20, "digits": 10,
                                         "two": 10}
    of_one = [{*bred[texts]} - {"known", "random"} for texts in parents]
    assert {*map(len, of_one)} == {0, 1} and {"digits"} in of_one and {"two"} in of_one
    for name in ("digits", "two"):
        here, again = (part[(part["dataset"] == name) & (part["expression"] != ENTROPY)]
                       for part in (first, table[table["seed"] == 1]))
        last = here["validation_accuracies"].str.split().str[-1].astype(float)
        best = here.loc[last[here["status"] == "ok"].nlargest(len(again)).index, "expression"]
        assert {*best} == {*again["expression"]} and len(again) >= len(here) // 8
    assert {*table["dataset"]} == {"digits", "two"}


def _npz(path):
    import numpy as np

    from deap_lossgp.data.datasets import load_dataset

    digits = load_dataset("digits")
    np.savez(path, **{name: getattr(digits, name)[::2]
                      for name in ("x_train", "y_train", "x_test", "y_test")})


def test_a_dead_loss_is_stopped_after_one_epoch_and_cross_entropy_never(invented, tmp_path,
                                                                        monkeypatch):
    monkeypatch.setattr(collecting, "DEAD", 6.0)  # of what is invented, some are below 0.6
    table, _ = collect(tmp_path / "a")
    stopped = table[table["status"] == "stopped"]
    assert {*stopped["validation_accuracies"].str.split().map(len)} == {1} and len(stopped) < len(
        table)
    assert (stopped["validation_accuracies"].astype(float) < 0.6).all()
    assert {*table[table["expression"] == ENTROPY]["status"]} == {"ok"}
    assert not {*table[table["seed"] == 1]["expression"]} & {*stopped["expression"]}


def test_rows_are_those_of_an_atlas_and_merge_into_one(invented, tmp_path):
    table, collection = collect(tmp_path / "a")
    path = tmp_path / "mine.csv.xz"
    assert collection.merge_into(path) == len(table)
    other, collection = collect(tmp_path / "b", seed=9)
    assert collection.merge_into(path) == len(table) + len(other) == len(load_atlas(path=path))
    assert collection.merge_into(path) == len(table) + len(other), "once is enough"
    assert not list(tmp_path.glob(".mine*"))
    atlas = load_atlas(path=path)
    assert len(evidence_of(atlas, PSET)) > 0
    assert len(view(atlas, "best")) == 5 and ENTROPY in {*atlas["expression"]}
    assert len(load_atlas(without=["digits"], path=path)) == 0


def test_the_rest_of_a_collection_is_trained_when_it_is_executed_again(invented, tmp_path):
    whole, _ = collect(tmp_path / "a")
    collect(tmp_path / "b")
    with closing(sqlite3.connect(tmp_path / "b" / "evaluations.sqlite")) as connection:
        connection.execute("DELETE FROM trainings WHERE rowid % 2 = 0")
        connection.commit()
    again, _ = collect(tmp_path / "b")
    pd.testing.assert_frame_equal(again, whole)
    assert sum(map(len, invented[-1].batches)) == len(whole) // 2
    once_more, _ = collect(tmp_path / "b")
    assert not any(invented[-1].batches)
    pd.testing.assert_frame_equal(once_more, whole)


def table_of(path, *rows):
    """An atlas of (dataset, images, expression, accuracy, bred, status), trained for an epoch."""
    pd.DataFrame([
        (dataset, images, 1, 0, bred, text, *(status or ["ok"]), 0, 1.0, str(accuracy), "1.0", 0.5)
        for dataset, images, text, accuracy, bred, *status in rows], columns=COLUMNS).to_csv(path)
    return str(path)


def test_losses_of_a_table_are_trained_again_half_of_them_its_best(invented, tmp_path):
    many = [f"sin(mul({0.1 * number:.1f}, y_true))" for number in range(2, 12)]
    others = [f"mul(y_true, log(add(y_pred, {number}.0)))" for number in range(10)]
    rows = [("digits", 100, text, 0.1 + place / 100, "digits")
            for place, text in enumerate([*others, ENTROPY])]
    # What was measured at a larger budget, on other data, or came to no end chooses nothing.
    rows += [("digits", 900, text, 0.99, "random") for text in (others[0], ENTROPY)]
    rows += [("digits", 100, text, 0.99, "random", status)
             for text, status in zip(many, ("stopped", "nan"), strict=False)]
    rows += [("two", 100, text, 0.99, "random") for text in (*many, ENTROPY)]
    path = table_of(tmp_path / "table.csv", *rows)
    table, collection = collect(tmp_path / "a", losses_of=path, losses=6, seed=5)
    first = table[table["seed"] == 5]
    chosen = first[first["bred"] != "known"]["expression"]
    assert {*KNOWN_LOSSES.values()} <= {*first["expression"]} and first["expression"].is_unique
    assert {*first["bred"]} == {"known", "digits"} and {*chosen} <= {*map(_core, others)}
    best = [*map(_core, [others[9], others[8]])]  # and cross entropy, which is among the known
    assert {*best} <= {*chosen} and len(chosen) == 2 + 3
    assert {*table[table["seed"] == 6]["expression"]} <= {*first["expression"]}
    assert {*zip(table["images"], table["epochs"], strict=True)} == {(200, 4)}
    again, _ = collect(tmp_path / "b", losses_of=path, losses=6, seed=5)
    pd.testing.assert_frame_equal(again.drop(columns="seconds"), table.drop(columns="seconds"))
    merged = collection.merge_into(path)
    assert merged == len(rows) + len(table)
    once_more, _ = collect(tmp_path / "c", losses_of=path, losses=6, seed=5)
    assert {*once_more["expression"]} == {*table["expression"]}, "its own rows choose nothing"
    table_of(path, *rows[:5], *rows[10:])
    with pytest.raises(ValueError, match="holds trainings of other code or tasks .losses_of"):
        collect(tmp_path / "c", losses_of=path, losses=6, seed=5)


def _core(text):
    from deap_lossgp.curves import affine_form

    return str(affine_form(LossTree.from_string(text, PSET), PSET).core)


@pytest.mark.parametrize(("rows", "message"), [
    ([("two", 100, ENTROPY, 0.5, "known")],
     "losses_of: expected trainings on digits at another budget, got a table of two"),
    ([("digits", 200, ENTROPY, 0.5, "known")],
     "losses_of: expected trainings on digits at another budget, got a table of digits"),
    ([("digits", 100, "sin(y_pred)", 0.5, "random")],
     "expected a training with cross entropy on digits, got none"),
])
def test_a_table_that_cannot_choose_is_refused_before_anything_is_trained(
        invented, tmp_path, rows, message):
    with pytest.raises(ValueError, match=message):
        collect(tmp_path / "a", losses_of=table_of(tmp_path / "table.csv", *rows), epochs=1)
    assert not any(engine.batches for engine in invented)


def test_unusable_settings_are_refused():
    for options, message in (({"losses": 1}, "losses must be at least 2"),
                             ({"max_size": 3}, "max_size must be at least 4")):
        with pytest.raises(ValueError, match=message):
            CollectionSettings(datasets=("digits",), **options)


# the command

TINY = ["--collect", "--datasets", "digits", "--losses", "6", "--epochs", "2", "--train-size",
        "300", "--max-size", "20"]


def rows(folder):
    return pd.read_csv(folder / "rows.csv").drop(columns="seconds")


def test_a_collection_that_is_killed_and_resumed_has_the_rows_of_an_undisturbed_one(tmp_path):
    command = [sys.executable, str(PROGRAM), *TINY]
    store = tmp_path / "killed" / "evaluations.sqlite"
    with subprocess.Popen([*command, "--output", "killed"], cwd=tmp_path, stderr=subprocess.DEVNULL,
                          start_new_session=True) as process:
        while process.poll() is None and _stored(store) < 4:
            time.sleep(0.05)
        assert process.poll() is None, "it was killed before its end"
        os.killpg(process.pid, signal.SIGKILL)
    assert not (tmp_path / "killed" / "rows.csv").exists()
    for folder, options in (("killed", ["--table", "table.csv.xz"]),
                            ("whole", ["--workers", "2"])):
        done = subprocess.run([*command, "--output", folder, *options], cwd=tmp_path, text=True,
                              capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
    pd.testing.assert_frame_equal(rows(tmp_path / "killed"), rows(tmp_path / "whole"))
    assert len(load_atlas(path=tmp_path / "table.csv.xz")) == len(rows(tmp_path / "whole"))


def _stored(store):
    if not store.exists():
        return 0
    try:
        with closing(sqlite3.connect(f"file:{store}?mode=ro", uri=True)) as connection:
            return connection.execute("SELECT count(*) FROM trainings").fetchone()[0]
    except sqlite3.OperationalError:
        return 0
