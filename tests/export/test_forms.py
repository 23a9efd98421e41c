"""Symbolic forms: what is read, and what is refused."""

import pytest

from deap_lossgp.export.forms import FUNCTIONS, symbolic_form
from deap_lossgp.primitives import PLAIN, PROTECTED


@pytest.mark.parametrize("table", [PLAIN, PROTECTED], ids=["plain", "protected"])
def test_the_forms_of_all_primitives_compute_their_values(table):
    operands = [1.7, 0.6]

    def compute(form):
        if isinstance(form, float):
            return form
        if form[0] == "operand":
            return operands[form[1]]
        return FUNCTIONS[form[0]](*map(compute, form[1:]))

    for row in table.values():
        value = compute(symbolic_form(row.name, row.arity, row.symbolic))
        assert value == pytest.approx(float(row(*operands[: row.arity])), rel=1e-14), row.name


@pytest.mark.parametrize("name", ["Abs", "sign", "sqrt", "exp", "log", "sin", "cos", "tan", "asin",
                                  "acos", "atan", "sinh", "cosh", "tanh"])  # fmt: skip
def test_functions_are_read_by_the_names_of_sympy_and_compute_what_it_computes(name):
    function = getattr(pytest.importorskip("sympy"), name)
    assert symbolic_form("mine", 1, f"{name}({{0}})") == (name, ("operand", 0))
    for x in (0.3, -0.3 if name not in ("sqrt", "log") else 0.9):
        assert FUNCTIONS[name](x) == pytest.approx(float(function(x)), rel=1e-14)


@pytest.mark.parametrize(("text", "value"), [
    ("{0} + {1}", 2.5), ("{0} - {1}", 1.5), ("{0}*{1}", 1.0), ("{0}/{1}", 4.0), ("{1}**{0}", 0.25),
    ("-{0}", -2.0), ("Max({0}, {1})", 2.0), ("Min({0}, {1})", 0.5)])  # fmt: skip
def test_arithmetic_is_that_of_numbers(text, value):
    kind, *operands = symbolic_form("mine", 2, text)
    assert FUNCTIONS[kind](*((2.0, 0.5)[index] for _, index in operands)) == value


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("{0}", ("operand", 0)),
        (" -{1} ", ("neg", ("operand", 1))),
        ("+{0}", None),
        ("Max({0}, {1}, 2)", ("Max", ("operand", 0), ("Max", ("operand", 1), 2.0))),
        ("{0}*{1}/3", ("*", ("operand", 0), ("/", ("operand", 1), 3.0))),
        ("{0}**(1/4)", ("**", ("operand", 0), ("/", 1.0, 4.0))),
    ],
)
def test_a_form_is_read_as_it_stands(text, form):
    if form is None:
        with pytest.raises(ValueError, match="is not arithmetic of its 2 operands"):
            symbolic_form("mine", 2, text)
    else:
        assert symbolic_form("mine", 2, text) == form


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("gamma({0})", "unknown function 'gamma'; known: Abs"),
        ("__import__('os').system('true')", "is not arithmetic"),
        ("open('executed', 'w')", "unknown function 'open'"),
        ("{0}.real", "is not arithmetic"),
        ("[{0}][0]", "is not arithmetic"),
        ("(lambda: {0})()", "is not arithmetic"),
        ("{0} if {0} else 1", "is not arithmetic"),
        ("{0} < 1", "is not arithmetic"),
        ("{0} % 2", "is not arithmetic"),
        ("True*{0}", "is not arithmetic"),
        ("1j*{0}", "is not arithmetic"),
        ("'{0}'", "is not arithmetic"),
        ("other*{0}", "is not arithmetic"),
        ("exp(x={0})", "is not arithmetic"),
        ("exp({0}, 1)", "is not arithmetic"),
        ("Max({0})", "is not arithmetic"),
        ("neg({0})", "unknown function 'neg'"),
        ("{0} +", "cannot be read"),
        ("{2}", "cannot be read"),
        ("{name}", "cannot be read"),
        ("{0.__class__}", "cannot be read|is not arithmetic"),
        ("", "cannot be read"),
        ("(" * 5000, "cannot be read"),
        ("-" * 5000 + "{0}", "cannot be read"),
    ],
)
def test_anything_else_is_refused_in_one_line_and_never_run(text, fault, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError, match=f"^primitive 'mine': the symbolic form.*({fault})") as e:
        symbolic_form("mine", 1, text)
    assert "\n" not in str(e.value) and not (tmp_path / "executed").exists()
