"""Losses as graphs: what is dropped, and that float32 shows no change."""

import os
import random

import numpy as np
import pytest
from deap import gp
from rounding import assert_agrees, points, reference

from deap_lossgp.curves.grid import LOWEST
from deap_lossgp.export.forms import FUNCTIONS
from deap_lossgp.export.graphs import Graph, definition, in_order, simplify
from deap_lossgp.export.intervals import WHOLE
from deap_lossgp.export.plain_text import TEXT
from deap_lossgp.export.writing import write
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.operators import genLoss
from deap_lossgp.primitives import LossPrimitive
from deap_lossgp.psets import add_primitive, loss_primitive_set
from deap_lossgp.trees import LossTree

TREES = int(os.environ.get("DEAP_LOSSGP_TREES", 60))
PSET = loss_primitive_set()
PLAIN = loss_primitive_set(protected=False)


def tree_of(text, pset=PSET):
    return LossTree.from_string(text, pset)


def random_trees(pset, count=TREES, seed=1):
    random.seed(seed)
    return [*(tree_of(text, pset) for text in KNOWN_LOSSES.values()),
            *(LossTree(genLoss(pset)) for _ in range(count))]


def evaluate(root, y_true, y_pred):
    """The values of all nodes of a graph without calls, in the precision of the arguments."""
    leaves, values = {"y_true": y_true, "y_pred": y_pred}, {}
    with np.errstate(all="ignore"):
        for node in in_order(root):
            operands = [values[operand] for operand in node.operands]
            if node.kind == "number":
                values[node] = np.asarray(node.value, y_pred.dtype)
            elif node.kind == "name":
                values[node] = leaves[node.value]
            else:
                values[node] = FUNCTIONS[node.kind](*operands)
    return values


def infix(text, pset=PSET):
    """With a call for each protected operator whose guard can act."""
    written = write(simplify(tree_of(text, pset), pset), CALLS)
    assert not written.parts
    return written.value


CALLS = type(TEXT)(TEXT.formats, TEXT.number, called="_{}", longest=999, deepest=99)


@pytest.mark.parametrize("pset", [PSET, PLAIN], ids=["protected", "plain"])
def test_simplified_losses_have_their_values(pset):
    y_true, y_pred = points()
    for tree in random_trees(pset):
        root = Graph(calls=False).tree(tree, pset)
        values = np.broadcast_to(evaluate(root, y_true, y_pred)[root], y_pred.shape)
        assert_agrees([values], reference(tree, pset, y_true, y_pred), str(tree))


@pytest.mark.parametrize("pset", [PSET, PLAIN], ids=["protected", "plain"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_every_value_on_the_way_lies_in_its_interval(pset, dtype):
    arguments = [values.astype(dtype) for values in points()]
    bounded = 0
    for tree in random_trees(pset, seed=2):
        root = Graph(calls=False).tree(tree, pset)
        for node, values in evaluate(root, *arguments).items():
            if node.interval != WHOLE:
                low, high = node.interval
                values = values.astype(np.float64)
                assert (values >= low).all() and (values <= high).all(), (node.kind, str(tree))
                bounded += 1
    assert bounded > 5 * TREES


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (KNOWN_LOSSES["cross_entropy"], "-(y_true * log(y_pred))"),
        (KNOWN_LOSSES["mse"], "(y_true - y_pred) ** 2"),
        (KNOWN_LOSSES["ngl"], "exp(2.4092 - y_pred * (1 + y_true)) - cos(cos(sin(y_pred)))"),
        (KNOWN_LOSSES["baikal"], "_div(y_true, y_pred) - log(y_pred)"),
        ("log(y_true)", "_log(y_true)"),
        ("log(neg(y_pred))", "log(y_pred)"),
        ("log(sub(y_pred, 2))", "log(2 - y_pred)"),
        ("log(sub(1, y_pred))", "log(1 - y_pred)"),
        ("log(sub(1.00000001, mul(2, y_pred)))", "_log(1.00000001 - 2 * y_pred)"),
        ("sqrt(y_pred)", "_sqrt(y_pred)"),
        ("sqrt(add(y_pred, 0.01))", "sqrt(y_pred + 0.01)"),
        ("sqrt(neg(exp(y_pred)))", "sqrt(exp(y_pred))"),
        ("div(y_true, add(y_true, y_pred))", "_div(y_true, y_true + y_pred)"),
        ("div(y_true, cos(y_pred))", "y_true / cos(y_pred)"),
        ("div(1, mul(1e-8, add(1, y_pred)))", "_div(1, 1e-08 * (1 + y_pred))"),
        ("div(3, div(2, add(1, y_true)))", "3 / (2 / (1 + y_true))"),
        ("exp(mul(41, y_pred))", "exp(41 * y_pred)"),
        ("exp(mul(42, y_pred))", "_exp(42 * y_pred)"),
        ("mul(exp(mul(20, y_pred)), exp(mul(20, y_true)))",
         "exp(20 * y_pred) * exp(20 * y_true)"),
        ("mul(exp(mul(40, y_pred)), exp(mul(40, y_true)))",
         "_mul(exp(40 * y_pred), exp(40 * y_true))"),
        ("exp(add(y_pred, 100))", "9.999683e17"),
    ],
)
def test_a_guard_stays_only_where_it_can_act(text, expected):
    got = infix(text)
    if expected[0] == "9":
        assert float(got) == pytest.approx(float(expected), rel=1e-6)
    else:
        assert got == expected


@pytest.mark.parametrize("protected", [True, False], ids=["protected", "plain"])
@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("neg(neg(y_pred))", "y_pred"),
        ("neg(sub(y_true, y_pred))", "y_pred - y_true"),
        ("neg(sub(neg(cos(y_pred)), y_true))", "y_true + cos(y_pred)"),
        ("add(y_pred, neg(y_true))", "y_pred - y_true"),
        ("add(neg(y_pred), y_true)", "y_true - y_pred"),
        ("sub(y_pred, neg(y_true))", "y_pred + y_true"),
        ("add(y_pred, -2.5)", "y_pred - 2.5"),
        ("sub(y_pred, -2.5)", "y_pred + 2.5"),
        ("add(y_pred, 0)", "y_pred"),
        ("sub(0, y_pred)", "-y_pred"),
        ("sub(y_pred, y_pred)", "0"),
        ("add(y_pred, y_pred)", "2 * y_pred"),
        ("mul(y_pred, 1)", "y_pred"),
        ("mul(-1, y_pred)", "-y_pred"),
        ("mul(y_pred, 0)", "0"),
        ("mul(y_pred, 2.5)", "2.5 * y_pred"),
        ("mul(neg(y_true), neg(y_pred))", "y_true * y_pred"),
        ("mul(neg(y_true), y_pred)", "-(y_true * y_pred)"),
        ("div(y_true, neg(add(1, y_pred)))", "-(y_true / (1 + y_pred))"),
        ("div(add(1, y_pred), add(y_pred, 1))", "1"),
        ("div(y_true, 1)", "y_true"),
        ("mul(div(1, add(1, y_pred)), log(y_pred))", "log(y_pred) / (1 + y_pred)"),
        ("cos(neg(y_true))", "cos(y_true)"),
        ("sin(neg(y_true))", "-sin(y_true)"),
        ("exp(sub(0.5, 0.25))", "1.2840254166877414"),
        ("add(sub(y_true, 1), mul(-2, y_pred))", "y_true - 1 - 2 * y_pred"),
    ],
)
def test_what_is_exact_in_floating_point_is_simplified(text, expected, protected):
    assert infix(text, PSET if protected else PLAIN) == expected


@pytest.mark.parametrize("text", ["sub(exp(exp(exp(exp(add(9, y_pred))))), y_true)",
                                  "div(y_true, y_true)", "mul(0, log(y_true))"])
def test_plain_operators_that_may_be_undefined_are_left_alone(text):
    assert infix(text, PLAIN).replace(" ", "").count("(") >= text.count("(") - 2


def test_equal_parts_are_one_node():
    root = simplify(tree_of("mul(sqrt(add(y_true, y_pred)), sin(add(y_pred, y_true)))"), PSET)
    kinds = sorted(node.kind for node in in_order(root))
    assert kinds == ["*", "+", "call", "name", "name", "sin"]


def test_operands_change_places_only_where_the_value_stays_the_same():
    graph = Graph(calls=False)
    x, y = (graph.name(name, (1.0, 9.0)) for name in "xy")
    binary = [kind for kind in FUNCTIONS if kind in ("+", "-", "*", "/", "**", "Max", "Min")]
    assert len(binary) == 7
    for kind in binary:
        same = FUNCTIONS[kind](2.0, 5.0) == FUNCTIONS[kind](5.0, 2.0)
        assert (graph.apply(kind, x, y) is graph.apply(kind, y, x)) == same, kind
    assert infix("add(div(y_true, y_pred), cos(div(y_pred, y_true)))", PLAIN) == (
        "y_true / y_pred + cos(y_pred / y_true)")


def test_the_arguments_have_the_domains_of_training():
    names = {node.value: node.interval
             for node in in_order(simplify(tree_of("add(y_true, y_pred)"), PSET)) if node.value}
    assert names == {"y_true": (0.0, 1.0), "y_pred": (LOWEST, 1.0 - LOWEST)}


def square(ops, a):
    return ops.multiply(a, a)


def d_square(ops, a):
    return (2.0 * a,)


def test_primitives_of_ones_own_are_simplified_by_their_forms():
    pset = loss_primitive_set()
    rows = {"square": "(({0})**2)", "twice": "(2*({0})**2)",
            "limited": "Max(-9, Min(9, ({0})**2))"}
    for name, form in rows.items():
        row = LossPrimitive(name, 1, square, d_square, form)
        pset.addPrimitive(row, 1, name=name)
    assert infix("square(sub(y_true, y_pred))", pset) == "(y_true - y_pred) ** 2"
    assert infix("limited(y_pred)", pset) == "y_pred**2"
    assert infix("limited(mul(4, y_pred))", pset) == "_limited(4 * y_pred)"
    assert infix("twice(y_pred)", pset) == "_twice(y_pred)"
    body, parameters = definition(pset.context["limited"])
    assert write(body, TEXT).value == "max(-9, min(9, a**2))"
    assert [parameter.value for parameter in parameters] == ["a"]


def test_a_primitive_without_a_form_is_refused_by_name():
    pset = loss_primitive_set()
    pset.addPrimitive(np.tanh, 1, name="tanh")
    with pytest.raises(ValueError, match="primitive 'tanh' has no symbolic form"):
        simplify(LossTree(gp.PrimitiveTree([pset.mapping["tanh"], pset.mapping["y_pred"]])), pset)


def test_an_unreadable_form_is_refused_by_name():
    pset = loss_primitive_set()
    add_primitive(pset, LossPrimitive("mine", 1, square, d_square, "zeta({0})"))
    with pytest.raises(ValueError, match="'mine': the symbolic form .* unknown function 'zeta'"):
        simplify(tree_of("mine(y_pred)", pset), pset)


def test_the_smoothed_reciprocal_of_a_label_by_a_prediction_needs_no_limits():
    nodes = in_order(Graph(calls=False).tree(tree_of(KNOWN_LOSSES["baikal"]), PSET))
    assert any(node.is_number(1e-20) for node in nodes)
    assert not {"clip", "Max", "Min"} & {node.kind for node in nodes}


def test_without_guards_it_is_the_mathematics():
    for name, text in KNOWN_LOSSES.items():
        root = Graph(guarded=False).tree(tree_of(text), PSET)
        assert "clip" not in {node.kind for node in in_order(root)}, name
        assert not [node for node in in_order(root) if node.kind == "call"]
    root = Graph(guarded=False).tree(tree_of("div(log(y_true), exp(sqrt(y_true)))"), PSET)
    assert write(root, TEXT).value == "log(y_true) / exp(sqrt(y_true))"


def test_trees_of_height_3000_are_simplified():
    assert infix("neg(" * 3000 + "y_pred" + ")" * 3000) == "y_pred"
    tree = tree_of("cos(" * 3000 + "y_pred" + ")" * 3000)
    assert len(in_order(simplify(tree, PSET))) == 3001
