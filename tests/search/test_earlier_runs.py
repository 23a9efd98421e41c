"""Earlier runs that a run learns from: what is read, what is refused, what depends on it."""

import json
from dataclasses import replace

import faulty
import numpy as np
import pytest
from invented import Invented

from deap_lossgp.data.datasets import load_dataset
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import add_primitive, loss_primitive_set
from deap_lossgp.search import earlier_runs as earlier_runs_module
from deap_lossgp.search import surrogates as surrogates_module
from deap_lossgp.search.earlier_runs import EarlierRuns
from deap_lossgp.search.evaluation import Evaluation
from deap_lossgp.search.folders import STORE, RunFolder, digest, task_digests
from deap_lossgp.search.settings import RunSettings
from deap_lossgp.search.store import Store
from deap_lossgp.search.surrogates import SearchSurrogate
from deap_lossgp.search.trainings import primitives_of
from deap_lossgp.surrogate.evidence import OWN_WEIGHT
from deap_lossgp.training.results import TrainingResult
from deap_lossgp.training.tasks import Task
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
ENTROPY, MSE, NGL = (KNOWN_LOSSES[name] for name in ("cross_entropy", "mse", "ngl"))


def task(name="digits", classes=10, **options):
    digits = load_dataset("digits")
    x, y = digits.x_train, digits.y_train
    return Task.from_arrays(name, x[y < classes], y[y < classes], **{"epochs": 3, **options})


def training(text, *accuracies, status="ok", seed=0, task="digits", classes=10):
    """A row of a store: key, result, expression and seed."""
    last = accuracies[-1] if accuracies else None
    result = TrainingResult(task, classes, status, last, last, last, 1.0, accuracies, accuracies,
                            accuracies)
    return result, text, seed


def run_of(folder, *rows, tasks=(), pset=PSET, fitness="error", trainings="made", data=(),
           **settings):
    """Writes the folder of a run with these trainings."""
    run = RunFolder(folder, {"fitness": fitness, "seed": 0, **settings})
    run.claim(list(data), {"primitives": digest(repr(primitives_of(pset)).encode()),
                   "trainings": trainings, **task_digests(tasks)})
    for number, (result, text, seed) in enumerate(rows):
        run.store.put(f"{number} {folder}", result, expression=text, seed=seed)
    run.close()
    return folder


def test_each_task_is_measured_by_its_own_cross_entropy_at_its_own_epochs(tmp_path):
    run = run_of(
        tmp_path / "a",
        training(ENTROPY, 0.3, 0.4, 0.5, 0.5), training(MSE, 0.3, 0.4, 0.5, 0.5),
        training(ENTROPY, 0.8, task="of two", classes=2),
        training(NGL, 0.8, task="of two", classes=2),
        training(ENTROPY, 0.7, 0.8, task="short"), training(NGL, 0.7, 0.8, task="short"))
    evidence = EarlierRuns([run], PSET, [task("mine")]).evidence()
    assert evidence.figures.shape == (6, 3) and evidence.weights.tolist() == [1.0] * 6
    assert not evidence.figures.any(), "all are as good as their own cross entropy"


@pytest.mark.parametrize(("data", "images"), [
    ({"train": 700, "trained_on": 50}, 50),
    ({"train": 700}, 700),  # an older folder: all of them
    (None, 300),  # a still older one: as many as the run that learns has
])
def test_a_runs_budget_is_what_its_trainings_had(tmp_path, data, images):
    run = run_of(tmp_path / "a", training(ENTROPY, 0.3, 0.4), training(MSE, 0.4, 0.5),
                 data=[{"name": "digits", "digest": "a", **data}] if data else [])
    evidence = EarlierRuns([run], PSET, [task(train_size=300)]).evidence()
    assert evidence.features[:, -1] == pytest.approx(np.log10(2 * images))


def test_a_loss_better_than_cross_entropy_is_above_zero_and_a_dead_one_at_chance(tmp_path):
    run = run_of(tmp_path / "a", training(ENTROPY, 0.3, 0.4, 0.4), training(MSE, 0.4, 0.5, 0.6),
                 training(NGL, status="nan"), training(f"exp({NGL})", status="timeout"),
                 training("exp(sub(y_true, y_pred))", 0.2, status="stopped"))
    figures = EarlierRuns([run], PSET, [task()]).evidence().figures
    assert len(figures) == 4, "what ran out of time says nothing of the loss"
    assert sorted((row[0] > 0.0, bool(np.isnan(row[1]))) for row in figures) == [
        (False, False), (False, False), (False, True), (True, False)]
    assert np.arcsinh(-50.0) == pytest.approx(figures.min(1)[np.isfinite(figures.min(1))].min())


def test_a_folder_that_one_may_only_read_is_read_and_left_as_it_is(tmp_path, monkeypatch):
    run = run_of(tmp_path / "a", training(ENTROPY, 0.3, 0.4, 0.4), training(MSE, 0.4, 0.5, 0.6))
    before = {path.name: path.stat().st_mtime_ns for path in run.iterdir()}
    opened = []
    monkeypatch.setattr(earlier_runs_module, "Store",
                        lambda path: opened.append(path) or Store(path))
    monkeypatch.setattr(earlier_runs_module.os, "access", lambda path, mode: path != run)
    assert len(EarlierRuns([run], PSET, [task()]).evidence()) == 2
    assert opened[0].parent != run and not opened[0].exists()
    assert {path.name: path.stat().st_mtime_ns for path in run.iterdir()} == before


def test_the_same_task_counts_as_much_as_ones_own(tmp_path):
    mine = task()
    rows = training(ENTROPY, 0.3, 0.4, 0.4), training(MSE, 0.4, 0.5, 0.6)
    same = run_of(tmp_path / "same", *rows, tasks=[mine])
    other = run_of(tmp_path / "other", *rows, tasks=[task(epochs=9)])
    for folder, weight in ((same, OWN_WEIGHT), (other, 1.0)):
        assert {*EarlierRuns([folder], PSET, [mine]).evidence().weights} == {weight}
    assert len(EarlierRuns([same, other, same], PSET, [mine]).evidence()) == 4


def test_of_a_training_that_was_stopped_and_later_finished_the_longer_one_counts(tmp_path):
    run = run_of(tmp_path / "a", training(ENTROPY, 0.3, 0.4, 0.4),
                 training(MSE, 0.4, 0.5, 0.6), training(MSE, 0.4, status="stopped"))
    evidence = EarlierRuns([run], PSET, [task()]).evidence()
    assert {*evidence.weights} == {1.0} and not np.isnan(evidence.figures).any()


def test_of_a_run_what_its_search_has_trained_is_read_and_of_a_comparison_everything(tmp_path):
    search = training(ENTROPY, 0.3, 0.4, 0.4), training(MSE, 0.3, 0.4, 0.4)
    finals = (training(ENTROPY, 0.1, 0.1, 0.1, 0.1, seed=1),  # at another learning rate, say
              training(NGL, 0.8, 0.8, 0.8, 0.8, seed=1))
    run = EarlierRuns([run_of(tmp_path / "run", *search, *finals)], PSET, [task()])
    only = EarlierRuns([run_of(tmp_path / "only", *search)], PSET, [task()])
    assert run.content == only.content and not run.evidence().figures.any()
    comparison = run_of(tmp_path / "arms", *search, training(NGL, 0.3, 0.4, 0.4, seed=77),
                        arms=["random"])
    assert len(EarlierRuns([comparison], PSET, [task()]).evidence()) == 3


def test_equal_trainings_have_equal_content_in_whatever_order_they_were_stored(tmp_path):
    rows = [training(text, 0.3, 0.4, 0.4) for text in (ENTROPY, MSE, NGL)]
    one, other, less = (EarlierRuns([run_of(tmp_path / name, *part)], PSET, [task()]).content
                        for name, part in (("a", rows), ("b", rows[::-1]), ("c", rows[:2])))
    assert one == other != less


def refused(folder, message, pset=PSET):
    with pytest.raises(ValueError, match=message) as caught:
        EarlierRuns([folder], pset, [task()])
    assert "\n" not in str(caught.value) and str(folder) in str(caught.value)


def test_what_is_no_run_to_learn_from_is_refused_in_one_line(tmp_path):
    rows = training(ENTROPY, 0.3), training(MSE, 0.3)
    refused(tmp_path / "missing", "expected the folder of a run, got .* which holds no run.json")
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / "run.json").write_text("[]")
    refused(tmp_path / "empty", "expected the folder of a run, got .* whose run.json is none")
    without = run_of(tmp_path / "without", *rows)
    (without / STORE).unlink()
    refused(without, f"which holds no {STORE}")
    refused(tmp_path / "witout", r"no run.json; did you mean '.*without'\?")
    damaged = run_of(tmp_path / "damaged", *rows)
    (damaged / STORE).write_bytes(b"nothing of the kind" * 100)
    refused(damaged, "expected an undamaged store")
    refused(run_of(tmp_path / "thesis", *rows, fitness="thesis"), "fitness thesis, which trains")
    refused(run_of(tmp_path / "predicted", *rows, trainings="predicted"), "were predicted")
    refused(run_of(tmp_path / "no baseline", rows[1]), "no training with cross entropy on digits")
    own = loss_primitive_set()
    add_primitive(own, faulty.row("same", faulty.in_numpy))
    for name, pset in (("plain", loss_primitive_set(protected=False)), ("own", own)):
        folder = run_of(tmp_path / name, *rows, pset=pset)
        refused(folder, "expected a run with the same primitives")
        EarlierRuns([folder], pset, [task()])


def test_the_line_of_the_report_says_whether_it_was_of_the_runs_own_data_sets(tmp_path):
    rows = training(ENTROPY, 0.3), training(MSE, 0.3)
    own = run_of(tmp_path / "a", *rows)
    other = run_of(tmp_path / "b", *(replace_task(row, "letters") for row in rows))
    both = str(EarlierRuns([own, other], PSET, [task()]))
    assert "4 trainings of earlier runs, among them trainings on digits" in both
    assert "does not stand on this run alone" in both
    assert str(EarlierRuns([other], PSET, [task()])).endswith("2 trainings of earlier runs, on "
                                                              "letters.")
    assert not EarlierRuns([], PSET, [task()])


def replace_task(row, name):
    result, *rest = row
    return replace(result, task=name), *rest


def test_the_surrogate_of_a_search_learns_from_them(tmp_path, monkeypatch):
    monkeypatch.setattr(surrogates_module, "_atlas_without", lambda *names, classes: None)
    good = (MSE, NGL, KNOWN_LOSSES["focal"])
    bad = [f"neg({text})" for text in good]
    earlier = EarlierRuns([run_of(tmp_path / "a", training(ENTROPY, 0.4, 0.4), *(
        training(text, accuracy, accuracy) for texts, accuracy in ((good, 0.6), (bad, 0.2))
        for text in texts))], PSET, [task()])
    mine = task("mine", classes=3)
    evaluation = Evaluation([mine], PSET, engine=Invented([mine]))
    surrogate = SearchSurrogate(PSET, [mine], evaluation, earlier=earlier)
    trees = [LossTree.from_string(text, PSET) for text in (KNOWN_LOSSES["baikal"],)]
    assert surrogate(trees, 1) == trees
    better, worse = (LossTree.from_string(texts[0], PSET) for texts in (good, bad))
    mean, _ = surrogate.predict(np.array([surrogate.features(tree) for tree in (better, worse)]))
    assert mean[0] > 0.0 > mean[1]


def test_settings_that_have_no_surrogate_to_teach_are_refused():
    for options in ({"preselect": False}, {"fitness": "thesis"}):
        with pytest.raises(ValueError, match="learn_from needs a surrogate to teach"):
            RunSettings(learn_from=("run",), **options)
    assert RunSettings(learn_from="one").learn_from == ("one",)


# runs

TINY = {"population": 4, "generations": 1, "epochs": 1, "train_size": 200, "finalists": 0,
        "test_seeds": 0, "max_size": 20, "progress": False}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """An earlier run, one that learned from it, and the line of its report."""
    from deap_lossgp.search.runs import evolve

    folder = tmp_path_factory.mktemp("runs")
    evolve("digits", output=folder / "earlier", **TINY)
    result = evolve("digits", output=folder / "here", seed=1, learn_from=[folder / "earlier"],
                    **TINY)
    return folder, result


def test_a_run_says_what_it_learned_from_and_is_resumed_with_it(runs):
    from deap_lossgp.search.runs import evolve

    folder, result = runs
    with Store(folder / "earlier" / STORE) as store:
        trained = len(store)
    assert (f"The surrogate also learned from {trained} trainings of earlier runs, among them "
            f"trainings on digits" in str(result))
    before = (folder / "here" / "individuals.csv").read_bytes()
    again = evolve("digits", output=folder / "here", seed=1, learn_from=[folder / "earlier"],
                   **TINY)
    assert (folder / "here" / "individuals.csv").read_bytes() == before
    assert again.notes == result.notes and again.funnel == result.funnel


def test_a_run_whose_earlier_runs_changed_is_refused(runs):
    from deap_lossgp.search.runs import evolve

    folder, _ = runs
    with pytest.raises(ValueError, match=r"holds another run, with learn_from \["):
        evolve("digits", output=folder / "here", seed=1, **TINY)
    before = (folder / "here" / "run.json").read_bytes()
    with Store(folder / "earlier" / STORE) as store:
        result, text, seed = training(f"mul({NGL}, y_pred)", 0.9)
        store.put("one more", result, expression=text, seed=seed)
    try:
        with pytest.raises(ValueError, match=r"of other code or tasks \(runs of learn_from\)"):
            evolve("digits", output=folder / "here", seed=1, learn_from=[folder / "earlier"],
                   **TINY)
    finally:
        with Store(folder / "earlier" / STORE) as store:
            store.discard(["one more"])
    assert (folder / "here" / "run.json").read_bytes() == before
    assert json.loads(before)["code"]["runs of learn_from"]


def test_a_run_does_not_learn_from_its_own_folder(runs):
    from deap_lossgp.search.runs import evolve

    folder, _ = runs
    with pytest.raises(ValueError, match="is the run's own folder"):
        evolve("digits", output=folder / "new", learn_from=[folder / "new"], **TINY)
    assert not (folder / "new").exists()
