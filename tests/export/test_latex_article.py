"""Losses as equations in LaTeX."""

import random
import re
import shutil
import subprocess

import pytest

from deap_lossgp.export.files import export_loss
from deap_lossgp.export.graphs import Node, simplify
from deap_lossgp.export.latex_article import LATEX
from deap_lossgp.export.writing import write
from deap_lossgp.found_losses import KNOWN_LOSSES, FoundLoss, read_loss
from deap_lossgp.operators import genLoss
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()


def latex(text):
    return write(simplify(LossTree.from_string(text, PSET), PSET), LATEX).value


def known_and_random_trees(count, seed):
    random.seed(seed)
    return [*(LossTree.from_string(text, PSET) for text in KNOWN_LOSSES.values()),
            *(LossTree(genLoss(PSET)) for _ in range(count))]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (KNOWN_LOSSES["cross_entropy"], r"-y \ln(\hat{y})"),
        (KNOWN_LOSSES["mse"], r"(y - \hat{y})^{2}"),
        (KNOWN_LOSSES["ngl"],
         r"e^{2.4092 - \hat{y} (1 + y)} - \cos(\cos(\sin(\hat{y})))"),
        (KNOWN_LOSSES["baikal"], r"\frac{y}{\hat{y}} - \ln(\hat{y})"),
        ("mul(y_pred, 2.5)", r"2.5 \, \hat{y}"),
        ("mul(2, mul(3, y_pred))", r"2 \cdot 3 \, \hat{y}"),
        ("mul(1e-7, y_pred)", r"10^{-7} \, \hat{y}"),
        ("mul(-2.5e-7, y_pred)", r"-2.5 \cdot 10^{-7} \, \hat{y}"),
        ("sub(y_true, add(y_pred, 1))", r"y - (\hat{y} + 1)"),
        ("add(y_true, sub(y_pred, y_true))", r"y + \hat{y} - y"),
        ("sqrt(div(y_true, add(1, y_pred)))", r"\sqrt{\frac{y}{1 + \hat{y}}}"),
        ("exp(div(y_true, add(1, y_pred)))", r"\exp\left(\frac{y}{1 + \hat{y}}\right)"),
        ("mul(div(y_true, y_pred), div(y_true, y_pred))", r"\left(\frac{y}{\hat{y}}\right)^{2}"),
        ("mul(sub(y_true, 1), neg(add(y_pred, 1)))", r"-(y - 1) (\hat{y} + 1)"),
    ],
)
def test_equations_are_written_as_in_a_paper(text, expected):
    assert latex(text) == expected


@pytest.mark.parametrize(("kind", "text"), [
    ("log", r"\ln"), ("sin", r"\sin"), ("cos", r"\cos"), ("tan", r"\tan"), ("Max", r"\max"),
    ("Min", r"\min"), ("sign", r"\operatorname{sgn}")])
def test_before_a_function_a_product_needs_no_thin_space(kind, text):
    x, y = (Node("name", value=name, index=i) for i, name in enumerate(("y_pred", "y_true")))
    function = Node(kind, (x, y)[: 1 + (kind in ("Max", "Min"))], index=2)
    assert write(Node("*", (y, function), index=3), LATEX).value.startswith(f"y {text}")


def test_a_power_of_a_negative_is_in_brackets():
    x, three = Node("name", value="y_pred", index=0), Node("number", value=3.0, index=1)
    negative = Node("neg", (x,), index=2)
    assert write(Node("**", (negative, three), index=3), LATEX).value == r"(-\hat{y})^{3}"


def mathematics_of(document):
    """The formulas of a document, each on its own."""
    aligned = re.search(r"\\begin\{align\*\}(.*)\\end\{align\*\}", document, re.DOTALL)[1]
    yield from (line.replace("&", "").strip(" ,\n") for line in aligned.split(r"\\"))
    yield from re.findall(r"\$([^$]+)\$", document)


def documents():
    yield from (export_loss(read_loss(name), "latex", scale="cross_entropy")
                for name in KNOWN_LOSSES)
    for index, tree in enumerate(known_and_random_trees(12, seed=3)):
        yield export_loss(FoundLoss(f"50% of {index}_\\", tree, PSET, {"wins": 1}), "latex")


def test_every_formula_is_one_that_matplotlib_reads():
    from matplotlib.mathtext import MathTextParser

    parser = MathTextParser("path")
    count = 0
    for document in documents():
        for formula in mathematics_of(document):
            parser.parse(f"${formula}$")
            count += 1
    assert count > 80


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex")
def test_documents_compile_without_a_line_too_wide(tmp_path):
    # One document of all, since starting TeX takes longer than the rest.
    bodies = [re.search(r"\\begin\{document\}(.*)\\end\{document\}", document, re.DOTALL)[1]
              for document in documents()]
    head = next(documents()).partition(r"\begin{document}")[0]
    (tmp_path / "all.tex").write_text(
        head + r"\begin{document}" + "\n".join(bodies) + r"\end{document}")
    process = subprocess.run(["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "all.tex"],
                             cwd=tmp_path, capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stdout[-2000:]
    assert "Overfull" not in process.stdout, process.stdout
