"""The fixture of the tests of exported files."""

import importlib.util

import pytest

from deap_lossgp.export.files import export_loss, file_name


@pytest.fixture
def load(tmp_path):
    """Imports an exported file."""

    def load(loss, to, **options):
        path = tmp_path / file_name(loss, to)
        path.write_text(export_loss(loss, to, **options), "utf-8")
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    return load
