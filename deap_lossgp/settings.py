"""Settings: fields of dataclasses with a help text, from which docstrings and options follow."""

import textwrap
from dataclasses import field, fields
from typing import Any, TypeVar, cast

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
