"""The public names that the pages of the API show."""

import ast
import importlib
import inspect
from pathlib import Path

ROOT = Path(__file__).parents[1]
GROUND = ("constants", "expressions", "found_losses", "loss_rules", "operators", "primitives",
          "psets", "toolbox", "trees")
WINGS = ("algorithms", "commands", "comparison", "curves", "data", "engines", "export", "losses",
         "plotting", "search", "surrogate", "training")


def pages():
    """Returns the modules that have a page each, by their full names, with ``public_names``.

    Import nothing before that the caller wants to mock: constants are told from functions by
    importing the package's modules.
    """
    modules = ["deap_lossgp", *(f"deap_lossgp.{name}" for name in GROUND + WINGS)]
    return {module: public_names(module) for module in modules}


def public_names(module):
    """Returns the public names of a module as (kind, path) pairs, in alphabetical order.

    Args:
        module: Its full name. Of a wing, these are the names that its ``__init__.py`` hands on; of
            a file, those that it defines without an underscore.

    Returns:
        A list; the kind is ``class``, ``function`` or ``data``. The path of a constant leads to the
        file that defines it, where its docstring is.
    """
    path = ROOT.joinpath(*module.split("."))
    if path.is_dir():
        homes = [(name, f"{module}.{file}") for file, names in _handed_on(path).items()
                 for name in names]
    else:
        homes = [(name, module) for name in _defined(path.with_suffix(".py"))]
    return [(kind, f"{home if kind == 'data' else module}.{name}")
            for name, home in sorted(homes) for kind in [_kind(home, name)]]


def _handed_on(folder):
    """Returns {file: names} as ``__init__.py`` gives it to ``lazy_loader.attach``."""
    tree = ast.parse((folder / "__init__.py").read_text("utf-8"))
    (names,) = [ast.literal_eval(keyword.value) for node in ast.walk(tree)
                if isinstance(node, ast.Call) for keyword in node.keywords
                if keyword.arg == "submod_attrs"]
    return names


def _defined(path):
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [target.id for target in node.targets if isinstance(target, ast.Name)]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))


def _kind(home, name):
    value = getattr(importlib.import_module(home), name)
    if inspect.isclass(value):
        return "class"
    return "function" if inspect.isroutine(value) else "data"
