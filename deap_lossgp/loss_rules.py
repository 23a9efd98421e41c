"""The rules of a loss tree, and how operators are made to keep them."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any

from deap import gp

from deap_lossgp.psets import ARGUMENTS

Keep = Callable[[Callable], Callable]
"""A decorator for operators, as ``keepRules`` returns it."""

MAX_HEIGHT = 100
"""Default limit on height, in edges."""

MAX_SIZE = 128
"""Default limit on nodes: with a limit on height alone, random trees reach 10,000s of nodes."""


@dataclass(frozen=True)
class LossRules:
    """What every loss tree must keep to; an instance, called with a tree, tells whether it does.

    Attributes:
        max_height: Greatest height, in edges.
        max_size: Greatest number of nodes.
        arguments: Names of the arguments that the tree must hold.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> tree = LossTree.from_string("mul(y_pred, y_pred)", loss_primitive_set())
        >>> LossRules()(tree), LossRules(arguments=("y_pred",))(tree)
        (False, True)
    """

    max_height: int = MAX_HEIGHT
    max_size: int = MAX_SIZE
    arguments: tuple[str, ...] = ARGUMENTS

    def __call__(self, tree: gp.PrimitiveTree) -> bool:
        return (
            len(tree) <= self.max_size
            and set(self.arguments) <= {node.value for node in tree if node.arity == 0}
            and tree.height <= self.max_height
        )


def keepRules(rule: Callable[[Any], bool], *, attempts: int = 20,
              otherwise: Callable[[], list] | None = None) -> Keep:
    """Returns a decorator for operators whose children must keep a rule.

    If a child breaks the rule, all are put back to what they were, and the operator is tried again.
    If the last attempt fails too, the child becomes what ``otherwise`` returns, or stays what it
    was, as with DEAP's ``staticLimit``. Individuals that the operator did not change are not
    checked.

    Args:
        rule: ``rule(tree) -> bool``.
        attempts: How often the operator is tried, at least 1.
        otherwise: ``otherwise() -> nodes`` of a replacement, or None.

    Returns:
        The decorator.

    Raises:
        ValueError: ``attempts`` is less than 1.

    Examples:
        >>> from deap import base
        >>> toolbox = base.Toolbox()
        >>> toolbox.register("mate", gp.cxOnePoint)
        >>> toolbox.decorate("mate", keepRules(LossRules(max_size=30)))
    """

    if attempts < 1:
        raise ValueError(f"attempts must be at least 1, got {attempts}")

    def decorator(operator):
        @wraps(operator)
        def wrapper(*args, **kwargs):
            trees = [arg for arg in (*args, *kwargs.values())
                     if isinstance(arg, gp.PrimitiveTree)]
            before = [list(tree) for tree in trees]
            for attempt in range(attempts):
                children = operator(*args, **kwargs)
                broken = [(tree, nodes) for tree, nodes in zip(trees, before, strict=True)
                          if list(tree) != nodes and not rule(tree)]
                if not broken:
                    return children
                last = attempt == attempts - 1
                for tree, nodes in broken if last else zip(trees, before, strict=True):
                    tree[0:len(tree)] = otherwise() if last and otherwise else nodes
            return children

        return wrapper

    return decorator
