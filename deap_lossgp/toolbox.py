"""A DEAP toolbox of loss trees, for the algorithms here and for DEAP's own."""

from collections.abc import Callable

from deap import base, gp, tools

from deap_lossgp.loss_rules import MAX_HEIGHT, MAX_SIZE, LossRules, keepRules
from deap_lossgp.operators import check_leaves, cxSubtree, genLoss, mutLoss
from deap_lossgp.trees import LossTree

_MOST_ATTEMPTS = 100_000


def make_toolbox(pset: gp.PrimitiveSet,
                 evaluate: Callable[[LossTree], tuple[float, float]] | None = None, *,
                 valid: Callable[[LossTree], bool] | None = None, min_height: int = 2,
                 max_height: int = MAX_HEIGHT, max_size: int = MAX_SIZE, subtreepb: float = 0.3,
                 pointpb: float = 0.1, root: bool = True, leaves: str = "terminal",
                 attempts: int = 10) -> base.Toolbox:
    """Returns a toolbox with the generator and the operators of losses.

    Args:
        pset: A primitive set, usually from ``loss_primitive_set``.
        evaluate: ``evaluate(individual) -> (wins, improvement)``; without it the toolbox has no
            ``evaluate``, and the user registers one.
        valid: ``valid(individual) -> bool``. A generated tree that is not valid is discarded and
            replaced by a new, valid one (thesis, section 3.2.3). A child that crossover or a
            mutation made invalid is made again from what it was, up to ``attempts`` times, then
            a new tree takes its place, too.
        min_height: Least height of generated trees, in edges; children may be lower.
        max_height: Greatest height, in edges, of generated trees and of every child.
        max_size: Greatest number of their nodes.
        subtreepb: M_ST, the probability of subtree mutation.
        pointpb: M_N, the probability of one-point mutation.
        root: Whether subtree mutation may replace the whole tree; not in the thesis.
        leaves: What one-point mutation makes of a leaf, ``"operator"``, as in the thesis, or
            ``"terminal"``.
        attempts: How often a child is made that is not valid, at least 1.

    Returns:
        A ``deap.base.Toolbox`` with ``expr expr_mut individual population mate mutate select``.
        ``select`` is a tournament of 3, for DEAP's ``eaSimple`` and ``eaMuPlusLambda``.

    Raises:
        ValueError: ``leaves`` is unknown. When a tree is generated: the limits or ``valid`` leave
            nothing.

    Examples:
        >>> from deap_lossgp.psets import loss_primitive_set
        >>> toolbox = make_toolbox(loss_primitive_set())
        >>> [type(individual).__name__ for individual in toolbox.population(n=2)]
        ['LossTree', 'LossTree']
    """
    check_leaves(leaves)
    toolbox = base.Toolbox()
    toolbox.register(
        "expr", genLoss, pset=pset, min_=min_height, max_=max_height, max_size=max_size
    )
    toolbox.register("expr_mut", gp.genHalfAndHalf, min_=0, max_=4)
    toolbox.register("individual", _individual, toolbox.expr, valid)
    toolbox.register("population", tools.initRepeat, list, toolbox.individual)
    limits = keepRules(LossRules(max_height, max_size, tuple(pset.arguments)))

    def keep(operator):
        if valid is None:
            return limits(operator)
        checked = keepRules(valid, attempts=attempts, otherwise=toolbox.individual)
        return checked(limits(operator))

    toolbox.register("mate", cxSubtree, keep=keep)
    toolbox.register(
        "mutate", mutLoss, expr=toolbox.expr_mut, pset=pset, subtreepb=subtreepb, pointpb=pointpb,
        root=root, leaves=leaves, keep=keep,
    )
    toolbox.register("select", tools.selTournament, tournsize=3)
    if evaluate is not None:
        toolbox.register("evaluate", evaluate)
    return toolbox


def _individual(expr, valid):
    """Returns a new tree that is valid."""
    for _ in range(_MOST_ATTEMPTS):
        individual = LossTree(expr())
        if valid is None or valid(individual):
            return individual
    raise ValueError(f"no valid loss among {_MOST_ATTEMPTS} random trees: "
                     f"the limits or the validity leave nothing")
