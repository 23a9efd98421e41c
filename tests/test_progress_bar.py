"""The progress bar, in a terminal and in notebooks with and without ipywidgets."""

import subprocess
import sys

NOTEBOOK = """
import sys, types

kernel = types.SimpleNamespace(config={"IPKernelApp": {}})
sys.modules["ipykernel.zmqshell"] = kernel  # by this tqdm knows a notebook
sys.modules["IPython"] = types.SimpleNamespace(get_ipython=lambda: kernel)
import tqdm.notebook
tqdm.notebook.IProgress = object() if sys.argv[1] == "widgets" else None
from deap_lossgp.progress_bar import progress_bar

print(issubclass(progress_bar, tqdm.notebook.tqdm_notebook))
with progress_bar(total=3, disable=True) as bar:
    bar.update(2)
    bar.write("a line", file=sys.stdout)
"""


def in_notebook(kind):
    process = subprocess.run([sys.executable, "-W", "always", "-c", NOTEBOOK, kind],
                             capture_output=True, text=True)
    assert process.stderr == ""
    return process.stdout.splitlines()


def test_a_notebook_has_the_widget_where_ipywidgets_is_installed():
    assert in_notebook("widgets") == ["True", "a line"]


def test_a_notebook_without_ipywidgets_has_the_terminals_and_no_warning():
    assert in_notebook("none") == ["False", "a line"]
