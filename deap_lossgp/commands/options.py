"""Options of the commands that run experiments, made from the fields of the settings."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields, is_dataclass
from types import UnionType
from typing import TYPE_CHECKING, Any, TypeAlias, cast, get_args, get_origin, get_type_hints

from deap_lossgp.commands.parser import CommandParser
from deap_lossgp.engines.execution import Execution

if TYPE_CHECKING:
    from deap_lossgp.search.settings import RunSettings
    from deap_lossgp.settings import Settings

    Presets: TypeAlias = Mapping[str, Mapping[str, Any]]
    """Options by name, for the name of each preset."""

SEARCHES = {
    "full": {},
    "thesis": {
        "algorithm": "sample-tournament", "fitness": "thesis", "validation_share": 0.1,
        "protected": False, "max_height": 100, "max_size": 1000,  # 128 nodes would cut heights
        "leaf_mutation": "operator", "root_mutation": False, "child_attempts": 1,
        "seed_losses": (), "rungs": False, "preselect": False, "score_epochs": 1, "finalists": 0,
        "final_size": 0, "rate_factors": (),
    },
}
"""How ``--search`` sets options that are not given: to their own defaults, or as in the thesis,
which docs/fidelity.rst shows line by line."""

_THESIS = {"search": "thesis", "datasets": ["cifar10", "fashion_mnist", "cifar100"],
           "model": "inception_v3", "population": 8}
PRESETS = {"small": {**_THESIS, "generations": 4, "epochs": 6},
           "large": {**_THESIS, "generations": 12, "epochs": 10}}
"""The thesis's scales (table 4.1)."""


def add_settings(parser: argparse.ArgumentParser, settings: Any) -> None:
    """Adds an option for each field of a dataclass that has a help text.

    The fields that a class declares are one group of options; the class attribute ``group`` is its
    title. The settings' values are the defaults.

    Args:
        parser: An ``ArgumentParser``.
        settings: An instance of a dataclass whose fields were made by ``setting``.
    """
    types, groups, known = get_type_hints(type(settings)), {}, set()
    final = {field.name: field for field in fields(settings)}
    for cls in filter(is_dataclass, reversed(type(settings).__mro__)):
        for name in [field.name for field in fields(cls) if field.name not in known]:
            known.add(name)
            if "help" not in final[name].metadata:
                continue
            option = {**_kind_of(types[name], final[name]), **final[name].metadata}
            flag = option.pop("flag", f"--{name.replace('_', '-')}")
            title = option.pop("group", cast(Any, cls).group)
            if title not in groups:
                groups[title] = parser.add_argument_group(title)
            groups[title].add_argument(flag, dest=name, **option)
    parser.set_defaults(**asdict(settings))


def read_settings(options: Mapping[str, Any], cls: type[Settings]) -> Settings:
    """Makes settings from parsed options.

    Args:
        options: dict from name to value; names that are not fields of the class are ignored.
        cls: The class of the settings.

    Returns:
        An instance of the class.

    Raises:
        ValueError, TypeError: The options are not usable together.
    """
    values = {field.name: options[field.name] for field in fields(cast(Any, cls))}
    return cls(**{name: tuple(value) if isinstance(value, list) else value
                  for name, value in values.items()})


def experiment_parser(description: str, settings: Any, presets: Presets,
                      prog: str | None = None) -> CommandParser:
    """Makes a parser with the options of every experiment; a command adds its own to it.

    Args:
        description: What the command does, in one line.
        settings: Default settings, as for ``add_settings``.
        presets: dict from name to a dict of options.
        prog: As for ``CommandParser``.

    Returns:
        A ``CommandParser``.
    """
    p = CommandParser(description, prog=prog)
    if presets:
        p.add_argument("--preset", choices=presets, help="a scale; other options override it")
    else:
        p.set_defaults(preset=None)
    p.add_argument("--search", choices=SEARCHES, default="full",
                   help="thesis: the thesis's own fitness (which misleads), validity, plain "
                        "primitives and operators, without what it does not have (known losses at "
                        "the start, rungs, preselection, figures averaged over epochs, a race of "
                        "finalists at a budget of its own, cross entropy at other learning rates, "
                        "validation on images that are left over); full: as the options say; other "
                        "options override it")
    p.add_argument("--output", metavar="DIR", help="the folder; by default one in runs/")
    add_settings(p, settings)
    add_settings(p, Execution())
    return p


def parse_experiment(parser: CommandParser, argv: Sequence[str] | None,
                     settings_class: type[Settings],
                     presets: Presets) -> tuple[Settings, Execution, dict[str, Any]]:
    """Reads a command line with an ``experiment_parser``.

    Args:
        parser: The parser.
        argv: The arguments; None for the command's own.
        settings_class: The class of the settings.
        presets: As for ``experiment_parser``.

    Returns:
        tuple: The settings, the ``Execution``, and all options as a dict.

    Raises:
        ValueError, TypeError: The options are not usable together.
    """
    chosen, _ = parser.parse_known_args(argv)
    parser.set_defaults(**presets.get(chosen.preset, {}))
    chosen, _ = parser.parse_known_args(argv)  # a preset may have a search of its own
    parser.set_defaults(**{**SEARCHES[chosen.search], **presets.get(chosen.preset, {})})
    options = vars(parser.parse_args(argv))
    return read_settings(options, settings_class), read_settings(options, Execution), options


def announce(settings: RunSettings) -> None:
    """Prints a line if the fitness of a run or a comparison misleads, before anything is trained.

    Args:
        settings: A ``RunSettings``.

    Examples:
        >>> from deap_lossgp.search.settings import RunSettings
        >>> announce(RunSettings(fitness="thesis"))
        Fitness thesis ranks a loss by its own value, which misleads: --fitness error ranks by
        the errors of the networks that it trained. With thesis nothing is stopped, preselected or
        raced.
        >>> announce(RunSettings())
    """
    if settings.fitness == "thesis":
        print("Fitness thesis ranks a loss by its own value, which misleads: --fitness error ranks "
              "by the errors of the networks that it trained. With thesis nothing is stopped, "
              "preselected or raced.", flush=True)


def _kind_of(annotation, field):
    """Returns the arguments of ``add_argument`` that follow from a field's type."""
    kind = get_args(annotation)[0] if isinstance(annotation, UnionType) else annotation
    if "type" in field.metadata:
        return {}
    if kind is bool and kind is not annotation:
        return {"action": argparse.BooleanOptionalAction}
    if kind is bool:
        return {"action": "store_false" if field.default else "store_true"}
    if get_origin(kind) is tuple:
        return {"nargs": "+"}
    return {"type": kind}
