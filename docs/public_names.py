"""The public names that the pages of the API show, read from the files: nothing is imported."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[1]
GROUND = ("constants", "expressions", "found_losses", "loss_rules", "operators", "primitives",
          "psets", "toolbox", "trees")
WINGS = ("algorithms", "commands", "comparison", "curves", "data", "engines", "export", "losses",
         "plotting", "search", "surrogate", "training")


def pages():
    """Returns {module: its public names} of the modules that have a page each."""
    modules = ["deap_lossgp", *(f"deap_lossgp.{name}" for name in GROUND + WINGS)]
    return {module: public_names(module) for module in modules}


def public_names(module):
    """Returns the public names of a module, in alphabetical order.

    Args:
        module: Its full name. Of a wing, these are the names that its ``__init__.py`` hands on; of
            a file, those that it defines without an underscore.

    Returns:
        A list of pairs (kind, path); the kind is ``class``, ``function`` or ``data``. The path of a
        constant leads to the file that defines it, where its docstring is.
    """
    path = ROOT.joinpath(*module.split("."))
    if not path.is_dir():
        kinds = _defined(path.with_suffix(".py"))
        return [(kind, f"{module}.{name}") for name, kind in sorted(kinds.items())]
    names = []
    for home, handed_on in _handed_on(path).items():
        kinds = _defined(_file(path / home))
        names += [(name, kinds.get(name) or _kind_in_wing(path / home, name), home)
                  for name in handed_on]
    return [(kind, f"{module}.{home}.{name}" if kind == "data" else f"{module}.{name}")
            for name, kind, home in sorted(names)]


def _file(path):
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def _kind_in_wing(folder, name):
    """Returns the kind of a name that a wing hands on to the package."""
    (home,) = [home for home, names in _handed_on(folder).items() if name in names]
    return _defined(folder / f"{home}.py")[name]


def _handed_on(folder):
    """Returns {file: names} as ``__init__.py`` gives it to ``lazy_loader.attach``."""
    tree = ast.parse((folder / "__init__.py").read_text("utf-8"))
    (names,) = [ast.literal_eval(keyword.value) for node in ast.walk(tree)
                if isinstance(node, ast.Call) for keyword in node.keywords
                if keyword.arg == "submod_attrs"]
    return names


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
