"""A report as one HTML page that needs no other file, from the templates beside this module."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from deap_lossgp.pages.formulas import mathml
from deap_lossgp.pages.sections import (
    Section,
    caption_of,
    clean,
    columns_of,
    kind_of,
    labelled,
    one_line,
)


def to_html(title: str, sections: Iterable[Section], *, refresh: float | None = None) -> str:
    """Writes a report as one HTML page: pictures inside, no script, no other files.

    Args:
        title: The report's title.
        sections: Iterable of ``Section``.
        refresh: Seconds after which a browser asks for the page again; None for never.

    Returns:
        str: The page, to be written as UTF-8.

    Raises:
        ValueError: A figure is not a PNG, or a format does not fit its column.
        OSError: A figure cannot be read.

    Examples:
        >>> import pandas as pd
        >>> from deap_lossgp.pages.sections import Section
        >>> table = pd.DataFrame({"expression": ["log(y_pred)"], "accuracy": [0.93456]})
        >>> page = to_html("Digits", [Section("Best", (table,))])
        >>> '<td><code>log(<wbr>y_pred)</code></td><td class="number">0.9346</td>' in page
        True
    """
    page = _templates().get_template("page.html")
    return page.render(title=title, sections=list(labelled(sections)), refresh=refresh) + "\n"


def to_fragment(parts: Iterable[Any]) -> str:
    """Writes parts of a report as HTML without a page around it, such as a notebook shows.

    Args:
        parts: As for ``Section``, but for listings; captions have no numbers.

    Returns:
        str: The HTML.
    """
    return _templates().get_template("fragment.html").render(parts=list(parts))


@cache
def _templates():
    """Makes the environment of the templates, in which every text is escaped and in one line."""
    environment = Environment(
        loader=PackageLoader("deap_lossgp.pages"), autoescape=True, trim_blocks=True,
        lstrip_blocks=True, undefined=StrictUndefined,
        finalize=lambda value: value if isinstance(value, Markup) else one_line(value))
    environment.filters |= {
        "breakable": _breakable,
        "caption": caption_of,
        "columns": columns_of,
        "drawn": _drawn,
        "kind": kind_of,
        "lines": lambda text: escape(clean(text)),
        "mathml": lambda latex: Markup(mathml(latex)),
        "name": lambda label: label.lower().replace(" ", "-"),
        "png": _png,
        "rows": lambda columns: zip(*[[(column, text) for text in column.texts]
                                      for column in columns], strict=True),
    }
    return environment


def _breakable(text):
    """Returns an expression that may be broken behind a parenthesis, and is copied as it is."""
    return Markup(str(escape(one_line(text))).replace("(", "(<wbr>"))


def _drawn(figure):
    """Returns a figure's SVG with its text for those who cannot see it."""
    label = Markup('<svg role="img" aria-label="{}" ').format(one_line(figure.text))
    return Markup(figure.svg.replace("<svg ", label, 1))


def _png(figure):
    content = Path(figure.path).read_bytes()
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError(f"expected a PNG, got {figure.path}")
    return f"data:image/png;base64,{base64.b64encode(content).decode('ascii')}"
