"""The page of a run: what it holds, whatever came of the run, and that it stands alone."""

import json
import re
from dataclasses import replace

import bare
import numpy as np
import pandas as pd
import pytest
from html_reader import check_page, text_of

pytest.importorskip("tensorflow")

from deap_lossgp.export import export_loss  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES, FoundLoss  # noqa: E402
from deap_lossgp.search.front import LossFront  # noqa: E402
from deap_lossgp.search.reports.run_figures import draw_figures  # noqa: E402
from deap_lossgp.search.reports.run_page import run_page  # noqa: E402
from deap_lossgp.search.runs import evolve  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402
from deap_lossgp.trees import LossTree  # noqa: E402

HOSTILE = 'a<b>&"c"'
SETTINGS = {"population": 4, "generations": 2, "max_size": 30, "progress": False, "workers": 0,
            **bare.SETTINGS}
ALL = ["Result", "What the loss does", "Use it", "Accuracy and size", "The search",
       "How trainings went", "Settings and versions"]


def task(name, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 256, (160, 8, 8), np.uint8), np.arange(160) % 3
    x[y == 1] //= 2  # something to learn
    return Task.from_arrays(name, x, y, epochs=2)


def run(output, **options):
    given = {**SETTINGS, "test_seeds": 2, "finalists": 3, **options}
    return evolve([task(HOSTILE, 0), task("plain", 1)], output=output, **given)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A run on two data sets, one of which has a name like markup, with race and tests."""
    output = tmp_path_factory.mktemp("page") / "run"
    return run(output), (output / "report.html").read_text("utf-8")


def page_of(result, front=None):
    """The page of a result as if it had come of the run in its folder."""
    record = json.loads((result.output / "run.json").read_text())
    best = json.loads((result.output / "best_loss.json").read_text())
    curves = pd.DataFrame([{"task": name, "loss": loss, "epoch": 1, "val_accuracy": 0.5,
                            "val_loss": 1.0, "chance": 0.3}
                           for name in result.tests for loss in ("best loss", "cross_entropy")])
    front = pd.read_csv(result.output / "front.csv") if front is None else front

    def figure(axes, name, caption, alt=""):
        from deap_lossgp.pages import Figure
        from deap_lossgp.plotting import as_svg

        return Figure(None, caption, as_svg(axes, name), alt)

    figures = draw_figures(figure, result, front, curves)
    return run_page(result, record, best, figures, front)


def headings(page):
    return [text_of(node) for node in page.all("h2")]


def texts(page):
    return " ".join(" ".join(text_of(node) for node in page.all("main")).split())


def test_the_page_stands_alone_and_every_picture_has_a_text(whole):
    page = check_page(whole[1])
    assert headings(page) == ALL
    labels = [node.attrs["aria-label"] for node in page.all("svg")]
    assert len(labels) == 7 and len({*labels}) == 7
    assert "https" not in whole[1] and not list(page.all("img"))


def test_names_that_users_give_are_texts(whole):
    result, text = whole
    page = check_page(text)
    assert text_of(next(page.all("h1"))) == (
        f"A loss for {HOSTILE}, plain, by sample-tournament with seed 0")
    assert not list(page.all("b")) and "<b>" not in text
    rows = [row[0] for table in page.tables() for row in table[1:]]
    assert rows.count(HOSTILE) == 2, "in the tests and among the data"
    assert any(HOSTILE in node.attrs["aria-label"] for node in page.all("svg"))
    assert HOSTILE in result.tests


def test_it_holds_the_winner_as_formula_text_card_and_code(whole):
    result, text = whole
    page = check_page(text)
    assert list(page.all("math"))
    codes = [text_of(node) for node in page.all("code")]
    assert str(result.best) in codes
    best = FoundLoss("best_loss", result.best, result.pset,
                     json.loads((result.output / "best_loss.json").read_text()))
    for target in ("torch", "keras"):
        assert export_loss(best, target, scale="cross_entropy") in codes
    assert any("nearest known loss" in code for code in codes)
    for code in codes:
        if "import" in code:
            compile(code, "listing", "exec")


def test_its_tables_say_what_the_report_says(whole):
    result, text = whole
    page, report = check_page(text), str(result)
    shown = texts(page)
    tests = next(table for table in page.tables() if table[0][0] == "data set")
    assert [row[0] for row in tests[1:]] == [*result.tests] and "gain" in tests[0]
    for row in tests[1:]:
        assert all(cell in report for cell in row if cell not in ("", "–"))
    for gain in result.gains:
        assert f"{gain['improvement']:+.4f}" in shown and f"{gain['improvement']:+.4f}" in report
    for line in (*result.warnings(), *result.cost_lines(), result.race_text(), *result.notes):
        assert " ".join(line.split()) in shown
    assert f"Fitness: {result.fitness_text()}." in shown


def test_settings_and_versions_are_those_of_run_json(whole):
    result, text = whole
    record = json.loads((result.output / "run.json").read_text())
    rows = {row[0]: row[1] for table in check_page(text).tables() for row in table[1:]
            if len(row) == 2}
    assert rows["population"] == "4" and rows["root_mutation"] == "yes"
    assert rows["numpy"] == record["versions"]["numpy"]
    assert {*record["settings"], *record["environment"]} <= {*rows}
    assert record["process"]["since"] not in text, "no dates"


def test_the_contract_files_stay_and_the_report_names_the_page(whole):
    result, _ = whole
    listed = str(result).split("Results in ")[1].split(": ", 1)[1].splitlines()[0].split(", ")
    assert listed[0] == "report.html"
    assert {*listed} <= {path.name for path in result.output.iterdir()}
    assert (result.output / "funnel.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_seed_gives_the_same_page_in_another_folder_but_for_seconds(whole, tmp_path):
    run(tmp_path / "another" / "name")
    pages = [re.sub(r", in \d+ s\.", "", text) for text in (
        whole[1], (tmp_path / "another" / "name" / "report.html").read_text("utf-8"))]
    assert pages[0] == pages[1]


def test_the_page_is_replaced_whole(whole, monkeypatch):
    result, text = whole
    from deap_lossgp.search import folders

    seen = []
    monkeypatch.setattr(folders, "_to_disk", lambda path: seen.append(
        (path.name, (result.output / "report.html").read_text("utf-8") == text)))
    run(result.output)
    assert (".report.html", True) in seen, "what is there stays until all of the new one is written"
    assert not list(result.output.glob(".*"))


def test_without_race_tests_and_front_the_page_says_so(tmp_path):
    result = run(tmp_path / "run", finalists=0, test_seeds=0, generations=0, rungs=False)
    page = check_page((result.output / "report.html").read_text("utf-8"))
    assert headings(page) == ALL
    assert "The winner was not tested: the run had no test seeds." in texts(page)
    assert "The finalists:" not in texts(page)
    nothing = page_of(result, pd.DataFrame(columns=["nodes", "improvement", "wins", "expression"]))
    assert headings(check_page(nothing)) == [name for name in ALL if name != "Accuracy and size"]


def test_failed_trainings_are_counted_not_averaged(whole):
    result, _ = whole
    failed = {name: {loss: [None, *accuracies[1:]] for loss, accuracies in of_task.items()}
              for name, of_task in result.tests.items()}
    gains = [{**gain, "improvement": float("nan")} for gain in result.gains]
    text = page_of(replace(result, tests=failed, gains=gains))
    page = check_page(text)
    tests = next(table for table in page.tables() if table[0][0] == "data set")
    assert all({*row[1:-1]} == {"1 failed"} and row[-1] == "–" for row in tests[1:])
    assert "Fitness: not known, because trainings with fresh seeds failed." in texts(page)
    assert "nan" not in texts(page).lower().replace("nan ", "").split()


def test_cross_entropy_as_the_winner_is_a_page_like_others(whole):
    result, _ = whole
    entropy = LossTree.from_string(KNOWN_LOSSES["cross_entropy"], result.pset)
    entropy.fitness.values = 0.0, 0.0
    page = check_page(page_of(replace(result, best=entropy, found=entropy)))
    assert "No loss was better than cross entropy, which is therefore the result." in texts(page)
    assert any("which is cross entropy" in text_of(node) for node in page.all("figcaption"))


def test_a_run_that_was_stopped_early_says_by_what(whole):
    result, _ = whole
    stopped = replace(result, stopped=("max_minutes",),
                      settings=replace(result.settings, max_minutes=1.0))
    shown = texts(check_page(page_of(replace(stopped, notes=("A note <1>.",)))))
    assert "Stopped by --max-minutes 1 after generation 2" in shown and "A note <1>." in shown


def test_the_report_begins_in_words_and_is_short_on_a_screen(whole):
    result, _ = whole
    pset = result.pset
    long = LossTree.from_string(f"log({'sin(' * 60}add(y_true, y_pred){')' * 60})", pset)
    long.fitness.values = 1.0, 0.5
    clear = {name: {"evolved": [0.9, 0.91], "cross_entropy": [0.8, 0.81]} for name in result.tests}
    found = replace(result, best=long, found=long, tests=clear, unlearned=[])
    full, short = found.report(), found.report(shortened=True)
    assert full == str(found) and f"Best loss:  {long}\n" in full
    for text in (full, short):
        assert text.startswith("A loss was found that is better than cross entropy: on")
        assert " ".join(found.headline().split()) in " ".join(text.split())
    assert str(long) not in short and "log(sin(sin(sin(" in short and "…" in short
    assert "64 nodes; in full in best_loss.json" in short and "in full in" not in full
    assert max(map(len, short.split("Fitness:")[0].splitlines())) <= 100
    assert short.splitlines()[-1].endswith(": report.html, 11 other files")
    assert found.headline() in texts(check_page(page_of(found)))
    small = LossTree.from_string("log(y_pred)", pset)
    assert f"Best loss:  {small}\n" in replace(found, best=small).report(shortened=True)


def test_the_report_has_no_first_sentence_where_there_is_nothing_to_claim(whole):
    result, _ = whole
    clear = {name: {"evolved": [0.9, 0.91], "cross_entropy": [0.8, 0.81]} for name in result.tests}
    best, entropy = (LossTree.from_string(text, result.pset)
                     for text in ("log(y_pred)", KNOWN_LOSSES["cross_entropy"]))
    best.fitness.values = 1.0, 0.5
    found = replace(result, tests=clear, unlearned=[], best=best, found=best)
    assert found.headline()
    untested = replace(result.settings, test_seeds=0)
    for other in (replace(found, settings=untested), replace(found, unlearned=["plain"]),
                  replace(found, predicted=True), replace(found, best=entropy)):
        assert other.headline() == ""
    assert str(replace(found, best=entropy)).startswith("No loss was better than cross entropy")


def test_a_loss_of_the_front_that_is_half_as_large_and_nearly_as_good_is_named(whole):
    result, _ = whole
    best = LossTree.from_string("neg(add(mul(y_true, log(y_pred)), sin(sin(sin(sin(y_pred))))))",
                                result.pset)
    best.fitness.values = 1.0, 0.1

    def simpler(text, improvement, **changed):
        front = LossFront(str)
        tree = LossTree.from_string(text, result.pset)
        tree.fitness.values = 1.0, improvement
        front.update([tree])
        return replace(result, best=best, found=best, front=front, **changed).simpler_text()

    assert simpler("neg(log(y_pred))", 0.08) == (
        "neg(log(y_pred)), 3 nodes, improved by +0.0800 in the search, the best loss by +0.1000")
    entropy = simpler(KNOWN_LOSSES["cross_entropy"], 0.08)
    assert entropy.startswith("the known loss cross_entropy, 5 nodes")
    assert simpler("neg(log(y_pred))", 0.07) == "", "not good enough"
    assert len(best) == 11 and simpler("sin(sin(sin(sin(log(y_pred)))))", 0.2) == "", "too large"
    thesis = replace(result.settings, fitness="thesis")
    assert simpler("neg(log(y_pred))", 0.1, settings=thesis) == ""


def test_a_notebook_shows_the_winner_its_tests_and_one_picture(whole):
    result, _ = whole
    shown = result._repr_html_()
    page = check_page(f"<!DOCTYPE html>\n<html><h1>.</h1>{_policy()}{shown}</html>")
    (picture,) = page.all("img")
    assert picture.attrs["alt"] and list(page.all("math"))
    assert any(row[0] == HOSTILE for table in page.tables() for row in table)
    assert len(shown) < 200_000 and "<style" not in shown
    gone = replace(result, output=result.output / "gone")
    assert "<img" not in gone._repr_html_(), "where the folder is gone, the rest is shown"


def _policy():
    from html_reader import POLICY

    return f'<meta http-equiv="Content-Security-Policy" content="{POLICY}">'
