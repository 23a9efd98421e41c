"""``lossgp watch``: a run as it grows, as lines or as a page."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deap_lossgp.commands.parser import CommandParser, piped, refused
from deap_lossgp.errors import printable
from deap_lossgp.pages.serving import ADDRESS, page_server
from deap_lossgp.search.reports.watch_page import watch_page
from deap_lossgp.search.reports.watching import COMPLETE, RUNNING, STOPPED, RunState, read_state

PORT = 8000
"""Where the page is served by default."""

PAGE = "watch.html"
"""The file that ``--output`` gets."""


def main(argv: Sequence[str] | None = None, prog: str | None = None) -> None:
    """Shows a run as it grows, until it ends or Ctrl-C is pressed.

    Args:
        argv: The arguments; None for those in ``sys.argv``.
        prog: What the user types before them; None for a program of its own.
    """
    parser = CommandParser("Show a run as it grows; nothing is written into its folder.", prog=prog)
    parser.add_argument("run", metavar="RUN", help="the folder of the run")
    parser.add_argument("--serve", nargs="?", type=int, const=PORT, metavar="PORT",
                        help=f"serve the run's page to browsers on this machine; without a number "
                             f"at port {PORT}, with 0 at any free one")
    parser.add_argument("--every", type=float, default=5.0, metavar="SECONDS",
                        help="how often to look")
    parser.add_argument("--once", action="store_true", help="look once")
    parser.add_argument("--output", metavar="DIR",
                        help=f"a folder, not the run's own, for the page as it is, {PAGE}")
    parser.add_argument("--seed", type=int, help="not used: nothing here is random")
    options = parser.parse_args(argv)
    if not 0.1 <= options.every < math.inf:
        parser.error(f"--every: expected at least 0.1 seconds, got {options.every:g}")
    if options.serve is not None and (options.once or options.output):
        parser.error("--serve cannot be combined with --once and --output")
    try:
        with piped():
            if options.serve is None:
                refused(parser, show, options.run, options.every, options.once, options.output)
            else:
                refused(parser, serve, options.run, options.serve, options.every)
    except KeyboardInterrupt:
        print(flush=True)  # what follows does not begin behind ^C


def show(run: Path | str, every: float, once: bool = False,
         output: Path | str | None = None) -> None:
    """Prints a line whenever something has changed, until the run ends.

    Args:
        run: The folder.
        every: Seconds between looks.
        once: Whether to look once.
        output: A folder to which the page is written at every look; or None.
    """
    if output is not None and Path(output).resolve() == Path(run).resolve():
        raise ValueError(f"--output: expected another folder than the run's own, got {output}")
    state = read_state(run)
    print(printable(f"{state.title}, {state.status}, in {state.folder}{os.sep}"), flush=True)
    line = best = None
    while True:
        if str(state) != line:
            line = str(state)
            print(printable(f"{time.strftime('%H:%M:%S')}  {line}"), flush=True)
        if state.best != best:
            best = state.best
            print(printable(f"          {best}"), flush=True)
        if output is not None:
            _write(Path(output), page_of(state, every))
        if once or state.status != RUNNING:
            break
        time.sleep(every)
        state = read_state(run)
    if state.status == COMPLETE:
        print(printable(f"Complete: {state.folder / 'report.html'}"))
    elif state.status == STOPPED:
        print("Not running; the command that began it goes on from here")


def serve(run: Path | str, port: int, every: float) -> None:
    """Serves the run's page on this machine until Ctrl-C is pressed.

    Args:
        run: The folder.
        port: The port; 0 for any free one.
        every: Seconds after which a browser asks again.
    """
    served = ServedPage(run, every)
    served()  # there is a run
    try:
        server = page_server(served, port)
    except (OSError, OverflowError) as error:
        raise ValueError(f"--serve: port {port} cannot be used: {error}") from None
    with server:
        print(f"Serving {printable(str(run))} at http://{ADDRESS}:{server.server_port}/ until "
              f"Ctrl-C", flush=True)
        server.serve_forever()


class ServedPage:
    """The page of a run, made anew only where the run has changed.

    Args:
        run: The folder.
        every: Seconds after which a browser asks again.
    """

    def __init__(self, run: Path | str, every: float) -> None:
        self._run, self._every = run, every
        self._known: tuple[Any, str] = None, ""

    def __call__(self) -> str:
        """Returns the page's HTML."""
        state = read_state(self._run)
        # A complete run's own page may be written again, by the same run with more tests.
        version = (state.status, str(state), _changed(state.folder / "report.html"))
        if self._known[0] != version:
            self._known = version, page_of(state, self._every)
        return self._known[1]


def page_of(state: RunState, every: float) -> str:
    """Returns the page of a run: its own if it is complete, and what there is before."""
    if state.status == COMPLETE:
        return (state.folder / "report.html").read_text("utf-8")
    return watch_page(state, refresh=math.ceil(every))


def _changed(path):
    return path.stat().st_mtime_ns if path.exists() else None


def _write(folder, text):
    folder.mkdir(parents=True, exist_ok=True)
    draft = folder / f".{PAGE}"
    draft.write_text(text, "utf-8", "backslashreplace")
    os.replace(draft, folder / PAGE)
