"""A loss's card against figures worked out by hand, and for losses of every kind."""

import dataclasses
import math
import os
import random
import runpy
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from deap_lossgp.curves.cards import MISTAKES
from deap_lossgp.curves.describing import CLASSES, describe
from deap_lossgp.curves.loss_curves import LossCurves
from deap_lossgp.curves.similarity import similarities
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.operators import genLoss
from deap_lossgp.primitives import LossPrimitive
from deap_lossgp.psets import add_primitive, loss_primitive_set
from deap_lossgp.trees import LossTree

ROOT = Path(__file__).parents[2]
PSET = loss_primitive_set()
PLAIN = loss_primitive_set(protected=False)
HUNDREDFOLD = "mul(100, y_pred)"
TWO = f"div(log(mul({HUNDREDFOLD}, {HUNDREDFOLD})), log({HUNDREDFOLD}))"
DISTANCE = "sqrt(mul(sub(y_pred, 0.3), sub(y_pred, 0.3)))"


def card_of(expression, pset=PSET, **options):
    expression = KNOWN_LOSSES.get(expression, expression)
    return describe(LossTree.from_string(expression, pset), pset, **options)


def ngl(y_true, y_pred):
    """As its authors print it."""
    return np.exp(2.4092 - y_pred * (1 + y_true)) - np.cos(np.cos(np.sin(y_pred)))


def softmax(logits):
    p = np.exp(logits - np.max(logits))
    return p / p.sum()


def mean_loss(loss, logits):
    """Of one sample of class 0."""
    return np.mean(loss(np.eye(len(logits))[0], softmax(logits)))


# Start, and where the loss is least


def test_cross_entropy_and_squares_at_the_start_as_by_hand():
    for k, entropy, squares in zip(CLASSES, card_of("cross_entropy").totals,
                                   card_of("mse").totals, strict=True):  # fmt: skip
        assert entropy.num_classes == squares.num_classes == k
        assert entropy.start_value == pytest.approx(math.log(k) / k)
        assert entropy.start_gradient == pytest.approx(-(k - 1) / k**2)
        assert entropy.relative_gradient == pytest.approx(1.0)
        assert squares.start_value == pytest.approx(((1 - 1 / k) ** 2 + (k - 1) / k**2) / k)


@pytest.mark.parametrize("num_classes", CLASSES)
def test_ngl_at_the_start_is_what_differences_over_its_logits_say(num_classes):
    total = next(t for t in card_of("ngl").totals if t.num_classes == num_classes)
    start, step = np.zeros(num_classes), np.eye(num_classes)[0] * 1e-5
    slope = (mean_loss(ngl, start + step) - mean_loss(ngl, start - step)) / 2e-5
    assert total.start_value == pytest.approx(mean_loss(ngl, start))
    assert total.start_gradient == pytest.approx(slope, rel=1e-4)


@pytest.mark.parametrize("num_classes", CLASSES)
def test_ngl_is_least_where_an_optimiser_finds_it_to_be(num_classes):
    def loss(p):
        return ngl(1, p) + (num_classes - 1) * ngl(0, (1 - p) / (num_classes - 1))

    total = next(t for t in card_of("ngl").totals if t.num_classes == num_classes)
    found = minimize_scalar(loss, bounds=(0.01, 0.99), method="bounded").x
    assert total.least_at == pytest.approx(found, abs=2e-3)
    assert total.course == "falls, rises"


def test_baikal_is_least_at_one_over_the_root_of_the_number_of_classes():
    # d/dp of -log p + 1/p - (K - 1) log((1 - p)/(K - 1)) is 0 where K p^2 = 1.
    for total in card_of("baikal").totals:
        assert total.least_at == pytest.approx(total.num_classes**-0.5, rel=2e-3)


@pytest.mark.parametrize("name", ["cross_entropy", "mse", "focal"])
def test_the_usual_losses_are_least_where_all_is_right(name):
    card = card_of(name)
    assert card.monotone
    assert all(total.course == "falls" and total.least_at > 1 - 1e-6 for total in card.totals)


@pytest.mark.parametrize(
    ("expression", "course"),
    [
        ("mul(y_true, y_pred)", "rises"),
        ("add(1.0, mul(y_true, sub(y_pred, y_pred)))", "stays"),
        ("y_true", "stays"),
        ("mul(y_true, mul(sub(y_pred, 0.5), sub(y_pred, 0.5)))", "falls, rises"),
        ("neg(mul(y_true, mul(sub(y_pred, 0.5), sub(y_pred, 0.5))))", "rises, falls"),
        ("mul(y_true, sin(mul(10.0, y_pred)))", "turns 3 times"),
        ("mul(y_true, sin(mul(7.0, y_pred)))", "turns 2 times"),
        ("mul(y_true, sub(1e9, y_pred))", "falls"),
    ],
)
def test_the_course_of_a_loss_while_p_target_rises(expression, course):
    card = card_of(expression)
    assert [total.course for total in card.totals] == [course] * 3
    assert card.monotone == (course in ("falls", "rises"))
    if course == "stays":
        assert all(math.isnan(total.least_at) for total in card.totals)


def test_a_loss_that_is_not_a_number_somewhere_has_no_course():
    card = card_of("mul(y_true, sqrt(sub(y_pred, 0.5)))", PLAIN)
    assert {total.course for total in card.totals} == {"undefined"}
    assert not (card.finite or card.certified or card.monotone or card.bounded)
    assert card.totals[0].least_at == pytest.approx(0.5, abs=1e-3)  # least of what there is


# Traits


@pytest.mark.parametrize(
    ("expression", "places"),
    [
        ("cross_entropy", ["as p -> 0 for the target"]),
        ("mse", []),
        ("ngl", []),
        ("baikal", ["as p -> 0 for the target", "as p -> 0 for other classes"]),
        ("mul(y_true, sqrt(neg(log(y_pred))))", ["as p -> 0 for the target"]),
        ("mul(sub(1.0, y_true), log(sub(1.0, y_pred)))", ["as p -> 1 for other classes"]),
        ("mul(y_true, sqrt(sqrt(y_pred)))", []),
        ("mul(y_true, sin(div(1.0, y_pred)))", []),
        ("mul(y_true, sqrt(sub(y_pred, 0.5)))", []),
        ("mul(y_true, log(sub(y_pred, 0.3)))", ["near p = 0.3 for the target"]),
        (f"mul(y_true, neg({DISTANCE}))", []),  # a corner
        ("cos(cos(add(y_pred, y_true)))", []),  # flat at the top, but for rounding
        ("cos(add(exp(y_true), log(y_pred)))", []),  # it turns in the last decade
        ("mul(y_true, div(1.0, mul(sub(y_pred, 0.3), sub(y_pred, 0.3))))",
         ["near p = 0.3 for the target"]),
        ("mul(y_true, exp(div(1.0, y_pred)))", ["as p -> 0 for the target"]),
        ("1.0", []),
    ],
)  # fmt: skip
def test_where_a_loss_is_unbounded(expression, places):
    card = card_of(expression)
    assert list(card.unbounded) == places
    assert card.bounded == (not places)


@pytest.mark.parametrize(("expression", "places"), [
    (f"mul(y_true, neg(sqrt(sqrt({DISTANCE}))))", []),  # a cusp: steep, and not a pole
    # NaN between two knots, and finite on every knot.
    (f"mul(y_true, log(sub({DISTANCE}, 1e-5)))", ["near p = 0.3 for the target"]),
    (TWO, []),  # but for rounding
    (f"mul(1e9, {TWO})", []),
    (f"mul(1e-9, {TWO})", []),
])  # fmt: skip
def test_where_a_loss_of_plain_primitives_is_unbounded(expression, places):
    assert list(card_of(expression, PLAIN).unbounded) == places


@pytest.mark.parametrize(
    ("expression", "power"),
    [("cross_entropy", -1), ("mse", 0), ("ngl", 0), ("baikal", -2), ("focal", -1),
     ("mul(y_true, sqrt(y_pred))", -0.5), ("neg(mul(y_true, mul(y_pred, y_pred)))", 1)],
)  # fmt: skip
def test_scale_free_losses_and_their_powers(expression, power):
    card = card_of(expression)
    assert card.scale_free and card.power == pytest.approx(power, abs=0.02)


@pytest.mark.parametrize("expression", ["mul(y_true, log(add(y_pred, 0.0001)))", "y_true",
                                        "mul(y_true, sin(mul(10000.0, y_pred)))"])  # fmt: skip
def test_a_loss_with_a_scale_of_its_own_is_not_scale_free(expression):
    assert not card_of(expression).scale_free


def test_a_loss_that_turns_near_0_is_not_scale_free():
    """Its slope has one size, and both signs."""
    turn = "sub(y_pred, 0.00011)"
    assert not card_of(f"mul(y_true, sqrt(mul({turn}, {turn})))", PLAIN).scale_free


def test_a_factor_changes_the_scale_and_nothing_else():
    one, two = card_of("ngl"), card_of(f"mul(4.0, {KNOWN_LOSSES['ngl']})")
    assert two.scale == pytest.approx(4 * one.scale)
    assert two.mistakes == pytest.approx(one.mistakes)
    assert two.nearest == one.nearest == "ngl"
    for a, b in zip(one.totals, two.totals, strict=True):
        assert b.start_value == pytest.approx(4 * a.start_value)
        assert b.start_gradient == pytest.approx(4 * a.start_gradient)
        assert b.relative_gradient == pytest.approx(a.relative_gradient)
        assert (b.least_at, b.course) == (a.least_at, a.course)


@pytest.mark.parametrize(
    ("expression", "blind"),
    [
        ("y_true", True),
        ("2.5", True),
        ("mul(y_pred, y_pred)", True),
        ("add(y_true, log(y_pred))", True),
        ("mul(y_true, y_pred)", False),
        # A constant added to one derivative only is what mean absolute error learns from.
        ("sub(mul(y_pred, y_pred), mul(y_true, y_pred))", False),
        *((name, False) for name in KNOWN_LOSSES),
    ],
)
def test_label_blind_losses(expression, blind):
    assert card_of(expression).label_blind == blind


def test_confident_mistakes_of_the_known_losses():
    assert card_of("cross_entropy").mistakes == pytest.approx((1, 1, 1))
    assert card_of("cross_entropy").trend == card_of("focal").trend == "levels off"
    assert card_of("baikal").trend == "grows"
    assert card_of("mse").trend == card_of("ngl").trend == "vanishes"
    # Squares: p (1 - p) (L1' - L0') is -4 p (1 - p)^2, cross entropy's p - 1.
    mse = card_of("mse")
    expected = [4 * p * (1 - p) / mse.scale for p in MISTAKES]
    assert mse.mistakes == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(("power", "trend"), [
    (0.06, "grows"), (0.04, "levels off"), (-0.04, "levels off"), (-0.06, "vanishes")])
@pytest.mark.parametrize("sign", [1.0, -1.0])
def test_the_trend_goes_by_the_power_of_the_greater_mistake(power, trend, sign):
    *_, mild, grave = MISTAKES
    mistakes = 1.0, 3.0, sign * 3.0 * (mild / grave) ** power
    assert dataclasses.replace(card_of("mse"), mistakes=mistakes).trend == trend


def test_a_loss_of_the_wrong_sign_makes_mistakes_worse():
    card = card_of("mul(y_true, log(y_pred))")
    assert card.mistakes == pytest.approx((-1, -1, -1))
    assert all(total.relative_gradient == pytest.approx(-1) for total in card.totals)
    assert dict(card.similarities)["cross_entropy"] == pytest.approx(-1)
    assert "levels off, the wrong way" in str(card)


# The nearest known loss


@pytest.mark.parametrize("name", KNOWN_LOSSES)
def test_changes_that_train_nothing_leave_a_known_loss_nearest_to_itself(name):
    # A factor, a summand, and a constant added to both derivatives.
    wrapped = f"add(mul(0.3, {KNOWN_LOSSES[name]}), sub(mul(1.7, y_pred), 5.0))"
    card = card_of(wrapped)
    assert card.nearest == name and card.similarity == pytest.approx(1, abs=1e-9)


def test_similarities_are_in_order_and_do_not_depend_on_the_seed():
    cards = [card_of("ngl", seed=seed) for seed in (0, 1)]
    for card in cards:
        cosines = [cosine for _, cosine in card.similarities]
        assert {name for name, _ in card.similarities} == {*KNOWN_LOSSES}
        assert cosines == sorted(cosines, reverse=True)
    assert dict(cards[0].similarities)["mse"] == pytest.approx(
        dict(cards[1].similarities)["mse"], abs=0.03)
    assert cards[0] == card_of("ngl", seed=0) != cards[1]


def test_similarity_is_the_cosine_of_gradients_by_hand_at_predictions_of_every_confidence():
    rng = np.random.default_rng(5)
    logits = rng.uniform(0, 3, (200_000, 1)) * rng.standard_normal((200_000, 10))
    labels = np.eye(10)[rng.integers(0, 10, 200_000)]
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    entropy = p - labels
    squares = p * (entropy - (entropy * p).sum(1, keepdims=True))
    cosine = np.sum(entropy * squares) / np.linalg.norm(entropy) / np.linalg.norm(squares)
    tree = LossTree.from_string(KNOWN_LOSSES["cross_entropy"], PSET)
    curves = LossCurves.of(tree, PSET)
    seen = [dict(similarities(curves, seed))["mse"] for seed in range(40)]
    assert np.mean(seen) == pytest.approx(cosine, abs=0.006)  # of 9 or 11 classes: 0.012 from it
    assert np.ptp(seen) < 0.06  # each prediction has a confidence of its own


@pytest.mark.parametrize(("limit", "compared"), [(0.33, False), (0.44, True)])
def test_losses_are_compared_where_both_are_finite_unless_that_is_less_than_half(limit, compared):
    # NaN where a class has a p beyond the limit: 42% and 60% of the predictions are compared.
    half = f"sub(mul(y_true, sqrt(sub({limit}, y_pred))), mul(y_true, log(y_pred)))"
    cosines = dict(card_of(half, PLAIN).similarities)
    assert math.isnan(cosines["cross_entropy"]) is not compared
    assert not compared or cosines["cross_entropy"] > 0.8


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_a_gradient_whose_square_no_float_holds_is_compared(factor):
    tree = LossTree.from_string(f"mul({factor}, {KNOWN_LOSSES['cross_entropy']})", PLAIN)
    cosines = dict(similarities(LossCurves.of(tree, PLAIN), 0))
    assert cosines["cross_entropy"] == pytest.approx(1.0)


def test_a_loss_without_gradient_is_similar_to_no_known_loss():
    card = card_of("y_true")
    assert math.isnan(card.similarity) and card.scale == 0.0
    assert "nearest known loss  none" in str(card)


# The card


def test_the_card_names_the_loss_and_its_tree():
    card = card_of("ngl", name="mine")
    assert (card.name, card.primitives, card.size, card.height) == ("mine", "protected", 13, 5)
    assert card.expression == KNOWN_LOSSES["ngl"]
    assert card.infix == "exp(2.409 - y_pred*(1 + y_true)) - cos(cos(sin(y_pred)))"
    assert card_of("y_pred").name == "loss"
    with pytest.raises(dataclasses.FrozenInstanceError):
        card.name = "other"


def test_the_card_says_how_the_loss_trains():
    shaky = "mul(y_true, sin(div(1.0, y_pred)))"
    for expression in ("ngl", shaky):
        card = card_of(expression)
        curves = LossCurves.of(
            LossTree.from_string(KNOWN_LOSSES.get(expression, expression), PSET), PSET)
        assert (card.certified, card.certificate_error) == (curves.certified, curves.error)
    assert "trained on its curves" in str(card_of("ngl"))
    assert "trained on the exact path" in str(card_of(shaky))


def test_the_text_holds_the_figures():
    lines = str(card_of("cross_entropy", name="CE")).splitlines()
    rows = {line.split("  ")[1]: line.split() for line in lines if line.startswith("  ")}
    assert lines[0] == "CE"
    assert rows["classes"][1:] == ["2", "10", "100"]
    assert rows["value at the start"][4:] == ["0.3466", "0.2303", "0.04605"]
    assert rows["least at p_target"][3:] == ["1", "1", "1"]
    assert rows["monotone"][1] == "yes"
    assert " ".join(rows["bounded"][1:]) == "no: as p -> 0 for the target"
    assert rows["nearest known loss"][3:] == ["cross_entropy,", "cosine", "1.000"]


def test_the_text_says_where_the_loss_is_least_between_0_and_1():
    (line,) = [line for line in str(card_of("baikal")).splitlines() if "least at" in line]
    assert [*map(float, line.split()[3:])] == pytest.approx([2**-0.5, 10**-0.5, 0.1], rel=2e-3)


@pytest.mark.parametrize(("name", "said"), [
    ("cross_entropy", "yes: dL(1, p)/dp goes as p^-1 for p from 1e-6 to 1e-3"), ("y_true", "no")])
def test_the_text_says_whether_the_loss_is_free_of_a_scale(name, said):
    (line,) = [line for line in str(card_of(name)).splitlines() if "scale-free" in line]
    assert line.split(maxsplit=1)[1] == said


@pytest.mark.parametrize("pset", [PSET, PLAIN], ids=["protected", "plain"])
def test_every_random_loss_has_a_card(pset):
    random.seed(2)
    courses = set()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for _ in range(150):
            tree = LossTree(genLoss(pset, max_size=60))
            card = describe(tree, pset)
            text = str(card)
            assert card.infix in text and str(tree) in text
            assert {name for name, _ in card.similarities} == {*KNOWN_LOSSES}
            assert all(not abs(cosine) > 1 + 1e-9 for _, cosine in card.similarities)
            assert all(math.isnan(t.least_at) or 0 < t.least_at < 1 for t in card.totals)
            courses |= {total.course.split()[0].strip(",") for total in card.totals}
    assert courses >= {"falls", "rises", "turns"}
    assert ("undefined" in courses) == (pset is PLAIN)


@pytest.mark.parametrize("pset", [PSET, PLAIN], ids=["protected", "plain"])
@pytest.mark.parametrize(
    "expression",
    ["y_pred", "y_true", "1.0", "div(y_pred, 0.0)", "log(neg(y_pred))", "log(0.0)",
     "exp(exp(exp(exp(add(y_pred, 3.0)))))", "div(1.0, sub(y_pred, y_pred))",
     "mul(y_true, div(1.0, sub(y_pred, 0.5)))", "mul(1e300, mul(1e300, y_pred))",
     "mul(1e-300, y_pred)", "sin(exp(div(30.0, y_pred)))"],
)  # fmt: skip
def test_losses_of_the_worst_kind_have_a_card(expression, pset):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        text = str(card_of(expression, pset)).replace("e+", "e")  # Python writes 1e+300
        assert expression in text


def _square(ops, a):
    return ops.multiply(a, a)


def _d_square(ops, a):
    return (ops.multiply(2.0, a),)


def test_a_primitive_of_ones_own_is_described_as_the_others():
    pset = loss_primitive_set()
    add_primitive(pset, LossPrimitive("square", 1, _square, _d_square, "(({0})**2)"))
    card = card_of("square(sub(y_true, y_pred))", pset)
    assert card.infix == "square(y_true - y_pred)"
    assert card.nearest == "mse" and card.similarity == pytest.approx(1)


# The command


def run(*arguments, cwd):
    return subprocess.run(
        [sys.executable, str(ROOT / "examples" / "describe_loss.py"), *arguments],
        cwd=cwd, capture_output=True, text=True, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(cwd), str(ROOT)])},
    )  # fmt: skip


def test_the_command_prints_cards_and_writes_pictures_without_tensorflow(tmp_path):
    for name in ("tensorflow", "keras"):
        (tmp_path / f"{name}.py").write_text("raise ImportError('not here')")
    for folder, expression in (("a", "y_pred"), ("b", "log(y_pred)")):
        (tmp_path / folder / "run").mkdir(parents=True)
        (tmp_path / folder / "run" / "best_loss.json").write_text(
            f'{{"expression": "{expression}", "primitives": "plain"}}')
    process = run("ngl", "a/run", "b/run/best_loss.json", "--output", "out", cwd=tmp_path)
    assert process.returncode == 0, process.stderr
    assert process.stdout.split("\n\n")[0] + "\n" == str(card_of("ngl", name="ngl")).split(
        "\n\n")[0] + "\n"
    pictures = [f"{name}_{kind}.png" for name in ("ngl", "run", "run-2")
                for kind in ("card", "tree")]
    assert process.stdout.splitlines()[-1] == f"Results in out: {', '.join(pictures)}"
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(pictures)
    for picture in pictures:
        assert (tmp_path / "out" / picture).read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(["nlg"], "unknown loss 'nlg': did you mean 'ngl'?"), ([], "LOSS"),
     (["ngl", "--seed", "-1"], "expected a seed of at least 0, got -1"),
     (["ngl", "--output", "file"], "file")],
)  # fmt: skip
def test_bad_input_is_one_line_and_status_2(arguments, message, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("")
    command = runpy.run_path(str(ROOT / "examples" / "describe_loss.py"))
    with pytest.raises(SystemExit) as stop:
        command["main"](arguments)
    error = capsys.readouterr().err
    assert stop.value.code == 2 and error.count("\n") == 1 and message in error
