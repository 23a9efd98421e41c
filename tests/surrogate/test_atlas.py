"""The atlas: honest, complete, small."""

import configparser
from pathlib import Path

import pytest

import deap_lossgp
from deap_lossgp.found_losses import KNOWN_LOSSES
from deap_lossgp.psets import loss_primitive_set
from deap_lossgp.surrogate import ATLAS, load_atlas, main_budget, write_atlas
from deap_lossgp.surrogate.atlas import COLUMNS
from deap_lossgp.trees import LossTree

HEAD = ",".join(COLUMNS)
ROWS = [
    'cifar10,100,2,0,random,"mul(y_true, y_pred)",ok,0,1.0,0.1 0.2,2.0 1.9,0.2',
    'fashion_mnist,100,2,0,random,"mul(y_true, y_pred)",ok,0,1.0,0.1 0.2,2.0 1.9,0.2',
    "cifar10,100,2,0,fashion_mnist,cos(y_pred),nan,1,,,,",
    "fashion_mnist,100,2,0,cifar10,exp(y_pred),stopped,1,1.0,0.1,2.3,0.1",
    "cifar10,100,2,0,cifar10,exp(y_pred),ok,1,1.0,0.1 0.3,2.3 2.0,0.3",
]


def written(folder, *rows, head=HEAD, name="rows.csv"):
    path = folder / name
    path.write_text("\n".join([head, *rows]) + "\n")
    return path


def test_what_is_left_out_leaves_no_trace(tmp_path):
    path = tmp_path / "atlas.csv.xz"
    write_atlas([written(tmp_path, *ROWS)], path)
    left = load_atlas(without=["cifar10"], path=path)
    # Not the data set's rows, and not what was bred on it, wherever that was measured.
    assert list(left["expression"]) == ["mul(y_true, y_pred)"]
    assert list(left["dataset"]) == ["fashion_mnist"]
    assert len(load_atlas(path=path)) == len(ROWS)


@pytest.mark.parametrize("name", ["cifar10", "fashion_mnist", "cifar100"])
def test_the_shipped_atlas_without_a_data_set_does_not_know_it(name):
    whole, left = load_atlas(), load_atlas(without=(name,))
    assert name not in {*left["dataset"]}
    assert not {*left["expression"]} & {*whole["expression"][whole["bred"] == name]}
    assert 0 < len(left) < len(whole)


def test_a_data_sets_main_budget_is_that_of_most_rows_and_of_equals_the_smallest():
    table = load_atlas().head(9).assign(dataset=["a"] * 5 + ["b"] * 4,
                                        images=[50, 50, 60, 60, 10, 10, 60, 30, 30],
                                        epochs=[10, 10, 5, 5, 1, 6, 1, 2, 1])
    main = main_budget(table)
    assert [*zip(main["dataset"], main["images"], main["epochs"], strict=True)] == [
        ("a", 60, 5), ("a", 60, 5), ("b", 30, 1)]


def test_a_table_of_another_format_is_refused(tmp_path):
    path = tmp_path / "old.csv"
    load_atlas().drop(columns=["images", "epochs"]).to_csv(path, index=False)
    with pytest.raises(ValueError, match="old.csv: expected the columns dataset, .* got none named "
                                         "images, epochs"):
        load_atlas(path=path)


def test_a_name_alone_is_refused_as_it_would_leave_out_its_letters():
    with pytest.raises(TypeError, match="such as \\['cifar10'\\]"):
        load_atlas(without="cifar10")


def test_every_row_of_the_shipped_atlas_is_a_training_of_a_loss():
    atlas, pset = load_atlas(), loss_primitive_set()
    assert tuple(atlas.columns) == COLUMNS
    assert {*atlas["status"]} <= {"ok", "stopped", "nan", "no_gradient"}
    for text in {*atlas["expression"]}:
        LossTree.from_string(text, pset)
    epochs = atlas["validation_accuracies"].str.split().map(len)
    ended = atlas["status"] == "ok"
    assert (epochs[ended] == atlas["epochs"][ended]).all()
    assert (epochs[atlas["status"] == "stopped"] == 1).all()


def test_it_is_small_and_is_installed_with_the_package():
    assert ATLAS.stat().st_size < 2_000_000
    settings = configparser.ConfigParser()
    settings.read(Path(deap_lossgp.__file__).parents[1] / "setup.cfg")
    assert settings["options.package_data"]["deap_lossgp.surrogate"] == ATLAS.name


def test_tables_are_joined_without_repeating_a_training(tmp_path):
    older = written(tmp_path, 'cifar10,100,2,0,mse,"mul(y_true, y_pred)",ok,0,0.9 0.9,2.0 1.9,0.9',
                    "cifar10,100,2,1,mse,sin(y_pred),ok,0,0.1 0.2,2.0 1.9,0.2",
                    "cifar10,100,2,1,,neg(y_pred),ok,0,0.1 0.2,2.0 1.9,0.2", name="older.csv",
                    head=HEAD.replace("bred", "name").replace("seconds,", ""))  # fmt: skip
    path = tmp_path / "atlas.csv"
    assert write_atlas([written(tmp_path, *ROWS), older], path) == len(ROWS) + 2
    table = load_atlas(path=path).set_index("expression")
    assert table.loc["cos(y_pred)", "status"] == "nan"  # a status, not a missing value
    assert table.loc["cos(y_pred)", "validation_accuracies"] == ""
    assert "0.9 0.9" not in {*table["validation_accuracies"]}
    assert [table.loc[f"{name}(y_pred)", "bred"] for name in ("sin", "neg")] == ["known", "random"]


def test_losses_without_a_name_are_random_ones(tmp_path):
    head = HEAD.replace(",bred", "")
    row = 'digits,100,2,0,"sin(y_pred)",ok,0,1.0,0.1 0.2,2.0 1.9,0.2'
    write_atlas([written(tmp_path, row, head=head)], tmp_path / "atlas.csv")
    assert [*load_atlas(path=tmp_path / "atlas.csv")["bred"]] == ["random"]


def test_a_table_that_lacks_a_column_is_refused(tmp_path):
    with pytest.raises(ValueError, match="rows.csv: expected the columns .* none named exact"):
        write_atlas([written(tmp_path, head=HEAD.replace(",exact", ""))], tmp_path / "out.csv")


def test_tables_that_do_not_agree_on_cross_entropy_are_not_joined(tmp_path):
    one = main_budget(load_atlas().query("dataset == 'cifar10'"))
    entropy = one["expression"] == KNOWN_LOSSES["cross_entropy"]
    other = one.copy()
    other.loc[entropy, "validation_accuracies"] = "0.1 0.2 0.3 0.4 0.5 0.6"
    paths = tmp_path / "one.csv", tmp_path / "other.csv"
    for table, path in zip((one, other), paths, strict=True):
        table.to_csv(path, index=False)
    with pytest.raises(ValueError, match="agree on cross entropy on cifar10 with seed 0, got .* and"
                                         " 0.1 0.2 0.3 0.4 0.5 0.6: collect with another seed"):
        write_atlas(paths, tmp_path / "both.csv")
    assert not (tmp_path / "both.csv").exists()
    assert write_atlas(paths[:1] * 2, tmp_path / "same.csv") == len(one)
