"""Every command and every block of Python in README.rst and docs/ is run: the commands at tiny
size, on data sets of noise that bear the names of the real ones, and each only once."""

import importlib
import itertools
import random
import re
import shlex
import shutil
from configparser import ConfigParser

import numpy as np
import pytest

pytest.importorskip("tensorflow")

from pages import PAGES, ROOT, blocks, literals, name_of  # noqa: E402

from deap_lossgp.commands.program import main as lossgp  # noqa: E402
from deap_lossgp.commands.table import COMMANDS  # noqa: E402
from deap_lossgp.export import export_loss  # noqa: E402
from deap_lossgp.found_losses import KNOWN_LOSSES, FoundLoss  # noqa: E402
from deap_lossgp.psets import loss_primitive_set  # noqa: E402
from deap_lossgp.trees import LossTree  # noqa: E402

COMMAND = re.compile(r"^(pip|python|ray|tensorboard|sphinx-build|lossgp) ")
PRINTED = "Best loss:"  # what a command prints
PYTHON = [(name_of(page), number, text) for page in PAGES
          for number, text in enumerate(blocks(page))
          if not COMMAND.match(text) and PRINTED not in text]
LINES = [" ".join(line.split()) for page in PAGES for text in blocks(page) if COMMAND.match(text)
         for line in text.replace("\\\n", " ").splitlines()]
LINES += [text for page in PAGES for text in literals(page) if COMMAND.match(text)]
SEARCH = ("--population 3 --generations 1 --epochs 1 --train-size 200 --test-seeds 1 "
          "--max-size 20 --workers 0 --data-dir {data}")
TINY = {
    "evolve": f"--model small_cnn {SEARCH} --final-epochs 1",
    "compare": f"--model small_cnn {SEARCH} --replicates 1",
    "search-benchmark": f"--model small_cnn {SEARCH} --replicates 1",
    "train": "--model small_cnn --epochs 1 --train-size 200 --seeds 2 --data-dir {data}",
    "reuse_in_deap": "--ngen 2 --population 4",
    "atlas": "--losses 4 --epochs 1 --train-size 200 --max-size 20 --workers 0",
    "export": "",
    "describe": "",
}
NAMES = {command.program.removesuffix(".py"): name for name, command in COMMANDS.items()}
ELSEWHERE = "benchmark"  # run by test_examples.py, and too long for twice
SHAPES = {"fashion_mnist": (28, 28, 1), "cifar10": (32, 32, 3), "cifar100": (32, 32, 3)}


def at_tiny_size(line):
    """Returns a command's name and its arguments, where the tiny ones replace those that the line
    gives; None if the line is no command of this package."""
    program, *words = shlex.split(line.split("&&")[-1])
    if program == "python" and words[0].startswith("examples/"):
        name = words[0].removeprefix("examples/").removesuffix(".py")
        name, words = NAMES.get(name, name), words[1:]
    elif program == "lossgp" and words[0] in COMMANDS:
        name, words = words[0], words[1:]
    else:
        return None
    if name == ELSEWHERE:
        return None
    given, tiny = options(words), options(TINY[name].split())
    if any(":" in word for word in given.get("--model", [])):  # a network of the reader's own
        del tiny["--model"]
    if "--losses-of" in given:  # at another budget than that of the table
        tiny["--epochs"] = ["2"]
    kept = {option: values for option, values in given.items() if option not in tiny}
    return name, tuple((option, *values) for option, values in {**kept, **tiny}.items()
                       if option != "--output")


def options(words):
    """Returns {option: its values}, with what comes before all options under ''."""
    found, option = {}, ""
    for word in words:
        if word.startswith("--"):
            option = word
            found[option] = []
        else:
            found.setdefault(option, []).append(word)
    return found


RUNS = [*dict.fromkeys(filter(None, map(at_tiny_size, LINES)))]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A working directory with what the words of the pages stand for."""
    folder = tmp_path_factory.mktemp("recipes")
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
    (folder / "mine.py").write_text("\n\n\n".join(
        text for page, _, text in PYTHON if "def wide" in text or "def late_error" in text))
    pset = loss_primitive_set()
    ngl = FoundLoss("my_run", LossTree.from_string(KNOWN_LOSSES["ngl"], pset), pset)
    (folder / "my_run_torch.py").write_text(export_loss(ngl, "torch"))
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
    assert len(RUNS) > 15 and len(PYTHON) > 12
    assert {name for name, _ in RUNS} == {*TINY}
    assert {page for page, _, _ in PYTHON} > {"README.rst", "docs/guides/deap.rst"}


def test_a_command_is_run_once_however_it_is_written():
    assert at_tiny_size("lossgp export my_run --to torch") == at_tiny_size(
        "python examples/export_loss.py my_run --to torch")
    assert at_tiny_size('pip install -e ".[cpu]" && python examples/evolve_loss.py') == (
        at_tiny_size("lossgp evolve --generations 8 --output my_digits"))
    assert at_tiny_size("lossgp evolve --jit-compile") != at_tiny_size("lossgp evolve")
    assert at_tiny_size("python -m pytest") is None


@pytest.mark.parametrize(
    ("name", "arguments"),
    [pytest.param(*run, id=" ".join([run[0], *itertools.chain(*run[1])])[:70],
                  marks=[pytest.mark.frameworks] * ("ray" in itertools.chain(*run[1])))
     for run in RUNS])
def test_a_command_runs(name, arguments, here, capsys):
    output = here / "out" / str(RUNS.index((name, arguments)))
    words = [word.format(data=here / "data") for words in arguments for word in words if word]
    words += ["--output", str(output)]
    if "ray" in words:
        pytest.importorskip("ray")
        words += ["--gpus-per-training", "0"]
    if name in COMMANDS:
        assert not lossgp([name, *words])
    else:
        assert not importlib.import_module(name).main(words)
    assert capsys.readouterr().out
    assert [*output.iterdir()]


NAMESPACES = {}


FRAMEWORKS = ("torch", "distributed")
WITH_FRAMEWORKS = {page for page, _, text in PYTHON
                   if re.search(rf"\b({'|'.join(FRAMEWORKS)})\b", text)}


@pytest.mark.parametrize(
    ("page", "number", "text"),
    [pytest.param(*block, id="-".join(map(str, block[:2])),
                  marks=[pytest.mark.frameworks] * (block[0] in WITH_FRAMEWORKS))
     for block in PYTHON])
def test_a_block_of_python_runs_after_those_before_it_on_its_page(page, number, text, here):
    for module in (*FRAMEWORKS, "mlflow", "wandb"):
        if re.search(rf"\b{module}\b", text):
            pytest.importorskip(module)
    program = compile(text, f"{page}, block {number}", "exec")
    exec(program, NAMESPACES.setdefault(page, {"__name__": "page"}))


def test_the_functions_in_pytorch_are_what_is_exported_for_the_loss_that_was_printed():
    (printed,) = [text for page in PAGES for text in blocks(page) if PRINTED in text]
    expression = printed.partition(PRINTED)[2].splitlines()[0].strip()
    pset = loss_primitive_set()
    exported = export_loss(FoundLoss("", LossTree.from_string(expression, pset), pset), "torch")
    (shown,) = [text for _, _, text in PYTHON if "def elementwise" in text]
    assert shown in exported.split("\n\n\n")


def test_every_extra_that_is_installed_is_one_of_ours():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = {extra for line in LINES for group in re.findall(r"\[([a-z,]+)\]", line)
              for extra in group.split(",")}
    assert extras <= {*config["options.extras_require"]} and extras
