"""Exported files: how they look, their scale, what strangers' names do to them, and the command."""

import ast
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from exported import PSET, found, known_and_random_losses, logits_and_labels, loss_object

from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.export.files import TARGETS, export_loss, file_name
from deap_lossgp.export.names import class_name, identifier
from deap_lossgp.found_losses import KNOWN_LOSSES, read_loss

ROOT = Path(__file__).parents[2]
PYTHON_TARGETS = [name for name, target in TARGETS.items() if target.ending.endswith(".py")]


# As if written by hand


@pytest.mark.parametrize("to", PYTHON_TARGETS)
def test_exported_python_is_formatted_and_without_fault(to, tmp_path):
    names = [(tmp_path / f"{index}.py", loss) for index, loss in
             enumerate(known_and_random_losses(PSET, seed=4, count=15))]
    for path, loss in names:
        path.write_text(export_loss(loss, to, scale="cross_entropy"))
        assert max(map(len, path.read_text().splitlines())) <= 99
    for command in (["check", "--isolated", "--select", "E,F,W,I,B,UP,SIM,RET,PIE,A,C4",
                     "--line-length", "99"],
                    ["format", "--check", "--isolated"],
                    ["format", "--check", "--isolated", "--line-length", "99"]):
        process = subprocess.run([sys.executable, "-m", "ruff", *command, str(tmp_path)],
                                 capture_output=True, text=True, check=False)
        if "No module named ruff" in process.stderr:
            pytest.skip("needs ruff")
        assert process.returncode == 0, process.stdout[-3000:]


def test_cross_entropy_is_one_line():
    assert "    return -(y_true * torch.log(y_pred))\n" in export_loss(
        read_loss("cross_entropy"), "torch")
    assert "def _" not in export_loss(read_loss("cross_entropy"), "keras").partition("class")[0]
    assert "Here" not in export_loss(read_loss("cross_entropy"), "latex")


def test_the_text_tells_what_is_known_of_a_run():
    loss = found(KNOWN_LOSSES["baikal"], name="digits-seed0", wins=1.0, improvement=0.0125,
                 fitness="error",
                 validation={"digits": {"accuracy": 0.95, "loss": 0.1, "status": "ok"}},
                 test_accuracy={"digits": {"evolved": [0.9, 0.92], "cross_entropy": [0.9, None]}})
    text = " ".join(export_loss(loss, "text").split())
    for fact in ("Expression: neg(sub(log(y_pred), div(y_true, y_pred)))", "From digits-seed0.",
                 "(error): data sets won against cross entropy: 1, improvement +0.0125.",
                 "digits: validation accuracy in the search 0.9500, test accuracy 0.9100, mean of "
                 "2, with cross entropy 0.9000, mean of 1.",
                 "of the true class -7.04e+13 to -2, of the others -8.39e+06 to -1.",
                 "loss = y_true / y_pred - log(y_pred)",
                 "Here a / b stands for max(-1e18, min(1e18, a * (b / (b**2 + 1e-20))))."):
        assert fact in text, fact


def test_a_slope_of_zero_has_no_sign_in_the_text():
    text = " ".join(export_loss(read_loss("cross_entropy"), "text").split())
    assert "of the true class -8.39e+06 to -1, of the others 0 to 0." in text


# Scale


@pytest.mark.frameworks
def test_the_scale_multiplies_the_mean_over_the_classes(load):
    torch = pytest.importorskip("torch")
    logits, labels = map(torch.tensor, logits_and_labels())
    loss = read_loss("ngl")
    once, thrice = (loss_object(load(loss, "torch", scale=scale), loss)(logits, labels)
                    for scale in (1.0, 3.0))
    assert thrice.item() == pytest.approx(3.0 * once.item(), rel=1e-12)


def test_the_scale_of_cross_entropy_is_that_at_which_evolution_trains():
    loss = read_loss("ngl")
    factor = 0.5 / LossCurves.of(loss.tree, loss.pset).gradient_scale
    assert f"\nSCALE = {factor!r}\n" in export_loss(loss, "torch", scale="cross_entropy")
    assert f"L &= {factor!r} \\sum" in export_loss(loss, "latex", scale="cross_entropy")
    assert f"is {factor!r} times the sum of" in export_loss(loss, "text", scale="cross_entropy")


@pytest.mark.parametrize("scale", [0.0, -1.0, float("nan"), float("inf"), "2", "mse", None, True])
def test_another_scale_is_refused(scale):
    with pytest.raises(ValueError, match="the scale is a positive number or 'cross_entropy', got"):
        export_loss(read_loss("mse"), "torch", scale=scale)


def test_a_loss_without_gradient_has_no_scale():
    with pytest.raises(ValueError, match="no gradient to bring to the scale of cross entropy"):
        export_loss(found("y_true"), "torch", scale="cross_entropy")


def test_an_unknown_target_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="unknown target 'pytorch': did you mean 'torch'?"):
        export_loss(read_loss("mse"), "pytorch")


# Strangers' files


HOSTILE = [
    '"""\nimport os\nos.system("touch executed")\n"""', "'''); open('executed', 'w')", "\\",
    "a\\", 'x" + open("executed", "w").name + "', "\r\nimport os", "größe ∑", "\x00\x1b[31m",
    "$(touch executed)", "\\input{/etc/passwd}", "%\n\\input{x}", "{class_name}", "$name", "__",
    "1", "class", "None", "", " ", "x" * 5000, "../../evil", "a\u2028b",
]  # fmt: skip


def hostile_record(text):
    return {
        "wins": text, "improvement": 10**400, "fitness": text, text: text,
        "validation": {text: {"accuracy": 0.5, "status": text}, "digits": {"accuracy": text},
                       "more": [text]},
        "test_accuracy": {text: {"evolved": [0.5, text, float("nan"), True],
                                 "cross_entropy": text}, "digits": text},
    }  # fmt: skip


@pytest.mark.parametrize("text", HOSTILE)
def test_names_in_strangers_files_are_made_plain(text, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loss = found(KNOWN_LOSSES["ngl"], name=text, **hostile_record(text))
    plain = found(KNOWN_LOSSES["ngl"], name="plain")
    for to in TARGETS:
        written = export_loss(loss, to)
        assert written.isascii() and re.fullmatch(r"[\x20-\x7e\n]*", written)
        assert re.fullmatch(r"[A-Za-z]\w*(_\w+)?\.\w+", file_name(loss, to), re.ASCII)
        for command in ("\\input", "os.system(", "open(", "$(touch"):
            assert command not in written
        if to in PYTHON_TARGETS:
            # Nothing but docstrings and names differs from the file of a plain name.
            assert skeleton(written, loss) == skeleton(export_loss(plain, to), plain)
        if to == "latex":
            bodies = [w.partition("\\documentclass") for w in (written, export_loss(plain, to))]
            assert bodies[0][2] == bodies[1][2]
            assert all(line.startswith("%") for line in bodies[0][0].splitlines())


def skeleton(text, loss):
    tree = ast.parse(text)
    assert isinstance(tree.body[0].value, ast.Constant)
    code = ast.unparse(tree.body[1:])
    return code.replace(class_name(loss.name), "CLASS").replace(
        repr(identifier(loss.name)), "NAME")


def test_a_strangers_file_is_exported_from_the_command_line(tmp_path):
    path = tmp_path / "it's.json"
    path.write_text(json.dumps({"expression": KNOWN_LOSSES["mse"], **hostile_record(HOSTILE[0])}))
    export_command([str(path), "--to", "torch", "--output", str(tmp_path / "out")])
    (file,) = (tmp_path / "out").iterdir()
    assert file.name == "it_s_torch.py" and not (tmp_path / "executed").exists()
    assert ast.parse(file.read_text())


# The command


def export_command(arguments, cwd=None, status=0):
    process = subprocess.run([sys.executable, str(ROOT / "examples" / "export_loss.py"),
                              *arguments], cwd=cwd, capture_output=True, text=True, check=False)
    assert process.returncode == status, process.stderr
    return process


@pytest.mark.parametrize("to", TARGETS)
def test_the_command_writes_a_file_and_says_where(to, tmp_path):
    output = export_command(["ngl", "--to", to], cwd=tmp_path).stdout
    written = (tmp_path / file_name(read_loss("ngl"), to)).read_text()
    assert written == export_loss(read_loss("ngl"), to)
    name = file_name(read_loss("ngl"), to)
    assert f"Written to {name}" in output.splitlines()
    use = f"Use it with: from {Path(name).stem} import NglLoss"
    assert (use in output.splitlines()) == TARGETS[to].defines_class
    assert ("NglLoss()" in output.split("Written to ")[1]) == TARGETS[to].defines_class
    assert ("With --scale cross_entropy" in output) == TARGETS[to].defines_class
    assert (written in output) == (not TARGETS[to].defines_class)


def test_the_output_is_a_folder_or_a_file(tmp_path):
    export_command(["mse", "--to", "torch", "--output", "a/b", "--scale", "2.5"], cwd=tmp_path)
    export_command(["mse", "--to", "torch", "--output", "c/loss.py", "--scale", "cross_entropy"],
                   cwd=tmp_path)
    assert "\nSCALE = 2.5\n" in (tmp_path / "a" / "b" / "mse_torch.py").read_text()
    assert ".sum(axis)\n" in (tmp_path / "c" / "loss.py").read_text()


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (["ngl"], "--to"),
        (["ngl", "--to", "onnx"], "'onnx'"),
        (["ngll", "--to", "torch"], "did you mean 'ngl'?"),
        (["ngl", "--to", "torch", "--scale", "big"], "--scale: expected a number"),
        (["ngl", "--to", "torch", "--scale", "-1"], "the scale is a positive number"),
        (["ngl", "--to", "torch", "--output", "file/below"], "file"),
    ],
)
def test_bad_input_is_one_line_and_status_2(arguments, fault, tmp_path):
    (tmp_path / "file").write_text("")
    error = export_command(arguments, cwd=tmp_path, status=2).stderr
    assert error.count("\n") == 1 and fault in error
