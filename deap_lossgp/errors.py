"""Parts of error messages: the nearest known name, another error in one line, safe characters."""

import difflib
from collections.abc import Iterable
from contextlib import suppress
from numbers import Real
from pathlib import Path
from typing import Any


def unknown_name(kind: str, name: object, known: Iterable[str], *,
                 hint: str | None = None, guess: bool = True,
                 path: str | None = None) -> ValueError:
    """Returns the error for an unknown name, to be raised by the caller.

    Upper and lower case count as the same when the nearest name is looked for.

    Args:
        kind: The kind of thing that has such names, for example "data set".
        name: The name that was given.
        known: Iterable of the names that would have been right.
        hint: What else the user could do, for the end of the message; None by default.
        guess: Whether to name the nearest known name.
        path: What ``nearest_path`` says, if the name may be a path: it may be the nearest.

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
    near = nearest(str(name), [*known, *([path] if path else [])]) if guess else None
    meant = f" did you mean {near!r}?" if near else ""
    ending = f"; {hint}" if hint else ""
    return ValueError(f"unknown {kind} {name!r}:{meant} known: {', '.join(known)}{ending}")


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Returns the known name that is spelt most like another name, or None.

    Args:
        name: The name; upper and lower case count as the same.
        known: Iterable of the names that it may be.

    Examples:
        >>> nearest("Flowrs", ["flowers", "trees"]), nearest("houses", ["flowers", "trees"])
        ('flowers', None)
    """
    by_lower_case = {word.lower(): word for word in known}
    found = difflib.get_close_matches(name.lower(), by_lower_case, n=1)
    return by_lower_case[found[0]] if found else None


def nearest_path(path: Path | str, endings: tuple[str, ...] = ()) -> str | None:
    """Returns the path that is there and spelt most like one that is not, or None.

    Args:
        path: The path; any of its parts may be misspelt.
        endings: Of files that may be meant, such as ".npz"; folders always may.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     (Path(folder) / "photos" / "flowers").mkdir(parents=True)
        ...     found = nearest_path(f"{folder}/foto/flowrs")
        ...     other = nearest_path(f"{folder}/photos/houses")
        >>> found == str(Path(folder, "photos", "flowers")), other
        (True, None)
    """
    path, misspelt = Path(path), False
    found = Path(path.anchor)
    with suppress(OSError, ValueError):  # a folder that cannot be listed, a name that none can have
        for part in path.relative_to(found).parts:
            if not (found / part).exists():
                names = [p.name for p in found.iterdir() if p.is_dir() or p.suffix in endings]
                if (part := nearest(part, names)) is None:
                    return None
                misspelt = True
            found /= part
        return str(found) if misspelt else None
    return None


def said_of_path(path: Path | str, endings: tuple[str, ...] = ()) -> str:
    """Returns ``"; did you mean 'PATH'?"`` with the ``nearest_path``, or an empty text."""
    near = nearest_path(path, endings)
    return f"; did you mean {near!r}?" if near else ""


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
