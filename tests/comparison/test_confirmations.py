"""Losses trained side by side: the folder, going on, what is refused, and the command."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

pytest.importorskip("tensorflow")

from deap_lossgp.comparison import confirmations  # noqa: E402
from deap_lossgp.comparison.confirmations import train_with_losses  # noqa: E402
from deap_lossgp.comparison.settings import ConfirmationSettings  # noqa: E402
from deap_lossgp.found_losses import read_loss  # noqa: E402
from deap_lossgp.primitives import PROTECTED  # noqa: E402
from deap_lossgp.search import experiments  # noqa: E402
from deap_lossgp.training import keras_trainer  # noqa: E402
from deap_lossgp.training.results import TrainingResult  # noqa: E402
from deap_lossgp.training.tasks import Task  # noqa: E402
from deap_lossgp.user_functions import source_of  # noqa: E402

EXAMPLE = Path(__file__).parents[2] / "examples" / "train_with_loss.py"
TINY = {"models": "faulty:linear", "epochs": 1, "train_size": 200, "progress": False}
DIVERGES = {"expression": "neg(mul(y_true, log(sub(y_pred, 0.5))))", "primitives": "plain"}


def write_loss(folder, name, content):
    path = folder / f"{name}.json"
    path.write_text(json.dumps(content))
    return path


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """Cross entropy, a loss that diverges, cross entropy as another loss, and NGL: (folder, what to
    call again, result)."""
    folder = tmp_path_factory.mktemp("confirmation")
    entropy = {"expression": str(read_loss("cross_entropy").tree)}
    losses = [str(write_loss(folder, name, content))
              for name, content in (("diverges", DIVERGES), ("mine", entropy))]
    call = {**TINY, "losses": losses, "tasks": "digits", "seeds": 2, "epochs": 5,
            "output": folder / "out"}
    return folder / "out", call, train_with_losses(**call)


class Trainer:
    """In place of ``KerasTrainer``: trains at once, and notes it."""

    made = []
    stop_at = None

    def __init__(self, task, loss, optimizer):
        self.task, self.expression = task, str(loss.tree)

    def train(self, seed, on_epoch):
        self.made.append((self.task.network, self.expression, seed))
        if len(self.made) == self.stop_at:
            raise KeyboardInterrupt
        accuracies = [0.5, seed / 2**32]
        return TrainingResult("digits", 10, "ok", 1.0, accuracies[-1], 1.0, float(len(self.made)),
                              (2.0, 1.0), tuple(accuracies), (2.0, 1.0), test_accuracy=0.5)


@pytest.fixture
def made(monkeypatch):
    """The trainings that are made, none of them for real."""
    monkeypatch.setattr(Trainer, "made", [])
    monkeypatch.setattr(keras_trainer, "KerasTrainer", Trainer)
    return Trainer.made


def without_seconds(table):
    return table.drop(columns="seconds")


def test_every_loss_is_trained_with_every_seed(run):
    output, _, result = run
    table = result.trainings
    assert len(table) == 4 * 2
    assert table["loss"].unique().tolist() == ["cross_entropy", "diverges", "mine", "ngl"]
    assert set(table["seed"]) == set(ConfirmationSettings(seeds=2).seed_values())
    for name in ("trainings", "epochs", "summary"):
        # The status "nan" is a word.
        written = pd.read_csv(output / f"{name}.csv", keep_default_na=False,
                              na_values={c: [""] for c in getattr(result, name) if c != "message"})
        pd.testing.assert_frame_equal(written, getattr(result, name), check_dtype=False)
    assert (output / "curves-digits-faulty_linear.png").read_bytes().startswith(b"\x89PNG")


def test_the_summary_is_what_numpy_makes_of_the_trainings(run):
    output, _, _ = run
    table = pd.read_csv(output / "trainings.csv").sort_values("seed")
    row = pd.read_csv(output / "summary.csv").set_index("loss").loc["ngl"]
    ngl, entropy = (table.loc[table["loss"] == loss, "test_accuracy"].to_numpy()
                    for loss in ("ngl", "cross_entropy"))
    assert row["mean"] == pytest.approx(ngl.mean())
    assert row["std"] == pytest.approx(ngl.std(ddof=1))
    assert row["difference"] == pytest.approx((ngl - entropy).mean(), abs=1e-9)
    assert not np.array_equal(ngl, entropy)


def test_cross_entropy_by_another_name_differs_by_nothing(run):
    row = run[2].summary.set_index("loss").loc["mine"]
    assert (row["difference"], row["ties"]) == (0.0, 2)
    assert row["verdict"] == "no difference shown: 2 pairs, all tied"


def test_a_loss_that_diverges_has_failed_and_ends_nothing(run):
    _, _, result = run
    table = result.trainings.set_index("loss")
    assert set(table.loc["diverges", "status"]) == {"nan"}
    assert table.loc["diverges", "test_accuracy"].isna().all()
    assert set(table.loc[["ngl", "cross_entropy"], "status"]) == {"ok"}
    assert "8 trainings in" in str(result) and "2 failed." in str(result)
    assert "diverges: 2 nan (the loss is not finite in epoch 1)" in str(result)
    assert result.summary.set_index("loss").loc["diverges", "failed"] == 2


def test_what_is_known_is_not_trained_again(run, made):
    output, call, result = run
    before = (output / "trainings.csv").read_bytes()
    again = train_with_losses(**call)
    assert not made and (output / "trainings.csv").read_bytes() == before
    pd.testing.assert_frame_equal(again.summary, result.summary)


def test_more_seeds_losses_and_networks_go_on_from_there(tmp_path, made):
    call = {**TINY, "compare": (), "output": tmp_path}
    first = train_with_losses("ngl", seeds=1, **call)
    assert len(made) == 2
    more = train_with_losses(["ngl", "mse"], seeds=2, **{
        **call, "models": ("faulty:linear", "small_cnn")})
    assert len(made) == len({*made}) == 2 * 3 * 2
    kept = more.trainings.merge(first.trainings)  # with their seconds
    assert len(kept) == 2
    assert more.summary["model"].unique().tolist() == ["all", "faulty:linear", "small_cnn"]
    for model in ("faulty_linear", "small_cnn"):
        assert (tmp_path / f"curves-digits-{model}.png").exists()


def test_a_folder_of_another_arithmetic_or_derivative_is_refused(tmp_path, made, monkeypatch):
    call = {**TINY, "compare": (), "seeds": 1, "output": tmp_path}
    for expected in (2, 2):
        train_with_losses("ngl", **call)
        assert len(made) == expected
    with monkeypatch.context() as patch:
        for room in (confirmations, experiments):
            patch.setattr(room, "ARITHMETIC", -1)
        with pytest.raises(ValueError, match="other code or tasks .arithmetic.: choose another"):
            train_with_losses("ngl", **call)
    # Both losses multiply.
    other = replace(PROTECTED["mul"], derivative=PROTECTED["add"].derivative)
    monkeypatch.setattr(confirmations, "source_of", lambda row: source_of(
        other if row.name == "mul" else row))
    with pytest.raises(ValueError, match="other code or tasks .protected mul.: choose another"):
        train_with_losses("ngl", **call)
    assert len(made) == 2
    train_with_losses("ngl", **{**call, "output": tmp_path / "other"})
    assert len(made) == 4


@pytest.mark.parametrize("change", [
    lambda run: run.pop("code"), lambda run: run["code"].update(deap_lossgp="0.0.9"),
    lambda run: run["code"].update(backend="torch"),
])
def test_a_folder_whose_trainings_cannot_be_found_again_is_refused(
    tmp_path, made, change, capsys
):
    train_with_losses("ngl", compare=(), seeds=1, output=tmp_path, **TINY)
    run = json.loads((tmp_path / "run.json").read_text())
    change(run)
    (tmp_path / "run.json").write_text(json.dumps(run))
    with pytest.raises(SystemExit) as ended:
        command("ngl", "--compare", "--model", "faulty:linear", "--epochs", 1, "--train-size", 200,
                "--seeds", 1, "--output", tmp_path)
    errors = capsys.readouterr().err
    assert ended.value.code == 2 and errors.count("\n") == 1
    assert "holds trainings of other code or tasks (" in errors
    assert "choose another folder with --output" in errors
    assert len(made) == 2


def test_a_stopped_command_goes_on_and_ends_as_an_undisturbed_one(tmp_path, made, monkeypatch):
    call = {**TINY, "losses": "ngl", "compare": (), "seeds": 2}
    undisturbed = train_with_losses(**call, output=tmp_path / "a")
    made.clear()
    monkeypatch.setattr(Trainer, "stop_at", 3)
    with pytest.raises(KeyboardInterrupt):
        train_with_losses(**call, output=tmp_path / "b")
    assert len(pd.read_csv(tmp_path / "b" / "trainings.csv")) == 2
    resumed = train_with_losses(**call, output=tmp_path / "b")
    assert len(made) == 5
    pd.testing.assert_frame_equal(without_seconds(resumed.trainings),
                                  without_seconds(undisturbed.trainings))
    pd.testing.assert_frame_equal(resumed.epochs, undisturbed.epochs)


def test_a_training_that_ran_out_of_memory_is_tried_again(tmp_path, made, monkeypatch):
    def train(self, seed, on_epoch):
        made.append(seed)
        raise MemoryError("no room")

    monkeypatch.setattr(Trainer, "train", train)
    call = {**TINY, "losses": "ngl", "compare": (), "seeds": 1, "output": tmp_path}
    result = train_with_losses(**call)
    assert result.trainings["status"].tolist() == ["oom", "oom"]
    assert "ngl: 1 oom (MemoryError: no room)" in str(result)
    train_with_losses(**call)
    assert len(made) == 4


def test_losses_of_one_name_are_told_apart_and_the_same_one_is_trained_once(tmp_path, made):
    paths = []
    for folder, expression in (("a", "sub(y_pred, y_true)"), ("b", "mul(y_true, sqrt(y_pred))")):
        (tmp_path / folder).mkdir()
        paths.append(write_loss(tmp_path / folder, "mine", {"expression": expression}))
    result = train_with_losses([*paths, paths[0], "ngl"], compare=("ngl",), seeds=1,
                               output=tmp_path / "out", **TINY)
    assert result.trainings["loss"].tolist() == ["cross_entropy", "mine", "mine 2", "ngl"]
    losses = json.loads((tmp_path / "out" / "run.json").read_text())["settings"]["losses"]
    assert losses["mine 2"]["expression"] == "mul(y_true, sqrt(y_pred))"


def test_seeds_are_not_those_of_an_evolution_with_the_same_seed():
    for seed in (0, 1, 12345):
        ours = ConfirmationSettings(seed=seed, seeds=50).seed_values()
        replicates = [int(child.generate_state(1)[0]) % 2**31
                      for child in np.random.SeedSequence(seed).spawn(50)]
        assert len({*ours, *range(seed, seed + 100), *replicates}) == 200
        assert ours[:5] == ConfirmationSettings(seed=seed, seeds=5).seed_values()


def test_tasks_of_the_callers_own_bring_their_own_budget(tmp_path, made):
    tasks = [Task.load("digits", network, epochs=1) for network in ("small_cnn", "faulty:linear")]
    result = train_with_losses("ngl", tasks, compare=(), seeds=1, progress=False, output=tmp_path)
    assert result.trainings["model"].tolist() == ["small_cnn"] * 2 + ["faulty:linear"] * 2
    with pytest.raises(TypeError, match="epochs belongs to the tasks"):
        train_with_losses("ngl", tasks, epochs=3, output=tmp_path)
    with pytest.raises(ValueError, match="distinct data sets and networks"):
        train_with_losses("ngl", tasks[:1] * 2, output=tmp_path)


def command(*arguments):
    spec = importlib.util.spec_from_file_location("train_with_loss", EXAMPLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.main([str(argument) for argument in arguments])


def test_the_command_prints_the_report_and_says_where_it_is(tmp_path, made, capsys):
    command("ngl", "--compare", "--model", "faulty:linear", "--epochs", 1, "--train-size", 200,
            "--seeds", 2, "--output", tmp_path / "out")
    text = capsys.readouterr().out
    assert "digits    faulty:linear  cross_entropy  0." in text and " ngl " in text
    assert "No difference shown: 2 seeds" in text
    assert f"Results in {tmp_path / 'out'}/: trainings.csv" in text


BAD = {
    "missing.json": (["missing.json"], "unknown loss 'missing.json'"),
    "broken file": (["broken.json"], "broken.json: expected a JSON object"),
    "no gradient": (["constant.json"], "constant: scale 'cross_entropy': the loss has no gradient"),
    "compare": (["ngl", "--compare", "nlg"], "did you mean 'ngl'?"),
    "model": (["ngl", "--model", "resnet9"], "unknown network 'resnet9'"),
    "function": (["ngl", "--model", "faulty:square"], "unknown function in"),
    "data set": (["ngl", "--datasets", "digit"], "did you mean 'digits'?"),
    "empty folder": (["ngl", "--datasets", "."], "expected"),
    "one twice": (["ngl", "--datasets", "digits", "digits"], "distinct data sets and networks"),
    "image size": (["ngl", "--image-size", "32"], "--image-size and --image-mode belong to"),
    "seeds": (["ngl", "--seeds", "0"], "seeds must be at least 1, got 0"),
    "seed": (["ngl", "--seed", "-1"], "seed must be at least 0, got -1"),
    "epochs": (["ngl", "--epochs", "0"], "epochs must be an integer of at least 1"),
    "optimizer": (["ngl", "--optimizer", "adma"], "did you mean 'adam'?"),
    "scale": (["ngl", "--scale", "-1"], "scale must be a positive finite number"),
    "scale's name": (["ngl", "--scale", "big"], "unknown scale 'big'"),
    "batch": (["ngl", "--batch-size", "many"], "--batch-size"),
    "settings": (["ngl", "--epochs", "9", "--output", "{run}"], "holds another run, with epochs 5"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_input_is_one_line_and_status_2(case, run, tmp_path, monkeypatch, capsys):
    arguments, message = BAD[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / "broken.json").write_text("{")
    write_loss(tmp_path, "constant", {"expression": "mul(2.0, 3.0)"})
    with pytest.raises(SystemExit) as ended:
        command(*(argument.replace("{run}", str(run[0])) for argument in arguments))
    captured = capsys.readouterr()
    assert ended.value.code == 2 and captured.err.count("\n") == 1 and not captured.out
    assert message in captured.err
    assert not (tmp_path / "runs").exists()
