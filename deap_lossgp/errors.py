"""What error messages share: the nearest known name, an error in one line, a checked number."""

import difflib
from numbers import Real


def unknown_name(kind, name, known, *, hint=None):
    """Return the error for an unknown name, to be raised by the caller.

    Upper and lower case count as the same when the nearest name is looked for.

    Args:
        kind: What the name should have named, for example "data set".
        name: The name that came.
        known: Iterable of the names that would have been right.
        hint: What else the user could do; ends the message. Default: nothing.

    Returns:
        ValueError: Its message is one line.

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
    guess = f" did you mean {by_lower_case[nearest[0]]!r}?" if nearest else ""
    ending = f"; {hint}" if hint else ""
    return ValueError(f"unknown {kind} {name!r}:{guess} known: {', '.join(known)}{ending}")


def in_one_line(error, *, width=200):
    """Return an exception's type and message in one line, to be quoted in another's message.

    Args:
        error: The exception.
        width: Longest result, in characters; zipfile's messages quote kilobytes of a damaged file.

    Returns:
        str: `Type: message`, with line breaks and runs of spaces made one space.

    Examples:
        >>> in_one_line(EOFError("file ended\\n  early"))
        'EOFError: file ended early'
    """
    line = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return line if len(line) <= width else f"{line[: width - 3]}..."


def at_least(settings, name, least):
    value = getattr(settings, name)
    if not isinstance(value, Real):
        raise TypeError(f"{name} must be a number, got {value!r}")
    if not value >= least:
        raise ValueError(f"{name} must be at least {least}, got {value}")
