"""The pages of docs/ as a site: built without a warning, without TensorFlow, and read offline."""

import os
import re
import subprocess
import sys
from functools import cache
from html import unescape

import pytest
from pages import ROOT

pytest.importorskip("sphinx")
pytest.importorskip("furo")
pytest.importorskip("myst_nb")

OUTSIDE = re.compile(r'<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)="(?:https?:)?//[^"]+"')
TARGET = re.compile(r'<a\b[^>]*\bhref="([^"#:]*)(?:#([^"]*))?"')


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder of the built site. What trains cannot be imported while it is built."""
    folder = tmp_path_factory.mktemp("site")
    (folder / "absent").mkdir()
    for name in ("tensorflow", "keras", "ray"):
        (folder / "absent" / f"{name}.py").write_text("raise ImportError('not here')")
    process = subprocess.run(
        [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-b", "html", ROOT / "docs",
         folder / "built" / "html"], capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(folder / "absent"), *sys.path])})
    assert process.returncode == 0, process.stderr
    return folder / "built" / "html"


def pages_of(site):
    return {path: path.read_text("utf-8") for path in site.rglob("*.html")}


def test_nothing_is_fetched_from_elsewhere(site):
    found = {path.name: OUTSIDE.findall(text) for path, text in pages_of(site).items()}
    assert found and not any(found.values())
    for style in (site / "_static").rglob("*.css"):
        assert not re.search(r"url\([\"']?(?:https?:)?//", style.read_text("utf-8")), style


def test_every_link_inside_leads_to_a_page_and_a_place_there(site):
    pages = pages_of(site)
    for path, text in pages.items():
        for file, place in TARGET.findall(text):
            target = (path.parent / file).resolve() if file else path
            assert target.exists(), (path.name, file)
            if place and target in pages:
                assert f'id="{unescape(place)}"' in pages[target], (path.name, file, place)


@cache
def comments(source, module):
    from sphinx.pycode import ModuleAnalyzer

    analyzer = ModuleAnalyzer.for_string(source.read_text("utf-8"), module)
    analyzer.analyze()
    return analyzer.attr_docs


def test_every_public_name_has_its_docstring_on_a_page(site, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import public_names

    for module, names in public_names.pages().items():
        text = (site / "generated" / f"{module}.html").read_text("utf-8")
        assert names
        for kind, path in names:
            entry = re.search(rf'id="{re.escape(path)}">.*?</dt>\s*<dd><p>', text, re.DOTALL)
            assert entry, path
            if kind == "data":  # else the page shows the docstring of its type
                home, _, name = path.rpartition(".")
                source = ROOT.joinpath(*home.split(".")).with_suffix(".py")
                assert ("", name) in comments(source, home), path


def test_a_table_can_be_read_as_a_list_of_its_rows_where_each_cell_has_its_heading(site):
    text = (site / "settings.html").read_text("utf-8")
    assert 'data-label="What becomes of it"' in text
    for path, page in pages_of(site).items():
        for table in re.findall(r'<table class="[^"]*docutils.*?</table>', page, re.DOTALL):
            titles = re.findall(r'<th role="columnheader".*?</th>', table, re.DOTALL)
            cells = re.findall(r'<td role="cell" data-label="([^"]*)"', table)
            assert len(cells) == (table.count("<td") if titles else 0), path
            assert cells == cells[:len(titles)] * (len(cells) // max(1, len(titles))), path
            assert '<tr role="row"' in table or not titles


def test_an_option_is_marked_so_that_it_is_not_broken_at_its_hyphens(site):
    for text in pages_of(site).values():
        literals = re.findall(r'<code class="([^"]*literal[^"]*)"><span class="pre">--\w', text)
        assert all("option" in classes.split() for classes in literals)
    assert "option" in (site / "settings.html").read_text("utf-8")


def test_the_notebooks_are_shown_with_their_output(site):
    for notebook in (ROOT / "notebooks").glob("*.ipynb"):
        assert "cell_output" in (site / "generated" / f"{notebook.stem}.html").read_text("utf-8")
