"""Losses read from files and by name."""

import json

import pytest

from deap_lossgp.found_losses import KNOWN_LOSSES, read_loss


@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_a_known_loss_by_name(name):
    found = read_loss(name)
    assert (found.name, found.record) == (name, {})
    assert found.pset.name == "protected"


@pytest.mark.parametrize("primitives", ["protected", "plain"])
def test_the_file_and_the_folder_of_a_run(tmp_path, primitives):
    run = tmp_path / "run1"
    run.mkdir()
    content = {"expression": "neg(log(y_pred))", "primitives": primitives, "wins": 1.0}
    (run / "best_loss.json").write_text(json.dumps(content))
    for source in (run, str(run / "best_loss.json")):
        found = read_loss(source)
        assert (str(found.tree), found.pset.name) == ("neg(log(y_pred))", primitives)
        assert (found.name, found.record) == ("run1", {"wins": 1.0})


def test_a_file_of_another_name_gives_the_loss_that_name(tmp_path):
    (tmp_path / "mine.json").write_text('{"expression": "y_pred"}')
    assert read_loss(tmp_path / "mine.json").name == "mine"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "expected a JSON object with an expression"),
        ("[1]", "expected a JSON object with the key 'expression'"),
        ('{"expression": "add(y_true)"}', "add takes 2 operands, got 1"),
        ('{"expression": "y_true", "primitives": "mine"}', "made with 'mine' primitives"),
        ("[" * 100_000, "expected a JSON object"),
    ],
)
def test_a_file_without_a_loss_is_refused_by_name(tmp_path, text, message):
    path = tmp_path / "bad.json"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as caught:
        read_loss(path)
    assert str(path) in str(caught.value) and "\n" not in str(caught.value)


def test_a_name_that_is_neither_is_refused_with_the_nearest():
    with pytest.raises(ValueError, match="unknown loss 'cross_entrpy': did you mean"):
        read_loss("cross_entrpy")


def test_a_misspelt_folder_of_a_run_gets_the_nearest_one(tmp_path, monkeypatch):
    (tmp_path / "runs" / "flowers").mkdir(parents=True)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match="unknown loss 'run/flower': did you mean 'runs/flowers'"):
        read_loss("run/flower")
