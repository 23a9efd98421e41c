"""Exported SymPy expressions."""

import random

import numpy as np
import pytest
from exported import PLAIN, PSET, found, known_and_random_losses, run_alone
from rounding import assert_agrees, points, reference

from deap_lossgp.export.files import export_loss
from deap_lossgp.found_losses import KNOWN_LOSSES, FoundLoss, read_loss
from deap_lossgp.operators import genLoss
from deap_lossgp.trees import LossTree

sympy = pytest.importorskip("sympy")
Y_TRUE = sympy.Symbol("y_true", nonnegative=True)
Y_PRED = sympy.Symbol("y_pred", positive=True)


def test_expressions_have_the_values_of_the_loss(load):
    y_true, y_pred = points()
    for loss in known_and_random_losses(PSET, count=16):
        module = load(loss, "sympy")
        compute = sympy.lambdify([module.y_true, module.y_pred], module.loss, "numpy")
        with np.errstate(all="ignore"):
            got = np.broadcast_to(compute(y_true, y_pred), y_pred.shape)
        assert_agrees([got], reference(loss.tree, PSET, y_true, y_pred), str(loss.tree))


def test_derivatives_of_known_losses_are_those_of_mathematics(load):
    def slope(name):
        return sympy.diff(load(found(KNOWN_LOSSES[name], PLAIN), "sympy").loss, Y_PRED)

    assert slope("cross_entropy") == -Y_TRUE / Y_PRED
    assert sympy.simplify(slope("mse") + 2 * (Y_TRUE - Y_PRED)) == 0
    assert sympy.simplify(slope("baikal") + 1 / Y_PRED + Y_TRUE / Y_PRED**2) == 0


def test_sympy_simplifies_what_is_exact(load):
    def short(text):
        return load(found(text), "sympy").loss

    assert short("log(exp(add(y_true, y_pred)))") == Y_TRUE + Y_PRED
    assert short("add(y_true, mul(y_pred, sub(y_true, y_true)))") == Y_TRUE
    assert short("sub(mul(2, y_pred), add(y_pred, y_pred))") == 0


def test_guards_are_written_out_only_where_they_act(load):
    assert load(read_loss("baikal"), "sympy").loss.has(sympy.Float(1e-20))
    assert not load(found(KNOWN_LOSSES["baikal"], PLAIN), "sympy").loss.has(sympy.Float)
    assert not load(read_loss("focal"), "sympy").loss.has(sympy.Float)
    text = "exp(mul(50, y_pred))"
    assert load(found(text), "sympy").loss.has(sympy.Min)
    assert not load(found(text, PLAIN), "sympy").loss.has(sympy.Min)


def test_a_tree_that_sympy_would_simplify_for_minutes_is_left_alone(load):
    """SymPy's own evaluation of the tenth takes six minutes on a machine of today."""
    random.seed(5)
    trees = [LossTree(genLoss(PSET)) for _ in range(35)]
    assert len(trees[-1]) == 86
    assert load(FoundLoss("large", trees[-1], PSET), "sympy").loss.free_symbols


def test_the_sympy_file_needs_only_sympy(tmp_path):
    (tmp_path / "mse_sympy.py").write_text(export_loss(read_loss("mse"), "sympy"))
    output = run_alone("from mse_sympy import loss\nprint(loss)", ["deap_lossgp"], tmp_path)
    assert output == "(-y_pred + y_true)**2\n"
