"""The tables that figures are drawn from, and their columns."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

    Table: TypeAlias = pd.DataFrame | Sequence[Mapping[str, Any]] | Path | str
    """What has rows and columns: a DataFrame, a list of dicts, or the path of a CSV file."""

LARGEST = 1e100
"""Larger numbers are left out, as infinite ones are: Matplotlib's margins would overflow."""


def read_table(source: Table, row: str, keys: Sequence[str] = (), places: Sequence[str] = (),
               values: Sequence[str] = (), extras: Sequence[str] = ()) -> pd.DataFrame:
    """Reads and checks the columns of a table.

    Args:
        source: A DataFrame, a list of dicts or the path of a CSV file.
        row: What a row is, in one word, for the message about an empty table.
        keys: Columns that say what a row belongs to; they have no gaps.
        places: Columns of finite numbers.
        values: Columns of numbers; those that are not finite become NaN.
        extras: Further keys, which are read if there are such columns.

    Returns:
        A new DataFrame of these columns, its numbers as floats.

    Raises:
        FileNotFoundError: There is no such file.
        ValueError: There is no row, or a column is missing or holds something else.
    """
    import pandas as pd

    table = pd.read_csv(source) if isinstance(source, str | os.PathLike) else pd.DataFrame(source)
    expected = list(dict.fromkeys((*keys, *places, *values)))
    missing = [name for name in expected if name not in table.columns]
    if table.empty:
        raise ValueError(f"expected at least one {row}, got an empty table")
    if missing:
        message = f"expected the columns {quoted(expected)}"
        raise ValueError(f"{message}; {quoted(missing)} not among {quoted(table.columns)}")
    columns = {name: table[name].to_numpy() for name in (*keys, *extras) if name in table}
    for name in columns:
        if table[name].isna().any():
            raise ValueError(f"expected no gap in the column {name!r}, got None or NaN")
    for name in dict.fromkeys((*places, *values)):
        try:
            columns[name] = finite(pd.to_numeric(table[name]).to_numpy(dtype=float))
        except (TypeError, ValueError) as err:
            raise ValueError(f"expected numbers in the column {name!r}: {err}") from err
    for name in places:
        if np.isnan(columns[name]).any():
            raise ValueError(f"expected finite numbers in the column {name!r}, got NaN or infinity")
    return pd.DataFrame(columns)


def finite(values: np.ndarray) -> np.ndarray:
    """Replaces numbers that cannot be drawn by NaN, in an array of any shape."""
    return np.where(np.abs(values) <= LARGEST, values, np.nan)


def quoted(names: Iterable[str]) -> str:
    """Lists names for a message."""
    return ", ".join(repr(name) for name in names) or "it has none"
