"""Error messages that a user reads after a misspelt name."""

import pytest

from deap_lossgp.errors import in_one_line, nearest_path, said_of_path, unknown_name

ALGORITHMS = ["sample-tournament", "archive", "random"]


def test_a_misspelt_name_gets_the_nearest_known_one():
    error = unknown_name("algorithm", "archiv", ALGORITHMS)
    assert isinstance(error, ValueError)
    assert str(error) == (
        "unknown algorithm 'archiv': did you mean 'archive'? "
        "known: archive, random, sample-tournament"
    )


def test_a_name_near_to_nothing_gets_the_list_only():
    message = str(unknown_name("algorithm", "xyz", ALGORITHMS))
    assert message == "unknown algorithm 'xyz': known: archive, random, sample-tournament"


@pytest.mark.parametrize("name", ["CIFAR10", "Cifar-10", "cifar 10"])
def test_case_and_separators_do_not_hide_the_nearest_name(name):
    message = str(unknown_name("data set", name, ["cifar10", "cifar100", "digits"]))
    assert "did you mean 'cifar10'?" in message


def test_the_suggestion_is_spelt_as_the_known_name():
    assert "did you mean 'ResNet'?" in str(unknown_name("network", "resnt", ["ResNet"]))


def test_a_hint_ends_the_message():
    message = str(unknown_name("network", "vgg", ["resnet8"], hint="or give module:function"))
    assert message == "unknown network 'vgg': known: resnet8; or give module:function"


@pytest.mark.parametrize("name", ["", "two\nlines", None, 7])
def test_any_name_gives_one_line(name):
    message = str(unknown_name("network", name, ["resnet8"]))
    assert message.startswith(f"unknown network {name!r}:")
    assert "\n" not in message


def test_known_names_may_be_any_iterable():
    assert "known: a, b" in str(unknown_name("fitness", "q", iter(["b", "a"])))
    assert "known: a, b" in str(unknown_name("fitness", "q", {"b": 1, "a": 2}))


def test_a_quoted_error_is_one_short_line():
    line = in_one_line(RuntimeError("first\n\n   second\t" + "x" * 10_000))
    assert line.startswith("RuntimeError: first second xxx")
    assert line.endswith("...")
    assert len(line) == 200


def test_any_part_of_a_path_may_be_misspelt_and_a_file_is_meant_by_its_ending(tmp_path):
    (tmp_path / "photos" / "Flowers").mkdir(parents=True)
    (tmp_path / "photos" / "birds.npz").touch()
    for given, endings, meant in (
            ("fotos/flowers", (), "photos/Flowers"), ("photos/birsd.npz", (), None),
            ("photos/birsd.npz", (".npz",), "photos/birds.npz"), ("photos/birds.npz", (), None),
            ("photos/birds.npz/x", (".npz",), None), ("photos", (), None), ("ab\0c", (), None),
            ("photos/../fotos", (), "photos/../photos"), ("xyz/Flowers", (), None)):
        found = nearest_path(tmp_path / given, endings)
        assert found == (meant and str(tmp_path / meant)), given
    assert said_of_path(tmp_path / "photo") == f"; did you mean {str(tmp_path / 'photos')!r}?"
    assert said_of_path(tmp_path / "xyz") == ""
