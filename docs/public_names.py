"""The public names that the pages of the API show, found without importing what defines them."""

import ast
import importlib
from pathlib import Path

ROOT = Path(__file__).parents[1]
GROUND = ("constants", "expressions", "found_losses", "loss_rules", "operators", "primitives",
          "psets", "toolbox", "trees")
WINGS = ("algorithms", "commands", "comparison", "curves", "data", "engines", "export", "losses",
         "pages", "plotting", "search", "surrogate", "training")


def pages():
    """Returns {module: its public names} of the modules that have a page each."""
    modules = ["deap_lossgp", *(f"deap_lossgp.{name}" for name in GROUND + WINGS)]
    return {module: public_names(module) for module in modules}


def public_names(module):
    """Returns the public names of a module: classes, then constants, then functions.

    Args:
        module: Its full name. Of a wing, these are the names that its ``__init__.py`` hands on; of
            a file, those that it defines without an underscore.

    Returns:
        A list of pairs (kind, path); the kind is ``class``, ``function`` or ``data``. The path of a
        constant leads to the file that defines it, where its docstring is.
    """
    path = ROOT.joinpath(*module.split("."))
    if not path.is_dir():
        return sorted((kind, f"{module}.{name}")
                      for name, kind in _defined(path.with_suffix(".py")).items())
    homes = {(name, kind): file for file in path.rglob("*.py")
             for name, kind in _defined(file).items()}
    names = []
    for name in importlib.import_module(module).__all__:
        (kind,) = {kind for known, kind in homes if known == name}
        home = ".".join(homes[name, kind].relative_to(ROOT).with_suffix("").parts)
        names.append((kind, f"{home if kind == 'data' else module}.{name}"))
    return sorted(names)


def _defined(path):
    """Returns {name: kind} of what a file defines without an underscore."""
    kinds = {}
    for node in ast.parse(path.read_text("utf-8")).body:
        if isinstance(node, ast.FunctionDef):
            kinds[node.name] = "function"
        elif isinstance(node, ast.ClassDef):
            kinds[node.name] = "class"
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            names = [each.id for target in targets for each in ast.walk(target)
                     if isinstance(each, ast.Name)]
            kinds.update(dict.fromkeys(names, "data"))
    return {name: kind for name, kind in kinds.items() if not name.startswith("_")}
