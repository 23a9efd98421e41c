"""A report as Markdown, with links to its figures."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from pathlib import Path
from urllib.parse import quote

from deap_lossgp.pages.sections import (
    Section,
    caption_of,
    clean,
    columns_of,
    kind_of,
    labelled,
    one_line,
)


def to_markdown(title: str, sections: Iterable[Section], folder: Path) -> str:
    """Writes a report as GitHub-flavoured Markdown.

    Args:
        title: The report's title.
        sections: Iterable of ``Section``.
        folder: The folder of the text; links to the figures start there.

    Returns:
        str: The text, to be written as UTF-8.

    Raises:
        ValueError: A format does not fit its column.

    Examples:
        >>> import pandas as pd
        >>> from deap_lossgp.pages.sections import Section
        >>> table = pd.DataFrame({"expression": ["log(y_pred)"], "accuracy": [0.93456]})
        >>> table.attrs["caption"] = "The best loss."
        >>> print(to_markdown("Digits", [Section("Best", (table,))], "."), end="")
        # Digits
        <BLANKLINE>
        ## Best
        <BLANKLINE>
        **Table 1.** The best loss.
        <BLANKLINE>
        | expression | accuracy |
        | --- | ---: |
        | `log(y_pred)` | 0.9346 |
    """
    blocks = [f"# {_text(title)}"]
    for section, parts in labelled(sections):
        blocks.append(f"## {_text(section.title)}")
        blocks += [_part(part, label, folder) for part, label in parts]
    return "\n\n".join(blocks) + "\n"


def _part(part, label, folder):
    kind = kind_of(part)
    if kind == "formula":
        lines = [*part.equations, *(f"{usage} : {meaning}" for usage, meaning in part.where)]
        return "\n\n".join(_fenced(line, "math") for line in lines)
    if kind == "paragraph":
        # A paragraph must not begin a list or be a rule.
        return re.sub(r"^(\d*)([-+.)])(?=[-\s]|$)", r"\1\\\2", _text(part))
    caption = f"**{label}.** {_text(caption_of(part))}".rstrip()
    if kind == "code":
        return f"{caption}\n\n{_fenced(part.text)}"
    if kind == "figure":
        if part.path is None:
            return caption
        link = quote(Path(os.path.relpath(part.path, folder)).as_posix())
        return f"![{_text(part.text)}]({link})\n\n{caption}"
    columns = columns_of(part)
    head = [_text(column.name) for column in columns]
    rule = ["---:" if column.kind == "number" else "---" for column in columns]
    rows = zip(*[[_code(text) if column.is_code(text) else _text(text) for text in column.texts]
                 for column in columns], strict=True)
    lines = [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]
    return "\n".join([caption, "", *lines])


def _fenced(text, language=""):
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{clean(text)}\n{fence}"


def _text(text):
    return re.sub(r"([\\`*_\[\]<>&#~|$])", r"\\\1", one_line(text))


def _code(text):
    # Renderers do not agree on a backslash before a pipe, or on backticks, inside backticks.
    if re.search(r"[\\`|]", text):
        return f"<code>{_text(text)}</code>"
    return f"`{one_line(text)}`"
