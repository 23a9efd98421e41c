"""The user's own functions: found by ``module:function``, and compared by their source."""

import hashlib
import importlib.util
import inspect
import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from itertools import chain
from pathlib import Path
from types import CodeType

import numpy as np

from deap_lossgp.errors import in_one_line, unknown_name


def load_function(name: str, kind: str) -> Callable:
    """Imports a function, also from a module in the current working directory.

    Args:
        name: ``module:function``.
        kind: What the function is for, as errors name it: for example "network".

    Returns:
        The function.

    Raises:
        ValueError: There is no such module or function, or the module cannot be imported.

    Examples:
        >>> load_function("math:sqrt", "fitness")(9.0)
        3.0
    """
    module_name, _, function_name = name.partition(":")
    if not module_name or not function_name:
        raise ValueError(f"{kind} {name!r}: expected module:function, both named")
    look_here()
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise ValueError(
            f"{kind} {name!r}: module {module_name!r} cannot be imported "
            f"({in_one_line(error)}); looked in {os.getcwd()} and where Python finds packages"
        ) from error
    function = getattr(module, function_name, None)
    if callable(function):
        return function
    if function is not None:
        raise ValueError(
            f"{kind} {name!r}: {function_name!r} is no function, it is {type(function).__name__}"
        )
    own = [key for key, value in vars(module).items() if inspect.isfunction(value)]
    where = getattr(module, "__file__", module_name)
    raise unknown_name(f"function in {where}", function_name, own)


def look_here() -> None:
    """Lets Python find modules in the current working directory, as for ``python -m``."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())


def source_of(function: object) -> tuple:
    """Returns a description of what a function computes, made from its source text.

    It has the same ``repr`` in every process, and another one if the code changes. It consists of

    * for a function: its name, its source (its compiled code where there is none, as in a program
      from standard input), and what it holds: its defaults, the variables of the functions around
      it, the object whose method it is, and what it names of its own module: functions, classes and
      data as they are now. Functions of this package are named without their module, so that they
      may move, and without what they name;
    * for a partial or a callable object: what it holds;
    * for a text ``module:function``: the content of the module's file, which is found as Python
      does, but not imported;
    * for anything else: its text.

    Args:
        function: A callable, a text, or None.

    Examples:
        >>> def network_of(units):
        ...     return lambda input_shape, num_classes: units
        >>> source_of(network_of(32)) == source_of(network_of(64))
        False
    """
    return _source_of(function, [])


def _source_of(function, seen):
    """Does ``source_of``; ``seen`` lists what was described before, which is not done again."""
    if isinstance(function, str):
        return function, _module_bytes(function)
    for number, other in enumerate(seen):
        if function is other:
            return "again", number
    seen.append(function)
    if isinstance(function, partial):
        name = "partial"
        held = {"function": function.func, "arguments": function.args, **function.keywords}
    elif inspect.isroutine(function) or inspect.isclass(function):
        name = [_full_name(function)]
        try:
            name.append(inspect.getsource(function))
        except (OSError, TypeError):
            name += _compiled(getattr(function, "__code__", None))
        held = _held(function)
    else:
        name = type(function).__qualname__, getattr(function, "__name__", "")
        held = getattr(function, "__dict__", None) or _slots(function)
        held = held or re.sub(r" at 0x\w+", "", str(function))
    return name, _content(held, seen)


def _compiled(code):
    """Returns a list that says what a code object computes; an empty one for other objects."""
    if not isinstance(code, CodeType):
        return []
    constants = [_compiled(value) or _content(value, []) for value in code.co_consts]
    return [code.co_code, code.co_names, code.co_varnames, constants]


def _is_of_this_package(function):
    return str(function.__module__).partition(".")[0] == __name__.partition(".")[0]


def _full_name(function):
    """Returns the name with its module; without it for the functions of this package."""
    if _is_of_this_package(function):
        return function.__qualname__
    return f"{function.__module__}.{function.__qualname__}"


def _held(function):
    """Returns everything besides its source that determines what a function computes."""
    held = {"self": getattr(function, "__self__", None)}
    function = getattr(function, "__func__", function)
    for name in ("__defaults__", "__kwdefaults__"):
        held[name] = getattr(function, name, None)
    if inspect.isfunction(function) and function.__closure__:
        for name, cell in zip(function.__code__.co_freevars, function.__closure__, strict=True):
            with suppress(ValueError):  # not assigned yet
                held[name] = cell.cell_contents
    if inspect.isfunction(function) and not _is_of_this_package(function):
        module = function.__module__
        held |= {name: function.__globals__[name] for name in _names(function.__code__)
                 if name in function.__globals__
                 and _is_told(function.__globals__[name], module)}
    return {name: value for name, value in held.items()
            if value is not None and not inspect.ismodule(value)}


def _names(code):
    """Returns the names that a code object and those inside it may look up, each once."""
    inside = [_names(value) for value in code.co_consts if isinstance(value, CodeType)]
    return [*dict.fromkeys([*code.co_names, *chain.from_iterable(inside)])]


def _is_told(value, module):
    """Whether what a function names is described: not what other modules define."""
    if inspect.isroutine(value) or inspect.isclass(value):
        return value.__module__ == module
    return (isinstance(value, partial) or type(value).__module__ == module
            or " at 0x" not in repr(value))


def _slots(value):
    """Returns what an object holds in ``__slots__``, a dict."""
    names = chain.from_iterable(
        (slots,) if isinstance(slots := getattr(cls, "__slots__", ()), str) else slots
        for cls in type(value).__mro__)
    return {name: getattr(value, name) for name in names if hasattr(value, name)}


def _content(value, seen):
    """Returns an object whose text is the same in every process if the value is the same."""
    if isinstance(value, np.ndarray):
        digest = hashlib.sha256(np.ascontiguousarray(value)).hexdigest()
        return value.shape, str(value.dtype), digest
    if isinstance(value, dict):
        return {name: _content(part, seen) for name, part in value.items()}
    if isinstance(value, set | frozenset):
        # In no order: nothing that is described for one of them may be left out of another.
        return sorted(repr(_content(part, [*seen])) for part in value)
    if isinstance(value, list | tuple):
        return [_content(part, seen) for part in value]
    if callable(value) or " at 0x" in repr(value):  # an address, which differs each time
        return _source_of(value, seen)
    return value


def _module_bytes(name):
    """Returns the content of the file of a ``module:function``; empty bytes if there is none."""
    module, colon, _ = name.partition(":")
    if not colon:
        return b""
    look_here()
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        return b""
    return Path(spec.origin).read_bytes() if spec and spec.has_location else b""
