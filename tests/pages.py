"""The pages that users read: README.rst, and those of docs/ that are not made from other files."""

import re
from pathlib import Path

import pytest

pytest.importorskip("docutils")

from docutils import nodes  # noqa: E402
from docutils.core import publish_doctree  # noqa: E402
from docutils.parsers.rst import Directive, directives  # noqa: E402

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.rst", *sorted(
    path for path in (ROOT / "docs").rglob("*.rst")
    if not {"generated", "_templates"} & {*path.relative_to(ROOT).parts})]
_INCLUDE = re.compile(r"^\.\. include:: .*\n(?: +:.*\n)*", re.MULTILINE)


class _OfSphinx(Directive):
    """A directive that docutils lacks. What it shows is of other pages."""

    has_content = True
    option_spec = dict.fromkeys(("caption", "hidden", "toctree"), directives.unchanged)

    def run(self):
        return []


for _name in ("autosummary", "toctree"):
    directives.register_directive(_name, _OfSphinx)


def name_of(path):
    """Returns the path of a page as a reader of the clone writes it."""
    return path.relative_to(ROOT).as_posix()


def doctree(path):
    """Returns a page as docutils reads it, without what it includes; a mistake is an error."""
    return publish_doctree(_INCLUDE.sub("", path.read_text("utf-8")), source_path=str(path),
                           settings_overrides={"halt_level": 2, "report_level": 5})


def blocks(path):
    """Returns the texts of a page's literal blocks."""
    return [block.astext() for block in doctree(path).findall(nodes.literal_block)]


def literals(path):
    """Returns a page's texts in double backquotes, each in one line."""
    return [" ".join(literal.astext().split()) for literal in doctree(path).findall(nodes.literal)]
