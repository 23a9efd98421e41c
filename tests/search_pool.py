"""How good all losses are that searches trained to the end, and which of them a choice would find.

    python tests/search_pool.py FOLDER RUN... [--data-dir DATA]

RUN are folders of finished runs on one data set with the same settings. Every loss that a run
trained to the end is trained again with ``--seeds`` fresh seeds, the same for all, beside cross
entropy, and tested. Trainings are stored in FOLDER: the same command goes on where it stopped.
FOLDER/pool.csv has a row for each loss and seed, gains in points over cross entropy with that seed;
examples/measured/search_cifar10_pool.csv is such a file.
"""

import argparse
import json
import math
from pathlib import Path

import numpy as np
import pandas as pd

from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search import Evaluation, Store
from deap_lossgp.training import Task
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
FRESH = 700_001
TASK = "epochs", "train_size", "validation_size", "batch_size", "learning_rate"


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("folder", type=Path)
    p.add_argument("runs", nargs="+", type=Path)
    p.add_argument("--data-dir")
    p.add_argument("--seeds", type=int, default=4)
    options = p.parse_args(argv)
    options.folder.mkdir(parents=True, exist_ok=True)
    settings = json.loads((options.runs[0] / "run.json").read_text())["settings"]
    task = Task.load(settings["datasets"][0], settings["model"], data_dir=options.data_dir,
                     **{name: settings[name] for name in TASK})
    seeds, rows = range(FRESH, FRESH + options.seeds), []
    with Store(options.folder / "tests.sqlite") as store:
        evaluation = Evaluation([task], PSET, store=store, score_epochs=None)
        for run in options.runs:
            rows += tested(run, evaluation, seeds)
            pd.DataFrame(rows).to_csv(options.folder / "pool.csv", index=False)
    report(pd.DataFrame(rows))


def tested(run, evaluation, seeds):
    """Rows for the losses of a run, each with every seed."""
    losses = pd.read_csv(run / "individuals.csv")
    finished = losses[np.isfinite(losses["improvement"])].drop_duplicates("expression")
    trees = [LossTree.from_string(text, PSET) for text in finished["expression"]]
    entropy, *results = evaluation.results([None, *trees], seeds, test=True)
    known = {evaluation.key(LossTree.from_string(text, PSET)): name
             for name, text in KNOWN_LOSSES.items()}
    return [{"run": run.name, "generation": loss.gen,
             "known": known.get(evaluation.key(tree), ""),
             "gain_in_search": round(100.0 * loss.improvement, 3), "seed": seed,
             "validation_gain": round(100.0 * (evaluation.mean_figure(base)
                                               - evaluation.mean_figure(own)), 3),
             "test_gain": round(100.0 * (accuracy(own) - accuracy(base)), 3),
             "expression": loss.expression}
            for loss, tree, of_loss in zip(finished.itertuples(), trees, results, strict=True)
            for seed, own, base in zip(seeds, of_loss, entropy, strict=True)]


def accuracy(results):
    """The accuracy on the test set; NaN if the training failed."""
    return math.nan if results[0].test_accuracy is None else results[0].test_accuracy


def report(rows):
    """Prints what the losses are worth, by where they come from, and what choices would find."""
    losses = rows.groupby(["run", "expression"]).agg(
        known=("known", "first"), generation=("generation", "first"),
        search=("gain_in_search", "first"), truth=("test_gain", "mean")).reset_index()
    origin = np.where(losses["known"].fillna("") != "", "known", np.where(
        losses["generation"] == 0, "new", "children"))
    print(losses.groupby(origin)["truth"].describe().round(2).to_string())
    runs = losses.groupby("run")
    chosen = losses.loc[runs["search"].idxmax(), "truth"]
    print(f"best of each run in the search: {chosen.mean():+.2f}; truly best, whose luck counts "
          f"too: {runs['truth'].max().mean():+.2f}")
    halves = [rows[rows["seed"] % 2 == half].groupby(["run", "expression"])["test_gain"].mean()
              for half in (0, 1)]
    found = [other.loc[half.groupby("run").idxmax()].mean()
             for half, other in (halves, halves[::-1])]
    print(f"best by half of the seeds, by the other half: {np.mean(found):+.2f}")


if __name__ == "__main__":
    main()
