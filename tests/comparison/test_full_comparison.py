"""A comparison whose arms stop trainings and preselect: real trainings on digits."""

import pytest
from invented import Invented

pytest.importorskip("tensorflow")

from deap_lossgp.comparison import Comparison, ComparisonSettings  # noqa: E402
from deap_lossgp.comparison import comparisons as comparisons_module  # noqa: E402
from deap_lossgp.curves import LossCurves, is_trainable  # noqa: E402
from deap_lossgp.engines import Execution  # noqa: E402
from deap_lossgp.psets import loss_primitive_set  # noqa: E402
from deap_lossgp.search import evolutions  # noqa: E402
from deap_lossgp.search import surrogates as surrogates_module  # noqa: E402
from deap_lossgp.surrogate.atlas import load_atlas  # noqa: E402
from deap_lossgp.trees import LossTree  # noqa: E402

ARMS = ("archive", "sample-tournament", "glo")
SETTINGS = ComparisonSettings(
    arms=ARMS, population=4, generations=2, epochs=2, train_size=300, test_seeds=1, max_size=20,
    seed_losses=("ngl",), rungs=True, preselect=True)


def compared(output):
    with Comparison(SETTINGS, output, execution=Execution(workers=0), progress=False) as comparison:
        comparison.execute()
        return {name: table.to_csv() for name, table in comparison.raw_tables().items()}, comparison


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    output, left_out = tmp_path_factory.mktemp("comparison") / "here", []

    def part(without=()):
        left_out.append(list(without))
        atlas = load_atlas(without)
        return atlas[atlas["bred"].eq("known") | (atlas.index % 20 == 0)].reset_index(drop=True)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(surrogates_module, "load_atlas", part)
        yield output, *compared(output), left_out


def test_every_arm_starts_alike_from_valid_losses(finished):
    _, _, comparison, _ = finished
    starts = comparison.evaluations.query("gen == 0").groupby("arm")["expression"].agg(
        lambda texts: [*texts][:4])
    assert {*starts.index} == {*ARMS} and len({tuple(start) for start in starts}) == 1
    pset = loss_primitive_set()
    trees = [LossTree.from_string(text, pset) for text in starts.iloc[0]]
    assert all(is_trainable(LossCurves.of(tree, pset)) for tree in trees)
    assert comparisons_module.KNOWN_LOSSES["ngl"] == str(trees[0])


def test_every_arm_asks_for_what_it_asks_for_without(finished):
    _, _, comparison, _ = finished
    asked = comparison.evaluations.groupby("arm").size()
    assert asked.to_dict() == {arm: SETTINGS.asked(arm) for arm in ARMS}


def test_every_arm_has_a_surrogate_that_has_not_seen_the_data_set(finished):
    _, _, comparison, left_out = finished
    assert left_out == [["digits"]], "read once in a process"
    chosen = comparison.generations.groupby("arm")["nchosen"].max()
    assert {*chosen.index} == {*ARMS} and (chosen > 0).all()


def test_the_logbooks_say_how_many_were_stopped(finished):
    _, _, comparison, _ = finished
    stopped = comparison.generations.groupby("arm")["nstopped"].sum()
    unfinished = comparison.evaluations["improvement"].eq(float("-inf"))
    expressions = comparison.evaluations[unfinished].groupby("arm")["expression"].nunique()
    assert stopped.sum() > 0
    assert all(stopped[arm] <= expressions.get(arm, 0) for arm in ARMS)


def test_the_same_comparison_gives_the_same_tables_again(finished):
    output, tables, comparison, _ = finished
    again, _ = compared(output)
    seconds = {"generations"}  # the logbook's are those of the process
    assert {name: again[name] for name in again if name not in seconds} == {
        name: tables[name] for name in tables if name not in seconds}


@pytest.mark.parametrize(("fitness", "shown"), [("balanced_error", True), ("error", False)])
def test_balanced_accuracies_are_shown_where_they_are_compared(fitness, shown, tmp_path,
                                                               monkeypatch):
    monkeypatch.setattr(evolutions, "make_engine", lambda tasks, *_: Invented(tasks))
    settings = ComparisonSettings(arms=("archive", "random"), population=3, generations=1,
                                  replicates=2, test_seeds=2, fitness=fitness)
    with Comparison(settings, tmp_path, progress=False) as comparison:
        comparison.execute()
        summary = comparison.report()
    tests = comparison.tests  # as they are invented
    assert (tests["test_balanced_accuracy"] == tests["test_accuracy"] / 2.0).all()
    pages = [(tmp_path / f"report.{kind}").read_text("utf-8") for kind in ("md", "html")]
    for text in (text.replace(r"\_", "_") for text in (summary, *pages)):
        assert ("balanced_mean" in text) == ("balanced_std" in text) == shown
