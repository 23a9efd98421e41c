"""The engine that trains nothing: what it predicts, and that it is never taken for a training."""

import numpy as np
import pytest

from deap_lossgp.data.images import ImageData
from deap_lossgp.engines import Execution, Job, Tabular
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search import Collection, CollectionSettings, evolve
from deap_lossgp.surrogate import load_atlas, main_budget
from deap_lossgp.training.candidates import candidate_of
from deap_lossgp.training.tasks import Task
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


def task(name="cifar10", epochs=6):
    labels = np.repeat(np.arange(10), 60)
    images = np.zeros((len(labels), 2, 2, 1), np.uint8)
    return Task(ImageData(name, images, labels, images, labels), "small_cnn", epochs=epochs)


def job(text, seed=0, **options):
    return Job(0, candidate_of(LossTree.from_string(text, PSET), PSET, task()), seed, **options)


@pytest.fixture(scope="module")
def engine():
    return Tabular([task()], PSET)


def results(engine, *jobs):
    return [result for _, result in engine.train(jobs)]


def test_measured_losses_show_what_was_measured_but_for_the_noise(engine):
    atlas = main_budget(load_atlas()).query("dataset == 'cifar10' and status == 'ok'")
    atlas = atlas.set_index(["expression", "seed"])
    ends = atlas["validation_accuracies"].map(
        lambda row: np.mean([float(word) for word in row.split()[-2:]]))
    entropy = ends[KNOWN_LOSSES["cross_entropy"]]
    for name in ("cross_entropy", "ngl", "mse"):
        measured = entropy.mean() + (ends[KNOWN_LOSSES[name]] - entropy).mean()
        jobs = [job(KNOWN_LOSSES[name], seed) for seed in range(100)]
        predicted = [result.accuracy for result in results(engine, *jobs)]
        assert np.mean(predicted) == pytest.approx(measured, abs=0.004)
        assert np.std(predicted) == pytest.approx(0.0081, rel=0.3)


def test_equal_jobs_have_equal_results_and_a_test_accuracy_where_asked(engine):
    first, again, other, tested = results(
        engine, job(KNOWN_LOSSES["focal"]), job(KNOWN_LOSSES["focal"]),
        job(KNOWN_LOSSES["focal"], seed=1), job(KNOWN_LOSSES["focal"], test=True))
    assert first == again != other
    assert first.test_accuracy is None and tested.test_accuracy == tested.accuracy
    assert len(first.accuracies) == 6 and first.accuracies[-1] == first.accuracy
    assert first.ok and first.seconds == 0.0


def test_what_learned_nothing_learns_nothing_and_is_stopped(engine):
    stopped = main_budget(load_atlas()).query("dataset == 'cifar10' and status == 'stopped'")
    dead = stopped["expression"].iloc[0]
    whole, stopped = results(engine, job(dead), job(dead, stops=((1, 0.3),)))
    assert whole.accuracy < 0.2
    assert stopped.status == "stopped" and stopped.accuracies == whole.accuracies[:1]


def test_a_data_set_that_the_atlas_does_not_know_is_refused():
    with pytest.raises(ValueError, match="data sets of the atlas, cifar10, cifar100, fashion_mnist,"
                                         " got 'digits'"):
        Tabular([task("digits")], PSET)


def test_what_the_atlas_cannot_predict_is_refused_or_left_out(tmp_path):
    options = {"population": 4, "generations": 0, "test_seeds": 1, "max_size": 30,
               "preselect": False, "finalists": 0, "progress": False, "engine": "tabular"}
    with pytest.raises(ValueError, match="expected the fitness error or balanced_error, got 'ref"):
        evolve(task(), output=tmp_path / "run", fitness="reference", **options)
    result = evolve(task(), output=tmp_path / "run", rate_factors=(0.5, 2.0), **options)
    assert result.rate_factor is None and "tuned_cross_entropy" not in result.tests["cifar10"]


def test_predicted_and_trained_losses_never_share_a_folder(tmp_path):
    options = {"output": tmp_path / "run", "population": 4, "generations": 1, "test_seeds": 1,
               "max_size": 30, "preselect": False, "finalists": 0, "progress": False}
    result = evolve(task(), engine="tabular", **options)
    assert {*result.trainings["seconds"]} == {0.0}
    assert "Nothing is trained: all accuracies are predicted" in str(result)
    assert Execution(engine="tabular").workers == 1  # any number, which does not matter
    with pytest.raises(ValueError, match="was begun with trainings predicted, now made"):
        evolve(task(), workers=0, **options)


def test_no_atlas_is_collected_of_predictions(tmp_path):
    settings = CollectionSettings(datasets=("cifar10",))
    with pytest.raises(ValueError, match="an atlas needs trainings, got the engine 'tabular'"):
        Collection(settings, tmp_path / "new", tasks=[task()],
                   execution=Execution(engine="tabular"))
    assert not (tmp_path / "new").exists()
