"""A page for a browser on the same machine, by the standard library's server."""

import re
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

ADDRESS = "127.0.0.1"
"""Where it listens: nobody on another machine can ask for the page."""


def page_server(page: Callable[[], str], port: int = 0) -> ThreadingHTTPServer:
    """Makes a server of one page.

    Args:
        page: ``page()`` returns the page's HTML; called for each request, one at a time. If it
            raises a ValueError or OSError, the text of this is served with the status 503.
        port: The port; 0 for any free one.

    Returns:
        A server to be used in a ``with`` statement: ``serve_forever`` serves until an exception
        such as that of Ctrl-C ends it, and ``server_port`` is its port.

    Raises:
        OSError: The port is in use, or not to be had.
        OverflowError: There is no such port.
    """
    handler = type("PageHandler", (_Handler,), {"page": staticmethod(page),
                                                "lock": threading.Lock()})
    server = ThreadingHTTPServer((ADDRESS, port), handler)
    server.daemon_threads = True
    return server


class _Handler(BaseHTTPRequestHandler):
    """Answers GET and HEAD for ``/``, to those who call this machine by a local name."""

    server_version, sys_version = "lossgp", ""
    timeout = 10.0  # seconds in which a request has to arrive

    def do_GET(self):
        self._answer(with_body=True)

    def do_HEAD(self):
        self._answer(with_body=False)

    def log_message(self, *_):
        """Says nothing: the terminal is for the run."""

    def _answer(self, with_body):
        # A page elsewhere whose name leads here (DNS rebinding) shall not read it.
        host = re.sub(r":\d*$", "", self.headers.get("Host") or "")
        if host not in (ADDRESS, "localhost"):
            status, kind, text = 403, "text/plain", "Ask 127.0.0.1 for this page."
        elif self.path.partition("?")[0] != "/":
            status, kind, text = 404, "text/plain", "There is only one page: /"
        else:
            status, kind, text = self._page()
        body = text.encode("utf-8", "backslashreplace")
        self.send_response(status)
        for name, value in (("Content-Type", f"{kind}; charset=utf-8"),
                            ("Content-Length", str(len(body))), ("Cache-Control", "no-store"),
                            ("X-Content-Type-Options", "nosniff")):  # fmt: skip
            self.send_header(name, value)
        if status == 503:  # the browser is to ask again
            self.send_header("Refresh", "5")
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _page(self):
        try:
            with self.lock:
                return 200, "text/html", self.page()
        except (ValueError, OSError) as error:
            return 503, "text/plain", str(error)
