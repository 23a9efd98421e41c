"""The report of a comparison: its sections, tables and figures, and a summary as text."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING

import pandas as pd

from deap_lossgp.comparison.arm_statistics import noise_floor
from deap_lossgp.comparison.arm_tables import DERIVED_TABLES
from deap_lossgp.comparison.confirmation_results import BASELINE
from deap_lossgp.pages.html_page import to_html
from deap_lossgp.pages.markdown import to_markdown
from deap_lossgp.pages.sections import Section
from deap_lossgp.plotting.accuracies import plot_test_accuracies
from deap_lossgp.plotting.best_so_far import plot_comparison
from deap_lossgp.plotting.individuals import plot_individuals
from deap_lossgp.plotting.loss_accuracy import plot_loss_accuracy
from deap_lossgp.search.evolutions import PREDICTED
from deap_lossgp.search.folders import versions

if TYPE_CHECKING:
    from deap_lossgp.comparison.comparisons import Comparison


def write_report(comparison: Comparison) -> str:
    """Writes the tables, figures and pages of a comparison into its folder.

    Args:
        comparison: A ``Comparison`` that has been executed.

    Returns:
        str: The summary, which ends with the place of the report.
    """
    tables = {**comparison.raw_tables(), **comparison.tables()}
    for name, table in tables.items():
        comparison.write_table(table, f"{name}.csv")
    title = f"Comparison of {', '.join(comparison.settings.arms)}"
    sections = _sections(comparison, tables)
    comparison.write_text(to_html(title, sections), "report.html")
    comparison.write_text(to_markdown(title, sections, comparison.output), "report.md")
    summary = _summary(tables, comparison.output)
    return f"{PREDICTED}\n\n{summary}" if comparison.predicts else summary


def _summary(tables, output):
    texts = [table.drop(columns=[c for c in ("verdict", "median", "missing", "failed")
                                 if c in table])
             .dropna(axis=1, how="all")  # the thesis has figures of some data sets only
             .to_string(index=False, float_format="%.4g", na_rep="")
             for table in (tables["accuracy"], tables["time"], tables["statistics"])]
    heads = ("Accuracy of the winners on the test set, over replicates",
             "Trainings and charged seconds, means over replicates",
             "Paired differences of test accuracy")
    lines = [f"{head}:\n{text}\n" for head, text in zip(heads, texts, strict=True)]
    return "\n".join([*lines, *_verdicts(tables), "",
                      f"Report: {output / 'report.html'}, the same as report.md; every table as "
                      f"CSV beside it"])


def _verdicts(tables):
    table = tables["statistics"]
    table = table[table["task"] == table["task"].iloc[0]]
    return [f"{row.first} - {row.second}: {row.verdict}" for row in table.itertuples()]


def _sections(comparison, tables):
    s = comparison.settings
    individuals, progress, losses, tests = _figures(comparison, tables)
    entropy = tables["tests"][tables["tests"]["arm"] == BASELINE]
    floors = [f"{task}: {noise_floor(of['test_accuracy'].tolist()).text}."
              for task, of in entropy.groupby("task", sort=False)]
    settings = pd.DataFrame({"setting": list(asdict(s)),
                             "value": [str(value) for value in asdict(s).values()]})
    software = pd.DataFrame({"package": list(versions()), "version": list(versions().values())})
    reported = {}
    for name, row in DERIVED_TABLES.items():
        if row.caption:
            tables[name].attrs["caption"] = row.caption
            reported.setdefault(row.section, []).append(tables[name])
    for table, caption in ((settings, "Settings"), (software, "Versions"),
                           (tables["winners"], "The winners")):
        table.attrs["caption"] = caption
    sections = [
        Section("Result", (
            *([PREDICTED] if comparison.predicts else []),
            f"{s.replicates} replicates, each from one initial population of {s.population} "
            f"losses that every arm starts from. The winners were trained again on "
            f"{s.test_seeds} seeds that the search never saw.",
            *_verdicts(tables), *reported.pop("Result"), *tests)),
        Section("Statistics", (*reported.pop("Statistics"), *floors)),
        Section("Cost", (
            "Every arm is charged the trainings that it asked for, and the seconds that they "
            "took, even if another arm asked first. By the seconds of its epochs, the thesis's "
            "table 4.4 seems to leave out the initial population in the small scale, not in the "
            "large one.",
            *reported.pop("Cost"), *progress)),
        Section("Winners", (tables["winners"],)),
        Section("Individuals", individuals),
        Section("Losses and accuracies", losses),
    ]
    sections += [Section(title, tuple(further)) for title, further in reported.items()]
    return [*sections, Section("Settings and versions", (settings, software))]


def _figures(comparison, tables):
    """Draws and writes the figures.

    Returns:
        A list of tuples of ``Figure``: individuals, progress, losses, tests.
    """
    individuals, evaluations = tables["individuals"], tables["evaluations"]
    first = individuals[individuals["replicate"] == 0]
    baselines = tables["baselines"].groupby("task")[["loss", "accuracy"]].mean()
    groups = [
        [(f"individuals-{arm}", f"{arm}: every individual of the first replicate (the thesis's "
                                f"figures 4.1 to 4.4)",
          plot_individuals(first[first["arm"] == arm])[0])
         for arm in comparison.settings.arms],
        [(f"best-by-{against}", f"Best individual so far against {text}",
          plot_comparison(tables["progress"], against=against)[0])
         for against, text in (("gen", "generations (the thesis's figures 4.5 and 4.6)"),
                               ("trainings", "trainings"),
                               ("charged_seconds", "charged seconds"))],
        [(f"loss-accuracy-{task.name}",
          f"{task.name}: value of the loss against accuracy of the network it trained (anomalies "
          f"as in the thesis's figures 4.7 to 4.9)",
          plot_loss_accuracy(evaluations, task.name, task.data.num_classes,
                             baseline=tuple(baselines.loc[task.name])))
         for task in comparison.tasks if evaluations[f"accuracy_{task.name}"].notna().any()],
        [("test-accuracies", "Accuracy of the winners on the test set",
          plot_test_accuracies(tables["tests"]))],
    ]
    return [tuple(comparison.figure(axes, name, caption) for name, caption, axes in group)
            for group in groups]
