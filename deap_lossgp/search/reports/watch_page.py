"""The page of a run that is not complete yet."""

from contextlib import suppress

import pandas as pd
from deap import tools

from deap_lossgp.pages.formulas import typeset
from deap_lossgp.pages.html_page import to_html
from deap_lossgp.pages.sections import Figure, Section
from deap_lossgp.plotting.generations import plot_generations
from deap_lossgp.plotting.svg import as_svg
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search.reports.watching import COMPLETE, RUNNING, RunState
from deap_lossgp.trees import LossTree

_LATEST = 15
"""Trainings in the page's table."""

_WORDS = {RUNNING: "It is running; this page asks for a newer one by itself.",
          "stopped": "It is not running: the command that began it goes on from here.",
          COMPLETE: "It is complete."}  # fmt: skip


def watch_page(state: RunState, refresh: float | None = None) -> str:
    """Writes the page of a run as far as it has come.

    Args:
        state: The ``RunState``.
        refresh: As for ``to_html``, while the run is running.

    Returns:
        str: One HTML page that needs no other file.
    """
    lines = [f"{text[0].upper()}{text[1:]}." for text in state.texts]
    sections = [Section("State", (_WORDS[state.status], *lines)),
                *([Section("Best so far", (*_best(state),))] if state.is_run else []),
                Section("Latest trainings", (_latest(state.trainings),))]
    return to_html(state.title, sections, refresh=refresh if state.status == RUNNING else None)


def _best(state):
    if state.best is None:
        yield "No generation has ended."
        return
    with suppress(ValueError):  # it has primitives of the user's own
        pset = loss_primitive_set(bool(state.settings.get("protected", True)))
        yield typeset(LossTree.from_string(state.best, pset), pset)
    table = pd.DataFrame([{"expression": state.best}])
    table.attrs = {"caption": "The best loss so far, by one training on each data set."}
    yield table
    logbook = tools.Logbook()
    for generation, _, improvement in state.generations:
        logbook.record(gen=generation, **{"best so far": improvement})
    if any(improvement is not None for _, _, improvement in state.generations):
        ax = plot_generations(logbook)
        ax.set_ylabel("Improvement over\ncross entropy")
        yield Figure(None, "Improvement over cross entropy of the best loss so far, by generation.",
                     as_svg(ax, "generations"), f"Improvement by generation: {state.best_text}.")


def _latest(trainings):
    rows = [{name: row[name] for name in ("task", "seed", "status", "accuracy", "expression")}
            for row in reversed(trainings[-_LATEST:])]
    table = pd.DataFrame(rows)
    table.attrs = {"caption": f"The latest of {len(trainings)} trainings, the last one first; "
                              f"accuracies are of validation images.",
                   "formats": {"accuracy": ".4f", "seed": "d"}}
    return table
