"""Functions of the user's, named on a command line as ``module:function``."""

import importlib
import inspect
import os
import sys

from deap_lossgp.naming import in_one_line, unknown_name


def load_function(name, kind):
    """Imports a function; modules in the current working directory are found.

    Args:
        name: ``module:function``.
        kind: What it should be, for errors, like "network".

    Returns:
        The function.

    Raises:
        ValueError: There is no such module or function, or the module cannot be imported.

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


def look_here():
    """Lets Python find modules in the current working directory, as for ``python -m``."""
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
