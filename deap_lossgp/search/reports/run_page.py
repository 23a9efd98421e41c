"""The page of a run, ``report.html``: what was found, what confirms it, and how to use it."""

from __future__ import annotations

from contextlib import suppress
from typing import TYPE_CHECKING, Any

import pandas as pd

from deap_lossgp.curves.describing import describe
from deap_lossgp.export.files import export_loss
from deap_lossgp.export.names import USES, class_name
from deap_lossgp.export.simplified import simplified
from deap_lossgp.found_losses import FoundLoss
from deap_lossgp.pages.formulas import typeset
from deap_lossgp.pages.html_page import to_html
from deap_lossgp.pages.sections import Code, Figure, Section
from deap_lossgp.search.reports.accuracy_table import accuracy_table
from deap_lossgp.search.reports.headline import known_name
from deap_lossgp.trees import LossTree

if TYPE_CHECKING:
    from deap_lossgp.search.run_results import RunResult

PLACES = {"search": "in the search, where it was found",
          "race": "in the race, where it was chosen",
          "tests": "with seeds by which nothing was chosen"}  # fmt: skip
"""Where the improvement of ``RunResult.gains`` was measured, in words."""

NAME = "best_loss"
"""What the winner is called in the code to copy, after its file."""

_SYMBOLS = ("y is the label of a class, 1 for the right one and 0 for others, and ŷ its predicted "
            "probability. The loss of an image is the mean of ℓ over the classes. Constants have "
            "four digits here; the expression has them all.")

_KERAS = f"""\
import keras
from deap_lossgp.found_losses import read_loss
from deap_lossgp.losses import TreeLoss

loss = TreeLoss(read_loss("{NAME}.json"), scale="cross_entropy")
model.compile("adam", loss, metrics=["accuracy"])  # a model that ends in softmax"""

_WITHOUT = """\
from {name}_{target} import {class_name}

{use}"""
_TITLES = {"torch": "PyTorch", "keras": "Keras"}


def run_page(result: RunResult, record: dict[str, Any], best: dict[str, Any],
             figures: dict[str, Figure], front: pd.DataFrame) -> str:
    """Writes the page of a finished run.

    Args:
        result: The ``RunResult``.
        record: What the run's ``run.json`` holds.
        best: What its ``best_loss.json`` holds.
        figures: From ``draw_figures``.
        front: The table of the front.

    Returns:
        str: One HTML page that needs no other file. It depends on nothing but the results, and on
        the seconds of the trainings.
    """
    s = result.settings
    title = f"A loss for {', '.join(_names(record))}, by {s.algorithm} with seed {s.seed}"
    found = FoundLoss(NAME, result.best, result.pset, best)
    drawn = "front" in figures
    return to_html(title, [
        Section("Result", (*_result(result), *result.notes)),
        Section("What the loss does", (
            figures["loss"], figures["tree"],
            Code(str(describe(result.best, result.pset, name=NAME)), "The loss's card."))),
        Section("Use it", (*_code(found),)),
        *([Section("Accuracy and size", (figures["front"], _front(front)))] if drawn else []),
        Section("The search", (*result.cost_lines(), figures["funnel"], figures["generations"],
                               figures["individuals"])),
        Section("How trainings went", (
            "A value misleads where it is lower than cross entropy's while fewer images are right, "
            "or higher while more are right.", figures["learning_curves"])),
        Section("Settings and versions", (*_settings(record),)),
    ])


def summary(result: RunResult) -> list[Any]:
    """Returns what a notebook shows of a ``RunResult``, as parts of a page."""
    parts = [*result.warnings(), *filter(None, [result.headline()]), *_tests(result),
             *_formula(result), _winner(result)]
    picture = result.output / "generations.png"
    if picture.exists():
        parts.append(Figure(picture, "Data sets won, improvement over cross entropy, and nodes, by "
                                     "generation"))
    return parts


def budget_of(gain: dict[str, Any]) -> list[str]:
    """Returns the epochs and images of one of ``RunResult.gains`` as texts."""
    return [" / ".join(f"{number:,}" for number in dict.fromkeys(gain[name]))
            for name in ("epochs", "images")]


def _names(record):
    return [data["name"] for data in record.get("data") or ()]


def _result(result):
    parts = [*result.warnings(), *filter(None, [result.headline()]), *_tests(result),
             *_formula(result), f"Fitness: {result.fitness_text()}."]
    if simpler := result.simpler_text():
        parts.append(f"Simpler: {simpler}.")
    if len(result.race) > 1:
        parts.append(result.race_text())
    if result.stopped:
        parts.append(result.stop_line())
    if len(result.gains) > 1:
        rows = []
        for gain in result.gains:
            epochs, images = budget_of(gain)
            rows.append({"measured": PLACES[gain["where"]], "improvement": gain["improvement"],
                         "epochs": epochs, "images": images, "seeds": gain["seeds"]})
        claims = "last" if result.race else "first"
        parts.append(_table(
            rows, f"Improvement over cross entropy on validation images "
                  f"({result.settings.fitness}). The {claims} row is what is claimed.",
            improvement="+.4f", epochs="number", images="number"))
    parts.append(_winner(result))
    if len(result.race) > 1:
        rows = [{"finalist": _plain(row["expression"], result.pset), "nodes": row["nodes"],
                 "seeds": row["seeds"], "mean figure": row["figure"],
                 "known as": known_name(row["expression"]) or ""} for row in result.race]
        if not any(row["known as"] for row in rows):
            rows = [{k: v for k, v in row.items() if k != "known as"} for row in rows]
        parts.append(_table(rows, "The finalists: the mean of what the fitness compares, smaller "
                                  "is better.", finalist="code"))
    return parts


def _plain(text, pset):
    """The expression that has the nodes that are counted."""
    return str(simplified(LossTree.from_string(text, pset), pset))


def _formula(result):
    with suppress(ValueError):  # a primitive of the user's own that has no such form
        yield from (typeset(result.best, result.pset), _SYMBOLS)


def _winner(result):
    """The table of the winner as text."""
    rows = [{"form": f"simplified, {len(result.best)} nodes", "expression": str(result.best)}]
    if str(result.best) != str(result.found):
        rows.append({"form": f"as found, {len(result.found)} nodes",
                     "expression": str(result.found)})
    return _table(rows, "The winner as text.")


def _tests(result):
    if not result.settings.test_seeds:
        return ["The winner was not tested: the run had no test seeds."]
    titles, rows = accuracy_table(result.tests, result.rate_factor, result.balanced)
    table = pd.DataFrame([[task, *texts, gain] for task, texts, gain in rows],
                         columns=["data set", *titles, "gain"]).set_index("data set")
    table.attrs |= {"formats": {**dict.fromkeys(titles, "number"), "gain": "+.4f"},
                    "caption": f"Accuracy on the test set, {result.spread}; the gain is over cross "
                               f"entropy."}
    return [table, *result.test_remarks()]


def _front(front):
    return _table(front[["nodes", "improvement", "wins", "expression"]],
                  "The front, the smallest loss first.", improvement="+.4f")


def _code(found):
    """Yields how to use a loss, in this package and without it."""
    yield (f"In the run's folder, or with the path of its {NAME}.json; the gradient is brought to "
           f"the scale of cross entropy's, as in the search.")
    yield Code(_KERAS, "Keras, with deap_lossgp.")
    for target, title in _TITLES.items():
        try:
            text = export_loss(found, target, scale="cross_entropy")
        except ValueError as error:
            yield f"There is no export to {title}: {error}."
            continue
        name = class_name(found.name)
        use = _WITHOUT.format(name=NAME, target=target, class_name=name,
                              use=USES[target].format(name))
        yield Code(use, f"{title}, without deap_lossgp: with the next listing as "
                        f"{NAME}_{target}.py.")
        yield Code(text, f"{NAME}_{target}.py, as the command lossgp export writes it.")


def _settings(record):
    data = [{"data set": row["name"], "training images": row.get("train"),
             "test images": row.get("test"), "shape": " x ".join(map(str, row.get("shape") or ())),
             "classes": len(row.get("classes") or ())} for row in record.get("data") or ()]
    yield _table(data, "Data.")
    for name, caption in (("settings", "Settings."), ("versions", "Versions."), (
            "environment", "What else the bits of a training depend on.")):
        rows = record.get(name) or {}
        if rows:
            yield _table([{"name": key, "value": _value(value)} for key, value in rows.items()],
                         caption)


def _value(value):
    """Returns a value of JSON in words; None for none."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_value(one)}" for key, one in value.items()) or None
    if isinstance(value, list):
        return ", ".join(map(str, map(_value, value))) or None
    return None if value is None else str(value)


def _table(rows, caption, **formats):
    table = pd.DataFrame(rows)
    table.attrs = {"caption": caption, "formats": formats}
    return table
