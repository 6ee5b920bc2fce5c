"""Requests of odd shape: never two requests out of one, never a 500, and always an answer or an end."""

from pathlib import Path

from bridge.web.server import MOST_WAITING
from tests.faults.raw import HOOK, NEXT, Case, tried
from tests.faults.report import Finding
from tests.support import bridge_process

_HIDDEN = b"GET /healthz HTTP/1.1\r\nX: y\r\n\r\n"
_CL, _TE = b"Content-Length: %d\r\n" % len(_HIDDEN), b"Transfer-Encoding: chunked\r\n"
_ONE_CHUNK = b"%x\r\n%s\r\n0\r\n\r\n" % (len(_HIDDEN), _HIDDEN)

_REFUSED = frozenset({b"400"})
#: Unproven, after having been read in the one way there is.
_READ = frozenset({b"401"})
_EITHER = _REFUSED | _READ
_FINE = frozenset({b"401", b"200"})


def _case(
    head: bytes, body: bytes = b"", *, statuses: frozenset[bytes] = _REFUSED, answers: int = 1, pings: int = 0
) -> Case:
    return Case(pieces=(HOOK + head + b"\r\n" + body,), statuses=statuses, answers=answers, pings=pings)


def _broken(body: bytes) -> Case:
    """Chunks that are none: the request has begun, so the connection just ends."""
    return Case(pieces=(HOOK + _TE + b"\r\n" + body,), statuses=_REFUSED, may_be_silent=True)


#: Each carries a request for /healthz where only another reading of the message would find it.
_SMUGGLED: dict[str, Case] = {
    "CL and TE": _case(_CL + _TE, _ONE_CHUNK),
    "TE and CL": _case(_TE + _CL, _ONE_CHUNK),
    "CL 0 and TE": _case(b"Content-Length: 0\r\n" + _TE, b"0\r\n\r\n" + _HIDDEN),
    "CL short and TE": _case(b"Content-Length: 4\r\n" + _TE, b"%x\r\n" % len(_HIDDEN) + _HIDDEN + b"\r\n0\r\n\r\n"),
    "TE twice": _case(_TE + _TE, _ONE_CHUNK, statuses=_EITHER),
    "TE chunked, identity": _case(b"Transfer-Encoding: chunked, identity\r\n", _ONE_CHUNK),
    "TE identity, chunked": _case(b"Transfer-Encoding: identity, chunked\r\n", _ONE_CHUNK, statuses=_EITHER),
    "TE gzip, chunked": _case(b"Transfer-Encoding: gzip, chunked\r\n", _ONE_CHUNK, statuses=_EITHER),
    "TE xchunked": _case(b"Transfer-Encoding: xchunked\r\n" + _CL, _HIDDEN),
    "TE xchunked alone": Case(
        pieces=(HOOK + b"Transfer-Encoding: xchunked\r\n\r\n" + _HIDDEN,), statuses=_REFUSED, may_be_silent=True
    ),
    "TE CHUNKED": _case(b"Transfer-Encoding: CHUNKED\r\n", _ONE_CHUNK, statuses=_EITHER),
    "TE in quotes": _case(b'Transfer-Encoding: "chunked"\r\n' + _CL, _HIDDEN),
    "TE with a tab": _case(b"Transfer-Encoding:\tchunked\r\n" + _CL, _ONE_CHUNK),
    "TE with a space before the colon": _case(b"Transfer-Encoding : chunked\r\n" + _CL, _ONE_CHUNK),
    "TE behind a vertical tab": _case(b"Transfer-Encoding: \x0bchunked\r\n" + _CL, _ONE_CHUNK),
    "TE folded": _case(b"Transfer-Encoding:\r\n chunked\r\n" + _CL, _ONE_CHUNK),
    "TE in a folded line": _case(b"X: y\r\n Transfer-Encoding: chunked\r\n" + _CL, _HIDDEN, statuses=_EITHER),
    "TE behind a bare CR": _case(b"X: y\rTransfer-Encoding: chunked\r\n" + _CL, _HIDDEN),
    "TE behind a bare LF": _case(b"X: y\nTransfer-Encoding: chunked\r\n" + _CL, _ONE_CHUNK, statuses=_EITHER),
    "TE behind a NUL": _case(b"X: y\0Transfer-Encoding: chunked\r\n" + _CL, _HIDDEN),
    "CL twice, different": _case(b"Content-Length: 0\r\n" + _CL, _HIDDEN),
    "CL twice, the same": _case(_CL + _CL, _HIDDEN, statuses=_EITHER),
    "CL list": _case(b"Content-Length: 0, %d\r\n" % len(_HIDDEN), _HIDDEN),
    "CL negative": _case(b"Content-Length: -1\r\n", _HIDDEN),
    "CL with a plus": _case(b"Content-Length: +%d\r\n" % len(_HIDDEN), _HIDDEN),
    "CL in hex": _case(b"Content-Length: 0x1f\r\n", _HIDDEN),
    "CL with a space inside": _case(b"Content-Length: 1 0\r\n", _HIDDEN),
    "CL empty": _case(b"Content-Length:\r\n", _HIDDEN, statuses=_EITHER),
    "CL with a fraction": _case(b"Content-Length: 1.0\r\n", _HIDDEN),
    "CL of 30 digits": _case(b"Content-Length: " + b"9" * 30 + b"\r\n", _HIDDEN),
    "CL of 2^64": _case(b"Content-Length: 18446744073709551616\r\n", _HIDDEN),
    "CL of other digits": _case("Content-Length: \u0661\r\n".encode(), _HIDDEN),
    "CL with a space before the colon": _case(b"Content-Length : %d\r\n" % len(_HIDDEN), _HIDDEN),
    "a space before a name": _case(b" " + _CL, _HIDDEN, statuses=_EITHER),
    "an empty name": _case(b": y\r\n" + _CL, _HIDDEN),
    "no colon": _case(b"X\r\n" + _CL, _HIDDEN),
    "chunk size in decimal with a sign": _broken(b"+1f\r\n" + _HIDDEN),
    "chunk size negative": _broken(b"-1\r\n" + _HIDDEN),
    "chunk size with 0x": _broken(b"0x1f\r\n" + _HIDDEN),
    "chunk size of 2^64": _broken(b"10000000000000000\r\n" + _HIDDEN),
    "chunk size of 40 digits": _broken(b"f" * 40 + b"\r\n" + _HIDDEN),
    "chunk size empty": _broken(b"\r\n" + _HIDDEN),
    "chunk size with a space before": _broken(b" 1f\r\n" + _HIDDEN),
    "chunk size ended by a bare LF": _broken(b"0\n\n" + _HIDDEN),
    "chunk with more than its size": _broken(b"1\r\nxx\r\n0\r\n\r\n" + _HIDDEN),
    "chunk without its line end": _broken(b"1\r\nx0\r\n\r\n" + _HIDDEN),
    "chunk extension": _case(_TE, b"%x;a=b;c\r\n" % len(_HIDDEN) + _HIDDEN + b"\r\n0\r\n\r\n", statuses=_EITHER),
    "chunk extension with a bare LF": _broken(b"1;\nxx\r\n1f\r\n" + _HIDDEN + b"\r\n0\r\n\r\n"),
    "chunk extension with a bare CR": _broken(b"1;a\rb\r\nx\r\n0\r\n\r\n" + _HIDDEN),
    "chunk extension of 100 KB": _case(
        _TE, b"1;" + b"a" * 100_000 + b"\r\nx\r\n0\r\n\r\n", statuses=_EITHER | {b"431"}
    ),
    "a request line with a bare CR": Case(pieces=(b"GET /healthz\rX HTTP/1.1\r\n\r\n",), statuses=_REFUSED),
    "HTTP/0.9": Case(pieces=(b"GET /healthz\r\n",), statuses=_REFUSED, may_be_silent=True),
    "HTTP/1.2": Case(pieces=(b"GET /healthz HTTP/1.2\r\n\r\n",), statuses=_REFUSED),
    "HTTP/2.0": Case(pieces=(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",), statuses=_REFUSED),
    "HTTP/1.1x": Case(pieces=(b"GET /healthz HTTP/1.1x\r\n\r\n",), statuses=_REFUSED),
    "a method of NULs": Case(pieces=(b"\0\0\0 / HTTP/1.1\r\n\r\n",), statuses=_REFUSED),
    "a TLS greeting": Case(pieces=(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500),), statuses=_REFUSED),
    "junk": Case(pieces=(bytes(range(256)) * 8,), statuses=_REFUSED),
}
#: What is read in one way: the hidden request is a body's, and the one behind it is found.
_PLAIN: dict[str, Case] = {
    "a plain length": _case(_CL, _HIDDEN + NEXT, statuses=_FINE, answers=2, pings=1),
    "plain chunks": _case(_TE, _ONE_CHUNK + NEXT, statuses=_FINE, answers=2, pings=1),
    "a body with GET": Case(
        pieces=(b"GET /webhooks/stripe HTTP/1.1\r\nHost: x\r\n" + _CL + b"\r\n" + _HIDDEN + NEXT,),
        statuses=frozenset({b"405", b"200"}),
        answers=2,
        pings=1,
    ),
    "a body that nobody waits for": Case(
        pieces=(b"POST /webhooks/nobody HTTP/1.1\r\nHost: x\r\n" + _CL + b"\r\n" + _HIDDEN + NEXT,),
        statuses=frozenset({b"404", b"200"}),
        answers=2,
        pings=1,
    ),
    "a wish to continue": _case(
        _CL + b"Expect: 100-continue\r\n", _HIDDEN + NEXT, statuses=_FINE | {b"100"}, answers=3, pings=1
    ),
    "a wish to upgrade": _case(
        _CL + b"Connection: Upgrade\r\nUpgrade: websocket\r\n", _HIDDEN + NEXT, statuses=_FINE, answers=2, pings=1
    ),
}


async def smuggling(folder: Path) -> list[Finding]:
    """Every shape on a connection of its own."""
    with bridge_process(folder) as bridge:
        return [await tried("requests of odd shape", bridge, _SMUGGLED | _PLAIN)]


def _get(target: bytes, method: bytes = b"POST", *, statuses: frozenset[bytes] = frozenset({b"404", b"400"})) -> Case:
    head = method + b" " + target + b" HTTP/1.1\r\nHost: bridge\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
    return Case(pieces=(head,), statuses=statuses)


_NOT = frozenset({b"404", b"405", b"400"})
_PATHS: dict[str, Case] = {
    **{
        text: _get(text.encode("utf-8", "surrogateescape"))
        for text in (
            "/webhooks/",
            "/webhooks",
            "/webhooks//stripe",
            "//webhooks/stripe",
            "/webhooks/./stripe",
            "/webhooks/../healthz",
            "/webhooks/%2e%2e/healthz",
            "/webhooks/..%2fhealthz",
            "/webhooks/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
            "/webhooks/..\\healthz",
            "/webhooks/stripe%00",
            "/webhooks/stripe%00.yaml",
            "/webhooks/stripe%0d%0aX:y",
            "/webhooks/stripe%20",
            "/webhooks/stripe;a=b",
            "/webhooks/STRIPE",
            "/webhooks/stripe/a/b",
            "/webhooks/str\u0131pe",
            "/webhooks/%F0%9F%92%A9",
            "/webhooks/%ff%fe",
            "/webhooks/%",
            "/webhooks/%zz",
            "/webhooks/%u0073tripe",
            "/webhooks/%252e%252e",
            "/webhooks/" + "a" * 65,
            "/webhooks/" + "a" * 30_000,
            "/webhooks/" + "/" * 10_000,
            "/webhooks/" + "%41" * 10_000,
            "/webhooks/stripe" + "/x" * 5_000,
            "/admin",
            "/.env",
            "/.git/config",
        )
    },
    "a percent-encoded name is the name": _get(b"/webhooks/%73tripe", statuses=_READ),
    "a trailing slash is served": _get(b"/webhooks/stripe/", statuses=_READ),
    "an absolute address": _get(b"http://elsewhere.example/webhooks/stripe", statuses=_READ | _NOT),
    "an absolute address of another scheme": _get(b"gopher://x/webhooks/stripe", statuses=_READ | _NOT),
    "CONNECT": Case(pieces=(b"CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: x\r\n\r\n",), statuses=_REFUSED),
    "CONNECT in another case": Case(pieces=(b"connect 127.0.0.1:22 HTTP/1.1\r\n\r\n",), statuses=_REFUSED),
    "OPTIONS *": _get(b"*", b"OPTIONS", statuses=_NOT),
    "TRACE": _get(b"/webhooks/stripe", b"TRACE", statuses=_NOT),
    "a method nobody knows": _get(b"/webhooks/stripe", b"FROBNICATE", statuses=_NOT),
    "a NUL in the address": _get(b"/webhooks/stripe\0", statuses=_REFUSED),
    "a byte above ASCII": _get(b"/webhooks/\xff\xfe", statuses=_NOT),
    "a fragment": _get(b"/webhooks/stripe#x", statuses=_READ | _NOT),
    "a query of 60 KB": _get(b"/webhooks/stripe?" + b"a=b&" * 15_000, statuses=_READ),
    "a query of 70 KB": _get(b"/webhooks/stripe?" + b"a=b&" * 17_500, statuses=frozenset({b"431"})),
}


async def odd_paths(folder: Path) -> list[Finding]:
    """Addresses that should lead nowhere, or to the one place they name."""
    with bridge_process(folder) as bridge:
        return [await tried("odd addresses", bridge, _PATHS)]


def _flood(lines: bytes) -> Case:
    return Case(pieces=(HOOK, lines, b"\r\n"), statuses=frozenset({b"431", b"400"}), may_be_silent=len(lines) > 100_000)


_FLOODS: dict[str, Case] = {
    "300 lines": _flood(b"A: b\r\n" * 300),
    "100,000 lines": _flood(b"A: b\r\n" * 100_000),
    "100,000 empty lines": Case(pieces=(b"\r\n" * 100_000,), statuses=frozenset({b"431"}), may_be_silent=True),
    "one name of 1 MB": _flood(b"A" * 1_000_000 + b": b\r\n"),
    "one value of 1 MB": _flood(b"A: " + b"b" * 1_000_000 + b"\r\n"),
    "one value of 30 MB": _flood(b"A: " + b"b" * 30_000_000 + b"\r\n"),
    "a folded value of 1 MB": _flood(b"A: b\r\n" + b" c\r\n" * 250_000),
    "an address of 1 MB": Case(
        pieces=(b"GET /" + b"a" * 1_000_000,), statuses=frozenset({b"431", b"400"}), may_be_silent=True
    ),
    "a method of 1 MB": Case(pieces=(b"G" * 1_000_000,), statuses=frozenset({b"431", b"400"}), may_be_silent=True),
    "1,000 signatures": _flood(b"Stripe-Signature: t=1,v1=00\r\n" * 1_000),
    "a signature of 60 KB": Case(
        pieces=(HOOK + b"Stripe-Signature: t=1," + b"v1=00," * 10_000 + b"\r\nContent-Length: 2\r\n", b"\r\n{}"),
        statuses=_READ,
    ),
    "100,000 trailers": Case(
        pieces=(HOOK + _TE + b"\r\n2\r\n{}\r\n0\r\n", b"A: b\r\n" * 100_000, b"\r\n"),
        statuses=_READ | {b"431", b"400"},
        may_be_silent=True,
    ),
    "1,000 requests at once": Case(
        pieces=(NEXT.replace(b"Connection: close\r\n", b"") * 999 + NEXT,),
        statuses=frozenset({b"200"}),
        answers=1 + MOST_WAITING,
        pings=1 + MOST_WAITING,
    ),
    "1 MiB of one-byte chunks": Case(
        pieces=(HOOK + _TE + b"\r\n", b"1\r\nx\r\n" * 1_000_000, b"0\r\n\r\n"),
        statuses=_READ | {b"413", b"431", b"400"},
    ),
}


async def floods(folder: Path) -> list[Finding]:
    """Heads that never end, in lines or in bytes."""
    with bridge_process(folder) as bridge:
        return [await tried("floods of headers", bridge, _FLOODS)]
