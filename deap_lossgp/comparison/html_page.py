"""A report as one HTML page that needs no other file."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable
from pathlib import Path

from deap_lossgp.comparison.sections import (
    Figure,
    Section,
    caption_of,
    columns_of,
    labelled,
    one_line,
)

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


def to_html(title: str, sections: Iterable[Section]) -> str:
    """Writes a report as one HTML page: pictures inside, no script, no other files.

    Args:
        title: The report's title.
        sections: Iterable of ``Section``.

    Returns:
        str: The page, to be written as UTF-8.

    Raises:
        ValueError: A figure is not a PNG, or a format does not fit its column.
        OSError: A figure cannot be read.

    Examples:
        >>> import pandas as pd
        >>> from deap_lossgp.comparison.sections import Section
        >>> table = pd.DataFrame({"expression": ["log(y_pred)"], "accuracy": [0.93456]})
        >>> page = to_html("Digits", [Section("Best", (table,))])
        >>> '<td><code>log(y_pred)</code></td><td class="number">0.9346</td>' in page
        True
    """
    contents, written = [], []
    for number, (section, parts) in enumerate(labelled(sections), 1):
        heading = _html(section.title)
        contents.append(f'<li><a href="#section-{number}">{heading}</a></li>')
        written += [f'<section id="section-{number}">', f"<h2>{heading}</h2>"]
        written += [_part(part, label) for part, label in parts] + ["</section>"]
    contents, written = "\n".join(contents), "\n".join(written)
    return _PAGE.format(title=_html(title), style=_STYLE, contents=contents, sections=written)


def _part(part, label):
    if isinstance(part, str):
        return f"<p>{_html(part)}</p>"
    name = label.lower().replace(" ", "-")
    caption = f'<figcaption id="{name}"><strong>{label}.</strong> {_html(caption_of(part))}'
    if isinstance(part, Figure):
        source = f"data:image/png;base64,{_png(part.path)}"
        picture = f'<img src="{source}" alt="{_html(part.caption)}">'
        return f"<figure>\n{picture}\n{caption}</figcaption>\n</figure>"
    columns = columns_of(part)
    rows = zip(*[[_cell(column, text) for text in column.texts] for column in columns],
               strict=True)
    head = [f'<th scope="col"{_class(column)}>{_html(column.name)}</th>' for column in columns]
    lines = [
        f"<figure>\n{caption}</figcaption>",
        # With focus and a name, a table wider than the screen can be scrolled by keyboard.
        f'<div class="scroll" role="region" tabindex="0" aria-labelledby="{name}">',
        f'<table aria-labelledby="{name}">\n<thead>\n<tr>{"".join(head)}</tr>\n</thead>\n<tbody>',
        *[f"<tr>{''.join(row)}</tr>" for row in rows],
        "</tbody>\n</table>\n</div>\n</figure>",
    ]
    return "\n".join(lines)


def _cell(column, text):
    shown = f"<code>{_html(text)}</code>" if column.is_code(text) else _html(text)
    if column.of_index:
        return f'<th scope="row"{_class(column)}>{shown}</th>'
    return f"<td{_class(column)}>{shown}</td>"


def _class(column):
    return ' class="number"' if column.kind == "number" else ""


def _html(text):
    return html.escape(one_line(text))


def _png(path):
    content = Path(path).read_bytes()
    if not content.startswith(b"\x89PNG\r\n\x1a\n"):
        raise ValueError(f"expected a PNG, got {path}")
    return base64.b64encode(content).decode("ascii")
