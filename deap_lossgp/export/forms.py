"""The symbolic form of a primitive: operators and functions that every target knows."""

import ast
from collections.abc import Callable
from functools import lru_cache

import numpy as np

FUNCTIONS: dict[str, Callable] = {
    "+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide, "**": np.power,
    "neg": np.negative, "Max": np.maximum, "Min": np.minimum, "clip": np.clip, "Abs": np.abs,
    "sign": np.sign, "sqrt": np.sqrt, "exp": np.exp, "log": np.log, "sin": np.sin, "cos": np.cos,
    "tan": np.tan, "asin": np.arcsin, "acos": np.arccos, "atan": np.arctan, "sinh": np.sinh,
    "cosh": np.cosh, "tanh": np.tanh,
}  # fmt: skip
"""The operations in NumPy, by their names in SymPy; ``neg`` and ``clip`` are added."""

_INFIX = {ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.Pow: "**"}
_CALLED = sorted({kind for kind in FUNCTIONS if kind.isalpha()} - {"neg", "clip"})


@lru_cache(maxsize=256)
def symbolic_form(name: str, arity: int, text: str) -> tuple | float:
    """Reads the symbolic form of a primitive. The text is parsed, never evaluated.

    Args:
        name: The primitive's name, for messages.
        arity: Its number of operands.
        text: The form, with ``{0}``, ``{1}``... for the operands.

    Returns:
        Nested tuples (kind, operand...), where kind is a key of ``FUNCTIONS``. Leaves are floats
        and ("operand", index).

    Raises:
        ValueError: The text is something else than arithmetic of operands, numbers and known
            functions.

    Examples:
        >>> symbolic_form("half", 1, "(sin({0})/2)")
        ('/', ('sin', ('operand', 0)), 2.0)
    """
    place = f"primitive {name!r}: the symbolic form {text[:80]!r}"
    names = {f"operand_{index}": ("operand", index) for index in range(arity)}

    def read(node):
        match node:
            case ast.Constant(value=int() | float() as value) if not isinstance(value, bool):
                return float(value)
            case ast.Name(id=known) if known in names:
                return names[known]
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return "neg", read(inner)
            case ast.BinOp(left=left, op=operator, right=right) if type(operator) in _INFIX:
                return _infix(_INFIX[type(operator)], read(left), read(right))
            case ast.Call(func=ast.Name(id=function), args=arguments, keywords=[]):
                if function not in _CALLED:
                    raise ValueError(f"{place} has the unknown function {function[:40]!r}; "
                                     f"known: {', '.join(_CALLED)}")
                inner = [read(argument) for argument in arguments]
                if function in ("Max", "Min") and len(inner) > 1:
                    while len(inner) > 1:
                        inner[-2:] = [(function, *inner[-2:])]
                    return inner[0]
                if function not in ("Max", "Min") and len(inner) == 1:
                    return function, *inner
        raise ValueError(f"{place} is not arithmetic of its {arity} operands: "
                         f"{ast.unparse(node)[:40]!r}")

    try:
        syntax = ast.parse(text.format(*names).strip(), mode="eval")
        return read(syntax.body)
    except (SyntaxError, LookupError, AttributeError, MemoryError, RecursionError,
            OverflowError) as error:
        raise ValueError(f"{place} cannot be read: {error}") from None


def _infix(kind, left, right):
    if kind == "/" and isinstance(left, tuple) and left[0] == "*":
        # a*b/c is read as a*(b/c): the product of large operands overflows, or its slope does.
        return "*", left[1], (kind, left[2], right)
    return kind, left, right
