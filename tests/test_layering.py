"""The order of the wings, the wall before TensorFlow, and what the package never does."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import deap_lossgp

PACKAGE = Path(deap_lossgp.__file__).parent
WINGS = """ground data algorithms curves losses surrogate export plotting pages training engines
search comparison commands""".split()  # noqa: SIM905  (a list would be one name per line)
"""From the ground up: a wing imports only from itself and from those below it.

The ground is the files at the top, but for ``losses``, which stands on ``curves``."""
KERAS_AT_IMPORT = {"losses", "engines.worker"}
"""Rooms outside ``training`` that import Keras when they are imported themselves."""


def name_of(path):
    """``wing.room`` of a file, ``room`` at the top, the wing alone for its ``__init__.py``."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


TREES = {name_of(path): ast.parse(path.read_text("utf-8")) for path in PACKAGE.rglob("*.py")}


def wing_of(module):
    if module == "__main__":  # python -m deap_lossgp
        return "commands"
    first, *rooms = module.split(".")
    return first if rooms or (PACKAGE / first).is_dir() or first == "losses" else "ground"


def imported(tree, *, inside_functions=True, for_hints=False):
    """The names of the modules that a syntax tree imports, or that its type hints need as well."""
    names, nodes = set(), [tree]
    while nodes:
        node = nodes.pop()
        if is_for_hints(node) and not for_hints:
            continue
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        if inside_functions or not isinstance(node, ast.FunctionDef | ast.Lambda):
            nodes += ast.iter_child_nodes(node)
    return names


def is_for_hints(node):
    return isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"


def rooms_imported(module, **of_what):
    """The rooms of the package that a room imports, wherever in it."""
    ours = {name.removeprefix("deap_lossgp.") for name in imported(TREES[module], **of_what)}
    return (ours & {*TREES}) - {module}


def roots(names):
    return {name.split(".")[0] for name in names}


def test_every_folder_is_a_wing_with_a_face():
    folders = {path.name for path in PACKAGE.iterdir() if any(path.glob("*.py"))}
    assert folders <= {*WINGS}
    assert {folder for folder in folders if ast.get_docstring(TREES[folder])} == folders


@pytest.mark.parametrize("module", sorted(TREES))
def test_a_wing_imports_only_from_wings_below_it(module):
    if not module:
        return  # the package's own face hands on names from any wing
    reach = WINGS[: WINGS.index(wing_of(module)) + 1]
    rooms = rooms_imported(module, for_hints=True)
    assert {wing_of(name) for name in rooms if name} <= {*reach}


def test_no_room_imports_itself_by_way_of_others():
    left = {name: rooms_imported(name) for name in TREES}
    while free := [name for name, rooms in left.items() if not rooms & {*left}]:
        for name in free:
            del left[name]
    assert not left


@pytest.mark.parametrize("module", sorted(TREES))
def test_only_training_imports_tensorflow_when_it_is_imported(module):
    if wing_of(module) == "training" or module in KERAS_AT_IMPORT:
        return
    assert not {"tensorflow", "keras"} & roots(imported(TREES[module], inside_functions=False))


@pytest.mark.parametrize("module", sorted(TREES))
def test_the_ground_and_the_wings_that_reuse_it_never_import_tensorflow(module):
    if wing_of(module) in ("ground", "algorithms", "export", "plotting", "pages", "surrogate"):
        assert not {"tensorflow", "keras"} & roots(imported(TREES[module]))


@pytest.mark.parametrize("module", sorted(TREES))
def test_matplotlib_is_imported_for_figures_only_and_only_when_called(module):
    anywhere = wing_of(module) != "plotting"
    assert "matplotlib" not in roots(imported(TREES[module], inside_functions=anywhere))


@pytest.mark.parametrize("module", sorted(TREES))
def test_no_module_evaluates_text_or_unpickles(module):
    unsafe = {"pickle", "marshal", "shelve", "joblib", "dill", "cloudpickle"}
    if module == "engines.parcels":  # it reads the pipes of the package's own processes
        unsafe -= {"pickle", "cloudpickle"}
    assert not unsafe & roots(imported(TREES[module]))
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Name):
            assert node.id not in ("eval", "exec", "compile", "__import__"), node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            # DEAP's own compile and reader call eval. Its cost is measured on trees made there.
            if module not in ("comparison.cost_arms", "comparison.torch_arm"):
                assert (node.value.id, node.attr) != ("gp", "compile"), node.lineno
            assert not (node.attr == "from_string" and node.value.id in ("gp", "PrimitiveTree"))
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant), node.lineno
            assert node.value.value is False, node.lineno


def run(script, *arguments):
    return subprocess.run([sys.executable, "-W", "error", "-c", script, *arguments],
                          capture_output=True, text=True)  # fmt: skip


LIGHT = """
import importlib, sys
heavy = {"tensorflow", "keras", "matplotlib"}
importlib.import_module("deap_lossgp")
assert not (heavy | {"numpy", "pandas", "sklearn", "scipy"}) & {*sys.modules}
for name in sys.argv[1:]:
    importlib.import_module("deap_lossgp." + name)
    assert not heavy & {*sys.modules}, (name, heavy & {*sys.modules})
"""


def test_importing_what_drives_a_run_loads_neither_tensorflow_nor_matplotlib():
    driving = [name for name in TREES if name and "keras" not in
               roots(imported(TREES[name], inside_functions=False))
               and name not in KERAS_AT_IMPORT and not name.startswith("training.")]
    result = run(LIGHT, *driving)
    assert result.returncode == 0, result.stderr


WITHOUT_TENSORFLOW = """
import importlib, random, sys

class Wall:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("tensorflow", "keras"):
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Wall())
try:
    import keras
    sys.exit("the wall is open")
except ModuleNotFoundError:
    pass
for name in sys.argv[1:]:
    importlib.import_module("deap_lossgp." + name)
from deap_lossgp.algorithms import eaSampleTournament
from deap_lossgp.curves import (
    LossCurves, accuracy_gain, affine_form, canonical_key, is_trainable
)
from deap_lossgp.data import load_dataset
from deap_lossgp.plotting import plot_generations
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.search import RunStatistics, logbook_table
from deap_lossgp.toolbox import make_toolbox
from deap_lossgp.trees import LossTree

pset = loss_primitive_set()
random.seed(1)

def evaluate(tree):
    tree = LossTree.from_string(str(tree), pset)
    canonical_key(tree, pset)
    return 1.0, accuracy_gain(LossCurves.of(affine_form(tree, pset).core, pset), steps=5)

toolbox = make_toolbox(pset, evaluate, valid=lambda tree: is_trainable(LossCurves.of(tree, pset)))
stats = RunStatistics(dict, lambda tree: {})
_, logbook = eaSampleTournament(toolbox.population(n=4), toolbox, 0.5, 1, 2, stats=stats,
                                verbose=False)
plot_generations(logbook)
assert len(logbook_table(logbook)) == 3
assert load_dataset("digits").num_classes == 10
"""


def test_what_deap_users_reuse_works_where_tensorflow_is_not_installed():
    free = [name for name in TREES
            if name and wing_of(name) in ("ground", "data", "algorithms", "export", "plotting",
                                          "pages", "surrogate")
            and name not in KERAS_AT_IMPORT]
    result = run(WITHOUT_TENSORFLOW, *free)
    assert result.returncode == 0, result.stderr
