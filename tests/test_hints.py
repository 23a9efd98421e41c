"""Every public signature has type hints, and the faces of the wings name what they hand on."""

import ast
import importlib
from pathlib import Path

import pytest

import deap_lossgp

PACKAGE = Path(deap_lossgp.__file__).parent
MODULES = {".".join(path.relative_to(PACKAGE).with_suffix("").parts): ast.parse(
    path.read_text("utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}
FACES = sorted(path.parent for path in PACKAGE.rglob("__init__.pyi"))
WITHOUT = {
    # Their source is part of the stores' keys: with hints, stored trainings would be made again.
    "training.tasks.reduce_on_plateau", "training.networks.small_cnn", "training.networks.resnet8",
    "training.networks.inception_v3",
    # Their text is in the files that are exported for Keras.
    "labels.check_shapes", "labels.check_labels", "labels.read_labels",
}


def is_public(name):
    return not name.startswith("_") or (name.startswith("__") and name.endswith("__"))


def signatures(body, place):
    """Yields (name, function, whether it has an argument for its object) of what is public."""
    for node in body:
        if isinstance(node, ast.FunctionDef) and is_public(node.name):
            decorators = {ast.unparse(decorator) for decorator in node.decorator_list}
            yield f"{place}.{node.name}", node, "staticmethod" not in decorators
        elif isinstance(node, ast.ClassDef) and is_public(node.name):
            yield from signatures(node.body, f"{place}.{node.name}")


def unhinted(module):
    classes = {f"{module}.{node.name}" for node in MODULES[module].body
               if isinstance(node, ast.ClassDef)}
    for name, node, bound in signatures(MODULES[module].body, module):
        arguments = node.args
        known = [*arguments.posonlyargs, *arguments.args]
        if name.rpartition(".")[0] in classes and bound:
            known = known[1:]
        known += [*arguments.kwonlyargs, *filter(None, (arguments.vararg, arguments.kwarg))]
        if node.returns is None or any(argument.annotation is None for argument in known):
            yield name


@pytest.mark.parametrize("module", MODULES)
def test_every_public_signature_has_hints(module):
    assert {*unhinted(module)} <= WITHOUT


def test_what_has_no_hints_is_still_there():
    found = {name for module in MODULES for name in unhinted(module)}
    assert found >= WITHOUT


@pytest.mark.parametrize("folder", FACES, ids=lambda folder: folder.name)
def test_a_face_hands_on_what_its_stub_names(folder):
    wing = ".".join(folder.relative_to(PACKAGE.parent).parts)
    stub = ast.parse((folder / "__init__.pyi").read_text("utf-8"))
    names = [alias.asname for node in stub.body if isinstance(node, ast.ImportFrom)
             for alias in node.names]
    assert names and sorted(names) == sorted(importlib.import_module(wing).__all__)


def test_every_wing_has_a_stub_and_the_package_is_marked_as_typed():
    wings = {PACKAGE, *(path.parent for path in PACKAGE.glob("*/__init__.py"))}
    assert {*FACES} == wings and (PACKAGE / "py.typed").exists()
