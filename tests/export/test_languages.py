"""Expressions as they are written: brackets, signs, named parts, numbers."""

import ast
import math
import random

import pytest

from deap_lossgp.export.files import TARGETS
from deap_lossgp.export.graphs import definition, simplify
from deap_lossgp.export.languages import depth
from deap_lossgp.export.plain_text import TEXT
from deap_lossgp.export.torch_module import TORCH
from deap_lossgp.export.writing import write
from deap_lossgp.operators import genLoss
from deap_lossgp.primitives import PROTECTED
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
PLAIN = loss_primitive_set(protected=False)
PYTHON_TARGETS = [name for name, target in TARGETS.items() if target.ending.endswith(".py")]


def written(text, language=TEXT, pset=PLAIN):
    return write(simplify(LossTree.from_string(text, pset), pset), language)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("add(y_true, add(y_pred, 2))", "y_true + (y_pred + 2)"),
        ("add(add(y_true, y_pred), 2)", "y_true + y_pred + 2"),
        ("sub(y_true, sub(y_pred, 2))", "y_true - (y_pred - 2)"),
        ("mul(y_true, mul(y_pred, sin(y_pred)))", "y_true * (y_pred * sin(y_pred))"),
        ("mul(add(y_true, 1), y_pred)", "(y_true + 1) * y_pred"),
        ("div(y_true, mul(y_pred, 3))", "y_true / (3 * y_pred)"),
        ("div(div(y_true, y_pred), 3)", "y_true / y_pred / 3"),
        ("neg(add(y_true, y_pred))", "-(y_true + y_pred)"),
        ("neg(mul(2.5, y_pred))", "-2.5 * y_pred"),
        ("add(y_true, mul(-2.5, y_pred))", "y_true - 2.5 * y_pred"),
        ("sub(y_true, div(-2.5, y_pred))", "y_true + 2.5 / y_pred"),
        ("mul(y_pred, y_pred)", "y_pred**2"),
        ("mul(sin(y_pred), sin(y_pred))", "sin(y_pred) ** 2"),
        ("neg(mul(y_pred, y_pred))", "-y_pred**2"),
        ("sub(neg(y_pred), sin(y_true))", "-y_pred - sin(y_true)"),
    ],
)
def test_brackets_stand_where_they_are_needed_and_one_sign_is_enough(text, expected):
    assert written(text).value == expected


@pytest.mark.parametrize(
    ("to", "expected"),
    [
        ("torch", ["torch.sqrt(b**2 + 1e-20)", "torch.clamp(a * (b / c / c), -1e18, 1e18)"]),
        ("keras", ["ops.sqrt(ops.square(b) + 1e-20)", "ops.clip(a * (b / c / c), -1e18, 1e18)"]),
        ("text", ["max(-1e18, min(1e18, a * (b / (b**2 + 1e-20))))"]),
    ],
)
def test_protected_division_is_written_with_its_guards(to, expected):
    written = write(definition(PROTECTED["div"])[0], TARGETS[to].language)
    assert [*(text for _, text in written.parts), written.value] == expected


@pytest.mark.parametrize(
    ("value", "python", "text"),
    [
        (2.0, "2.0", "2"), (-0.0, "0.0", "0"), (0.1, "0.1", "0.1"), (1e18, "1e18", "1e18"),
        (1.5e-7, "1.5e-07", "1.5e-07"), (1 / 3, "0.3333333333333333", "0.3333333333333333"),
        (math.inf, 'float("inf")', "inf"), (-math.inf, '-float("inf")', "-inf"),
        (math.nan, 'float("nan")', "nan"), (-1e39, '-float("inf")', "-1e39"),
    ],
)
def test_numbers_keep_all_their_digits(value, python, text):
    assert (TORCH.number(value), TEXT.number(value)) == (python, text)


def test_what_is_used_twice_is_named_once():
    result = written("mul(add(log(y_pred), y_true), div(log(y_pred), add(log(y_pred), y_true)))")
    assert result.parts == [("log_pred", "log(y_pred)"), ("a", "log_pred + y_true")]
    assert result.value == "a * (log_pred / a)"


def test_leaves_and_their_negatives_are_not_named():
    result = written("mul(exp(neg(y_pred)), add(neg(y_pred), sin(neg(y_pred))))")
    assert result.parts == []


def names(text):
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


@pytest.mark.parametrize("to", PYTHON_TARGETS)
def test_random_losses_are_broken_up_into_short_lines_that_python_reads(to):
    language = TARGETS[to].language
    random.seed(6)
    for _ in range(60):
        tree = LossTree(genLoss(PSET))
        result = write(simplify(tree, PSET), language)
        known = {"y_true", "y_pred", "torch", "ops", "sympy", *(f"_{name}" for name in PROTECTED)}
        for name, text in [*result.parts, ("return", result.value)]:
            assert len(f"    {name} = {text}") <= 88, text
            assert depth(text) <= language.deepest + 2, text
            assert names(text) <= known, str(tree)
            assert name.isidentifier() and name not in known
            known.add(name)


def test_a_chain_of_3000_operations_is_broken_up():
    result = written("cos(" * 3000 + "y_pred" + ")" * 3000, TORCH, PSET)
    assert len(result.parts) > 500
    assert len({name for name, _ in result.parts}) == len(result.parts)
