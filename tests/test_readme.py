"""Every command and every block of Python in README.rst is run: the commands at tiny size, on data
sets of noise that bear the names of the real ones."""

import importlib
import random
import re
import shlex
import shutil
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tensorflow")
docutils = pytest.importorskip("docutils.core")

from docutils import nodes  # noqa: E402

from deap_lossgp.export import export_loss  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES, FoundLoss  # noqa: E402
from deap_lossgp.psets import loss_primitive_set  # noqa: E402
from deap_lossgp.trees import LossTree  # noqa: E402

ROOT = Path(__file__).parents[1]
README = docutils.publish_doctree((ROOT / "README.rst").read_text("utf-8"))
COMMAND = re.compile(r"^(pip|python|ray|tensorboard) ")
BLOCKS = [block.astext() for block in README.findall(nodes.literal_block)]
SHELL = [text for text in BLOCKS if COMMAND.match(text)]
PRINTED = "Best loss:"  # what a command prints
PYTHON = [text for text in BLOCKS if text not in SHELL and not text.startswith(PRINTED)]
COMMANDS = [" ".join(line.split()) for text in SHELL
            for line in text.replace("\\\n", " ").splitlines()]
COMMANDS += [" ".join(literal.astext().split()) for literal in README.findall(nodes.literal)
             if COMMAND.match(literal.astext())]
ELSEWHERE = "benchmark_evaluation.py"  # run by test_examples.py, and too long for twice
EXAMPLES = [part.strip() for command in COMMANDS for part in command.split("&&")
            if part.strip().startswith("python examples/") and ELSEWHERE not in part]
SEARCH = ("--model small_cnn --population 3 --generations 1 --epochs 1 --train-size 200 "
          "--test-seeds 1 --max-size 20 --workers 0 --output {output} --data-dir {data}")
TINY = {
    "evolve_loss": f"{SEARCH} --final-epochs 1",
    "compare_algorithms": f"{SEARCH} --replicates 1",
    "benchmark_search": f"{SEARCH} --replicates 1",
    "train_with_loss": "--model small_cnn --epochs 1 --train-size 200 --seeds 2 --output {output} "
                       "--data-dir {data}",
    "reuse_in_deap": "--ngen 2 --population 4 --output {output}",
    "loss_atlas": "--losses 4 --epochs 1 --train-size 200 --max-size 20 --workers 0 "
                  "--output {output}",
    "export_loss": "--output {output}",
    "describe_loss": "--output {output}",
}
SHAPES = {"fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3), "cifar100": (32, 32, 3)}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working directory with what the README's words stand for."""
    folder = tmp_path_factory.mktemp("readme")
    rng = np.random.default_rng(0)
    (folder / "data").mkdir()
    for name, shape in SHAPES.items():
        x, y = rng.integers(0, 256, (400, *shape), np.uint8), np.arange(400) % 10
        np.savez(folder / "data" / f"{name}.npz", x_train=x, y_train=y, x_test=x, y_test=y)
    for label in ("cat", "dog"):
        for number in range(140):
            _photo(folder / "my_images" / label / f"{number}.png", rng)
    (folder / "my_run").mkdir()
    (folder / "my_run" / "best_loss.json").write_text(
        f'{{"expression": "{KNOWN_LOSSES["ngl"]}", "primitives": "protected"}}')
    shutil.copytree(ROOT / "examples", folder / "examples")
    return folder


def _photo(path, rng):
    from PIL import Image

    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(rng.integers(0, 256, (20, 24, 3), np.uint8)).save(path)


@pytest.fixture
def here(folder, monkeypatch):
    monkeypatch.chdir(folder)
    monkeypatch.syspath_prepend(str(folder))
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    state = random.getstate()
    yield folder
    random.setstate(state)


def test_there_is_something_to_run():
    assert len(EXAMPLES) > 10 and len(PYTHON) > 10


@pytest.mark.parametrize("command", EXAMPLES)
def test_a_command_runs(command, here, capsys):
    _, script, *arguments = shlex.split(command)
    name = Path(script).stem
    if "ray" in arguments:
        pytest.importorskip("ray")
        arguments += ["--gpus-per-training", "0"]
    output = here / "out" / str(EXAMPLES.index(command))
    tiny = TINY[name].format(output=output, data=here / "data").split()
    assert not importlib.import_module(name).main([*arguments, *tiny])
    assert capsys.readouterr().out
    assert [*output.iterdir()]


NAMESPACE = {}


@pytest.mark.parametrize("number", range(len(PYTHON)))
def test_a_block_of_python_runs_after_those_before_it(number, here):
    text = PYTHON[number]
    for module in ("torch", "distributed", "mlflow", "wandb"):
        if re.search(rf"\b{module}\b", text):
            pytest.importorskip(module)
    program = compile(text, f"README.rst, block {number}", "exec")
    NAMESPACE.setdefault("__name__", "readme")
    exec(program, NAMESPACE)


def test_the_functions_in_pytorch_are_what_is_exported_for_the_loss_that_was_printed():
    (printed,) = [text for text in BLOCKS if text.startswith(PRINTED)]
    expression = printed.splitlines()[0].removeprefix(PRINTED).strip()
    pset = loss_primitive_set()
    exported = export_loss(FoundLoss("", LossTree.from_string(expression, pset), pset), "torch")
    (shown,) = [text for text in PYTHON if "torch." in text]
    assert shown in exported.split("\n\n\n")


def test_every_extra_that_is_installed_is_one_of_ours():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = {extra for command in COMMANDS for group in re.findall(r"\[([a-z,]+)\]", command)
              for extra in group.split(",")}
    assert extras <= {*config["options.extras_require"]} and extras
