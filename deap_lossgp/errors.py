"""Parts of error messages: the nearest known name, another error in one line, safe characters."""

import difflib
from collections.abc import Iterable
from numbers import Real
from typing import Any


def unknown_name(kind: str, name: object, known: Iterable[str], *,
                 hint: str | None = None, guess: bool = True) -> ValueError:
    """Returns the error for an unknown name, to be raised by the caller.

    Upper and lower case count as the same when the nearest name is looked for.

    Args:
        kind: The kind of thing that has such names, for example "data set".
        name: The name that was given.
        known: Iterable of the names that would have been right.
        hint: What else the user could do, for the end of the message; None by default.
        guess: Whether to name the nearest known name.

    Returns:
        A ``ValueError`` whose message is one line.

    Examples:
        >>> raise unknown_name("data set", "cifar01", ["digits", "cifar10", "cifar100"])
        Traceback (most recent call last):
        ...
        ValueError: unknown data set 'cifar01': did you mean 'cifar10'? known: cifar10, cifar100,
        digits
    """
    known = sorted(known)
    by_lower_case = {word.lower(): word for word in known}
    nearest = difflib.get_close_matches(str(name).lower(), by_lower_case, n=1)
    meant = f" did you mean {by_lower_case[nearest[0]]!r}?" if nearest and guess else ""
    ending = f"; {hint}" if hint else ""
    return ValueError(f"unknown {kind} {name!r}:{meant} known: {', '.join(known)}{ending}")


def in_one_line(error: BaseException, *, width: int = 200) -> str:
    """Returns an exception's type and message in one line, to be quoted in another message.

    Args:
        error: The exception.
        width: Greatest length of the result, in characters. It matters: zipfile quotes kilobytes
            of a damaged file.

    Returns:
        A string ``Type: message``; each run of spaces and line breaks becomes one space.

    Examples:
        >>> in_one_line(EOFError("file ended\\n  early"))
        'EOFError: file ended early'
    """
    line = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return line if len(line) <= width else f"{line[: width - 3]}..."


def printable(text: str) -> str:
    """Returns a text with escapes for what cannot be shown: control characters, broken encodings.

    Args:
        text: A str, for example the name of a file.

    Examples:
        >>> print(printable("Größe\\n\\x1b[31m"), printable("\\udcff.png"))
        Größe\\n\\x1b[31m \\udcff.png
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def at_least(settings: object, name: str, least: float) -> None:
    """Refuses settings in which a number is too small.

    Args:
        settings: Any object.
        name: An attribute of it.
        least: The smallest number allowed.

    Raises:
        TypeError: The attribute is not a number.
        ValueError: It is less than ``least``, or NaN.
    """
    value: Any = getattr(settings, name)
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not value >= least:  # type: ignore[operator]
        raise ValueError(f"{name} must be at least {least}, got {value}")
