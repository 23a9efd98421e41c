"""The report as HTML and Markdown, read by parsers; some of its texts look like markup."""

import base64
import math
import os
import re
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from html_reader import Page, text_of

from deap_lossgp.pages.html_page import to_fragment, to_html
from deap_lossgp.pages.markdown import to_markdown
from deap_lossgp.pages.sections import Figure, Section

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
HOSTILE = [
    "<script>alert(1)</script>", "a | b", "\\| c", "ends in \\", "`tick` | ``two``", "a\nb\r\nc",
    '"quoted" \'too\' & &amp; &#124;', "*not* _emphasis_ ~~here~~ $x$", "[a](http://b) <http://c>",
    "![x](y)", "# no heading #", "- no list", "1. no list", "+ no", "---", "--> ]]> <!--",
    "| --- |", "\x00\x1b[31m\ud800\uffff", "  spaces   inside ", "", "<b", "=== x",
]  # fmt: skip


def shown(text):
    """What a reader sees of a text: one line, and a sign for what no page may hold."""
    return re.sub("[\x00\x1b\ud800\uffff]", "\ufffd", " ".join(text.split()))


def parsed(markdown):
    """Markdown as CommonMark's and GitHub's rules have it."""
    parser = pytest.importorskip("markdown_it").MarkdownIt("commonmark")
    return Page(parser.enable("table").render(markdown).replace(" />", ">"))


def table(columns, caption="", formats=None, **options):
    made = pd.DataFrame(columns, **options)
    made.attrs.update(caption=caption, formats=formats or {})
    return made


def cells(made):
    """The texts of a table's body, as HTML shows them."""
    return Page(to_html("t", [Section("s", (made,))])).tables()[0][1:]


@pytest.fixture
def report(tmp_path):
    picture = tmp_path / "runs" / "a (1) b.png"
    picture.parent.mkdir()
    picture.write_bytes(PNG)
    hostile = table({"expression": HOSTILE, "no|te\n<i>": HOSTILE[::-1], "n": range(len(HOSTILE))},
                    "About <b>|*these*|</b>")  # fmt: skip
    numbers = table({"accuracy": [0.93456, math.nan], "gain": [-math.inf, 1e-7]}, "The numbers",
                    {"accuracy": ".1%"}, index=pd.Index(["first", "second"], name="loss"))
    return [
        Section("Results & <i>more</i> #", ("A paragraph.", numbers, Figure(picture, "Curve <1>"))),
        Section("Hostile | texts", [*HOSTILE, hostile, Figure(picture, 'Its "twin" [x](y)')]),
        Section("Nothing", (table({}), table({"a": []}))),
    ]


def test_the_page_is_whole(report):
    text = to_html("All <runs>", report)
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>\n")
    assert [node.tag for node in page.root.inside if not isinstance(node, str)] == ["html"]
    assert next(page.all("html")).attrs["lang"] == "en"
    assert next(page.all("meta")).attrs == {"charset": "utf-8"}
    assert [text_of(node) for node in page.all("title", "h1")] == 2 * ["All <runs>"]
    assert [text_of(node) for node in page.all("h2")] == [section.title for section in report]
    assert text.encode("utf-8")


def test_the_contents_lead_to_every_section_and_ids_are_unique(report):
    page = Page(to_html("t", report))
    ids = [node.attrs["id"] for node in page.all() if "id" in node.attrs]
    assert len(ids) == len({*ids})
    links = {node.attrs["href"]: text_of(node) for node in page.all("a")}
    assert links == {f"#{node.attrs['id']}": text_of(next(page.all("h2", under=node)))
                     for node in page.all("section")}  # fmt: skip
    assert len(links) == len(report)
    assert {node.attrs.get("aria-labelledby") for node in page.all()} <= {None, *ids}


def test_the_page_asks_for_nothing_from_outside(report):
    text = to_html("t", report)
    page = Page(text)
    for node in page.all():
        assert node.tag not in {"script", "link", "iframe", "object", "base", "form"}
        for name, value in node.attrs.items():
            assert not name.startswith("on") and name != "style"
            if name in {"src", "href", "srcset", "action", "data"}:
                assert value.startswith(("data:image/png;base64,", "#"))
    policies = [node.attrs["content"] for node in page.all("meta") if "http-equiv" in node.attrs]
    assert policies == ["default-src 'none'; img-src data:; style-src 'unsafe-inline'"]
    style = text_of(next(page.all("style")))
    assert "url(" not in style and "@import" not in style


def test_figures_are_inside_the_page_and_their_captions_are_read_out(report):
    images = list(Page(to_html("t", report)).all("img"))
    assert [node.attrs["alt"] for node in images] == ["Curve <1>", 'Its "twin" [x](y)']
    for node in images:
        assert base64.b64decode(node.attrs["src"].partition(",")[2], validate=True) == PNG


def test_a_figure_may_be_a_drawing_without_a_file(tmp_path):
    drawing = Figure(None, "A line", svg="<svg><path d='M0 0'/></svg>")
    sections = [Section("s", (drawing,))]
    assert "<path d=" in to_html("t", sections) and "<path d=" in to_fragment([drawing])
    assert "**Figure 1.** A line" in to_markdown("t", sections, tmp_path)


def test_a_figure_that_is_no_png_is_an_error(tmp_path):
    (tmp_path / "a.png").write_text("<svg onload='alert(1)'/>")
    with pytest.raises(ValueError, match="expected a PNG, .*a.png"):
        to_html("t", [Section("s", (Figure(tmp_path / "a.png", ""),))])


def test_header_cells_say_what_they_head(report):
    page = Page(to_html("t", report))
    for part, scope in [("thead", "col"), ("tbody", "row")]:
        cells = [cell for node in page.all(part) for cell in page.all("th", under=node)]
        assert {cell.attrs["scope"] for cell in cells} == {scope}
    first = next(page.all("tbody"))
    assert [text_of(node) for node in page.all("th", under=first)] == ["first", "second"]


def test_hostile_texts_are_texts_in_html(report):
    page = Page(to_html("t", report))
    expected = [[shown(a), shown(b), str(i)]
                for i, (a, b) in enumerate(zip(HOSTILE, HOSTILE[::-1], strict=True))]  # fmt: skip
    assert page.tables()[1] == [["expression", "no|te <i>", "n"], *expected]
    assert [text_of(node) for node in page.all("p")] == ["A paragraph.", *map(shown, HOSTILE)]
    assert not [*page.all("b", "i")]


def test_hostile_texts_are_texts_in_markdown(report, tmp_path):
    pages = Page(to_html("t", report)), parsed(to_markdown("t", report, tmp_path))
    assert pages[0].tables() == pages[1].tables()
    for page in pages:
        assert [text_of(node) for node in page.all("h1")] == ["t"]
        assert [text_of(node) for node in page.all("h2")] == [s.title for s in report]
    paragraphs = [text_of(node) for node in pages[1].all("p")]
    texts = ["A paragraph.", *[shown(text) for text in HOSTILE if text]]
    assert [text for text in paragraphs if text in texts] == texts
    captions = [text_of(node) for node in pages[0].all("figcaption")]
    # CommonMark drops the space that ends a paragraph.
    assert [text for text in paragraphs if re.match("(Table|Figure) [0-9]", text)] == [
        caption.strip() for caption in captions
    ]
    tags = {node.tag for node in pages[1].all()}
    assert tags <= {"h1", "h2", "p", "strong", "img", "code", "table", "thead", "tbody", "tr", "th",
                    "td"}  # fmt: skip


def test_every_row_of_a_pipe_table_has_as_many_cells(report, tmp_path):
    lines = to_markdown("t", report, tmp_path).split("\n")
    widths = [len(re.findall(r"(?<!\\)(?:\\\\)*\|", line)) - 1 for line in lines if line[:1] == "|"]
    assert widths == 4 * [3] + (len(HOSTILE) + 2) * [3] + 2 * [1] + 2 * [1]


def test_expressions_are_monospace_in_both():
    made = table({"expression": ["log(y_pred)", None], "core": ["a_b", "c|d"]},
                 formats={"core": "code"})  # fmt: skip
    sections = [Section("s", (made,))]
    codes = [text_of(node) for node in Page(to_html("t", sections)).all("code")]
    assert codes == ["log(y_pred)", "a_b", "c|d"]
    text = to_markdown("t", sections, ".")
    assert "| `log(y_pred)` | `a_b` |\n| – | <code>c\\|d</code> |\n" in text


def test_links_to_figures_start_at_the_folder_of_the_text(report, tmp_path):
    for folder, link in [(tmp_path, "runs/a%20%281%29%20b.png"),
                         (tmp_path / "docs", "../runs/a%20%281%29%20b.png")]:  # fmt: skip
        assert f"![Curve \\<1\\>]({link})" in to_markdown("t", report, folder)
    here = os.path.relpath(tmp_path)
    assert "](runs/a%20" in to_markdown("t", report, here)


@pytest.mark.parametrize(("values", "texts"), [
    ([0.5, 0.93456, 12.3456, -0.00001234], ["0.5000", "0.9346", "12.35", "-1.234e-05"]),
    ([999.94, 999.96, 1234.56, 7654321.9], ["999.9", "1,000", "1,235", "7,654,322"]),
    ([0.1, 123456789012.5, 1e300], ["0.1000", "1.235e+11", "1.000e+300"]),
    ([1, 12345, -1234567], ["1", "12,345", "-1,234,567"]),
    ([3.0, math.nan, 12345.0], ["3", "–", "12,345"]),
    ([-math.inf, math.inf, math.nan, 0.5], ["-inf", "inf", "–", "0.5000"]),
    (np.array([0.1, 2.5], np.float32), ["0.1000", "2.500"]),
    (pd.array([1, None], "Int64"), ["1", "–"]),
    ([True, False], ["True", "False"]),
    (["ok", None, pd.NaT], ["ok", "–", "–"]),
    ([10**400, 1], [f"{10**400:,}", "1"]),
    ([Fraction(1, 3), "text", 7, (1, 2)], ["0.3333", "text", "7", "(1, 2)"]),
])  # fmt: skip
def test_numbers_are_written_to_be_read(values, texts):
    made = pd.DataFrame({"x": pd.Series(values, dtype=object)
                         if isinstance(values, list) and isinstance(values[0], Fraction | str)
                         else values})  # fmt: skip
    assert cells(made) == [[text] for text in texts]


def test_formats_are_of_one_column_and_leave_infinities_alone():
    made = table({"a": [0.25, -math.inf, math.nan], "b": [0.25, 1, 2]}, formats={"a": ".1%"})
    assert cells(made) == [["25.0%", "0.2500"], ["-inf", "1.000"], ["–", "2.000"]]
    assert cells(made[["b"]]) == [["0.2500"], ["1.000"], ["2.000"]]


def test_a_format_that_does_not_fit_is_named():
    with pytest.raises(ValueError, match="format 'd' of column 'a' does not fit 0.5"):
        cells(table({"a": [0.5]}, formats={"a": "d"}))


def test_an_index_is_shown_if_it_says_something():
    frame = pd.DataFrame({"loss": ["a", "a", "b"], "x": [1, 2, 3]})
    assert cells(frame[frame["x"] > 1]) == [["a", "2"], ["b", "3"]]
    assert cells(frame["x"].describe().to_frame())[0] == ["count", "3.000"]
    counts = frame.groupby("loss").agg({"x": ["min", "max"]})
    page = Page(to_html("t", [Section("s", (counts,))]))
    assert page.tables()[0] == [["loss", "x min", "x max"], ["a", "1", "2"], ["b", "3", "3"]]
    assert cells(frame.set_index(["loss", "x"], append=True))[1] == ["1", "a", "2"]


def test_columns_may_share_a_name():
    assert cells(pd.DataFrame([[1, 2]], columns=["a", "a"])) == [["1", "2"]]


def test_parts_of_a_wrong_type_are_errors():
    with pytest.raises(TypeError, match="'s': expected a tuple of parts, got str"):
        Section("s", ("text"))
    with pytest.raises(TypeError, match="'s': expected parts that are .*, got int"):
        Section("s", ("text", 5))


def test_a_wide_table_can_be_read_as_a_list_of_its_rows_and_stays_a_table():
    wide, narrow = ({name: [1, 2] for name in names} for names in ("abcd", "abc"))
    page = Page(to_html("t", [Section("s", (table(wide), table(narrow)))]))
    first, second = page.all("table")
    assert [node.attrs["data-label"] for node in page.all("td", under=first)] == [*"abcdabcd"]
    roles = [node.attrs.get("role") for node in page.all(under=first)]
    assert None not in roles and {*roles} == {"rowgroup", "row", "columnheader", "cell"}
    assert first.attrs["role"] == "table" and first.attrs["class"] == "wide"
    assert not any({"role", "data-label", "class"} & {*node.attrs} - {"class"}
                   for node in page.all(under=second)) and "role" not in second.attrs


def test_an_expression_may_be_broken_and_is_copied_as_it_is():
    text = to_html("t", [Section("s", (table({"expression": ["log(sin(<b>))"]}),))])
    assert "<code>log(<wbr>sin(<wbr>&lt;b&gt;))</code>" in text
    assert Page(text).tables()[0][1:] == [["log(sin(<b>))"]]
