"""A figure as an SVG element that stands inside a page, beside others."""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING, Any, cast
from xml.etree import ElementTree

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_SETTINGS: Any = {"svg.fonttype": "none", "svg.hashsalt": "deap_lossgp", "font.sans-serif":
             ["DejaVu Sans"]}  # fmt: skip
_NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))
_REFERENCE = re.compile(r"url\(#([^)]*)\)|^#(.*)$")


def as_svg(axes: Axes, name: str) -> str:
    """Returns the figure of some axes as the text of an SVG element.

    The background is transparent and texts stay texts. Ids begin with the name, so that several
    elements can stand in one page. The same figure gives the same text.

    Args:
        axes: The axes.
        name: A word that no other figure of the page has.

    Examples:
        >>> from deap_lossgp.plotting.funnel import plot_funnel
        >>> text = as_svg(plot_funnel([{"stage": "a < b", "losses": 2}]), "funnel")
        >>> text.startswith("<svg "), "a &lt; b" in text, "http" in text
        (True, True, False)
    """
    from matplotlib import rc_context

    file, figure = io.BytesIO(), cast("Figure", axes.figure)
    with rc_context(_SETTINGS):
        figure.savefig(file, format="svg", transparent=True, metadata=_NO_METADATA)
    root = ElementTree.fromstring(file.getvalue())
    nodes = list(root.iter())
    for node in nodes:
        node.tag = _local(node.tag)
        node.attrib = {_local(key): value for key, value in node.attrib.items()
                       if _local(key) not in ("version",)}
    for parent in nodes:  # a style sheet would be one of the whole page
        for child in [child for child in parent if child.tag in ("style", "metadata")]:
            parent.remove(child)
    _keep_own_ids(nodes, name)
    return ElementTree.tostring(root, encoding="unicode")


def _local(name):
    """Returns a name without its name space: inside HTML there is none to declare."""
    return name.rpartition("}")[2]


def _keep_own_ids(nodes, name):
    """Removes the ids to which nothing refers, and makes the others the figure's own."""
    used = {group for node in nodes for value in node.attrib.values()
            for found in _REFERENCE.finditer(value) for group in found.groups() if group}
    for node in nodes:
        identity = node.attrib.pop("id", None)
        for key, value in node.attrib.items():
            node.attrib[key] = _REFERENCE.sub(lambda found: found[0].replace("#", f"#{name}-", 1),
                                              value)
        if identity in used:
            node.attrib["id"] = f"{name}-{identity}"
