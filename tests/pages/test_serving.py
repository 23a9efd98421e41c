"""The server of one page: who gets it, and who does not."""

import http.client
import socket
import threading

import pytest

from deap_lossgp.pages.serving import ADDRESS, page_server


@pytest.fixture
def served():
    """A server whose page is what ``pages`` holds, or raises it; with a function that asks."""
    pages = ["<p>ℓ</p>"]

    def page():
        if isinstance(pages[-1], Exception):
            raise pages[-1]
        return pages[-1]

    with page_server(page) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()

        def ask(path="/", method="GET", host=None):
            connection = http.client.HTTPConnection(ADDRESS, server.server_port, timeout=10)
            headers = {"Host": host} if host else {}
            connection.request(method, path, headers=headers)
            answer = connection.getresponse()
            content = answer.read().decode()
            connection.close()
            return answer, content

        yield server, pages, ask
        server.shutdown()
        thread.join()


def test_the_page_is_served_as_it_is_now(served):
    _, pages, ask = served
    answer, content = ask()
    assert (answer.status, content) == (200, "<p>ℓ</p>")
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-store"
    pages.append("<p>new</p>")
    assert ask("/?again")[1] == "<p>new</p>" and ask(method="HEAD")[1] == ""


def test_it_listens_on_this_machine_only(served):
    server, _, _ = served
    assert server.socket.getsockname()[0] == "127.0.0.1" == ADDRESS
    others = {found[4][0] for found in socket.getaddrinfo(socket.gethostname(), None,
                                                          socket.AF_INET)} - {"127.0.0.1"}
    for other in others:
        with pytest.raises(OSError):
            socket.create_connection((other, server.server_port), timeout=2)


def test_other_paths_methods_and_names_of_the_machine_get_nothing(served):
    _, _, ask = served
    for path in ("/run.json", "/../run.json"):
        answer, content = ask(path)
        assert answer.status == 404 and "ℓ" not in content
    for method in ("POST", "PUT", "DELETE"):
        assert ask(method=method)[0].status == 501
    for host in ("evil.example:80", "127.0.0.1.evil.example:80", "[", "[::1"):
        answer, content = ask(host=host)
        assert answer.status == 403 and "ℓ" not in content
    for host in ("localhost:80", "localhost", "127.0.0.1"):  # a browser leaves out port 80
        assert ask(host=host)[0].status == 200


def test_a_page_that_cannot_be_made_now_is_asked_for_again(served):
    _, pages, ask = served
    pages.append(ValueError("the trainings cannot be read"))
    answer, content = ask()
    assert (answer.status, content) == (503, "the trainings cannot be read")
    assert answer.headers["Refresh"] and answer.headers["Content-Type"].startswith("text/plain")


def test_a_port_in_use_is_an_error(served):
    server, _, _ = served
    with pytest.raises(OSError):
        page_server(str, server.server_port)
