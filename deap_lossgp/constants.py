"""The constants of a tree: made, read, replaced, and inserted as coefficients."""

import copy
import math
from collections.abc import Iterable

from deap import gp


def constant(value: float | str, pset: gp.PrimitiveSet) -> gp.Terminal:
    """Returns a constant leaf: an ephemeral constant if the set has one, else a terminal.

    Args:
        value: A number, or text that ``float`` reads.
        pset: A ``deap.gp.PrimitiveSet``.
    """
    for terminal in pset.terminals[pset.ret]:
        if isinstance(terminal, gp.MetaEphemeral):
            return _ephemeral(terminal, float(value))
    return gp.Terminal(float(value), False, pset.ret)


def is_constant(node: gp.Primitive | gp.Terminal) -> bool:
    """Returns whether a node is a leaf that holds a number instead of an argument."""
    return node.arity == 0 and not isinstance(node.value, str)


def constants_of(tree: Iterable) -> list[float]:
    """Returns the numbers at a tree's leaves, a list of floats in prefix order.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> tree = LossTree.from_string("add(2, mul(0.5, y_pred))", loss_primitive_set())
        >>> constants_of(tree)
        [2.0, 0.5]
    """
    return [float(node.value) for node in tree if is_constant(node)]


def with_constants(tree: gp.PrimitiveTree, values: Iterable[float]) -> gp.PrimitiveTree:
    """Returns a copy of a tree with other numbers at its leaves and no fitness.

    Args:
        tree: A ``deap.gp.PrimitiveTree`` with a ``fitness``, such as a ``LossTree``; not changed.
        values: One finite number for each constant, in prefix order.

    Returns:
        A new tree of the same class, which holds exactly these floats.

    Raises:
        ValueError: Too few or too many values, or one that is not finite.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> tree = LossTree.from_string("add(2, mul(0.5, y_pred))", loss_primitive_set())
        >>> print(with_constants(tree, [0.1, -3]))
        add(0.1, mul(-3.0, y_pred))
    """
    values = [float(value) for value in values]
    places = [place for place, node in enumerate(tree) if is_constant(node)]
    if len(values) != len(places):
        raise ValueError(f"expected a value for each of the tree's {len(places)} constants, "
                         f"got {len(values)}")
    if not all(map(math.isfinite, values)):
        raise ValueError(f"expected finite constants, got {values}")
    new = copy.deepcopy(tree)
    for place, value in zip(places, values, strict=True):
        old = tree[place]
        new[place] = (_ephemeral(type(old), value) if isinstance(type(old), gp.MetaEphemeral)
                      else gp.Terminal(value, False, old.ret))
    del new.fitness.values
    return new


def insert_coefficients(tree: gp.PrimitiveTree, pset: gp.PrimitiveSet, *,
                        prune: bool = True) -> gp.PrimitiveTree:
    """Returns a tree with a factor of 1 in front of its nodes, for ``eaConstants`` to tune.

    GLO regards a loss as having a coefficient of 1 at each node, and leaves out the coefficients
    that others absorb. The paper does not say which ones these are. Here a factor is put in front
    of each term of a sum, and of each operand of a function other than ``add sub neg mul div``.
    There is none in front of a sum, a negation, a factor of a product, or a node that is already
    multiplied by a constant. If a sum is a factor itself, one of its terms gets none. So Baikal,
    log(p) - t/p, gets three, w0·log(w1·p) - w2·t/p, to which the published Baikal-CMA can be
    reduced.

    Args:
        tree: A ``deap.gp.PrimitiveTree`` such as a ``LossTree``; not changed.
        pset: Its primitive set, with a primitive named ``mul``. The functions ``add sub mul div
            neg`` are recognised by their names.
        prune: Whether to leave out the factors that others absorb. Without it each node gets a
            factor, except the constants.

    Returns:
        A new tree of the same class with the same values and derivatives, two nodes larger for
        each factor. Limits on size are not checked.

    Raises:
        ValueError: The set has no ``mul``.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> from deap_lossgp.trees import LossTree
        >>> pset = loss_primitive_set()
        >>> tree = LossTree.from_string("sub(exp(y_true), mul(y_true, y_pred))", pset)
        >>> print(insert_coefficients(tree, pset))
        sub(mul(1.0, exp(mul(1.0, y_true))), mul(1.0, mul(y_true, y_pred)))
        >>> len(constants_of(insert_coefficients(tree, pset, prune=False)))
        6

    References:
        S. Gonzalez and R. Miikkulainen, "Improved training speed, accuracy, and data utilization
        through loss function optimization", CEC 2020, arXiv:1905.11528.
    """
    factor = pset.mapping.get("mul")
    if not isinstance(factor, gp.Primitive) or factor.arity != 2:
        raise ValueError(f"the primitive set {pset.name!r} has no mul(a, b) to put factors with")
    nodes = []
    pending = [True]  # for each of the next nodes: whether it has a scale of its own
    for node, places in zip(tree, _operands(tree), strict=True):
        own = pending.pop()
        known = any(is_constant(tree[place]) for place in places)
        below = [True] * node.arity
        if is_constant(node):
            own = False
        elif prune and node.name in ("add", "sub"):
            # If the scale of the sum is given from outside, one of its terms needs none.
            below, own = [own, own or not known], False
        elif prune and node.name == "neg":
            below, own = [own], False
        elif prune and node.name in ("mul", "div"):
            below, own = [False, False], own and not known
        if own:
            nodes += [factor, constant(1.0, pset)]
        nodes.append(node)
        pending += reversed(below)
    return type(tree)(nodes)


def _ephemeral(kind, value):
    """Returns a leaf of a class of ephemeral constants, with a given value."""
    leaf = kind.__new__(kind)  # calling the class would draw a random number
    leaf.value = value
    return leaf


def _operands(tree):
    """Returns the places of each node's operands, in one pass: trees may be of any height."""
    operands, roots = [], []  # roots: the places of the subtrees found so far, the last first
    for place in reversed(range(len(tree))):
        operands.append([roots.pop() for _ in range(tree[place].arity)])
        roots.append(place)
    return operands[::-1]
