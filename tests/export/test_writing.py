"""A graph as text: which of its parts get a name."""

from deap_lossgp.export.graphs import Node, simplify
from deap_lossgp.export.languages import Language
from deap_lossgp.export.plain_text import TEXT
from deap_lossgp.export.writing import Written, write
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.trees import LossTree

PSET = loss_primitive_set()
LONG, SHORT = "exp(sin(cos(sin(y_pred))))", "mul(sin(y_true), cos(y_pred))"
A = "a = exp(sin(cos(sin(y_pred))))"


def lines(text, longest=40, deepest=5):
    root = simplify(LossTree.from_string(text, PSET), PSET)
    language = Language(TEXT.formats, TEXT.number, None, longest=longest, deepest=deepest)
    return write(root, language).lines("loss = ")


def test_of_a_line_that_is_too_long_the_longest_operand_gets_a_name():
    short = "sin(y_true) * cos(y_pred)"
    assert lines(f"add({SHORT}, {LONG})") == [A, f"loss = {short} + a"]
    assert lines(f"add({LONG}, {SHORT})") == [A, f"loss = a + {short}"]
    assert lines(f"add({SHORT}, {LONG})", longest=54) == [f"loss = {short} + {A[4:]}"]


def test_a_line_that_is_still_too_long_loses_the_next_operand():
    assert lines(f"add({SHORT}, {LONG})", longest=26) == [
        A, "b = sin(y_true) * cos(y_pred)", "loss = b + a"]  # fmt: skip


def test_a_line_with_too_many_nested_brackets_is_broken_up():
    assert lines(f"add({SHORT}, {LONG})", longest=99, deepest=3) == [
        "a = sin(cos(sin(y_pred)))", "loss = sin(y_true) * cos(y_pred) + exp(a)"]  # fmt: skip


def test_what_is_used_twice_gets_a_name_unless_it_is_a_leaf_or_one_with_a_sign():
    assert lines("add(sin(y_pred), cos(sin(y_pred)))") == [
        "sin_pred = sin(y_pred)", "loss = sin_pred + cos(sin_pred)"]  # fmt: skip
    assert lines("mul(cos(y_pred), exp(y_pred))") == ["loss = cos(y_pred) * exp(y_pred)"]
    assert lines("mul(exp(neg(y_pred)), log(add(2.0, exp(neg(y_true)))))") == [
        "loss = exp(-y_pred) * log(2 + exp(-y_true))"]  # fmt: skip


def test_plain_text_has_at_most_eight_nested_brackets():
    for depth in (8, 9):
        text = "sin(" * depth + "y_pred" + ")" * depth
        written = write(simplify(LossTree.from_string(text, PSET), PSET), TEXT)
        assert (written.lines("") == [text]) is (depth == 8)


def test_a_leaf_gets_no_name_however_long_the_line_is():
    assert lines("exp(neg(y_pred))", longest=5) == ["loss = exp(-y_pred)"]
    assert lines("mul(y_true, y_pred)", longest=5) == ["loss = y_true * y_pred"]


def test_a_sign_alone_breaks_nothing_up():
    assert lines(f"neg(cos({LONG}))", longest=31) == ["loss = -cos(exp(sin(cos(sin(y_pred)))))"]


def test_no_part_is_called_as_something_in_the_expression():
    x = Node("name", value="a", index=1)
    root = Node("cos", (Node("sin", (x,), index=2),), index=3)
    written = write(Node("+", (root, root.operands[0]), index=4), TEXT)
    assert written == Written([("b", "sin(a)")], "cos(b) + b")
