"""Reads an HTML page as strictly as its readers may: browsers, screen readers, the offline."""

import re
from html.parser import HTMLParser
from types import SimpleNamespace

VOID = {"meta", "img", "wbr"}
POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"


class Page(HTMLParser):
    """A page as a tree of nodes; refuses tags that are not closed in the order they were opened."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.root = SimpleNamespace(tag="", attrs={}, inside=[])
        self.open = [self.root]
        self.feed(text)
        self.close()
        assert self.open == [self.root]

    def handle_starttag(self, tag, attrs):
        assert len(attrs) == len(dict(attrs))
        node = SimpleNamespace(tag=tag, attrs=dict(attrs), inside=[])
        self.open[-1].inside.append(node)
        if tag not in VOID:
            self.open.append(node)

    def handle_endtag(self, tag):
        assert self.open.pop().tag == tag

    def handle_data(self, data):
        self.open[-1].inside.append(data)

    def handle_comment(self, data):
        raise AssertionError(data)

    def all(self, *tags, under=None):
        for node in (under or self.root).inside:
            if not isinstance(node, str):
                if node.tag in tags or not tags:
                    yield node
                yield from self.all(*tags, under=node)

    def tables(self):
        return [[[text_of(cell) for cell in self.all("th", "td", under=row)]
                 for row in self.all("tr", under=table)] for table in self.all("table")]


def text_of(node):
    return node if isinstance(node, str) else "".join(map(text_of, node.inside))


def check_page(text):
    """Asserts what every page has to be, and returns it as a ``Page``.

    It stands alone, its headings are in order, every picture has a text, ids are unique, and what
    refers to one finds it.
    """
    page = Page(text)
    assert text.startswith("<!DOCTYPE html>\n")
    assert not re.findall("https?:", text), "not even in names of XML"
    levels = [int(node.tag[1]) for node in page.all("h1", "h2", "h3", "h4")]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))
    for node in page.all("img"):
        assert node.attrs["alt"].strip() and node.attrs["src"].startswith("data:image/png;base64,")
    for node in page.all("svg"):
        assert node.attrs["role"] == "img" and node.attrs["aria-label"].strip()
    for node in page.all():
        assert node.tag not in {"script", "link", "iframe", "object", "base", "form", "image"}
        for name, value in node.attrs.items():
            assert not name.startswith("on") and name not in {"src", "action", "data"} - (
                {"src"} if node.tag == "img" else set())
            if name.endswith("href"):
                assert value.startswith("#")
    ids = [node.attrs["id"] for node in page.all() if "id" in node.attrs]
    assert len(ids) == len({*ids})
    references = re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)|labelledby="([^"]*)"', text)
    assert {one for found in references for one in found if one} <= {*ids}
    policies = [node.attrs["content"] for node in page.all("meta")
                if node.attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policies == [POLICY]
    style = "".join(text_of(node) for node in page.all("style"))
    assert "url(" not in style and "@import" not in style
    for table in page.all("table"):
        assert all(text_of(cell).strip() for cell in page.all("th", under=table))
    return page
