"""The program ``lossgp``: its commands, their names in what they print, and how fast they start."""

import subprocess
import sys
from configparser import ConfigParser
from importlib import import_module
from pathlib import Path

import pytest

from deap_lossgp import __version__
from deap_lossgp.commands.parser import CommandParser
from deap_lossgp.commands.program import main
from deap_lossgp.commands.table import COMMANDS, Command

ROOT = Path(__file__).parents[2]


def ended(*argv, capsys, **options):
    with pytest.raises(SystemExit) as stop:
        main([*argv], **options)
    return stop.value.code, *capsys.readouterr()


def python(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, check=False)


def test_the_programs_help_names_every_command(capsys):
    status, out, _ = ended("--help", capsys=capsys)
    assert status == 0 and out.startswith("usage: lossgp ")
    shown = " ".join(out.split())
    assert all(f"{name} {command.summary}" in shown for name, command in COMMANDS.items())
    assert main([]) == 2 and capsys.readouterr().out == out


def test_the_version_is_the_packages(capsys):
    assert ended("--version", capsys=capsys)[:2] == (0, f"deap_lossgp {__version__}\n")


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_and_its_example_have_the_same_help_but_for_their_names(name, capsys,
                                                                          monkeypatch):
    program = COMMANDS[name].program
    monkeypatch.setenv("COLUMNS", "1000")
    _, ours, _ = ended(name, "--help", capsys=capsys)
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    monkeypatch.setattr(sys, "argv", [f"examples/{program}", "--help"])
    with pytest.raises(SystemExit):
        import_module(Path(program).stem).main()
    example = capsys.readouterr().out
    assert ours.startswith(f"usage: lossgp {name} ") and example.startswith(f"usage: {program} ")
    usage, ours = ours.split("\n\n", 1)
    assert ours == example.split("\n\n", 1)[1] and "--output DIR" in usage


def test_every_example_but_that_for_deap_is_a_command():
    files = {path.name for path in (ROOT / "examples").glob("*.py")}
    assert {command.program for command in COMMANDS.values()} == files - {"reuse_in_deap.py"}
    modules = {Command.module_of(name).rpartition(".")[2] for name in COMMANDS}
    wing = {path.stem for path in (ROOT / "deap_lossgp" / "commands").glob("*.py")}
    assert wing - modules == {"__init__", "options", "parser", "program", "table"}


@pytest.mark.parametrize(("argv", "message"), [
    (["evlove"], "unknown command 'evlove': did you mean 'evolve'? known: atlas, benchmark, "),
    (["--hlep"], "unknown option '--hlep': did you mean '--help'?"),
    (["evolve", "--sede", "1"], "unknown option '--sede': did you mean '--seed'?"),
    (["export", "ngl"], "the following arguments are required: --to; --to is one of keras, "),
    (["export", "nlg", "--to", "text"], "unknown loss 'nlg': did you mean 'ngl'?"),
])
def test_bad_input_is_one_line_under_the_name_that_was_typed(argv, message, capsys):
    status, out, error = ended(*argv, capsys=capsys)
    name = f"lossgp {argv[0]}" if argv[0] in COMMANDS else "lossgp"
    assert (status, out, error.count("\n")) == (2, "", 1)
    assert error.startswith(f"{name}: error: {message}")


def test_python_m_is_the_same_program():
    for argv, start in ((["describe", "--help"], "usage: python -m deap_lossgp describe "),
                        (["--help"], "usage: python -m deap_lossgp ")):
        process = python("-m", "deap_lossgp", *argv)
        assert process.returncode == 0 and process.stdout.startswith(start)
    process = python("-m", "deap_lossgp", "describe", "nlg")
    assert process.returncode == 2
    assert process.stderr.startswith("python -m deap_lossgp describe: error: unknown loss 'nlg'")
    assert python("-m", "deap_lossgp").returncode == 2


def test_help_says_how_to_begin(capsys):
    _, out, _ = ended("--help", capsys=capsys)
    assert "Start with lossgp evolve," in " ".join(out.split())
    _, out, _ = ended("evolve", "--help", capsys=capsys)
    assert "  lossgp evolve --datasets my_images --image-size 32 --output my_run\n" in out


LAZY = """
import sys
from deap_lossgp.commands.program import main

heavy = {"tensorflow", "keras", "matplotlib", "torch", "ray"}
for argv in [], ["--help"], *([name, "--help"] for name in sys.argv[1:]):
    try:
        main(argv)
    except SystemExit:
        pass
    if len(argv) < 2:
        assert not {"numpy", "pandas", "deap"} & {*sys.modules}, argv
    assert not heavy & {*sys.modules}, (argv, heavy & {*sys.modules})
"""


def test_help_loads_neither_tensorflow_nor_matplotlib():
    process = python("-c", LAZY, *COMMANDS)
    assert process.returncode == 0, process.stderr


def test_a_hint_names_another_command_as_this_one_was_called(tmp_path, monkeypatch):
    def hint(program=None, prog=None):
        if program is not None:
            monkeypatch.setattr(sys, "argv", [program])
        return CommandParser("", prog=prog).call_of("describe")

    assert hint(prog="lossgp evolve") == "lossgp describe"
    assert hint(prog="python -m deap_lossgp evolve") == "python -m deap_lossgp describe"
    (tmp_path / "my examples").mkdir()
    (tmp_path / "my examples" / "describe_loss.py").touch()
    monkeypatch.chdir(tmp_path)
    assert hint("my examples/evolve_loss.py") == "python 'my examples/describe_loss.py'"
    assert hint("elsewhere/evolve_loss.py") == hint("") == "lossgp describe"


STOPPED = """
import sys
from deap_lossgp.commands.parser import CommandParser, resumable

sys.argv[0] = "my examples/evolve_loss.py"
with resumable(CommandParser("", prog=sys.argv[1] or None), ["--output", "it's 1"]):
    raise KeyboardInterrupt
"""


@pytest.mark.parametrize(("prog", "call"), [
    ("lossgp evolve", "lossgp evolve"), ("python -m deap_lossgp evolve",) * 2,
    ("", "python 'my examples/evolve_loss.py'"),
])
def test_a_stopped_command_says_how_it_goes_on(prog, call):
    process = python("-c", STOPPED, prog)
    assert process.returncode == 130
    first, second = process.stderr.splitlines()
    assert first.startswith(f"{prog or 'evolve_loss.py'}: stopped. ")
    assert second == f"""{call} --output 'it'"'"'s 1'"""


def test_the_installed_program_is_this_one_and_the_citation_has_its_version():
    config = ConfigParser()
    config.read(ROOT / "setup.cfg")
    script = config["options.entry_points"]["console_scripts"].strip()
    assert script == f"lossgp = {main.__module__}:main"
    citation = (ROOT / "CITATION.cff").read_text().splitlines()
    assert f"version: {__version__}" in citation
    assert f"  - name: {config['metadata']['author']}" in citation
