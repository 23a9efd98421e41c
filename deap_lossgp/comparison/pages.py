"""A report in two forms: one HTML page that needs no other file, and the same as Markdown."""

import base64
import html
import math
import os
import re
from collections import Counter
from dataclasses import dataclass
from numbers import Integral, Real
from pathlib import Path
from unicodedata import category
from urllib.parse import quote

import pandas as pd

_MISSING = "–"

_STYLE = """
:root { color-scheme: light dark; --ink: #1b1b1b; --paper: #ffffff; --line: #cccccc;
  --soft: #f3f3f3; --link: #0b57a4; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ink: #e6e6e6; --paper: #161616; --line: #484848; --soft: #242424; --link: #8ab8f0; } }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; font: 1rem/1.55 system-ui, sans-serif;
  color: var(--ink); background: var(--paper); overflow-wrap: anywhere; }
h1, h2 { line-height: 1.25; break-after: avoid; }
a { color: var(--link); }
figure { margin: 1.5rem 0; }
figcaption { margin: 0.4rem 0; }
img { max-width: 100%; height: auto; background: #ffffff; break-inside: avoid; }
code { font: 0.9em/1.4 ui-monospace, monospace; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 0.9rem; font-variant-numeric: tabular-nums; }
th, td { padding: 0.3rem 0.7rem; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; overflow-wrap: normal; }
thead th { background: var(--soft); vertical-align: bottom; }
.number { text-align: right; white-space: nowrap; }
td code, th code { display: block; width: max-content; max-width: min(24rem, 60vw);
  overflow-wrap: anywhere; }
@page { margin: 15mm; }
@media print {
  :root { color-scheme: light; }
  body { max-width: none; padding: 0; font-size: 10pt; }
  .scroll { overflow: visible; }
  table { font-size: 8pt; }
  td code, th code { width: auto; min-width: 10em; max-width: none; }
  tr { break-inside: avoid; } }
"""

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy"
 content="default-src 'none'; img-src data:; style-src 'unsafe-inline'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<h1>{title}</h1>
<nav aria-label="Contents">
<ol>
{contents}
</ol>
</nav>
<main>
{sections}
</main>
</body>
</html>
"""


@dataclass(frozen=True)
class Figure:
    """A PNG file and its caption, which is also what is read out in its place."""

    path: Path
    caption: str


@dataclass(frozen=True, eq=False)
class Section:
    """A heading and what stands under it.

    A table's ``attrs["caption"]`` is its caption, and its ``attrs["formats"]`` says by column how
    numbers are written, as ``format`` has it (``{"accuracy": ".1%"}``), or that texts are
    expressions: ``"code"``, which a column named ``expression`` is anyway. Formats of columns that
    the table does not have are passed over, since pandas hands them on to parts of tables. Its
    index is shown where it has a name or is not of integers.

    Args:
        title: The heading.
        parts: A tuple or list of paragraphs (str, plain text), tables (``pandas.DataFrame``) and
            ``Figure``.

    Raises:
        TypeError: If something else is among the parts.
    """

    title: str
    parts: tuple

    def __post_init__(self):
        expected, wrong = "a tuple of parts", [self.parts]
        if isinstance(self.parts, tuple | list):
            expected = "parts that are str, DataFrame or Figure"
            wrong = [p for p in self.parts if not isinstance(p, str | pd.DataFrame | Figure)]
        if wrong:
            came = type(wrong[0]).__name__
            raise TypeError(f"section {self.title!r}: expected {expected}, got {came}")


def to_html(title, sections):
    """A report as one HTML page: pictures inside, no script, nothing to be fetched.

    Args:
        title: The report's title.
        sections: Iterable of ``Section``.

    Returns:
        str: The page, to be written as UTF-8.

    Raises:
        ValueError: If a figure is not a PNG, or a format does not fit its column.
        OSError: If a figure cannot be read.

    Examples:
        >>> table = pd.DataFrame({"expression": ["log(y_pred)"], "accuracy": [0.93456]})
        >>> page = to_html("Digits", [Section("Best", (table,))])
        >>> '<td><code>log(y_pred)</code></td><td class="number">0.9346</td>' in page
        True
    """
    contents, written = [], []
    for number, (section, parts) in enumerate(_labelled(sections), 1):
        heading = _html(section.title)
        contents.append(f'<li><a href="#section-{number}">{heading}</a></li>')
        written += [f'<section id="section-{number}">', f"<h2>{heading}</h2>"]
        written += [_html_part(part, label) for part, label in parts] + ["</section>"]
    contents, written = "\n".join(contents), "\n".join(written)
    return _PAGE.format(title=_html(title), style=_STYLE, contents=contents, sections=written)


def to_markdown(title, sections, folder):
    """The same report as GitHub-flavoured Markdown.

    Args:
        title: The report's title.
        sections: Iterable of ``Section``.
        folder: The folder that the text will lie in; links to the figures start there.

    Returns:
        str: The text, to be written as UTF-8.

    Raises:
        ValueError: If a format does not fit its column.

    Examples:
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
    blocks = [f"# {_markdown(title)}"]
    for section, parts in _labelled(sections):
        blocks.append(f"## {_markdown(section.title)}")
        blocks += [_markdown_part(part, label, folder) for part, label in parts]
    return "\n\n".join(blocks) + "\n"


def _labelled(sections):
    """Each section with its parts and their labels; tables and figures count on throughout."""
    counts = Counter()
    for section in sections:
        parts = []
        for part in section.parts:
            kind = "Figure" if isinstance(part, Figure) else "Table"
            counts[kind] += not isinstance(part, str)
            parts.append((part, f"{kind} {counts[kind]}"))
        yield section, parts


def _html_part(part, label):
    if isinstance(part, str):
        return f"<p>{_html(part)}</p>"
    name = label.lower().replace(" ", "-")
    caption = f'<figcaption id="{name}"><strong>{label}.</strong> {_html(_caption(part))}'
    if isinstance(part, Figure):
        source = f"data:image/png;base64,{_png(part.path)}"
        picture = f'<img src="{source}" alt="{_html(part.caption)}">'
        return f"<figure>\n{picture}\n{caption}</figcaption>\n</figure>"
    columns = _columns(part)
    rows = zip(*[map(column.html, column.texts) for column in columns], strict=True)
    head = [f'<th scope="col"{column.class_}>{_html(column.name)}</th>' for column in columns]
    lines = [
        f"<figure>\n{caption}</figcaption>",
        # Focus and a name let a keyboard scroll what is wider than the screen.
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}">',
        f'<table aria-labelledby="{name}">\n<thead>\n<tr>{"".join(head)}</tr>\n</thead>\n<tbody>',
        *[f"<tr>{''.join(row)}</tr>" for row in rows],
        "</tbody>\n</table>\n</div>\n</figure>",
    ]
    return "\n".join(lines)


def _markdown_part(part, label, folder):
    if isinstance(part, str):
        # What would begin a list or be a rule is text.
        return re.sub(r"^(\d*)([-+.)])(?=[-\s]|$)", r"\1\\\2", _markdown(part))
    caption = f"**{label}.** {_markdown(_caption(part))}".rstrip()
    if isinstance(part, Figure):
        link = quote(Path(os.path.relpath(part.path, folder)).as_posix())
        return f"![{_markdown(part.caption)}]({link})\n\n{caption}"
    columns = _columns(part)
    head = [_markdown(column.name) for column in columns]
    rule = ["---:" if column.kind == "number" else "---" for column in columns]
    rows = zip(*[map(column.markdown, column.texts) for column in columns], strict=True)
    lines = [f"| {' | '.join(row)} |" for row in (head, rule, *rows)]
    return "\n".join([caption, "", *lines])


def _caption(part):
    return part.caption if isinstance(part, Figure) else part.attrs.get("caption", "")


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str  # number, code or text
    texts: list
    of_index: bool

    @property
    def class_(self):
        return ' class="number"' if self.kind == "number" else ""

    def html(self, text):
        shown = f"<code>{_html(text)}</code>" if self._is_code(text) else _html(text)
        if self.of_index:
            return f'<th scope="row"{self.class_}>{shown}</th>'
        return f"<td{self.class_}>{shown}</td>"

    def markdown(self, text):
        return _markdown_code(text) if self._is_code(text) else _markdown(text)

    def _is_code(self, text):
        return self.kind == "code" and text.strip() not in ("", _MISSING)


def _columns(table):
    """The columns to show, each with its texts; those of an index that says something first."""
    index = [table.index.get_level_values(level) for level in range(table.index.nlevels)]
    if index[0].name is None and len(index) == 1 and pd.api.types.is_integer_dtype(index[0]):
        index = []
    formats = {"expression": "code", **table.attrs.get("formats", {})}
    columns = [_column(values.name, list(values), formats, True) for values in index]
    columns += [_column(name, list(values), formats, False) for name, values in table.items()]
    return columns or [_Column("no data", "text", [], False)]


def _column(name, values, formats, of_index):
    spec = formats.get(name)
    levels = name if isinstance(name, tuple) else (name,)
    name = " ".join(str(level) for level in levels if level is not None)
    values = [None if pd.api.types.is_scalar(v) and pd.isna(v) else v for v in values]
    present = [value for value in values if value is not None]
    if spec == "code":
        texts = [_MISSING if value is None else str(value) for value in values]
        return _Column(name, "code", texts, of_index)
    # Counts of which one is missing are floats to pandas.
    floats = [v for v in present if _is_number(v) and not isinstance(v, Integral)]
    whole = all(float(v).is_integer() for v in floats if math.isfinite(v))
    texts = [_shown(value, spec, whole, name) for value in values]
    kind = "number" if present and all(map(_is_number, present)) else "text"
    return _Column(name, kind, texts, of_index)


def _is_number(value):
    return isinstance(value, Real) and not isinstance(value, bool)


def _shown(value, spec, whole, name):
    if not _is_number(value):
        return _MISSING if value is None else str(value)
    value = int(value) if isinstance(value, Integral) else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if spec is None and isinstance(value, int):
        spec = ","
    elif spec is None:
        # From 999.95 on, four digits are no digits after the point.
        spec = ",.0f" if abs(value) < 1e9 and (whole or abs(value) >= 999.95) else "#.4g"
    try:
        return format(value, spec)
    except (TypeError, ValueError, OverflowError) as err:
        message = f"the format {spec!r} of column {name!r} does not fit {value!r}: {err}"
        raise ValueError(message) from None


def _line(text):
    """A text in one line, without characters that a page must not or a file cannot hold."""
    line = " ".join(str(text).split())
    return "".join("\ufffd" if category(c) in ("Cc", "Cs", "Cn") else c for c in line)


def _html(text):
    return html.escape(_line(text))


def _markdown(text):
    return re.sub(r"([\\`*_\[\]<>&#~|$])", r"\\\1", _line(text))


def _markdown_code(text):
    # Renderers do not agree on a backslash before a pipe, or on backticks, inside backticks.
    if re.search(r"[\\`|]", text):
        return f"<code>{_markdown(text)}</code>"
    return f"`{_line(text)}`"


def _png(path):
    content = Path(path).read_bytes()
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError(f"expected a PNG, {path} is none")
    return base64.b64encode(content).decode("ascii")
