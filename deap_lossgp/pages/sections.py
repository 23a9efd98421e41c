"""A report as data: sections of paragraphs, tables and figures, and the texts of their cells."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from typing import Any
from unicodedata import category

import pandas as pd

MISSING = "–"
"""What stands in the place of a missing value."""


@dataclass(frozen=True)
class Figure:
    """A picture.

    Attributes:
        path: The PNG file, to which Markdown links; None where there is only ``svg``.
        caption: What stands below it.
        svg: The same picture as the text of an SVG element, for HTML; empty to show the PNG there.
        alt: What a screen reader reads instead; empty for the caption.
    """

    path: Path | None
    caption: str
    svg: str = ""
    alt: str = ""

    @property
    def text(self) -> str:
        """The text for those who cannot see it."""
        return self.alt or self.caption


@dataclass(frozen=True)
class Code:
    """A text with lines of their own, such as a program to copy, and its caption."""

    text: str
    caption: str


@dataclass(frozen=True)
class Formula:
    """Equations in LaTeX, without dollars; ``deap_lossgp.pages.typeset`` makes it of a loss.

    Attributes:
        equations: The equations, one a line.
        where: Pairs (usage, meaning) of what is written in short in them.
    """

    equations: tuple
    where: tuple = ()


@dataclass(frozen=True, eq=False)
class Section:
    """A heading and what stands under it.

    A table's ``attrs["caption"]`` is its caption. Its ``attrs["formats"]`` is a dict from a column
    to the format of its numbers, as ``format`` takes it (``".1%"``), to ``"code"`` for texts that
    are expressions, or to ``"number"`` for texts that stand like numbers; a column named
    ``expression`` always is code. Formats of columns that the table does not have are ignored,
    because pandas copies them to parts of tables. The index is shown if it has a name or is not of
    integers.

    Args:
        title: The heading.
        parts: A tuple or list of paragraphs (str, plain text), tables (``pandas.DataFrame``),
            ``Figure``, ``Code`` and ``Formula``.

    Raises:
        TypeError: Something else is among the parts.
    """

    title: str
    parts: tuple

    def __post_init__(self) -> None:
        expected, wrong = "a tuple of parts", [self.parts]
        if isinstance(self.parts, tuple | list):
            expected = "parts that are str, DataFrame, Figure, Code or Formula"
            wrong = [part for part in self.parts if not isinstance(part, (*_KINDS,))]
        if wrong:
            came = type(wrong[0]).__name__
            raise TypeError(f"section {self.title!r}: expected {expected}, got {came}")


_KINDS = {str: "paragraph", pd.DataFrame: "table", Figure: "figure", Code: "code",
          Formula: "formula"}  # fmt: skip
_LABELS = {"table": "Table", "figure": "Figure", "code": "Listing"}


def kind_of(part: object) -> str:
    """Returns what a part is: ``paragraph``, ``table``, ``figure``, ``code`` or ``formula``."""
    return next(kind for of, kind in _KINDS.items() if isinstance(part, of))


def labelled(sections: Iterable[Section]) -> Iterator[tuple[Section, list[tuple[Any, str]]]]:
    """Numbers tables, figures and listings, each through the whole report.

    Args:
        sections: Iterable of ``Section``.

    Yields:
        (section, list of (part, label)); the label is like ``Table 1``, and empty for what has no
        caption.
    """
    counts = Counter()
    for section in sections:
        parts = []
        for part in section.parts:
            word = _LABELS.get(kind_of(part))
            counts[word] += 1
            parts.append((part, f"{word} {counts[word]}" if word else ""))
        yield section, parts


def caption_of(part: Any) -> str:
    """Returns the caption of a table, figure or listing; of a table without one the empty text."""
    return part.attrs.get("caption", "") if isinstance(part, pd.DataFrame) else part.caption


@dataclass(frozen=True)
class Column:
    """A column of a table as it is shown.

    Attributes:
        name: The heading.
        kind: ``number``, ``code`` or ``text``.
        texts: The cells.
        of_index: Whether it is part of the table's index.
    """

    name: str
    kind: str
    texts: list
    of_index: bool

    def is_code(self, text: str) -> bool:
        """Returns whether a cell is an expression."""
        return self.kind == "code" and text.strip() not in ("", MISSING)


def columns_of(table: pd.DataFrame) -> list[Column]:
    """Makes the columns to show of a table, those of an index that says something first.

    Args:
        table: A ``pandas.DataFrame``, with ``attrs`` as for ``Section``.

    Returns:
        A list of ``Column``, at least one.

    Raises:
        ValueError: A format does not fit its column.
    """
    index = [table.index.get_level_values(level) for level in range(table.index.nlevels)]
    if index[0].name is None and len(index) == 1 and pd.api.types.is_integer_dtype(index[0]):
        index = []
    formats = {"expression": "code", **table.attrs.get("formats", {})}
    columns = [_column(values.name, list(values), formats, True) for values in index]
    columns += [_column(name, list(values), formats, False) for name, values in table.items()]
    return columns or [Column("no data", "text", [], False)]


def _column(name, values, formats, of_index):
    spec = formats.get(name)
    levels = name if isinstance(name, tuple) else (name,)
    name = " ".join(str(level) for level in levels if level is not None)
    values = [None if pd.api.types.is_scalar(v) and pd.isna(v) else v for v in values]
    present = [value for value in values if value is not None]
    if spec in ("code", "number"):
        texts = [MISSING if value is None else str(value) for value in values]
        return Column(name, spec, texts, of_index)
    # pandas makes floats of counts if one of them is missing.
    floats = [v for v in present if _is_number(v) and not isinstance(v, Integral)]
    whole = all(float(v).is_integer() for v in floats if math.isfinite(v))
    texts = [_shown(value, spec, whole, name) for value in values]
    kind = "number" if present and all(map(_is_number, present)) else "text"
    return Column(name, kind, texts, of_index)


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def _shown(value, spec, whole, name):
    if not _is_number(value):
        return MISSING if value is None else str(value)
    value = int(value) if isinstance(value, Integral) else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if spec is None and isinstance(value, int):
        spec = ","
    elif spec is None:
        # From 999.95 on, four digits leave none after the point.
        spec = ",.0f" if abs(value) < 1e9 and (whole or abs(value) >= 999.95) else "#.4g"
    try:
        return format(value, spec)
    except (TypeError, ValueError, OverflowError) as err:
        message = f"the format {spec!r} of column {name!r} does not fit {value!r}: {err}"
        raise ValueError(message) from None


def one_line(text: object) -> str:
    """Returns a text in one line; characters that a page or a file cannot hold are replaced."""
    return clean(" ".join(str(text).split()))


def clean(text: str) -> str:
    """Replaces the characters of a text that a page or a file cannot hold, but not its lines."""
    return "".join("\ufffd" if c != "\n" and category(c) in ("Cc", "Cs", "Cn") else c
                   for c in text)
