"""What ``lossgp evolve`` says on a terminal and in a pipe, without training anything."""

import io
from pathlib import Path
from types import SimpleNamespace

import pytest

pytest.importorskip("tensorflow")

from deap_lossgp.commands import evolve  # noqa: E402
from deap_lossgp.search.settings import RunSettings  # noqa: E402


class Stream(io.StringIO):
    terminal = True

    def isatty(self):
        return self.terminal


class Run:
    """A run that is over at once."""

    settings, output = RunSettings(population=5, generations=2), Path("it is", "here")
    tasks = (SimpleNamespace(name="digits"), SimpleNamespace(name="letters"))

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def execute(self):
        return SimpleNamespace(report=lambda shortened: f"shortened: {shortened}")


@pytest.fixture(params=[True, False])
def said(request, monkeypatch):
    """Whether it is a terminal, and the lines of both streams."""
    monkeypatch.setattr(Stream, "terminal", request.param)
    streams = {name: Stream() for name in ("stdout", "stderr")}
    monkeypatch.setattr(evolve, "prepare", lambda parser, argv: Run())
    for name, stream in streams.items():
        monkeypatch.setattr(f"sys.{name}", stream)
    evolve.main([], "lossgp evolve")
    return request.param, *(stream.getvalue().splitlines() for stream in streams.values())


def test_a_terminal_is_told_what_is_about_to_happen_and_shown_the_short_report(said):
    terminal, out, error = said
    assert out[0] == f"shortened: {terminal}"
    assert bool(error) == terminal
    if terminal:
        assert error[0].startswith("Evolving a loss for digits, letters: a population of 5, 2 gen")
        assert "the same command goes on" in error[1] and str(Run.output) in error[1]


def test_the_last_lines_say_where_the_page_is_and_what_to_do_next(said):
    _, out, _ = said
    page, show, write = out[1:]
    assert page.startswith(f"Page: {Run.output / 'report.html'}, ")
    assert show == "Next: lossgp describe 'it is/here' shows what the loss does"
    assert write.strip().startswith("lossgp export 'it is/here' --to torch writes it for PyTorch")
