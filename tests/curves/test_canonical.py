"""Expressions that are the same loss share a key; constants are taken off a loss."""

import math
import os
import random
import subprocess
import sys
import warnings

import numpy as np
import pytest

from deap_lossgp.curves.canonical import affine_form, canonical_key
from deap_lossgp.curves.differentiation import differentiate
from deap_lossgp.operators import genLoss
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSETS = {name: loss_primitive_set(name == "protected") for name in ("protected", "plain")}
PSET = PSETS["protected"]


def read(text, pset=PSET):
    return LossTree.from_string(text, pset)


def key(text, pset=PSET):
    return canonical_key(read(text, pset), pset)


def random_losses(count, pset=PSET, max_size=40):
    random.seed(3)
    return [LossTree(genLoss(pset, max_size=max_size)) for _ in range(count)]


# --- the key ----------------------------------------------------------------------------------


def shuffled(tree, swapped, index=0):
    """The subtree at an index as text, operands of the named primitives in random order."""
    operands, start = [], index + 1
    for _ in range(tree[index].arity):
        operands.append(shuffled(tree, swapped, start))
        start = tree.searchSubtree(start).stop
    if tree[index].name in swapped and random.random() < 0.5:
        operands.reverse()
    return f"{tree[index].name}({', '.join(operands)})" if operands else tree[index].format()


def test_commutative_operands_may_change_places_at_any_depth():
    others = 0
    for tree in random_losses(300):
        text = shuffled(tree, ("add", "mul"))
        others += text != str(tree)
        assert key(text) == canonical_key(tree, PSET), text
    assert others > 150


def test_other_changes_of_order_give_other_keys():
    swapped = [(tree, shuffled(tree, ("sub", "div"))) for tree in random_losses(300)]
    changed = [(str(tree), text) for tree, text in swapped if text != str(tree)]
    assert len(changed) > 100
    for before, after in changed:
        assert key(before) != key(after), (before, after)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("sub(y_true, y_pred)", "sub(y_pred, y_true)"),
        ("add(y_true, y_pred)", "mul(y_true, y_pred)"),
        ("neg(y_pred)", "neg(y_true)"),
        ("add(add(y_true, 1.0), y_pred)", "add(y_true, add(1.0, y_pred))"),
        (f"mul(y_pred, {0.1!r})", f"mul(y_pred, {math.nextafter(0.1, 1)!r})"),
        ("mul(y_pred, 0.0)", "mul(y_pred, -0.0)"),
    ],
)
def test_different_expressions_have_different_keys(one, other):
    assert key(one) != key(other)


def test_random_losses_share_a_key_only_when_their_text_is_equal_up_to_order():
    trees = random_losses(2000, max_size=8)
    texts = {}
    for tree in trees:
        texts.setdefault(canonical_key(tree, PSET), set()).add("".join(sorted(str(tree))))
    assert all(len(forms) == 1 for forms in texts.values())
    assert len(texts) > 1000


def test_spelling_of_a_number_does_not_matter():
    assert key("mul(1e3, y_pred)") == key("mul( 1000, y_pred )")


def test_protected_and_plain_expressions_have_different_keys():
    text = "log(div(y_true, y_pred))"
    assert key(text) != key(text, PSETS["plain"])


def test_keys_are_the_same_in_every_process():
    texts = [str(tree) for tree in random_losses(20)]
    script = (
        "import sys\n"
        "from deap_lossgp import psets, trees\n"
        "from deap_lossgp.curves import canonical_key\n"
        "pset = psets.loss_primitive_set()\n"
        "for text in sys.stdin.read().splitlines():\n"
        "    print(canonical_key(trees.LossTree.from_string(text, pset), pset))\n"
    )
    for hash_seed in "1", "2":
        environment = {**os.environ, "PYTHONHASHSEED": hash_seed}
        run = subprocess.run([sys.executable, "-c", script], input="\n".join(texts),
                             capture_output=True, text=True, check=True, env=environment)
        assert run.stdout.split() == [key(text) for text in texts]


# --- the affine form --------------------------------------------------------------------------

UPWARD = [
    "mul({c!r}, {loss})",
    "mul({loss}, {c!r})",
    "div({loss}, {inverse!r})",
    "add({k!r}, mul({c!r}, {loss}))",
    "sub(mul({loss}, {c!r}), {k!r})",
    "neg(neg(mul({c!r}, {loss})))",
    "sub({k!r}, neg(mul({c!r}, {loss})))",
    "sub({k!r}, mul({loss}, neg({c!r})))",
    "mul(-1.0, neg(add(mul(mul({loss}, {c!r}), exp(sub(1.0, 1))), {k!r})))",
]
DOWNWARD = ["neg({loss})", "sub({k!r}, mul({c!r}, {loss}))", "div({loss}, neg({inverse!r}))",
            "mul(-{c!r}, add({loss}, {k!r}))"]  # fmt: skip


def wrappings(loss, spellings):
    """The loss as c * L + k in several spellings, c from 1e-6 to 1e6."""
    for spelling in spellings:
        c, k = 10.0 ** random.uniform(-6.0, 6.0), random.uniform(-1e3, 1e3)
        yield read(spelling.format(loss=loss, c=c, k=k, inverse=1.0 / c))


def core_key(tree, pset=PSET):
    return canonical_key(affine_form(tree, pset).core, pset)


def test_a_wrapped_loss_has_the_core_of_the_loss_itself():
    for loss in random_losses(150):
        for tree in wrappings(loss, UPWARD):
            assert core_key(tree) == core_key(loss), tree


def test_a_negative_factor_keeps_a_neg():
    for loss in random_losses(150):
        opposite = core_key(read(f"neg({loss})"))
        assert opposite != core_key(loss)
        for tree in wrappings(loss, DOWNWARD):
            assert core_key(tree) == opposite, tree


@pytest.mark.parametrize("name", PSETS)
def test_scale_times_core_plus_shift_is_the_value_of_the_tree(name):
    pset, compared = PSETS[name], 0
    labels, p = np.array([[0.0], [1.0]]), np.linspace(0.05, 0.95, 19)
    for loss in random_losses(150, pset):
        for tree in wrappings(loss, [*UPWARD, *DOWNWARD]):
            form = affine_form(tree, pset)
            assert form.scale > 0.0
            value, core = (differentiate(t, pset, labels, p)[0] for t in (tree, form.core))
            with np.errstate(invalid="ignore"):
                # A protected value is clipped at 1e18, inside and outside of a factor differently.
                usual = np.isfinite(value) & (np.abs(core) < 1e11) & (np.abs(value) < 1e11)
                size = np.abs(form.scale * core) + np.abs(form.shift) + 1e4
                error = np.abs(form.scale * core + form.shift - value)
            assert (error <= 1e-9 * size)[usual].all(), str(tree)
            compared += usual.sum()
    assert compared > 20_000


def test_a_factor_of_zero_stays_in_the_core():
    form = affine_form(read("add(3.0, mul(mul(2.0, 0.0), log(y_pred)))"), PSET)
    assert str(form.core) == "mul(mul(2.0, 0.0), log(y_pred))"
    assert (form.scale, form.shift) == (1.0, 3.0)


def test_a_nested_wrapping_is_taken_off_entirely():
    form = affine_form(read("sub(2.0, div(add(mul(y_true, log(y_pred)), 6.0), 0.5))"), PSET)
    assert str(form.core) == "neg(mul(y_true, log(y_pred)))"
    assert (form.scale, form.shift) == (2.0, -10.0)


@pytest.mark.parametrize("name", PSETS)
@pytest.mark.parametrize(
    "text",
    [
        "mul(0.0, log(y_pred))",  # no factor: its curves are flat, the core's are not
        "mul(log(y_pred), sub(1.0, 1.0))",
        "div(log(y_pred), 0.0)",
        "div(2.0, y_pred)",  # a constant numerator is no factor of y_pred
        "mul(1e-200, mul(1e-200, log(y_pred)))",
        "log(mul(2.0, y_pred))",
        "add(y_true, y_pred)",
        "add(1.0, 2.0)",
        "y_pred",
    ],
)
def test_a_loss_that_is_not_wrapped_stays_as_it_is(name, text):
    tree = read(text, PSETS[name])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        form = affine_form(tree, PSETS[name])
    assert (form.core, form.scale, form.shift) == (tree, 1.0, 0.0)
