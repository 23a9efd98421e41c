"""Settings: fields of dataclasses with a help text, from which docstrings and options follow."""

import operator
import textwrap
from collections.abc import Iterable
from dataclasses import field, fields
from numbers import Real
from typing import Any, TypeVar, cast, get_type_hints

Settings = TypeVar("Settings")
"""A class of settings."""


def setting(default: Any, help: str, **option: Any) -> Any:
    """Makes the field of a dataclass that holds one setting.

    Args:
        default: The default value; ``dataclasses.MISSING`` for none.
        help: What the setting means; used in docstrings and in ``--help`` of commands.
        **option: Further arguments of the command-line option, as ``add_argument`` takes them.
            ``flag`` is the option's name if it is not that of the field; ``group`` is the group of
            options if it is not that of the class.

    Returns:
        A dataclass field.
    """
    return field(default=default, metadata={"help": help, **option})


def documented(cls: type[Settings]) -> type[Settings]:
    """Adds the section Attributes to a dataclass's docstring, from the help texts of its fields.

    Examples:
        >>> from dataclasses import dataclass
        >>> @documented
        ... @dataclass
        ... class Walk:
        ...     "A walk."
        ...     length: int = setting(3, "kilometres, at least 1")
        >>> print(Walk.__doc__)
        A walk.
        <BLANKLINE>
        Attributes:
            length: Kilometres, at least 1.
    """
    texts = {f.name: f.metadata["help"] for f in fields(cast(Any, cls)) if "help" in f.metadata}
    lines = [textwrap.fill(f"{name}: {text[0].upper()}{text[1:]}.", 96, initial_indent=" " * 4,
                           subsequent_indent=" " * 8) for name, text in texts.items()]
    cls.__doc__ = "\n".join([f"{(cls.__doc__ or '').rstrip()}\n", "Attributes:", *lines])
    return cls


def check_numbers(settings: object, cls: type) -> None:
    """Refuses what is no number where the type of a field says that it is one.

    Args:
        settings: An instance of a dataclass. Of its fields those of type ``int`` and ``float`` are
            looked at, and those of type ``tuple[float, ...]``, which are made tuples; each may be
            None, too. Numbers of NumPy's become Python's, which JSON can hold.
        cls: Its class, or one from which that is derived and whose fields alone are looked at.

    Raises:
        TypeError: A field does not hold a number, or not an integer where it should.
        ValueError: One that holds several does not hold numbers.

    Examples:
        >>> from dataclasses import dataclass
        >>> @dataclass
        ... class Walk:
        ...     lengths: tuple[float, ...]
        >>> check_numbers(Walk((1, "far")), Walk)
        Traceback (most recent call last):
        ...
        ValueError: lengths must be numbers, got (1, 'far')
    """
    for name, hint in get_type_hints(cls).items():
        value, several = getattr(settings, name, None), tuple[float, ...]
        if value is None and hint in (int | None, float | None, several | None):
            continue
        if hint in (int, int | None):
            if not hasattr(value, "__index__"):
                raise TypeError(f"{name} must be an integer, got {value!r}")
            object.__setattr__(settings, name, operator.index(cast(Any, value)))
        if hint in (float, float | None) and not isinstance(value, Real):
            raise TypeError(f"{name} must be a number, got {value!r}")
        if hint in (float, float | None):
            object.__setattr__(settings, name, _plain(value))
        if hint in (several, several | None):
            numbers = tuple(value) if isinstance(value, Iterable) else (None,)
            if not all(isinstance(number, Real) for number in numbers):
                raise ValueError(f"{name} must be numbers, got {value!r}")
            object.__setattr__(settings, name, tuple(map(_plain, numbers)))


def _plain(number):
    return number if isinstance(number, int) else float(number)
