"""The primitive set of losses, as a plain ``deap.gp.PrimitiveSet``."""

import random
from functools import partial

from deap import gp

from deap_lossgp.checking import check_primitive
from deap_lossgp.primitives import PLAIN, PROTECTED

ARGUMENTS = ("y_true", "y_pred")


def loss_primitive_set(protected=True, *, constants=(-5.0, 5.0)):
    """Returns the thesis's ten operators over y_true, y_pred and real constants.

    Args:
        protected: Total operators (the default) or, if false, the plain mathematics.
        constants: Range from which ephemeral constants are drawn uniformly.

    Returns:
        A ``deap.gp.PrimitiveSet`` with arguments ``y_true`` and ``y_pred``. Its context holds the
        ``LossPrimitive`` rows, so ``gp.compile`` gives a NumPy function.

    References:
        Thesis, section 3.2.3: leaves are real numbers, y_pred or y_true; inner nodes are
        +, -, *, /, *(-1), sqrt, log, exp, sin or cos.

    >>> pset = loss_primitive_set()
    >>> sorted(primitive.name for primitive in pset.primitives[pset.ret])
    ['add', 'cos', 'div', 'exp', 'log', 'mul', 'neg', 'sin', 'sqrt', 'sub']
    >>> pset.arguments
    ['y_true', 'y_pred']
    """
    low, high = constants
    pset = gp.PrimitiveSet("protected" if protected else "plain", len(ARGUMENTS))
    pset.renameArguments(ARG0=ARGUMENTS[0], ARG1=ARGUMENTS[1])
    for name in ARGUMENTS:
        # renameArguments leaves the terminal's name behind, and genetic operators read it.
        pset.mapping[name].name = name
    for row in (PROTECTED if protected else PLAIN).values():
        pset.addPrimitive(row, row.arity, name=row.name)
    pset.addEphemeralConstant("constant", partial(_uniform, low, high))
    return pset


def _uniform(low, high):
    # random.uniform itself would pickle with the state of its generator, and draw from that copy.
    return random.uniform(low, high)


def add_primitive(pset, row):
    """Adds a primitive of one's own, after ``check_primitive`` has found nothing against it.

    Args:
        pset: A primitive set from ``loss_primitive_set``.
        row: A ``LossPrimitive``; give it functions of a module, not lambdas, if it shall pickle.

    Raises:
        ValueError: The row is faulty, or the set has something of its name.
    """
    check_primitive(row)
    if row.name in pset.context or row.name in pset.mapping:
        raise ValueError(f"primitive {row.name!r}: the primitive set has this name already")
    pset.addPrimitive(row, row.arity, name=row.name)
