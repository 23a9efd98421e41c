"""Figures as elements of a page."""

import re
from xml.etree import ElementTree

import numpy as np

from deap_lossgp.plotting.axes import new_axes
from deap_lossgp.plotting.funnel import plot_funnel
from deap_lossgp.plotting.svg import as_svg

HOSTILE = '<b> & "quoted" id="x" href="#y" url(#z)'


def drawn(label="a"):
    ax = new_axes()[0, 0]
    ax.plot(np.arange(5), marker="o", label=label)
    ax.legend()
    return ax


def test_texts_stay_texts_and_markup_in_them_is_text():
    root = ElementTree.fromstring(as_svg(drawn(HOSTILE), "one"))
    assert HOSTILE in [node.text for node in root.iter("text")]
    assert not [node for node in root.iter() if node.tag in ("b", "style", "metadata")]


def test_ids_are_the_figures_own_and_every_reference_finds_one():
    text = as_svg(drawn(), "one") + as_svg(drawn(), "two")
    ids = re.findall(r' id="([^"]*)"', text)
    references = re.findall(r'url\(#([^)]*)\)|href="#([^"]*)"', text)
    assert ids and len(ids) == len({*ids}) and all(re.match("one-|two-", name) for name in ids)
    assert {a or b for a, b in references} == {*ids}


def test_the_same_figure_is_the_same_text_without_dates_and_addresses():
    first, second = as_svg(drawn(), "one"), as_svg(drawn(), "one")
    assert first == second and "http" not in first and not re.search("20[0-9]{2}-", first)


def test_drawing_it_as_png_before_changes_nothing_that_is_seen(tmp_path):
    stages = [{"stage": "made", "losses": 3}, {"stage": "trained", "losses": 2}]
    ax = plot_funnel(stages)
    ax.figure.savefig(tmp_path / "a.png", dpi=150, bbox_inches="tight")
    texts = [node.text for node in ElementTree.fromstring(as_svg(ax, "one")).iter("text")]
    assert {"made", "trained", "3", "2 (67%)", "Losses"} <= {*texts}


def test_the_background_is_transparent():
    root = ElementTree.fromstring(as_svg(plot_funnel([{"stage": "a", "losses": 2}]), "one"))
    assert [node for node in root.iter("path") if "fill: #0072b2" in node.get("style", "")]
    for node in root.iter("path"):
        assert "fill: #ffffff" not in node.get("style", ""), "it would be a white box in the dark"
