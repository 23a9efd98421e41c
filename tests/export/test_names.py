"""Names of strangers as names in source files."""

import pytest

from deap_lossgp.export.names import class_name, identifier, plain_name


def test_names_are_cut_and_have_harmless_letters():
    assert plain_name("a" * 80) == "a" * 60 and plain_name("abc", longest=2) == "ab"
    assert plain_name("l\u00f6ss'\n1 ") == "l_ss_1" and plain_name(" ") == "unnamed"


@pytest.mark.parametrize(("name", "module", "class_"), [
    ("a" * 80, "a" * 40, "A" + "a" * 39 + "Loss"), ("my own-loss", "my_own_loss", "MyOwnLoss"),
    ("2nd try", "loss_2nd_try", "Loss2ndTryLoss"), ("__", "evolved_loss", "EvolvedLoss"),
    ("b_", "b", "BLoss"), ("l\u00f6ss", "l_ss", "LSsLoss"), (3, "loss_3", "Loss3Loss"),
])  # fmt: skip
def test_modules_and_classes_have_names_of_python(name, module, class_):
    assert (identifier(name), class_name(name)) == (module, class_)
    assert module.isidentifier() and class_.isidentifier()
