"""What follows the last generation: at which budget, with which seeds, and what is claimed."""

import json
import math
import re
from dataclasses import replace

import pytest
from invented import Invented

pytest.importorskip("tensorflow")

from deap_lossgp.commands.options import SEARCHES  # noqa: E402
from deap_lossgp.comparison.settings import ComparisonSettings  # noqa: E402
from deap_lossgp.export import simplified  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES, read_loss  # noqa: E402
from deap_lossgp.psets import loss_primitive_set  # noqa: E402
from deap_lossgp.search import Evaluation, evolutions, finals  # noqa: E402
from deap_lossgp.search.race import sequential_halving  # noqa: E402
from deap_lossgp.search.runs import evolve  # noqa: E402
from deap_lossgp.search.settings import RunSettings  # noqa: E402
from deap_lossgp.training.results import FAILURES, TrainingResult  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402

PSET = loss_primitive_set()
SMALL = {"population": 6, "generations": 1, "epochs": 4, "train_size": 300, "validation_size": 200,
         "max_size": 30, "test_seeds": 2, "rate_factors": (), "preselect": False, "score_epochs": 1,
         "progress": False}


@pytest.fixture
def engines(monkeypatch):
    """The engines of the runs; they train nothing, and a loss's accuracies are invented."""
    made = []

    def make_engine(tasks, pset, execution):
        made.append(Invented(tasks))
        return made[-1]

    monkeypatch.setattr(evolutions, "make_engine", make_engine)
    return made


def jobs(engine):
    return [job for batch in engine.batches for job in batch]


def figures(result, expression, seeds, column="accuracy"):
    """The mean over seeds of a column of the trainings of a loss."""
    rows = result.trainings[result.trainings["expression"] == expression].set_index("seed")
    return rows.loc[list(seeds), column].mean()


# the final budget


def test_finalists_and_tests_train_at_the_final_budget(engines, tmp_path):
    evolve("digits", output=tmp_path, final_epochs=9, final_size=1000, **SMALL)
    (engine,) = engines
    search, final = engine.tasks
    assert (search.epochs, len(search.split()[0])) == (4, 300)
    assert (final.epochs, len(final.split()[0])) == (9, 1000)
    assert {(job.task, job.seed) for job in jobs(engine)} == {(0, 0)} | {
        (1, seed) for seed in (1, 2, 3, 8, 9)}
    assert {job.test for job in jobs(engine) if job.seed in (8, 9)} == {True}


def test_by_default_it_has_all_images_that_are_not_kept_for_validation(engines, tmp_path):
    evolve("digits", output=tmp_path, **SMALL)
    search, final = engines[0].tasks
    assert (final.epochs, len(final.split()[0])) == (4, 1237)
    assert [*final.split()[1]] == [*search.split()[1]]


@pytest.mark.parametrize("options", [
    {"train_size": None}, {"train_size": None, "final_size": 1237, "final_epochs": 4},
    {"final_size": 0}, {"final_size": 300}, {"fitness": "thesis", "final_size": 0},
])
def test_where_it_is_the_searchs_nothing_else_is_trained_on(options, engines, tmp_path):
    result = evolve("digits", output=tmp_path, **{**SMALL, **options})
    (engine,) = engines
    assert len(engine.tasks) == 1 and {job.task for job in jobs(engine)} == {0}
    assert len(result.trainings) == len(jobs(engine)) == result.counts["curves"] + result.counts[
        "exact"]


def test_it_may_change_when_the_search_is_done(engines, tmp_path):
    first = evolve("digits", output=tmp_path, **SMALL)
    other = evolve("digits", output=tmp_path, **SMALL, final_epochs=6)
    assert {job.seed for job in jobs(engines[1])} == {1, 2, 3, 8, 9}, "the search is known"
    assert first.individuals.equals(other.individuals)
    again = evolve("digits", output=tmp_path, **SMALL)
    assert jobs(engines[2]) == [] and again.gains == first.gains and again.race == first.race


def test_tasks_of_ones_own_have_it_too(engines, tmp_path):
    own = {name: SMALL[name] for name in SMALL
           if name not in ("epochs", "train_size", "validation_size")}
    evolve(Task.load("digits", train_size=300, validation_size=200, epochs=3), output=tmp_path,
           final_epochs=5, **own)
    assert [(task.epochs, len(task.split()[0])) for task in engines[0].tasks] == [
        (3, 300), (5, 1237)]


def test_too_many_images_are_refused_before_a_folder_is_made(engines, tmp_path):
    with pytest.raises(ValueError, match=r"^final_size: data set 'digits': train_size must be an "
                                         r"integer from 10 .* to 1237 .*, got 5000$"):
        evolve("digits", output=tmp_path / "run", final_size=5000, **SMALL)
    assert not (tmp_path / "run").exists()


def test_cross_entropy_is_tested_as_the_baseline_though_it_is_a_known_loss(engines, tmp_path):
    result = evolve("digits", output=tmp_path, **{**SMALL, "fitness": "thesis", "final_size": 0,
                                                  "seed_losses": ("cross_entropy",)})
    (engine,) = engines
    other = Evaluation(engine.tasks, PSET, engine=Invented(engine.tasks))
    (expected,) = other.test_accuracies([None], range(8, 8 + SMALL["test_seeds"]))
    assert result.tests["digits"]["cross_entropy"] == expected["digits"]


class Late(Invented):
    """Trainings at the final budget take too long."""

    late = True

    def result(self, job):
        if job.task and self.late:
            return TrainingResult("digits", 10, "timeout", message="stopped after 3 s")
        return super().result(job)


def test_where_nothing_can_be_trained_there_the_run_says_so_and_keeps_the_search(
    monkeypatch, tmp_path
):
    made = []
    monkeypatch.setattr(evolutions, "make_engine",
                        lambda tasks, *_: made.append(Late(tasks)) or made[-1])
    with pytest.raises(ValueError, match="first 4 trainings ended as timeout: stopped after 3 s"):
        evolve("digits", output=tmp_path, final_epochs=9, **SMALL)
    monkeypatch.setattr(Late, "late", False)
    result = evolve("digits", output=tmp_path, final_epochs=9, **SMALL)
    assert {job.task for job in jobs(made[1])} == {1}
    assert {*result.trainings["status"]} <= {"ok", "stopped"}


class Alike(Invented):
    """Every loss is as good as any other."""

    def result(self, job):
        accuracies = (0.5,) * self.tasks[job.task].epochs
        return TrainingResult("digits", 10, "ok", 0.5, 0.5, 0.5, 0.1, accuracies, accuracies,
                              accuracies, balanced_accuracy=0.5, test_accuracy=0.5)


@pytest.mark.parametrize("known", [("mse", "baikal"), ("baikal", "mse"), ("ngl", "baikal")])
def test_of_equals_the_smallest_is_taken_then_the_oldest_and_in_the_race_cross_entropy(
    known, monkeypatch, tmp_path
):
    monkeypatch.setattr(evolutions, "make_engine", lambda tasks, *_: Alike(tasks))
    options = {**SMALL, "population": 2, "generations": 0, "seed_losses": known}
    result = evolve("digits", output=tmp_path / "search", **{**options, "finalists": 0})
    assert len({tree.fitness.values for tree in result.halloffame}) == 1
    expected = known[1] if known[0] == "ngl" else known[0]  # the others have 7 nodes each
    assert str(result.found) == KNOWN_LOSSES[expected]
    raced = evolve("digits", output=tmp_path / "race", **{**options, "finalists": 3})
    assert str(raced.found) == KNOWN_LOSSES["cross_entropy"]


class Troubled(Invented):
    """The losses fail one after the other, each in its own way."""

    def result(self, job):
        known = self.__dict__.setdefault("known", {})
        place = known.setdefault(job.candidate.derivatives.tobytes(), len(known))
        if 1 <= place <= len(FAILURES) and not job.test:
            return TrainingResult("digits", 10, FAILURES[place - 1], message="so it goes")
        return super().result(job)


def test_every_kind_of_failure_is_reported(monkeypatch, tmp_path):
    monkeypatch.setattr(evolutions, "make_engine", lambda tasks, *_: Troubled(tasks))
    result = evolve("digits", output=tmp_path, **{**SMALL, "population": 12})
    assert {*FAILURES} <= {*result.trainings["status"]}
    assert f" Failed: {', '.join(f'1 {status}' for status in FAILURES)}." in str(result)


# what is claimed


def test_the_gain_is_claimed_with_seeds_by_which_nothing_was_chosen(engines, tmp_path):
    result = evolve("digits", output=tmp_path, final_epochs=9, **SMALL)
    search, race, tests = result.gains
    entropy, found = KNOWN_LOSSES["cross_entropy"], str(result.found)
    assert found != entropy, "with this seed it is another"
    assert found in {*result.trainings["expression"]}, "nor has it an affine wrapping"

    def gain(seeds):
        return figures(result, found, seeds) - figures(result, entropy, seeds)

    assert (search["where"], race["where"], tests["where"]) == ("search", "race", "tests")
    assert (search["wins"], search["improvement"]) == result.found.fitness.values
    assert search["improvement"] == pytest.approx(gain([0]))
    shared = {row["expression"]: row["seeds"] for row in result.race}
    assert race["seeds"] == min(shared[found], shared[entropy])
    assert race["improvement"] == pytest.approx(gain(range(1, 1 + race["seeds"])))
    assert tests["seeds"] == 2 and tests["improvement"] == pytest.approx(gain([8, 9]))
    assert tests["wins"] == (tests["improvement"] > 0.0)
    best = json.loads((tmp_path / "best_loss.json").read_text())
    assert (best["wins"], best["improvement"]) == (tests["wins"], tests["improvement"])
    assert best["gains"] == result.gains
    report = str(result)
    assert f"improvement {tests['improvement']:+.4f} (error)\n" in report
    for gain, budget in ((search, "(4 epochs, 300 images, 1 seed)"),
                         (tests, "(9 epochs, 1,237 images, 2 seeds)")):
        assert any(f"{gain['improvement']:+.4f}  {budget}" in line for line in report.splitlines())


def test_without_tests_it_is_that_of_the_race_and_without_a_race_that_of_the_search(
    engines, tmp_path
):
    for number, (finalists, seeds, where) in enumerate(
            ((4, 0, "race"), (0, 0, "search"), (0, 2, "search"))):
        result = evolve("digits", output=tmp_path / str(number),
                        **{**SMALL, "test_seeds": seeds, "finalists": finalists})
        assert result.claimed["where"] == where and (len(result.gains) == 1) == (number == 1)
        best = json.loads((tmp_path / str(number) / "best_loss.json").read_text())
        assert best["improvement"] == result.claimed["improvement"]


class Failing(Invented):
    """The trainings of the tests fail."""

    def result(self, job):
        if job.test and job.seed == 8:
            return TrainingResult("digits", 10, "nan", message="the loss is not finite")
        return super().result(job)


def test_nothing_is_claimed_where_a_training_of_cross_entropy_failed(monkeypatch, tmp_path):
    monkeypatch.setattr(evolutions, "make_engine", lambda tasks, *_: Failing(tasks))
    result = evolve("digits", output=tmp_path, **SMALL)
    assert math.isnan(result.gains[-1]["improvement"])
    assert "Fitness:    not known, because trainings with fresh seeds failed\n" in str(result)
    assert json.loads((tmp_path / "best_loss.json").read_text())["improvement"] is None


def test_the_best_loss_is_simplified_and_still_the_same_in_every_file(engines, tmp_path):
    options = {**SMALL, "generations": 0, "population": 1, "seed_losses": ("baikal",),
               "finalists": 0}
    result = evolve("digits", output=tmp_path, **options)
    assert str(result.found) == KNOWN_LOSSES["baikal"]
    assert str(result.best) == "sub(div(y_true, y_pred), log(y_pred))"
    assert str(result.best) == str(simplified(result.found, PSET))
    assert result.best.fitness == result.found.fitness
    assert "\n            6 nodes, 7 before it was simplified\n" in str(result)
    loss = read_loss(tmp_path)
    assert str(loss.tree) == str(result.best)
    assert loss.record["nodes"] == 6
    assert loss.record["found"] == {"expression": KNOWN_LOSSES["baikal"], "nodes": 7}
    assert loss.record["validation"]["digits"]["status"] == "ok"
    assert "much like" not in str(result), "it is a known loss itself"


@pytest.mark.parametrize(("expression", "said"), [
    ("sub(exp(sub(2.4092, mul(y_pred, add(1.0, y_true)))), y_pred)",
     "\n            much like the known loss ngl (cosine between their gradients 0.9996)\n"),
    ("sub(exp(sub(2.4092, mul(y_pred, add(3.0, y_true)))), y_pred)", None),
])
def test_a_winner_that_hardly_differs_from_a_known_loss_is_said_to(expression, said, engines,
                                                                   tmp_path):
    (tmp_path / "mine.json").write_text(
        json.dumps({"expression": expression, "primitives": "protected"}))
    options = {**SMALL, "generations": 0, "population": 1, "finalists": 0,
               "seed_losses": (str(tmp_path / "mine.json"),)}
    text = str(evolve("digits", output=tmp_path / "run", **options))
    assert said in text if said else "much like" not in text


# the simplest, and constants


def test_the_simplest_finalist_that_the_race_does_not_tell_from_the_best(
    engines, tmp_path, monkeypatch
):
    best = evolve("digits", output=tmp_path, **SMALL)
    monkeypatch.setattr(finals, "within_standard_error", lambda rows, best: range(len(rows)))
    simplest = evolve("digits", output=tmp_path, select="simplest", **SMALL)
    assert best.race == simplest.race
    nodes = {row["expression"]: row["nodes"] for row in best.race}
    assert nodes[str(simplest.found)] == min(nodes.values()) < nodes[str(best.found)]
    assert {job.seed for job in jobs(engines[1])} <= {8, 9}, "only its tests are new"
    assert "It is the simplest of 4 finalists" in str(simplest)
    monkeypatch.setattr(finals, "within_standard_error", lambda rows, best: [best])
    again = evolve("digits", output=tmp_path, select="simplest", **SMALL)
    assert str(again.found) == str(best.found)


def without_seconds(result):
    return [line for line in str(result).splitlines() if not line.startswith("Making")]


def test_constants_are_tuned_before_the_race(engines, tmp_path):
    options = {**SMALL, "seed": 3}
    one = evolve("digits", output=tmp_path / "one", **options)
    result = evolve("digits", output=tmp_path / "two", tune_constants=12, **options)
    assert result.individuals.equals(one.individuals), "after the last generation"
    before, after = (sum(run.counts[name] for name in ("ntrained", "ncached", "nscreened"))
                     for run in (one, result))
    assert before + 6 < after <= before + 12
    assert f"\n{after} evaluations: {result.counts['ntrained']} trained" in str(result)
    (tuned,) = {*map(str, result.halloffame)} - {*map(str, one.halloffame)}
    assert str(result.halloffame[0]) == tuned, "with this seed there is a better one"
    assert tuned in {row["expression"] for row in result.race}
    again = evolve("digits", output=tmp_path / "two", tune_constants=12, **options)
    assert without_seconds(again) == without_seconds(result) and jobs(engines[2]) == []


# the learning rate


def test_cross_entropy_is_tested_at_the_learning_rate_that_suits_it(engines, tmp_path):
    options = {**SMALL, "rate_factors": (0.5, 1.0, 4.0)}
    result = evolve("digits", output=tmp_path, **options)
    tuning = [job for job in jobs(engines[0]) if job.rate_factor != 1.0 and not job.test]
    assert [(job.rate_factor, job.seed) for job in tuning[:2]] == [(0.5, 1), (4.0, 1)]
    assert {job.seed for job in tuning} <= {1, 2, 3}

    def measure(rates, seeds):
        return [[engines[0].result(replace(tuning[0], rate_factor=rate, seed=seed))
                 .error_rate for seed in seeds] for rate in rates]

    rates = (1.0, 0.5, 4.0)
    assert result.rate_factor == rates[sequential_halving(rates, measure, [1, 2, 3])[0]]
    tested = [job for job in jobs(engines[0]) if job.test and job.rate_factor != 1.0]
    assert [job.seed for job in tested] == ([8, 9] if result.rate_factor != 1.0 else [])
    assert f"entropy, lr x {result.rate_factor:g}" in str(result)
    plain = evolve("digits", output=tmp_path, **SMALL)
    assert plain.race == result.race and plain.rate_factor is None
    of_run = result.tests["digits"].pop("tuned_cross_entropy")
    assert plain.tests == result.tests and len(of_run) == 2


@pytest.mark.parametrize(("options", "trainings"), [
    ({}, 2 * 2),  # two tests of the evolved loss and of cross entropy
    ({"finalists": 4}, 4 + 2 * 2 + 2 * 2),  # a race of four, and then of two with two seeds each
    ({"seed_losses": ("ngl",)}, 3 * 2),
    ({"rate_factors": (1.0,)}, 2 * 2),
    ({"rate_factors": (0.5, 4.0)}, 3 + 2 * 2 + 3 * 2),  # a race of three, and tests of its winner
    ({"rate_factors": (0.5, 4.0), "test_seeds": 0}, 0),
])
def test_the_trainings_that_are_to_come_are_counted_before(options, trainings):
    settings = RunSettings(**{"finalists": 0, "seed_losses": (), "test_seeds": 2,
                              "rate_factors": (), **options})
    tasks = [Task.load("digits", train_size=300)]
    evaluation = Evaluation(tasks, PSET, engine=Invented(tasks))
    assert finals.Finals(settings, evaluation, evaluation).trainings == trainings


@pytest.mark.parametrize(("evolved", "tuned", "says_so"), [
    (0.95, 0.96, True), (0.95, 0.95, True), (0.95, 0.94, False), (0.89, 0.96, False),
])
def test_the_report_says_if_only_an_untuned_cross_entropy_is_beaten(
    evolved, tuned, says_so, engines, tmp_path
):
    result = evolve("digits", output=tmp_path, **SMALL)
    tests = {"evolved": [evolved], "cross_entropy": [0.9], "tuned_cross_entropy": [tuned]}
    report = str(replace(result, tests={"digits": tests}, rate_factor=2.0))
    assert ("On digits it only beats an untuned cross entropy: with 2 times the learning rate"
            in report) == says_so


def test_neither_the_thesis_nor_its_fitness_tunes_anything(engines, tmp_path):
    for number, options in enumerate(({"fitness": "thesis"}, {"test_seeds": 0})):
        evolve("digits", output=tmp_path / str(number),
               **{**SMALL, "rate_factors": (2.0,), **options})
        assert {job.rate_factor for job in jobs(engines[number])} == {1.0}


def test_what_the_fitness_thesis_makes_no_use_of_is_said_in_a_line(engines, tmp_path, capsys):
    options = {"finalists": 3, "select": "simplest", "rate_factors": (2.0,)}
    evolve("digits", output=tmp_path, **{**SMALL, **options, "fitness": "thesis"})
    said = [line for line in capsys.readouterr().err.splitlines() if "no effect" in line]
    assert said == ["Warning: the fitness thesis stops, preselects and races nothing: --finalists, "
                    "--select, --rate-factors have no effect"]
    evolve("digits", output=tmp_path / "other", **{**SMALL, **options})
    assert "no effect" not in capsys.readouterr().err


def test_what_was_not_asked_for_is_not_missed():
    assert RunSettings(fitness="thesis").without_effect == []
    assert RunSettings(**SEARCHES["thesis"]).without_effect == []
    assert RunSettings(fitness="thesis", finalists=6).without_effect == ["finalists"]
    assert ComparisonSettings(fitness="thesis", rungs=True, preselect=True).without_effect == [
        "rungs", "preselect"]


# balanced accuracies


def balanced_of(tests):
    return {task: {name: [accuracy / 2.0 for accuracy in row] for name, row in losses.items()}
            for task, losses in tests.items()}  # as they are invented


def test_under_balanced_error_the_tests_show_balanced_accuracies_beside_the_others(
    engines, tmp_path
):
    options = {**SMALL, "fitness": "balanced_error"}
    result = evolve("digits", output=tmp_path / "balanced", **options)
    assert result.balanced_tests == balanced_of(result.tests) == result.balanced
    lines = str(result).splitlines()
    (place,) = [i for i, line in enumerate(lines) if line.startswith("  data set")]
    cells = [re.split(" {3,}", line.strip()) for line in lines[place + 1:place + 3]]
    assert [row[0] for row in cells] == ["digits", "digits, balanced"]
    means = [[float(cell.split()[0]) for cell in row[1:]] for row in cells]
    assert means[1] == pytest.approx([mean / 2.0 for mean in means[0]], abs=1e-4)
    assert "digits, balanced" in (tmp_path / "balanced" / "report.html").read_text("utf-8")
    written = json.loads((tmp_path / "balanced" / "best_loss.json").read_text())
    assert written["test_balanced_accuracy"] == result.balanced_tests
    assert written["test_accuracy"] == result.tests


def test_under_other_fitness_they_are_only_written(engines, tmp_path):
    result = evolve("digits", output=tmp_path, **SMALL)
    written = json.loads((tmp_path / "best_loss.json").read_text())
    assert written["test_balanced_accuracy"] == balanced_of(result.tests)
    assert result.balanced == {} and "balanced" not in str(result)
    assert "digits, balanced" not in (tmp_path / "report.html").read_text("utf-8")


def test_what_an_earlier_version_did_not_store_is_not_shown(engines, tmp_path, monkeypatch):
    whole = Invented.result
    monkeypatch.setattr(Invented, "result", lambda self, job: replace(
        whole(self, job), test_balanced_accuracy=None))
    result = evolve("digits", output=tmp_path, **{**SMALL, "fitness": "balanced_error"})
    assert result.balanced_tests == {} and "digits, balanced" not in str(result)
    assert "test_balanced_accuracy" not in json.loads((tmp_path / "best_loss.json").read_text())


@pytest.mark.parametrize(("evolved", "confirmed"), [(0.6, True), (0.4, False)])
def test_what_is_ranked_by_balanced_accuracies_is_confirmed_by_them(
    evolved, confirmed, engines, tmp_path
):
    result = evolve("digits", output=tmp_path, **{**SMALL, "fitness": "balanced_error"})
    tests = {"digits": {"evolved": [0.9 if not confirmed else 0.8], "cross_entropy": [0.85]}}
    balanced = {"digits": {"evolved": [evolved], "cross_entropy": [0.5]}}
    result = replace(result, tests=tests, balanced_tests=balanced)
    assert ("These do not confirm the search's gain" not in str(result)) == confirmed
    assert f"{evolved:.2%} of the test images are right, in the mean over" in result.headline()


# settings


def test_more_tests_are_added_to_those_that_were_made(engines, tmp_path):
    few = evolve("digits", output=tmp_path, **SMALL)
    more = evolve("digits", output=tmp_path, **{**SMALL, "test_seeds": 4})
    assert more.race == few.race and str(more.best) == str(few.best)
    for name, accuracies in few.tests["digits"].items():
        assert more.tests["digits"][name][:2] == accuracies
    assert {job.seed for job in jobs(engines[1])} == {10, 11}


def test_no_seed_serves_twice():
    settings = RunSettings(seed=7, test_seeds=3, finalists=8)
    choices, tests = settings.fresh_seeds()
    assert [*choices, *tests] == [*range(8, 8 + 7 + 3)]
    for change in ({"finalists": 0}, {"rate_factors": ()}):
        assert replace(settings, **change).fresh_seeds() == (choices, tests)
    assert replace(settings, test_seeds=9).fresh_seeds() == (choices, range(15, 24))
    choices, tests = replace(settings, finalists=9).fresh_seeds()
    assert (len(choices), tests.start) == (15, 23)


@pytest.mark.parametrize(("options", "message"), [
    ({"final_epochs": 0}, "final_epochs must be at least 1, got 0"),
    ({"final_size": -1}, "final_size must be at least 0, got -1"),
    ({"select": "smallest"}, "unknown select 'smallest': did you mean 'simplest'? known: best, "
                             "simplest"),
    ({"tune_constants": 1}, "tune_constants must be 0 or at least 2, got 1: CMA-ES makes two"),
    ({"rate_factors": (1.0, 0.0)}, "rate_factors must be positive and finite, got 0.0"),
    ({"rate_factors": (math.nan,)}, "rate_factors must be positive and finite, got nan"),
    ({"seed": 2**32 - 9}, "seed, and the seeds after it for tests and race, must stay below"),
])
def test_settings_out_of_range_are_refused(options, message):
    with pytest.raises(ValueError) as caught:
        RunSettings(**options)
    assert str(caught.value).startswith(message)


@pytest.mark.parametrize("name", ["score_epochs", "final_epochs", "final_size", "tune_constants"])
def test_halves_of_epochs_images_and_evaluations_are_refused(name):
    with pytest.raises(TypeError, match=f"{name} must be an integer, got 2.5"):
        RunSettings(**{name: 2.5})
