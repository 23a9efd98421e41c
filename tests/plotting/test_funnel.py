"""The figure of a search's funnel."""

import pytest

from deap_lossgp.plotting import plot_funnel

STAGES = [{"stage": "made", "losses": 400}, {"stage": "trained", "losses": 20},
          {"stage": "to the end", "losses": 0}, {"stage": "winner", "losses": 1}]


def test_there_is_a_bar_for_each_stage_from_the_top_down():
    ax = plot_funnel(STAGES)
    assert [bar.get_width() for bar in ax.patches] == [400.0, 20.0, 0.0, 1.0]
    assert [label.get_text() for label in ax.get_yticklabels()] == [
        "made", "trained", "to the end", "winner"]
    assert ax.yaxis_inverted() and ax.get_xscale() == "log"


def test_the_number_and_its_share_of_the_stage_before_stand_beside_the_bar():
    ax = plot_funnel(STAGES)
    assert [text.get_text() for text in ax.texts] == ["400", "20 (5%)", "0 (0%)", "1"]


def test_it_draws_on_given_axes_and_from_a_file(tmp_path):
    path = tmp_path / "funnel.csv"
    path.write_text("stage,losses\nmade,7\n")
    ax = plot_funnel(STAGES)
    assert plot_funnel(path, ax) is ax and len(ax.patches) == 5
    ax.figure.savefig(tmp_path / "funnel.png")


@pytest.mark.parametrize(("stages", "message"), [
    ([], "expected at least one stage"),
    ([{"stage": "made"}], "expected the columns 'stage', 'losses'"),
    ([{"stage": "made", "losses": -1}], "at least 0, got -1"),
    ([{"stage": "made", "losses": float("nan")}], "expected finite numbers"),
])
def test_what_is_no_funnel_is_refused(stages, message):
    with pytest.raises(ValueError, match=message):
        plot_funnel(stages)
