"""Why there was no answer, out of whatever was raised."""

import socket
import ssl

import h11
import httpx
import pytest

from bridge.tracking.failure import detail_of, word_for


def caused(outer: BaseException, inner: BaseException, *, cut: bool = False) -> BaseException:
    """An error with a cause, or with only a context left as httpcore leaves it (`raise … from None`)."""
    outer.__context__ = inner
    outer.__cause__ = None if cut else inner
    return outer


@pytest.mark.parametrize(
    ("expected", "error"),
    [
        pytest.param("dns", caused(httpx.ConnectError("x"), socket.gaierror(-2, "unknown")), id="name not found"),
        pytest.param("refused", caused(httpx.ConnectError("x"), ConnectionRefusedError(), cut=True), id="refused"),
        pytest.param(
            "refused",
            caused(
                httpx.ConnectError("x"),
                caused(
                    OSError("all failed"), ExceptionGroup("both", [OSError(101, "no route"), ConnectionRefusedError()])
                ),
            ),
            id="refused on one of several addresses",
        ),
        pytest.param("tls", caused(httpx.ConnectError("x"), ssl.SSLError("handshake")), id="handshake"),
        pytest.param("tls", ssl.SSLError("alert after the handshake"), id="an error that httpcore does not wrap"),
        pytest.param("unreachable", caused(httpx.ConnectError("x"), OSError(113, "no route")), id="no route"),
        pytest.param("timeout", caused(httpx.ConnectError("x"), TimeoutError(110, "kernel")), id="the kernel gave up"),
        pytest.param("timeout", httpx.ReadTimeout("x"), id="httpx gave up"),
        pytest.param("reset", caused(httpx.ReadError("x"), ConnectionResetError()), id="reset"),
        pytest.param("reset", httpx.ReadError("x"), id="broken while reading"),
        pytest.param("reset", caused(httpx.WriteError("x"), BrokenPipeError()), id="broken while writing"),
        pytest.param("unreadable", caused(httpx.RemoteProtocolError("x"), h11.RemoteProtocolError("?")), id="not HTTP"),
        pytest.param("closed", httpx.RemoteProtocolError("Server disconnected"), id="closed without an answer"),
        pytest.param("unreadable", KeyError("anything"), id="anything else"),
    ],
)
def test_a_failure_has_one_word(expected: str, error: BaseException) -> None:
    assert expected == word_for(error)


def test_errors_that_refer_to_each_other_are_read_once() -> None:
    one, two = ValueError(), ValueError()
    one.__context__, two.__context__ = two, one

    assert "unreadable" == word_for(one)


def test_the_resolvers_words_are_kept_for_the_operator() -> None:
    assert "Name or service not known" == detail_of(
        caused(httpx.ConnectError("x"), socket.gaierror(-2, "Name or service not known"))
    )
    assert "" == detail_of(httpx.ConnectError("x"))
