"""Small faults in a module's text, one at a time: what ``mutants.py`` puts in.

>>> for mutation in mutations("total = min(a, b)\\nif a < 1 and all(b): total += 1\\n"):
...     print(mutation.line, mutation.after)
1 total = max(a, b)
2 if not (a < 1 and all(b)): total += 1
2 if a < 1 or all(b): total += 1
2 if a <= 1 and all(b): total += 1
2 if a >= 1 and all(b): total += 1
2 if a < 2 and all(b): total += 1
2 if a < 0 and all(b): total += 1
2 if a < 1 and any(b): total += 1
2 if a < 1 and all(b): pass
2 if a < 1 and all(b): total -= 1
2 if a < 1 and all(b): total += 2
2 if a < 1 and all(b): total += 0
"""

import ast
import random
import re
from dataclasses import dataclass

COMPARED = {"<": ("<=", ">="), "<=": ("<", ">"), ">": (">=", "<="), ">=": (">", "<"),
            "==": ("!=",), "!=": ("==",), "is not": ("is",), "is": ("is not",),
            "not in": ("in",), "in": ("not in",)}  # fmt: skip
COMPUTED = {"+": "-", "-": "+", "*": "/", "//": "*", "/": "*", "%": "*", "**": "*", "|": "&",
            "&": "|"}  # fmt: skip
NAMES = {"any": "all", "min": "max", "ceil": "floor", "minimum": "maximum", "argmin": "argmax",
         "isnan": "isinf", "append": "extend", "update": "clear"}  # fmt: skip
NAMES |= {new: old for old, new in NAMES.items() if old not in ("append", "update")}
DELETED = ast.AugAssign | ast.Raise | ast.Delete
SILENT = ast.Import | ast.ImportFrom | ast.alias


@dataclass(frozen=True)
class Mutation:
    """A fault: the module's ``text`` with it, and the ``line`` as it is ``before`` and ``after``.

    ``lines`` are the numbers of the lines that run it.
    """

    line: int
    before: str
    after: str
    text: str
    lines: range


class _Finder(ast.NodeVisitor):
    """Notes (start, end, new text) of each fault, in characters."""

    def __init__(self, text):
        self.text, self.found = text, []
        lengths = [len(line) for line in text.splitlines(keepends=True)]
        self._starts = [sum(lengths[:index]) for index in range(len(lengths) + 1)]
        self._lines = text.splitlines()

    def start(self, node):
        return self._place(node.lineno, node.col_offset)

    def end(self, node):
        return self._place(node.end_lineno, node.end_col_offset)

    def _place(self, line, column):
        return self._starts[line - 1] + len(self._lines[line - 1].encode()[:column].decode())

    def note(self, start, end, new, node):
        self.found.append((start, end, new, range(node.lineno, node.end_lineno + 1)))

    def between(self, left, right, changes, node):
        """Notes changes of the operator between two operands."""
        start, end = self.end(left), self.start(right)
        for old in sorted(changes, key=len, reverse=True):
            if match := re.search(rf"(?<![\w*/<>=!]){re.escape(old)}(?![\w*/=])",
                                  self.text[start:end]):
                new = changes[old]
                for other in (new,) if isinstance(new, str) else new:
                    self.note(start + match.start(), start + match.end(), other, node)
                return

    def left_out(self, parts, node):
        """Notes that one of the parts between commas is left out."""
        spans = [(self.start(first), self.end(last)) for first, last in parts]
        for index, (start, end) in enumerate(spans):
            if len(spans) == 2 and isinstance(node, ast.Tuple):
                other = self.text[slice(*spans[1 - index])] + ","
                self.note(spans[0][0], spans[1][1], other, node)
            elif index + 1 < len(spans):
                self.note(start, spans[index + 1][0], "", node)
            elif index:
                self.note(spans[index - 1][1], end, "", node)

    def generic_visit(self, node):
        for name, value in ast.iter_fields(node):
            if name in ("annotation", "returns", "decorator_list"):
                continue  # hints decide nothing
            for child in value if isinstance(value, list) else [value]:
                if isinstance(child, ast.AST) and not isinstance(child, SILENT):
                    self.visit(child)

    def visit(self, node):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            return
        match node:
            case ast.Compare():
                operands = [node.left, *node.comparators]
                for left, right in zip(operands, operands[1:], strict=False):
                    self.between(left, right, COMPARED, node)
            case ast.BinOp():
                self.between(node.left, node.right, COMPUTED, node)
            case ast.BoolOp():
                for left, right in zip(node.values, node.values[1:], strict=False):
                    self.between(left, right, {"and": "or", "or": "and"}, node)
            case ast.UnaryOp(op=ast.Not() | ast.USub()):
                length = len("not " if isinstance(node.op, ast.Not) else "-")
                self.note(self.start(node), self.start(node) + length, "", node)
            case ast.Constant(value=bool()):
                self.note(self.start(node), self.end(node), str(not node.value), node)
            case ast.Constant(value=int() | float()):
                for new in (node.value + 1, node.value - 1):
                    self.note(self.start(node), self.end(node), repr(new), node)
            case ast.Name() | ast.Attribute():
                name = node.id if isinstance(node, ast.Name) else node.attr
                if name in NAMES:
                    self.note(self.end(node) - len(name), self.end(node), NAMES[name], node)
            case ast.If() | ast.IfExp() | ast.While():
                span = self.start(node.test), self.end(node.test)
                self.note(*span, f"not ({self.text[slice(*span)]})", node.test)
            case ast.Break():
                self.note(self.start(node), self.end(node), "continue", node)
            case ast.Continue():
                self.note(self.start(node), self.end(node), "break", node)
        if isinstance(node, DELETED) or (isinstance(node, ast.Expr)
                                         and isinstance(node.value, ast.Call)):
            self.note(self.start(node), self.end(node), "pass", node)
        if isinstance(node, ast.AugAssign):
            self.between(node.target, node.value, {"+=": "-=", "-=": "+=", "*=": "/="}, node)
        elif isinstance(node, ast.Tuple | ast.List | ast.Set) and isinstance(
                getattr(node, "ctx", ast.Load()), ast.Load):
            self.left_out([(one, one) for one in node.elts], node)
        elif isinstance(node, ast.Dict) and all(node.keys):
            self.left_out(list(zip(node.keys, node.values, strict=True)), node)
        elif isinstance(node, ast.Call) and len(node.args) + len(node.keywords) > 2:
            arguments = sorted([*node.args, *node.keywords], key=self.start)
            self.left_out([(one, one) for one in arguments], node)
        self.generic_visit(node)


def mutations(text):
    """Returns every ``Mutation`` of a module's text, in the order of its lines."""
    finder = _Finder(text)
    finder.visit(ast.parse(text))
    made = []
    for start, end, new, lines in finder.found:
        line = text.count("\n", 0, start) + 1
        changed = text[:start] + new + text[end:]
        first, last = text.rfind("\n", 0, start) + 1, text.find("\n", end)
        after = changed[first : last + len(changed) - len(text)]
        made.append(Mutation(line, " ".join(text[first:last].split()), " ".join(after.split()),
                             changed, lines))
    return [mutation for mutation in made if _is_python(mutation.text)]


def sample(text, count, seed):
    """Returns ``count`` mutations at random, of as many different lines as there are."""
    rest = mutations(text)
    random.Random(seed).shuffle(rest)
    lines, chosen, others = set(), [], []
    for mutation in rest:
        (others if mutation.line in lines else chosen).append(mutation)
        lines.add(mutation.line)
    return (chosen + others)[:count]


def _is_python(text):
    try:
        ast.parse(text)
    except SyntaxError:
        return False
    return True
