"""The atlas: the table of measured losses that comes with the package.

Each row is one training: small_cnn, 5,000 validation images, batches of 64, Adam with learning rate
1e-3, gradients at the common scale. Most are of the budget of a search, 10,000 images and 6 epochs;
some of the same losses were trained with 45,000 images for 20 epochs, too: on each of two data sets
the best ones and some of the others. Its columns:

    dataset                     fashion_mnist, cifar10 or cifar100
    images                      for training
    epochs                      of a training that was not stopped
    seed                        of the training
    bred                        where the loss comes from: ``random``, ``known``, or the data set
                                on which its parents were the best
    expression                  the loss, over the protected primitives
    status                      ok, nan, no_gradient; stopped: at most 1.5 times chance after
                                the first epoch, and not trained further
    exact                       1 if it took the exact path, 0 if its curves
    seconds                     of one CPU core; empty where it was not measured
    validation_accuracies       by epoch, separated by spaces
    validation_cross_entropies  likewise
    test_accuracy               at the end

**Honesty.** A result on a data set is reported with a prior that has not seen that data set:
``load_atlas(without=...)`` drops its rows, and the losses that were bred on it from all others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from deap_lossgp.found_losses import KNOWN_LOSSES

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = ("dataset", "images", "epochs", "seed", "bred", "expression", "status", "exact",
           "seconds", "validation_accuracies", "validation_cross_entropies",
           "test_accuracy")  # fmt: skip
TASK = ["dataset", "images", "epochs"]
"""The columns in which trainings that can be compared with each other agree."""

ATLAS = Path(__file__).with_name("atlas.csv.xz")
"""The path of the table that comes with the package."""

_NUMBERS = ("seconds", "test_accuracy")


def load_atlas(without: Collection[str] = (), *, path: Path | str = ATLAS) -> pd.DataFrame:
    """Reads the atlas.

    Args:
        without: Names of data sets that the table must not know anything of: their rows are left
            out, and so are, on every data set, the losses that were bred on them.
        path: Another table of the same columns.

    Returns:
        A pandas ``DataFrame`` with the columns above, its rows ordered by expression, data set,
        budget and seed.

    Raises:
        TypeError: ``without`` is one text, not a sequence of names.
        ValueError: The table lacks a column; names both.

    Examples:
        >>> atlas = load_atlas(without=["cifar10"])
        >>> "cifar10" in {*atlas["dataset"], *atlas["bred"]}
        False
    """
    if isinstance(without, str):
        raise TypeError(f"without must be a sequence of names, such as [{without!r}]")
    table = _read(path)
    _check_columns(table, path)
    left_out = set(without)
    bred = set(table["expression"][table["bred"].isin(left_out)])
    keep = ~table["dataset"].isin(left_out) & ~table["expression"].isin(bred)
    return table[keep].reset_index(drop=True)


def main_budget(table: pd.DataFrame) -> pd.DataFrame:
    """Returns the rows of each data set's main budget: that of most rows, of equals the smallest.

    Examples:
        >>> atlas = main_budget(load_atlas())
        >>> {*zip(atlas["images"].tolist(), atlas["epochs"].tolist())}
        {(10000, 6)}
    """
    import pandas as pd

    tasks = table.groupby(TASK).size().rename("rows").reset_index()
    tasks["size"] = tasks["images"] * tasks["epochs"]
    tasks = tasks.sort_values(["rows", "size", "images"], ascending=[False, True, True])
    main = tasks.drop_duplicates("dataset")[TASK]
    of_rows, of_main = (pd.MultiIndex.from_frame(each) for each in (table[TASK], main))
    return table[of_rows.isin(of_main)]


def write_atlas(tables: Iterable[Path | str], out: Path | str = ATLAS) -> int:
    """Joins tables of trainings into one compressed file.

    Of trainings of the same loss on the same task with the same seed the first is kept. Where
    ``bred`` is missing, a row with a ``name`` is a known loss, any other a random one.

    Args:
        tables: Paths of CSV files with the columns above.
        out: Path of the file to write; its ending names the compression.

    Returns:
        Number of rows written.

    Raises:
        ValueError: A table lacks a column; names both. Or two tables do not agree on cross entropy
            with a seed: their trainings were made otherwise, and their gains would be mixed up.
    """
    import pandas as pd

    frames = []
    for path in tables:
        frame = _read(path)
        if "bred" not in frame:
            frame["bred"] = "random"
            if "name" in frame:
                frame.loc[frame["name"] != "", "bred"] = "known"
        if "seconds" not in frame:
            frame["seconds"] = float("nan")
        _check_columns(frame, path)
        frames.append(frame[list(COLUMNS)])
    table = pd.concat(frames, ignore_index=True)
    _check_baselines(table)
    table["seconds"] = table["seconds"].round(2)
    table = table.drop_duplicates(["expression", *TASK, "seed"])
    table = table.sort_values(["expression", *TASK, "seed"])
    table.to_csv(out, index=False)
    return len(table)


def _check_columns(table, path):
    missing = [name for name in COLUMNS if name not in table]
    if missing:
        raise ValueError(f"{path}: expected the columns {', '.join(COLUMNS)}, "
                         f"got none named {', '.join(missing)}")


def _check_baselines(table):
    entropy = table[table["expression"] == KNOWN_LOSSES["cross_entropy"]]
    for (dataset, *_, seed), rows in entropy.groupby([*TASK, "seed"]):
        if rows["validation_accuracies"].nunique() > 1:
            raise ValueError(f"expected tables that agree on cross entropy on {dataset} with seed "
                             f"{seed}, got {' and '.join(rows['validation_accuracies'].unique())}: "
                             f"collect with another seed")


def _read(path):
    """A table of trainings; nothing but an empty number is missing: ``nan`` is a status."""
    import pandas as pd

    texts = dict.fromkeys(("validation_accuracies", "validation_cross_entropies"), str)
    return pd.read_csv(path, dtype=texts, keep_default_na=False,
                       na_values=dict.fromkeys(_NUMBERS, [""]))
