"""Generators and variation operators of loss trees, in DEAP's contracts.

Operators change their individuals in place, return tuples and draw from ``random``. What DEAP
already has is taken from DEAP. Every child keeps the rules of a loss, by ``loss_rules.keepRules``.
Each operator takes ``keep``, a decorator such as ``keepRules(LossRules(max_size=30))``, which says
what children keep to instead, and what becomes of those that do not.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import wraps
from math import exp, log
from typing import TypeVar, cast

from deap import gp

from deap_lossgp.loss_rules import MAX_HEIGHT, MAX_SIZE, Keep, LossRules, keepRules
from deap_lossgp.psets import ARGUMENTS
from deap_lossgp.trees import LossTree

LEAVES = ("operator", "terminal")
"""What ``mutOnePoint`` can make of a leaf."""

_MOST_ATTEMPTS = 1000

Operator = TypeVar("Operator", bound=Callable)
"""A function that varies individuals."""


def _keepLoss(operator: Operator) -> Operator:
    """Reads the argument ``keep`` of an operator, which the operator itself never gets.

    By default those rules are kept that the first individual kept, so that trees of other psets
    vary too.
    """

    @wraps(operator)
    def wrapper(*args, keep=None, **kwargs):
        individual = next(iter((*args, *kwargs.values())))
        return (keep or _rules_of(individual))(operator)(*args, **kwargs)

    return cast(Operator, wrapper)


def _rules_of(individual):
    leaves = {node.value for node in individual if node.arity == 0}
    return keepRules(LossRules(
        max(MAX_HEIGHT, individual.height),
        max(MAX_SIZE, len(individual)),
        tuple(leaves & set(ARGUMENTS)),
    ))


def genLoss(pset: gp.PrimitiveSet, min_: int = 2, max_: int = MAX_HEIGHT, max_size: int = MAX_SIZE,
            type_: type | None = None) -> list:
    """Generates the nodes of a random loss that holds every argument of the set.

    The size is drawn log-uniformly from the smallest possible to ``max_size``, so that most trees
    are neither huge nor tiny. The tree then grows slot by slot, as in Luke's PTC2, until it has
    that size. With a probability that is drawn for each tree, a step extends the newest slot
    instead of a random one: so shapes range from bushy trees to chains, and heights over the whole
    range.

    Args:
        pset: A primitive set.
        min_: Least height, in edges; 2 in the thesis (section 3.2.3).
        max_: Greatest height, in edges; 100 in the thesis.
        max_size: Greatest number of nodes.
        type_: Ignored; DEAP's ``mutUniform`` passes it.

    Returns:
        A list of nodes in prefix order.

    Raises:
        ValueError: No such tree exists, or none was found.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> tree = LossTree(genLoss(loss_primitive_set(), min_=3, max_=5, max_size=20))
        >>> 3 <= tree.height <= 5 and len(tree) <= 20 and LossRules()(tree)
        True

    References:
        S. Luke, "Two fast tree-creation algorithms for genetic programming", IEEE Transactions on
        Evolutionary Computation 4(3), 2000.
    """
    smallest = min_ + len(pset.arguments)
    if not 1 <= min_ <= max_:
        raise ValueError(f"expected 1 <= min_ <= max_, got min_={min_}, max_={max_}")
    if max_size < smallest:
        raise ValueError(f"a loss of height {min_} has at least {smallest} nodes, "
                         f"got max_size={max_size}")
    for _ in range(_MOST_ATTEMPTS):
        size = round(exp(random.uniform(log(smallest), log(max_size))))
        tree = LossTree(_grow(pset, size, min_, max_))
        leaves = [i for i, node in enumerate(tree) if node.arity == 0]
        if tree.height >= min_ and len(leaves) >= len(pset.arguments):
            break
    else:
        raise ValueError(f"found no loss of height {min_} to {max_} with {pset.arguments} in at "
                         f"most {max_size} nodes among {_MOST_ATTEMPTS} random trees")
    while missing := [name for name in pset.arguments
                      if all(tree[i].value != name for i in leaves)]:
        tree[random.choice(leaves)] = pset.mapping[missing[0]]
    return list(tree)


def _grow(pset, size, min_height, max_height):
    """Returns the nodes, in prefix order, of a random tree of at most ``size`` nodes.

    The tree reaches ``min_height`` if the set's arities allow it: the nodes needed for that are
    held in reserve, and once no others are left, the deepest slot is extended.
    """
    newest = random.random()
    root = {"depth": 0}
    slots, count, height = [root], 1, 0
    while slots and count < size:
        spare = size - count - max(0, min_height - height)
        index = -1 if random.random() < newest else random.randrange(len(slots))
        if not spare:
            index = max(range(len(slots)), key=lambda i: slots[i]["depth"])
        slot = slots.pop(index)
        budget = spare + 1 if slot["depth"] == height < min_height else spare
        fitting = [p for p in pset.primitives[pset.ret] if p.arity <= budget]
        if slot["depth"] == max_height or not fitting:
            continue
        slot["node"] = random.choice(fitting)
        slot["operands"] = [{"depth": slot["depth"] + 1} for _ in range(slot["node"].arity)]
        slots += slot["operands"]
        count += slot["node"].arity
        height = max(height, slot["depth"] + 1)
    nodes, stack = [], [root]
    while stack:
        slot = stack.pop()
        nodes.append(slot.get("node") or _terminal(pset))
        stack += reversed(slot.get("operands", ()))
    return nodes


def _terminal(pset, other_than=None):
    """Returns a random leaf: an argument or a new constant."""
    choices = [terminal for terminal in pset.terminals[pset.ret] if terminal != other_than]
    terminal = random.choice(choices or [other_than])
    return terminal() if isinstance(terminal, gp.MetaEphemeral) else terminal


@_keepLoss
def cxSubtree(ind1: gp.PrimitiveTree,
              ind2: gp.PrimitiveTree, *,
              keep: Keep | None = None) -> tuple[gp.PrimitiveTree, gp.PrimitiveTree]:
    """Replaces a random subtree of the first, perhaps all of it, by a random one of the second.

    Args:
        ind1: Changed in place.
        ind2: Not changed.

    Returns:
        (ind1, ind2)

    References:
        Thesis, section 3.2.3 (Algorithm 1, line 14).
    """
    place = ind1.searchSubtree(random.randrange(len(ind1)))
    ind1[place] = ind2[ind2.searchSubtree(random.randrange(len(ind2)))]
    return ind1, ind2


@_keepLoss
def mutSubtree(individual: gp.PrimitiveTree, expr: Callable[..., list], pset: gp.PrimitiveSet,
               root: bool = True, *, keep: Keep | None = None) -> tuple[gp.PrimitiveTree]:
    """Replaces a random subtree by a new one: DEAP's ``mutUniform``, under the rules of a loss.

    Args:
        individual: Changed in place.
        expr: ``expr(pset=, type_=) -> nodes``, such as ``gp.genHalfAndHalf``.
        pset: The primitive set.
        root: Whether the whole tree may be replaced. Otherwise a tree of one node stays as it is.

    Returns:
        (individual,)

    References:
        Thesis, section 3.2.3 (Algorithm 1, line 16), which calls it similar to one-point mutation,
        where the root is left out: ``root=False``.
    """
    if root or len(individual) > 1:
        index = random.randrange(0 if root else 1, len(individual))
        new = expr(pset=pset, type_=individual[index].ret)
        individual[individual.searchSubtree(index)] = new
    return (individual,)


@_keepLoss
def mutOnePoint(individual: gp.PrimitiveTree, pset: gp.PrimitiveSet,
                leaves: str = "terminal", *,
                keep: Keep | None = None) -> tuple[gp.PrimitiveTree]:
    """Replaces one node other than the root.

    If the new node takes more operands than the old one, the missing ones are new random terminals;
    if it takes fewer, the last ones are removed. A tree of one node stays as it is.

    Args:
        individual: Changed in place.
        pset: The primitive set.
        leaves: What becomes of a leaf. ``"operator"``: every node becomes one of all the set's
            operators, perhaps the one that it was. ``"terminal"``: an operator becomes another
            operator, a leaf another terminal.

    Returns:
        (individual,)

    Raises:
        ValueError: ``leaves`` is neither.

    References:
        Thesis, section 3.2.3 (Algorithm 1, line 19): the node becomes one of the ten operators,
        which is ``leaves="operator"``. The thesis does not say what becomes of operands.
    """
    check_leaves(leaves)
    if len(individual) < 2:
        return (individual,)
    index = random.randrange(1, len(individual))
    old = individual[index]
    if leaves == "terminal" and old.arity == 0:
        individual[index] = _terminal(pset, other_than=old)
        return (individual,)
    choices = [p for p in pset.primitives[pset.ret] if leaves == "operator" or p.name != old.name]
    new = random.choice(choices or [old])
    operands, start = [], index + 1
    for _ in range(min(old.arity, new.arity)):
        place = individual.searchSubtree(start)
        operands += individual[place]
        start = place.stop
    for _ in range(new.arity - old.arity):
        operands.append(_terminal(pset))
    individual[individual.searchSubtree(index)] = [new, *operands]
    return (individual,)


def check_leaves(leaves: str) -> None:
    """Refuses what ``mutOnePoint`` does not take for ``leaves``.

    Raises:
        ValueError: It is not in ``LEAVES``.
    """
    if leaves not in LEAVES:
        raise ValueError(f"leaves must be {' or '.join(map(repr, LEAVES))}, got {leaves!r}")


def mutLoss(individual: gp.PrimitiveTree, expr: Callable[..., list], pset: gp.PrimitiveSet,
            subtreepb: float = 0.3, pointpb: float = 0.1, *, root: bool = True,
            leaves: str = "terminal", keep: Keep | None = None) -> tuple[gp.PrimitiveTree]:
    """Mutates a subtree with one probability and then, independently, one node with another.

    It draws both itself, so it is to be called on every child: ``mutpb=1`` in the algorithms. Each
    of the two mutations keeps the rules for itself, so that a child that broke them does not draw
    again whether it is mutated.

    Args:
        individual: Changed in place.
        expr, root: As for ``mutSubtree``.
        pset: The primitive set.
        subtreepb: M_ST, the probability of ``mutSubtree``.
        pointpb: M_N, the probability of ``mutOnePoint``.
        leaves: As for ``mutOnePoint``.
        keep: As for all operators, for each of the two mutations.

    Returns:
        (individual,)

    References:
        Thesis, Algorithm 1, lines 15 to 20.
    """
    if random.random() < subtreepb:
        (individual,) = mutSubtree(individual, expr, pset, root=root, keep=keep)
    if random.random() < pointpb:
        (individual,) = mutOnePoint(individual, pset, leaves=leaves, keep=keep)
    return (individual,)
