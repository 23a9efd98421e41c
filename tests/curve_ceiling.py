"""How good an element-wise loss can be: the algorithm ``curve`` on CIFAR-10, on fresh seeds.

    python tests/curve_ceiling.py FOLDER --data-dir DATA

From each start several searches of ``--population`` curves in ``--generations`` generations, each
training 3 epochs on 10,000 images. Then the start, the curve found, the four expressions for it and
cross entropy are trained for 6 epochs with five seeds that no search used, and tested. Searches and
trainings are stored in FOLDER: the same command goes on where it stopped, and with more ``--seeds``
or ``--starts`` trains only what is new. FOLDER/curve_cifar10.csv has a row for each test, and is
written anew after each search; examples/measured/curve_cifar10.csv is such a file.
"""

import argparse
import csv
import statistics
from pathlib import Path

from deap_lossgp import evolve
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search import Evaluation, Store
from deap_lossgp.surrogate import ForceDistance
from deap_lossgp.training import Task
from deap_lossgp.trees import LossTree

FRESH = range(90001, 90006)
PSET = loss_primitive_set()


def main(argv=None):
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("folder", type=Path)
    p.add_argument("--data-dir")
    p.add_argument("--dataset", default="cifar10")
    p.add_argument("--starts", nargs="+", default=["cross_entropy"], choices=KNOWN_LOSSES)
    p.add_argument("--seeds", type=int, default=1, help="searches from each start")
    p.add_argument("--population", type=int, default=12)
    p.add_argument("--generations", type=int, default=10)
    p.add_argument("--epochs", type=int, default=3, help="of the search; the tests take twice that")
    p.add_argument("--train-size", type=int, default=10_000)
    options = p.parse_args(argv)
    task = Task.load(options.dataset, data_dir=options.data_dir, epochs=2 * options.epochs,
                     train_size=options.train_size)
    options.folder.mkdir(parents=True, exist_ok=True)
    rows = []
    with Store(options.folder / "tests.sqlite") as store:
        evaluation = Evaluation([task], PSET, store=store)
        for seed in range(options.seeds):
            for start in options.starts:
                rows += tested(search(start, seed, options), start, seed, evaluation)
                write(options.folder / "curve_cifar10.csv", rows)
    report(rows)


def search(start, seed, options):
    return evolve(options.dataset, data_dir=options.data_dir, algorithm="curve",
                  output=options.folder / f"{start}-{seed}", seed_losses=(start,),
                  population=options.population, generations=options.generations,
                  epochs=options.epochs, train_size=options.train_size, test_seeds=0, seed=seed,
                  progress=False)


def tested(result, start, seed, evaluation):
    """Rows for the tests of one search's start, curve and expressions, and of cross entropy."""
    last = result.individuals[result.individuals["gen"] == result.individuals["gen"].max()]
    known = KNOWN_LOSSES[start]
    curve = next(text for text in last["expression"] if text.startswith(f"add({known}"))
    losses = {"cross_entropy": KNOWN_LOSSES["cross_entropy"], "start": known, "curve": curve}
    distance = ForceDistance(tree(curve), PSET)
    expressions = sorted((text for text in last["expression"] if text != curve),
                         key=lambda text: distance(tree(text)))
    losses |= {f"expression_{rank}": text for rank, text in enumerate(expressions, 1)}
    improvements = dict(zip(last["expression"], last["improvement"], strict=True))
    epochs = int(sum(result.logbook.select("epochs")))
    accuracies = evaluation.test_accuracies(map(tree, losses.values()), FRESH)
    return [{"start": start, "search_seed": seed, "search_epochs": epochs, "loss": name,
             "raced_best": text == str(result.best), "size": len(tree(text)),
             "distance": round(distance(tree(text)), 4),
             "improvement_in_search": improvements.get(text), "test_seed": fresh,
             "test_accuracy": accuracy, "expression": text if fresh == FRESH[0] else ""}
            for (name, text), found in zip(losses.items(), accuracies, strict=True)
            for fresh, accuracy in zip(FRESH, *found.values(), strict=True)]


def tree(text):
    return LossTree.from_string(text, PSET)


def write(path, rows):
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, rows[0])
        table.writeheader()
        table.writerows(rows)


def report(rows):
    """Prints the mean accuracy of each loss and its gain over cross entropy."""
    of = {}
    for row in rows:
        of.setdefault((row["start"], row["search_seed"], row["loss"]), []).append(row)
    for (start, seed, loss), tests in of.items():
        means = [statistics.fmean(each["test_accuracy"] or 0.0 for each in group)
                 for group in (tests, of[start, seed, "cross_entropy"])]
        print(f"{start} {seed} {loss:<13} size {tests[0]['size']:>3} distance "
              f"{tests[0]['distance']:.3f} accuracy {means[0]:.4f} gain {means[0] - means[1]:+.4f}")


if __name__ == "__main__":
    main()
