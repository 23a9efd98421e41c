"""The whole search on digits: rungs, preselection, known losses and a race, killed and resumed."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace

import pandas as pd
import pytest

pytest.importorskip("tensorflow")

from deap_lossgp.commands.options import SEARCHES  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES  # noqa: E402
from deap_lossgp.search import finals  # noqa: E402
from deap_lossgp.search import surrogates as surrogates_module  # noqa: E402
from deap_lossgp.search.runs import evolve  # noqa: E402
from deap_lossgp.surrogate.atlas import load_atlas  # noqa: E402

TINY = {"population": 4, "generations": 1, "epochs": 2, "train_size": 300, "validation_size": 500,
        "finalists": 3, "final_epochs": 3, "final_size": 350, "rate_factors": (2.0,),
        "test_seeds": 1, "max_size": 30, "progress": False, "workers": 0}
FILES = "individuals.csv", "best_loss.json"


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A run with everything on: its folder, its result, and what the atlas had to leave out."""
    output, left_out = tmp_path_factory.mktemp("full") / "here", []

    def spied(without=(), **options):
        left_out.append(list(without))
        return load_atlas(without, **options)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surrogates_module, "load_atlas", spied)
        return output, evolve("digits", output=output, **TINY), left_out


def contents(folder):
    """What a run's files say, wall times aside."""
    logbook = pd.read_csv(folder / "logbook.csv").drop(columns="seconds")
    return logbook.to_csv(), *((folder / name).read_bytes() for name in FILES)


def test_the_surrogate_knows_nothing_of_the_runs_data_set(finished):
    _, _, left_out = finished
    assert left_out == [["digits"]]


def test_a_run_begun_with_another_atlas_is_refused(finished, tmp_path, monkeypatch):
    output, _, _ = finished
    other = tmp_path / "atlas.csv.xz"
    other.write_bytes(b"another")
    monkeypatch.setattr("deap_lossgp.search.evolutions.ATLAS", other)
    before = (output / "run.json").read_bytes()
    with pytest.raises(ValueError, match=r"trainings of other code or tasks \(atlas\)"):
        evolve("digits", output=output, **TINY)
    assert (output / "run.json").read_bytes() == before


def test_the_best_loss_is_the_winner_of_the_race(finished):
    output, result, _ = finished
    expressions = [row["expression"] for row in result.race]
    assert len(expressions) == 3 and KNOWN_LOSSES["cross_entropy"] in expressions
    assert sorted(row["seeds"] for row in result.race) == [1, 3, 3]
    figures = {row["expression"]: row["figure"] for row in result.race if row["seeds"] == 3}
    assert str(result.found) == min(figures, key=figures.get)
    best = json.loads((output / "best_loss.json").read_text())
    assert best["expression"] == str(result.best)
    raced = result.trainings[result.trainings["seed"].isin([1, 2, 3])]
    assert len(raced) == 7 + 1, "and cross entropy at another learning rate"
    assert set(raced["status"]) == {"ok"}
    assert {*raced["accuracies"].map(len)} == {3}, "at the final budget"


def test_the_table_has_the_best_loss_cross_entropy_and_the_best_known_loss(finished):
    _, result, _ = finished
    ranked = result.individuals.sort_values(["wins", "improvement"], ascending=False)
    names = {text: name for name, text in KNOWN_LOSSES.items()}
    known = next(names[text] for text in ranked["expression"] if text in names)
    assert list(result.tests["digits"]) == ["evolved", "cross_entropy", known,
                                            "tuned_cross_entropy"]
    (header,) = (line for line in str(result).splitlines() if line.startswith("  data set"))
    assert known in header


def test_known_losses_are_a_quarter_of_the_initial_population(finished):
    _, result, _ = finished
    start = result.individuals.query("gen == 0")["expression"]
    assert [text in {*KNOWN_LOSSES.values()} for text in start] == [True, False, False, False]


def test_the_logbook_counts_epochs_and_stopped_trainings(finished):
    _, result, _ = finished
    searched = result.trainings[result.trainings["seed"] == 0]
    epochs = searched["accuracies"].map(len).sum()
    assert sum(result.logbook.select("epochs")) == epochs
    assert sum(result.logbook.select("nstopped")) == sum(searched["status"] == "stopped")
    assert result.counts["epochs"] == result.trainings["accuracies"].map(len).sum()
    stopped = searched["accuracies"][searched["status"] == "stopped"].map(len)
    for rung in (1, 3):
        assert sum(result.logbook.select(f"nstopped_{rung}")) == sum(stopped == rung)


def test_the_logbook_says_what_was_made_chosen_and_predicted(finished):
    _, result, _ = finished
    made, chosen, ranks = result.logbook.select("nmade", "nchosen", "predicted_rank")
    assert chosen == [3, 1], "one of the four of the start is a known loss"
    assert made[0] >= 40 and made[1] >= 20
    assert ranks[0] in (1, 2, 3) and ranks[1] == 1


def test_the_funnel_leads_from_what_was_made_to_the_winner(finished):
    output, result, _ = finished
    funnel = {row["stage"]: row["losses"] for row in result.funnel}
    assert list(funnel) == ["made", "valid", "preselected", "trained", "past epoch 1",
                            "to the end", "finalists", "winner"]
    counts = [*funnel.values()]
    assert counts == sorted(counts, reverse=True)
    searched = result.trainings[result.trainings["seed"] == 0].iloc[1:]  # without cross entropy
    assert funnel["preselected"] == funnel["trained"] == len(searched) == 5
    assert funnel["to the end"] == sum(searched["status"] == "ok")
    assert (output / "funnel.png").read_bytes().startswith(b"\x89PNG")
    assert "Making, screening and choosing losses took" in str(result) and result.choosing > 0.0


def test_the_report_says_what_was_raced_and_what_was_stopped(finished):
    _, result, _ = finished
    text = str(result)
    assert ("It is the best of 3 finalists, cross entropy among them, in 7 further trainings with "
            "fresh seeds." in text)
    stopped = result.counts["stopped"]
    assert (f"Stopped early, as they fell behind: {stopped}." in text) == (stopped > 0)
    assert "Failed" not in text
    entropy = result.best.__class__.from_string(KNOWN_LOSSES["cross_entropy"], result.pset)
    entropy.fitness.values = 0.0, 0.0
    text = str(replace(result, best=entropy))
    assert text.startswith("No loss was better than cross entropy, which is therefore the result.")
    assert "confirm" not in text


def test_a_finished_run_is_only_read(finished, monkeypatch):
    output, result, _ = finished
    before = contents(output)
    again = evolve("digits", output=output, **TINY)
    assert contents(output) == before
    assert (again.race, again.counts, again.funnel) == (result.race, result.counts, result.funnel)


@pytest.mark.parametrize("kept", ["first", "odd"])
def test_a_run_that_lost_half_of_its_trainings_ends_with_the_same_files(
    finished, kept, tmp_path
):
    output, result, _ = finished
    evolve("digits", output=tmp_path / "run", **{**TINY, "generations": 0, "finalists": 0,
                                                 "test_seeds": 0})
    for name in ("run.json", "evaluations.sqlite"):
        (tmp_path / "run" / name).write_bytes((output / name).read_bytes())
    with closing(sqlite3.connect(tmp_path / "run" / "evaluations.sqlite")) as connection:
        lost = {"first": "rowid > (SELECT count(*) / 2 FROM trainings)", "odd": "rowid % 2"}[kept]
        gone = connection.execute(f"DELETE FROM trainings WHERE {lost}").rowcount
        connection.commit()
    assert gone >= len(result.trainings) // 2
    again = evolve("digits", output=tmp_path / "run", **TINY)
    assert contents(tmp_path / "run") == contents(output)
    assert again.race == result.race
    assert len(again.trainings) == len(result.trainings)


@pytest.mark.parametrize("workers", [1, 2])
def test_any_number_of_workers_gives_the_same_files(finished, workers, tmp_path):
    output, result, _ = finished
    again = evolve("digits", output=tmp_path / "run", **{**TINY, "workers": workers})
    assert contents(tmp_path / "run") == contents(output)
    assert again.race == result.race


def test_search_thesis_is_all_of_it_switched_off(tmp_path, monkeypatch):
    for name in ("SearchSurrogate",):
        monkeypatch.setattr("deap_lossgp.search.evolutions." + name, None)
    for name in ("stops_of", ):
        monkeypatch.setattr("deap_lossgp.search.evaluation." + name, None)
    monkeypatch.setattr(finals, "sequential_halving", None)
    result = evolve("digits", output=tmp_path / "run", **{
        **TINY, "validation_size": None, "final_epochs": None, **SEARCHES["thesis"]})
    assert len(result.logbook) == 2 and result.race == []
    assert not {*result.individuals["expression"]} & {*KNOWN_LOSSES.values()}
    assert list(result.tests["digits"]) == ["evolved", "cross_entropy"]
    assert result.logbook.select("nstopped") == [0, 0]
    assert "stopped" not in {*result.trainings["status"]} and "(thesis)" in str(result)
    assert result.rate_factor is None


def test_fitness_thesis_stops_preselects_and_races_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr("deap_lossgp.search.evolutions.SearchSurrogate", None)
    monkeypatch.setattr("deap_lossgp.search.evaluation.stops_of", None)
    monkeypatch.setattr(finals, "sequential_halving", None)
    result = evolve("digits", output=tmp_path / "run", fitness="thesis", **TINY)
    assert result.race == [] and result.counts["stopped"] == 0
    assert {KNOWN_LOSSES["baikal_cma"]} < {*result.individuals["expression"]}


def test_losses_of_a_file_and_of_another_run_take_part(finished, tmp_path):
    output, result, _ = finished
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "mine.json").write_text(json.dumps(
            {"expression": {"a": KNOWN_LOSSES["mse"], "b": KNOWN_LOSSES["focal"]}[folder]}))
    sources = (str(tmp_path / "a" / "mine.json"), str(tmp_path / "b" / "mine.json"), str(output))
    options = {**TINY, "generations": 0, "preselect": False, "finalists": 0,
               "seed_losses": sources, "output": tmp_path / "run"}
    found = evolve("digits", **options)
    expected = [KNOWN_LOSSES["mse"], KNOWN_LOSSES["focal"], str(result.best)]
    assert list(found.individuals["expression"][:3]) == expected
    assert list(found.tests["digits"])[2] in ("mine", sources[1], "here")
    (tmp_path / "a" / "mine.json").write_text(json.dumps({"expression": KNOWN_LOSSES["ngl"]}))
    with pytest.raises(ValueError, match="holds another run, with known"):
        evolve("digits", **options)


def test_a_seed_loss_that_there_is_not_is_refused_before_a_folder_is_made(tmp_path):
    with pytest.raises(ValueError, match="did you mean 'ngl'"):
        evolve("digits", output=tmp_path / "run", seed_losses=("nlg",), **TINY)
    assert not (tmp_path / "run").exists()


def test_where_every_loss_fell_behind_the_result_is_cross_entropy(tmp_path, monkeypatch):
    monkeypatch.setattr("deap_lossgp.search.evaluation.stops_of", lambda *_: ((1, 1.1),))
    result = evolve("digits", output=tmp_path / "run", **{**TINY, "preselect": False})
    assert str(result.best) == KNOWN_LOSSES["cross_entropy"]
    assert result.best.fitness.values == (0.0, 0.0)
    assert [row["seeds"] for row in result.race] == [0], "what was stopped is no finalist"
    assert str(result).startswith("No loss was better than cross entropy")
    assert "finalists" not in str(result)
    assert json.loads((tmp_path / "run" / "best_loss.json").read_text())["improvement"] == 0.0
