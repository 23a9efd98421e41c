"""All figures: that they are pictures, and that nothing else is touched."""

import os
import subprocess
import sys

import matplotlib
from figure_samples import (
    EPOCHS,
    PAIRS,
    ROWS,
    TESTS,
    TWO_ARMS,
    figures_of,
    fitness_values,
    onemax,
    statistics,
    two_chapters,
)

from deap_lossgp.plotting import (
    plot_comparison,
    plot_front,
    plot_generations,
    plot_individuals,
    plot_loss_accuracy,
    plot_test_accuracies,
    plot_values_and_accuracies,
)


def run_python(code, **environment):
    env = {name: value for name, value in os.environ.items() if name != "DISPLAY"}
    command = [sys.executable, "-c", code]
    return subprocess.run(command, env=env | environment, capture_output=True, text=True)


def test_png_is_a_picture_with_something_on_it(tmp_path):
    path = tmp_path / "figure.png"
    figures = {
        "flat": plot_generations(onemax(statistics(fitness_values))).figure,
        "chapters": plot_generations(onemax(two_chapters()))[0].figure,
        "front": plot_front([{"nodes": 3, "improvement": 0.1}]).figure,
        "individuals": plot_individuals(ROWS)[0].figure,
        "comparison": plot_comparison(TWO_ARMS)[0].figure,
        "losses": plot_loss_accuracy(figures_of(*PAIRS), "digits", 10).figure,
        "tests": plot_test_accuracies(TESTS).figure,
        "values": plot_values_and_accuracies(EPOCHS)[0, 0].figure,
    }
    for name, figure in figures.items():
        figure.savefig(path)
        assert path.read_bytes().startswith(b"\x89PNG\r\n\x1a\n"), name
        pixels = matplotlib.image.imread(path)
        width, height = (figure.get_size_inches() * figure.dpi).round()
        assert pixels.shape[:2] == (height, width), name
        ink = (pixels[..., :3] < 1).any(axis=2)
        assert 0.01 < ink.mean() < 0.5, name


def test_settings_of_matplotlib_are_left_as_they_were():
    before = dict(matplotlib.rcParams)
    plot_generations(onemax(two_chapters()))
    plot_individuals(ROWS)
    plot_comparison(TWO_ARMS, against="trainings")
    plot_loss_accuracy(figures_of(*PAIRS), "digits", 10, baseline=(0.3, 0.88))
    plot_test_accuracies(TESTS)
    assert dict(matplotlib.rcParams) == before


def test_import_loads_neither_matplotlib_nor_tensorflow():
    code = (
        "import sys, deap_lossgp.plotting\n"
        "deap_lossgp.plotting.plot_comparison\n"
        "print([m for m in ('matplotlib', 'pandas', 'tensorflow', 'keras') if m in sys.modules])"
    )
    done = run_python(code)
    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_drawing_needs_neither_pyplot_nor_a_display(tmp_path):
    path = tmp_path / "figure.png"
    code = (
        "import sys\n"
        "from deap import tools\n"
        "from deap_lossgp.plotting import plot_generations, plot_individuals\n"
        "logbook = tools.Logbook()\n"
        "logbook.record(gen=0, avg=1.0)\n"
        f"plot_generations(logbook).figure.savefig({str(path)!r})\n"
        "plot_individuals([dict(gen=0, index=0, improvement=0.1, wins=1)])\n"
        "print('matplotlib' in sys.modules, 'matplotlib.pyplot' in sys.modules)"
    )
    done = run_python(code, MPLBACKEND="tkagg")
    assert (done.stdout.strip(), done.stderr) == ("True False", "")
    assert path.read_bytes().startswith(b"\x89PNG")
