"""Why there was no answer, in one word, read out of whatever httpx, httpcore, anyio, ssl and the kernel raised."""

import socket
import ssl
from collections.abc import Iterator

import h11
import httpx

#: The first kind found anywhere in the chain of causes names the failure.
_WORDS: tuple[tuple[type[BaseException], str], ...] = (
    (socket.gaierror, "dns"),
    (ssl.SSLError, "tls"),
    (ConnectionRefusedError, "refused"),
    (ConnectionResetError, "reset"),
    (BrokenPipeError, "reset"),
    (h11.ProtocolError, "unreadable"),
    (TimeoutError, "timeout"),
    (httpx.TimeoutException, "timeout"),
    # the server's half of the handshake never came
    (httpx.ConnectError, "unreachable"),
    # the connection ended before an answer began
    (httpx.RemoteProtocolError, "closed"),
    (httpx.NetworkError, "reset"),
)


def word_for(error: BaseException) -> str:
    """One of dns, tls, refused, reset, unreadable, timeout, unreachable, closed."""
    chain = list(_chain(error))
    return next((word for kind, word in _WORDS if any(isinstance(link, kind) for link in chain)), "unreadable")


def detail_of(error: BaseException) -> str:
    """What the operator can use beyond the word: why a certificate was refused, why a name was not found."""
    for link in _chain(error):
        match link:
            case ssl.SSLCertVerificationError():
                return f"certificate refused: {link.verify_message}"
            case socket.gaierror():
                return link.strerror or ""
    return ""


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """The error and all that led to it. httpcore cuts causes off, so contexts are followed too."""
    seen: set[int] = set()
    rest = [error]
    while rest:
        link = rest.pop(0)
        if link is None or id(link) in seen:
            continue
        seen.add(id(link))
        yield link
        if isinstance(link, BaseExceptionGroup):
            rest.extend(link.exceptions)
        rest += [link.__cause__, link.__context__]
