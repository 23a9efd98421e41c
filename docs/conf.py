"""How Sphinx builds these pages: ``sphinx-build -W --keep-going -b html docs BUILD``.

The pages are plain reStructuredText with relative links to ``.rst`` files, so they can be read in a
clone as well; here these links become links to the built pages. The pages of the API are made from
the public names of each wing. TensorFlow is neither needed nor imported.
"""

import inspect
import posixpath
import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

from docutils import nodes
from sphinx.ext.autodoc.mock import MockFinder, _MockObject
from sphinx.util import logging
from sphinx.util.nodes import get_node_source

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

# What trains is mocked for the whole build. Mocks may stand beside a type in an annotation. They
# would hide TreeLoss, which is made with two of them.
_MockObject.__or__ = _MockObject.__ror__ = lambda self, _other: self
sys.meta_path.insert(0, MockFinder(["keras", "ray", "tensorboardX", "tensorflow"]))
import keras  # noqa: E402

keras.losses = SimpleNamespace(Loss=object)
keras.saving = SimpleNamespace(register_keras_serializable=lambda **_: lambda loss: loss)

import public_names  # noqa: E402

import deap_lossgp  # noqa: E402

project = "deap_lossgp"
author = copyright = "deap_lossgp developers"
version = release = deap_lossgp.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
templates_path = ["_templates"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"deap_lossgp {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False

# Everything that a page needs lies beside it: the site can be read offline.
nb_execution_mode = "off"
nb_ipywidgets_js = {}

autodoc_member_order = "bysource"
add_module_names = False
napoleon_use_ivar = True
napoleon_use_rtype = False
toc_object_entries_show_parents = "hide"
autosummary_context = {"pages": public_names.pages()}

GENERATED = HERE / "generated"


def setup(app):
    app.connect("config-inited", _copy_notebooks)
    app.connect("autodoc-skip-member", _skip_defaults)
    app.connect("doctree-resolved", _resolve_links)
    app.connect("doctree-resolved", _mark_options)
    app.connect("html-page-context", _label_tables)


def _copy_notebooks(_app, _config):
    """Sphinx reads only what is below its folder."""
    GENERATED.mkdir(exist_ok=True)
    for notebook in (HERE.parent / "notebooks").glob("*.ipynb"):
        shutil.copy(notebook, GENERATED)


def _skip_defaults(_app, _what, _name, member, skip, _options):
    """A function that is the default of a dataclass's field is no method."""
    return skip or (inspect.isfunction(member) and "." not in member.__qualname__) or None


def _resolve_links(app, doctree, page):
    """Makes of relative links to files of the clone links to the pages that show them."""
    for link in doctree.findall(nodes.reference):
        path, _, anchor = link.get("refuri", "").partition("#")
        if not path.endswith((".rst", ".ipynb")) or ":" in path:
            continue
        source = Path(get_node_source(link)).resolve().relative_to(HERE.parent)
        target = _page_of(posixpath.normpath((source.parent / path).as_posix()))
        if target not in app.env.found_docs:
            logging.getLogger(__name__).warning("no page shows %s", path, location=link)
            continue
        link["refuri"] = app.builder.get_relative_uri(page, target) + (anchor and f"#{anchor}")
        link["internal"] = True


def _mark_options(_app, doctree, _page):
    """An option is not broken at its hyphens."""
    for literal in doctree.findall(nodes.literal):
        if literal.astext().startswith("--"):
            literal["classes"].append("option")


def _label_tables(_app, _page, _template, context, _doctree):
    """On a narrow screen a table is a list of its rows, in which each cell needs its heading."""
    if "body" in context:
        context["body"] = re.sub(r'<table class="[^"]*docutils.*?</table>', _labelled,
                                 context["body"], flags=re.DOTALL)


def _labelled(table):
    """Adds the headings to the cells, and what they are, which such a list does not say."""
    head, body, rows = table[0].partition("<tbody>")
    titles = [" ".join(re.sub("<.*?>", "", title).replace('"', "&quot;").split())
              for title in re.findall("<th.*?</th>", head, re.DOTALL)]
    if not titles:
        return table[0]
    for tag, role in (("table", "table"), ("thead", "rowgroup"), ("tr", "row"),
                      ("th", "columnheader")):
        head = re.sub(rf"<{tag}\b", f'<{tag} role="{role}"', head)
    cells = (f'<td role="cell" data-label="{title}"'
             for _ in range(rows.count("<tr")) for title in titles)
    rows = re.sub(r"<td\b", lambda _: next(cells), rows.replace("<tr", '<tr role="row"'))
    body = body.replace(">", ' role="rowgroup">')
    return f"{head}{body}{rows}"


def _page_of(path):
    """Returns the name of the page that shows a file of the clone."""
    target = posixpath.splitext(path)[0]
    if path.endswith(".ipynb"):
        return f"generated/{posixpath.basename(target)}"
    return target.removeprefix("docs/") if target.startswith("docs/") else target.lower()
