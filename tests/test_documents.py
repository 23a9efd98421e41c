"""The documents are valid reStructuredText, and what they show and link to is there."""

import re
from urllib.parse import unquote

import pytest
from pages import PAGES, ROOT, doctree, name_of, nodes

DOCUMENTS = sorted({*PAGES, *ROOT.glob("*.rst")})


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_document_is_valid_and_its_pictures_and_measurements_exist(path):
    text = path.read_text("utf-8")
    tree = doctree(path)
    assert not re.findall(r"@[A-Z]+@", text)
    for image in tree.findall(nodes.image):
        assert image["alt"]
        picture = (path.parent / image["uri"]).read_bytes()
        assert picture.startswith((b"\x89PNG", b"<?xml"))
    for measured in re.findall(r"``((?:examples|tests)/measured/[^`]+)``", text):
        assert [*ROOT.glob(measured)], measured


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_no_line_of_a_table_is_taken_for_a_row_of_its_own(path):
    for table in doctree(path).findall(nodes.table):
        for head in table.findall(nodes.thead):
            assert len([*head.findall(nodes.row)]) == 1
        for body in table.findall(nodes.tbody):
            for row in body.findall(nodes.row):
                first, *others = [" ".join(entry.astext().split()) for entry in row]
                assert first and any(others), first


@pytest.mark.parametrize("path", DOCUMENTS, ids=name_of)
def test_every_link_to_a_file_of_the_clone_leads_to_it_and_to_a_section_of_it(path):
    for link in doctree(path).findall(nodes.reference):
        file, _, section = unquote(link.get("refuri", "")).partition("#")
        if ":" in file:
            continue
        target = path.parent / file if file else path
        assert target.is_file(), file
        if section:
            sections = [each["ids"] for each in doctree(target).findall(nodes.section)]
            assert section in {name for names in sections for name in names}, f"{file}#{section}"


def test_readme_is_short_and_leads_to_every_guide():
    text = (ROOT / "README.rst").read_text("utf-8")
    assert len(text.splitlines()) <= 150
    for guide in (ROOT / "docs" / "guides").glob("*.rst"):
        assert guide.name == "index.rst" or f"<docs/guides/{guide.name}>" in text


def test_the_picture_of_two_curves_is_of_the_loss_that_readme_prints(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import two_curves

    (printed,) = re.findall("Best loss: +(.*)", (ROOT / "README.rst").read_text("utf-8"))
    two_curves.main(tmp_path / "drawn.svg")
    for picture in (tmp_path / "drawn.svg", ROOT / "docs" / "two_curves.svg"):
        assert f"<dc:description>{printed}</dc:description>" in picture.read_text("utf-8")
