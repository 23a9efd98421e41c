"""Runs and the command: real trainings on digits, in processes of their own."""

import csv
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import bare
import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "examples"))
import evolve_loss  # noqa: E402

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, str(ROOT / "examples" / "evolve_loss.py")]
SMALL = ["--population", "4", "--generations", "2", "--epochs", "1", "--test-seeds", "1",
         "--max-size", "30", *bare.OPTIONS]


def evolve(*options, cwd, hash_seed="0"):
    return subprocess.run(
        [*COMMAND, *options], cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONHASHSEED": hash_seed},
    )


def rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def without_seconds(path):
    return [{k: v for k, v in row.items() if k != "seconds"} for row in rows(path)]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A finished run: its folder, and what the command printed."""
    folder = tmp_path_factory.mktemp("run")
    process = evolve(*SMALL, "--output", "here", cwd=folder)
    assert process.returncode == 0, process.stderr
    return folder / "here", process


def test_the_command_says_what_came_out_and_where_it_lies(finished):
    folder, process = finished
    best = json.loads((folder / "best_loss.json").read_text())
    assert f"Best loss:  {best['expression']}" in process.stdout
    assert "Accuracy on the test set" in process.stdout and "cross entropy" in process.stdout
    assert "on curves" in process.stdout and "on the exact path" in process.stdout
    assert "Results in here/" in process.stdout and "\nPage: here/report.html, " in process.stdout
    assert "Evolving a loss" not in process.stderr, "only on a terminal"
    assert "Traceback" not in process.stderr and "oneDNN" not in process.stderr


def test_the_folder_holds_the_contracts_files(finished):
    folder, process = finished
    statistics = [f"{chapter}_{name}" for chapter in ("wins", "improvement", "size")
                  for name in ("avg", "std", "min", "max")]
    logbook = rows(folder / "logbook.csv")
    assert list(logbook[0]) == ["gen", "nevals", "ntrained", "nscreened", "ncached", "nstopped",
                                "epochs", "seconds", "nstopped_1", "nstopped_3", "nmade",
                                "nchosen", "predicted_rank", *statistics]
    assert {row["predicted_rank"] for row in logbook} == {""}, "nothing is preselected here"
    for row in logbook:
        assert int(row["nmade"]) == int(row["nevals"]) + int(row["nscreened"])
    # P = 4 gives G = 3 and N = 1.
    assert [row["nevals"] for row in logbook] == ["4", "1", "1"]
    assert all(int(r["nevals"]) == int(r["ntrained"]) + int(r["ncached"]) for r in logbook)
    discarded = int(re.search(r"(\d+) trees were not valid", process.stdout)[1])
    assert discarded == sum(int(r["nscreened"]) for r in logbook) > 0
    individuals = rows(folder / "individuals.csv")
    assert list(individuals[0]) == ["gen", "index", "expression", "size", "height", "wins",
                                    "improvement", "accuracy_digits", "loss_digits"]
    assert [(r["gen"], r["index"]) for r in individuals] == [
        (str(gen), str(index)) for gen in range(3) for index in range(4)
    ]
    run = json.loads((folder / "run.json").read_text())
    assert run["seed"] == 0 and run["settings"]["population"] == 4
    assert {"deap", "keras", "python"} <= set(run["versions"])
    for name in ("generations.png", "individuals.png", "funnel.png", "learning_curves.png"):
        assert (folder / name).read_bytes().startswith(b"\x89PNG")


def test_the_best_loss_is_the_best_individual_and_reads_back(finished):
    from deap_lossgp.psets import loss_primitive_set
    from deap_lossgp.trees import LossTree

    folder, _ = finished
    text = (folder / "best_loss.json").read_text()
    best = json.loads(text)
    tree = LossTree.from_json(text, loss_primitive_set())
    assert str(tree) == best["expression"]
    ranks = [(float(r["wins"]), float(r["improvement"])) for r in
             rows(folder / "individuals.csv")]
    assert (best["wins"], best["improvement"]) == max(ranks)
    assert len(best["test_accuracy"]["digits"]["evolved"]) == 1


def test_fitness_is_the_improvement_in_accuracy_over_cross_entropy(finished):
    folder, _ = finished
    differences = {
        round(float(r["improvement"]) - float(r["accuracy_digits"]), 9)
        for r in rows(folder / "individuals.csv") if r["accuracy_digits"]
    }
    assert len(differences) == 1, "all are measured against one baseline"


def test_the_same_seed_gives_the_same_files_in_another_process(finished, tmp_path):
    folder, _ = finished
    assert evolve(*SMALL, "--output", "again", cwd=tmp_path, hash_seed="77").returncode == 0
    again = tmp_path / "again"
    assert (folder / "individuals.csv").read_bytes() == (again / "individuals.csv").read_bytes()
    assert (folder / "best_loss.json").read_bytes() == (again / "best_loss.json").read_bytes()
    assert without_seconds(folder / "logbook.csv") == without_seconds(again / "logbook.csv")


def test_another_seed_gives_other_individuals(finished, tmp_path):
    folder, _ = finished
    process = evolve(*SMALL, "--seed", "1", "--algorithm", "archive", "--fitness", "thesis",
                     "--plain", "--output", "other", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    other = rows(tmp_path / "other" / "individuals.csv")
    mine = rows(folder / "individuals.csv")
    assert {r["expression"] for r in other}.isdisjoint({r["expression"] for r in mine})
    # The archive makes P children in each generation.
    assert [r["nevals"] for r in rows(tmp_path / "other" / "logbook.csv")] == ["4", "4", "4"]


def test_the_same_command_may_run_again_and_another_may_not_use_its_folder(finished):
    folder, _ = finished
    process = evolve(*SMALL, "--seed", "5", "--output", folder.name, cwd=folder.parent)
    assert process.returncode == 2
    assert "holds another run, with seed 0 instead of 5" in process.stderr
    assert process.stderr.count("\n") == 1


def npz(path, **changes):
    images = np.zeros((40, 6, 6, 1), np.uint8)
    labels = np.arange(40) % 4
    arrays = {"x_train": images, "y_train": labels, "x_test": images, "y_test": labels}
    np.savez(path, **{**arrays, **changes})


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--datasets", "digit"], "did you mean 'digits'?"),
        (["--model", "smal_cnn"], "did you mean 'small_cnn'?"),
        (["--algorithm", "archiv"], "did you mean 'archive'?"),
        (["--fitness", "eror"], "did you mean 'error'?"),
        (["--fitness", "faulty_fitness:misspelt"], "no attribute 'acuracy'"),
        (["--fitness", "faulty_fitness:forgets"], "expected a number, got None"),
        (["--fitness", "math:sqrt"], "expected a number for the result on digits"),
        (["--fitness", "faulty_fitness:writes"], "got TypeError: the text '0.3'"),
        (["--population", "0"], "population must be at least 1, got 0"),
        (["--population", "many"], "--population"),
        (["--generations", "-1"], "generations must be at least 0, got -1"),
        (["--sample-size", "9"], "--sample-size must be in 1..8"),
        (["--parents", "7"], "--parents must be in 1..6 (G, the --sample-size), got 7"),
        (["--epochs", "0"], "--epochs must be an integer of at least 1, got 0"),
        (["--crossover", "1.5"], "--crossover must lie in [0, 1], got 1.5"),
        (["--learning-rate", "nan"], "--learning-rate must be positive"),
        (["--learning-rate", "1e30", "--output", "baseline"], "cross-entropy baseline failed"),
        (["--seed", str(2**32)], "below 2**32"),
        (["--seed-losses", "nlg"], "did you mean 'ngl'?"),
        (["--seed-losses", *["ngl"] * 9], "at most the population, 8, got 9"),
        (["--finalists", "1"], "finalists must be 0 or at least 2, got 1"),
        (["--validation-size", "5000"], "--validation-size"),
        (["--search", "thesis", "--validation-size", "50"], "expected --validation-size or"),
        (["--algorithm", "archive", "--parents", "2"], "the archive algorithm has none"),
        (["--train-size", "1000000"], "--train-size"),
        (["--colour", "red"], "unknown option '--colour'"),
        (["--datasets", "digits", "digits"], "distinct names"),
        (["--datasets", "wrong", "--data-dir", "."], "wrong.npz"),
        (["--datasets", "damaged", "--data-dir", "."], "damaged.npz"),
        (["--datasets", "empty_class", "--data-dir", "."], "class 2"),
        (["--output", "file/folder"], "file"),
    ],
)
def test_bad_input_is_one_line_and_status_2_before_any_training(
    options, message, tmp_path, monkeypatch, capsys
):
    npz(tmp_path / "wrong.npz", x_train=np.zeros((40, 6), np.uint8))
    npz(tmp_path / "damaged.npz")
    content = bytearray((tmp_path / "damaged.npz").read_bytes())
    content[len(content) // 2:] = b""
    (tmp_path / "damaged.npz").write_bytes(content)
    npz(tmp_path / "empty_class.npz", y_train=np.array([0, 1, 3, 3] * 10))
    (tmp_path / "file").write_text("not a folder")
    (tmp_path / "faulty_fitness.py").write_text(
        "def misspelt(result):\n    return result.acuracy\n\n"
        "def forgets(result):\n    1.0 - result.accuracy\n\n"
        "def writes(result):\n    return '0.3'\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit_:
        evolve_loss.main(options)
    printed = capsys.readouterr()
    assert exit_.value.code == 2
    assert message in printed.err
    assert printed.err.count("\n") == 1 and not printed.out
    assert not (tmp_path / "runs").exists()


NETWORKS = """
def none(**options):
    raise OSError("there is none")
"""


@pytest.mark.parametrize("output", [None, "new/folder", "mine"])
def test_a_network_that_cannot_be_built_leaves_no_folder_but_the_users_own(
        output, tmp_path, monkeypatch, capsys):
    (tmp_path / "no_networks.py").write_text(NETWORKS)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(SystemExit) as exit_:
        evolve_loss.main(["--model", "no_networks:none", *(["--output", output] if output else [])])
    assert exit_.value.code == 2 and "there is none" in capsys.readouterr().err
    left = {path for path in tmp_path.rglob("*") if "__pycache__" not in path.parts}
    assert left - {*before} <= {*(tmp_path / "mine").iterdir()} and left >= {*before}


def test_what_a_users_fitness_imports_says_nothing_but_what_python_says(tmp_path):
    (tmp_path / "with_keras.py").write_text(
        "import sys\nimport keras\nprint('from Python', file=sys.stderr)\n")
    program = Path(evolve_loss.__file__)
    process = subprocess.run(
        [sys.executable, program, "--fitness", "with_keras:misspelt"], cwd=tmp_path,
        capture_output=True, text=True, check=False,
        env={name: value for name, value in os.environ.items() if name != "TF_CPP_MIN_LOG_LEVEL"})
    said, error = process.stderr.splitlines()
    assert said == "from Python" and "misspelt" in error and process.returncode == 2


def test_bad_input_leaves_a_folder_of_the_users_as_it_was(tmp_path, monkeypatch, capsys):
    (tmp_path / "letter.txt").write_text("mine")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit):
        evolve_loss.main(["--datasets", "digit", "--output", "."])
    assert "did you mean 'digits'?" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["letter.txt"]


def test_a_path_of_images_has_one_spelling():
    from deap_lossgp.search.settings import RunSettings

    one, other = (RunSettings(datasets=(name, "digits")) for name in ("a/photos", "a//photos/"))
    assert one == other and one.datasets == ("a/photos", "digits")


def test_evaluations_are_counted_before_they_are_made():
    from deap_lossgp.search.settings import RunSettings

    for p, n in ((4, 1), (8, 3), (10, 3), (20, 7)):
        for t in (0, 4, 12):
            def asked(algorithm, p=p, t=t):
                return RunSettings(
                    algorithm=algorithm, population=p, generations=t
                ).evaluations

            assert asked("sample-tournament") == p + t * n
            assert asked("archive") == p + t * p
            assert asked("random") == p + t * n
