"""Options follow from the fields of the settings: one declaration, every parser."""

import re
from dataclasses import dataclass, fields

import pytest

from deap_lossgp.commands.options import (
    PRESETS,
    SEARCHES,
    add_settings,
    experiment_parser,
    parse_experiment,
    read_settings,
)
from deap_lossgp.commands.parser import CommandParser, refused
from deap_lossgp.comparison.settings import ComparisonSettings, ConfirmationSettings
from deap_lossgp.data.source import DataSource
from deap_lossgp.engines.execution import Execution
from deap_lossgp.search.settings import RunSettings
from deap_lossgp.settings import documented, setting
from deap_lossgp.training.budget import Budget
from deap_lossgp.training.tasks import Task

SETTINGS = [RunSettings, ComparisonSettings, ConfirmationSettings]


@documented
@dataclass(frozen=True, kw_only=True)
class Walk:
    """A walk."""

    group = "walk"

    places: tuple[str, ...] = setting(("home",), "where it leads to")
    length: float = setting(3.5, "kilometres")
    limit: int | None = setting(None, "most hours")
    alone: bool = setting(True, "whether nobody comes along", flag="--together")
    fast: bool = setting(False, "whether it is a run")
    secret: int = 7


def parsed(*arguments):
    parser = CommandParser("")
    add_settings(parser, Walk())
    return read_settings(vars(parser.parse_args(arguments)), Walk)


def test_options_have_the_types_and_defaults_of_the_fields():
    assert parsed() == Walk()
    line = "--places a b --length 2 --limit 4 --together --fast"
    assert parsed(*line.split()) == Walk(places=("a", "b"), length=2.0, limit=4, alone=False,
                                         fast=True)


@pytest.mark.parametrize("arguments", [["--length", "far"], ["--limit", "1.5"], ["--secret", "1"],
                                       ["--alone"], ["--places"]])
def test_other_types_and_fields_without_help_are_refused(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        parsed(*arguments)
    assert ended.value.code == 2 and arguments[0] in capsys.readouterr().err


@pytest.mark.parametrize("cls", SETTINGS)
def test_whatever_a_budget_or_a_source_of_data_has_is_an_option_of_every_command(cls):
    parser = experiment_parser("", cls(), {})
    text = " ".join(parser.format_help().split())
    for field in (*fields(Budget), *fields(DataSource)):
        assert f"--{field.name.replace('_', '-')}" in text
        assert parser.as_typed(" ".join(field.metadata["help"].split()[:4])) in text
        assert f"{field.name}: " in cls.__doc__


@pytest.mark.parametrize("cls", SETTINGS)
def test_help_calls_settings_by_their_options(cls):
    parser = experiment_parser("", cls(), {})
    names = [name for name in (*cls.__dataclass_fields__, *Execution.__dataclass_fields__)
             if "_" in name]
    text = parser.format_help()
    assert len(names) > 10 and not re.findall(rf"(?<![\w-])(?:{'|'.join(names)})\b", text)
    assert "of those that --train-size leaves over" in " ".join(text.split())
    assert "NAME.npz in --data-dir" in " ".join(text.split())
    assert "of those that train_size leaves over" in " ".join(cls.__doc__.split())


@pytest.mark.parametrize(("line", "said"), [
    ("--epochs 0", "--epochs must be an integer of at least 1, got 0"),
    ("--sample-size 99", "--sample-size must be in 1..8 (P, the population's size), got 99"),
    ("--parents 99", "--parents must be in 1..6 (G, the --sample-size), got 99"),
    ("--validation-size 3 --validation-share 0.1",
     "expected --validation-size or --validation-share, got both, 3 and 0.1"),
    ("--leaf-mutation leaf_mutation",
     "--leaf-mutation must be operator or terminal, got 'leaf_mutation'"),
    ("--datasets seed_losses.npz --data-dir final_size", "error: expected a folder of images"),
])
def test_errors_call_settings_by_their_options(line, said, monkeypatch, capsys, tmp_path):
    (tmp_path / "final_size").mkdir()
    monkeypatch.chdir(tmp_path)
    parser = experiment_parser("", RunSettings(), PRESETS)
    with pytest.raises(SystemExit) as ended:
        refused(parser, lambda: parse_experiment(parser, line.split(), RunSettings, PRESETS)[0]
                .load())
    errors = capsys.readouterr().err
    assert ended.value.code == 2 and errors.count("\n") == 1 and said in errors
    assert "seed_losses.npz" in errors or "seed_losses" not in line


def test_a_text_keeps_what_is_no_setting_and_what_has_another_sense_as_an_option():
    parser = experiment_parser("", ComparisonSettings(), {})
    for text in ("photos/train_size, train_size/photos and train_size.npz", "got 'train_size'",
                 "my_train_size", "epochs at the end of a training", "root_mutation is off",
                 "model.train_size"):
        assert parser.as_typed(text) == text
    assert parser.as_typed("It's the other's train_size.") == "It's the other's --train-size."


def test_a_task_has_the_fields_and_the_checks_of_a_budget():
    assert {field.name for field in fields(Budget)} < {field.name for field in fields(Task)}
    for make in (Budget, *SETTINGS):
        with pytest.raises(ValueError, match="epochs must be an integer of at least 1, got 0"):
            make(epochs=0)


def test_only_a_comparison_has_no_algorithm_of_its_own():
    for cls in SETTINGS[:2]:
        assert ("--algorithm" in experiment_parser("", cls(), {}).format_help()) == (
            cls is RunSettings)


def settings_of(line, cls=RunSettings):
    parser = experiment_parser("", cls(), PRESETS)
    return parse_experiment(parser, line.split(), cls, PRESETS)[0]


def test_the_search_is_full_unless_the_thesis_is_asked_for():
    full, thesis = settings_of(""), settings_of("--search thesis")
    assert full == settings_of("--search full") == RunSettings()
    assert (full.rungs, full.preselect, full.finalists, full.seed_losses) == (True, True, 4, None)
    assert (full.final_size, full.rate_factors) == (None, (0.5, 1.0, 2.0, 4.0))
    assert thesis == RunSettings(**SEARCHES["thesis"])
    assert (thesis.rungs, thesis.preselect, thesis.finalists) == (False, False, 0)
    assert (thesis.final_size, thesis.final_epochs, thesis.rate_factors) == (0, None, ())
    assert (thesis.initial_losses, thesis.validation_share) == ((), 0.1)


def test_other_options_override_the_search():
    line = "--search thesis --finalists 2 --seed-losses ngl --validation-share 0.2"
    mixed = settings_of(line)
    assert (mixed.finalists, mixed.seed_losses, mixed.validation_share) == (2, ("ngl",), 0.2)
    assert not mixed.rungs and not mixed.preselect
    partly = settings_of("--no-rungs --no-preselect --seed-losses --finalists 0 --rate-factors")
    assert (partly.rungs, partly.preselect, partly.seed_losses, partly.finalists,
            partly.rate_factors) == (False, False, (), 0, ())
    assert settings_of("--rate-factors 3 0.5").rate_factors == (3.0, 0.5)


def test_a_preset_is_the_thesiss_and_may_be_searched_in_full():
    small, full = settings_of("--preset small"), settings_of("--preset small --search full")
    assert (small.model, small.epochs, small.population) == ("inception_v3", 6, 8)
    assert small == settings_of("--preset small --search thesis")
    assert {name: getattr(small, name) for name in SEARCHES["thesis"]} == SEARCHES["thesis"]
    assert (full.model, full.epochs, full.population) == ("inception_v3", 6, 8)
    assert {name: getattr(full, name) for name in SEARCHES["thesis"]} == {
        name: getattr(RunSettings(), name) for name in SEARCHES["thesis"]}


def test_the_arms_of_a_comparison_have_the_left_over_validation_alone():
    settings = settings_of("", ComparisonSettings)
    assert (settings.rungs, settings.preselect, settings.seed_losses) == (False, False, ())
    assert settings.validation_share is None
    both = settings_of("--rungs --preselect --seed-losses ngl", ComparisonSettings)
    assert (both.rungs, both.preselect, both.seed_losses) == (True, True, ("ngl",))
    assert settings_of("--search thesis", ComparisonSettings).validation_share == 0.1


def test_known_losses_fill_a_quarter_of_the_initial_population():
    found = {size: len(RunSettings(population=size).initial_losses) for size in (1, 2, 5, 8, 40)}
    assert found == {1: 0, 2: 1, 5: 1, 8: 2, 40: 5}
    assert RunSettings(population=8, seed_losses=("mse",)).initial_losses == ("mse",)
