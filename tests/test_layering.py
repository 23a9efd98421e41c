"""The order of the modules, the wall before TensorFlow, and what the package never does."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import deap_lossgp

PACKAGE = Path(deap_lossgp.__file__).parent
ABOVE = """
    naming user_functions cli tensorflow_setup primitives checking psets trees curves canonical
    known_losses found_losses symbolic rewriting simplifying languages mathematics templates
    exporting operators algorithms regularized constants toolbox results
    screening fitness store recording callbacks dataset_names image_data splits image_folders
    settings options arms pairs replicates comparison_tables reports datasets tables figures drawing
    infix loss_cards describing loss_plots tree_plots learning_plots plotting
    tasks confirmation_results confirmation_settings
""".split()  # noqa: SIM905  (a list would be one name per line)
TRAINING = ["elementwise", "losses", "networks", "restarting", "look_up", "adam", "loops",
            "training", "worker", "keras_training"]
DRIVING = ["candidates", "engines", "clusters", "evaluation", "folders", "experiments", "runs",
           "comparisons", "confirmations"]
ORDER = [*ABOVE, "elementwise", "candidates", *TRAINING[1:], *DRIVING[1:]]
TREES = {path.stem: ast.parse(path.read_text("utf-8")) for path in PACKAGE.glob("*.py")}
FREE = {"__init__"}


def imported(tree, *, inside_functions=True):
    """The names of the modules that a syntax tree imports."""
    names, nodes = set(), [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
        if inside_functions or not isinstance(node, ast.FunctionDef | ast.Lambda):
            nodes += ast.iter_child_nodes(node)
    return names


def roots(names):
    return {name.split(".")[0] for name in names}


def test_every_module_has_its_place_in_the_order():
    assert {*TREES} == {*ORDER, *FREE}


@pytest.mark.parametrize("module", sorted(TREES))
def test_a_module_imports_only_from_modules_above_it(module):
    ours = {name.split(".")[1] for name in imported(TREES[module])
            if name.startswith("deap_lossgp.")}  # fmt: skip
    ours &= {*TREES}
    allowed = ORDER[: ORDER.index(module)] if module in ORDER else []
    assert ours <= {*allowed}


@pytest.mark.parametrize("module", [*ABOVE, *FREE])
def test_nothing_above_the_wall_imports_tensorflow(module):
    frameworks = {"tensorflow", "keras"}
    when_called = ("datasets", "tasks", "tensorflow_setup")
    anywhere = module not in when_called
    assert not frameworks & roots(imported(TREES[module], inside_functions=anywhere))


@pytest.mark.parametrize("module", ["elementwise", *DRIVING])
def test_the_driving_process_does_without_tensorflow(module):
    assert not {"tensorflow", "keras"} & roots(imported(TREES[module], inside_functions=False))


@pytest.mark.parametrize("module", sorted(TREES))
def test_matplotlib_is_imported_for_figures_only_and_only_when_called(module):
    anywhere = module not in ("figures", "loss_plots", "tree_plots")
    assert "matplotlib" not in roots(imported(TREES[module], inside_functions=anywhere))


@pytest.mark.parametrize("module", sorted(TREES))
def test_no_module_evaluates_text_or_unpickles(module):
    unsafe = {"pickle", "marshal", "shelve", "joblib", "dill", "cloudpickle"}
    assert not unsafe & roots(imported(TREES[module]))
    for node in ast.walk(TREES[module]):
        if isinstance(node, ast.Name):
            assert node.id not in ("eval", "exec", "compile", "__import__"), node.lineno
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            # DEAP's own compile and reader call eval.
            assert (node.value.id, node.attr) != ("gp", "compile"), node.lineno
            assert not (node.attr == "from_string" and node.value.id in ("gp", "PrimitiveTree"))
        elif isinstance(node, ast.keyword) and node.arg == "allow_pickle":
            assert isinstance(node.value, ast.Constant), node.lineno
            assert node.value.value is False, node.lineno


def run(script, *arguments):
    return subprocess.run([sys.executable, "-W", "error", "-c", script, *arguments],
                          capture_output=True, text=True)  # fmt: skip


IMPORTS = """
import importlib, sys
for name in ["", *sys.argv[1:]]:
    importlib.import_module("deap_lossgp" + name)
    loaded = {"tensorflow", "keras", "matplotlib"} & {*sys.modules}
    assert not loaded, (name, loaded)
    if not name:
        assert "numpy" not in sys.modules, "import deap_lossgp does nothing yet"
"""


def test_importing_what_drives_a_run_loads_neither_tensorflow_nor_matplotlib():
    result = run(IMPORTS, *[f".{name}" for name in [*ABOVE, "elementwise", *DRIVING]])
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
from deap_lossgp.canonical import affine_form, canonical_key
from deap_lossgp.curves import LossCurves
from deap_lossgp.datasets import load_dataset
from deap_lossgp.plotting import plot_generations
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.recording import RunStatistics, logbook_table
from deap_lossgp.screening import accuracy_gain, is_trainable
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


def test_everything_above_the_wall_works_where_tensorflow_is_not_installed():
    result = run(WITHOUT_TENSORFLOW, *ABOVE)
    assert result.returncode == 0, result.stderr
