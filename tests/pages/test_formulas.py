"""Formulas of losses, read as MathML."""

import pytest
from html_reader import Page, text_of

from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.pages.formulas import mathml, typeset
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


def formula(text):
    return typeset(LossTree.from_string(text, PSET), PSET)


def shown(latex):
    return "".join(text_of(Page(mathml(latex)).root).split())


@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_every_known_loss_is_a_formula_without_names_of_latex(name):
    for latex in formula(KNOWN_LOSSES[name]).equations:
        text = mathml(latex)
        assert "\\" not in text and "http" not in text and text.startswith("<math ")
        assert shown(latex).startswith("ℓ(y,y^)=")


def test_a_fraction_and_a_power_are_typeset_as_such():
    (baikal,), (mse,) = formula(KNOWN_LOSSES["baikal"]).equations, formula(
        KNOWN_LOSSES["mse"]).equations
    assert "<mfrac>" in mathml(baikal) and "<msup>" in mathml(mse)


def test_constants_have_four_digits():
    (latex,) = formula("add(mul(3.14159265, y_pred), -0.000012345678)").equations
    assert "3.142" in latex and "3.1415" not in latex and "1.235" in latex


def test_a_long_loss_is_several_equations_and_its_parts_are_defined():
    text = "y_pred"
    for _ in range(12):
        text = f"log(add(cos({text}), exp(y_true)))"
    equations = formula(text).equations
    names = [latex.partition(" = ")[0] for latex in equations]
    assert len(equations) > 2 and len({*names}) == len(names)
    assert all(any(name in other for other in equations if not other.startswith(name))
               for name in names[1:])


def test_between_a_factor_and_a_function_there_is_room_and_within_none():
    assert "</mi><mspace" in mathml(r"y \ln(y)")
    assert "mspace" not in mathml(r"\cos(\sin(y))")
