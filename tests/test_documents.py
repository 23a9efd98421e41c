"""The documents are valid reStructuredText, without open placeholders and missing files."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
publish_string = pytest.importorskip("docutils.core").publish_string


@pytest.mark.parametrize("path", sorted([*ROOT.glob("*.rst"), *ROOT.glob("docs/*.rst")]),
                         ids=lambda path: path.name)
def test_document_is_valid_and_its_pictures_and_measurements_exist(path):
    text = path.read_text()
    publish_string(text, settings_overrides={"halt_level": 2, "report_level": 5})
    assert not re.findall(r"@[A-Z]+@", text)
    for picture in re.findall(r"image:: (\S+)", text):
        assert (path.parent / picture).read_bytes().startswith(b"\x89PNG")
    for measured in re.findall(r"``((?:examples|tests)/measured/[^`]+)``", text):
        assert [*ROOT.glob(measured)], measured
