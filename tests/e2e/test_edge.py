"""The edge as a stranger with a raw socket meets it: bounded in bytes, lines and what may follow an answer."""

import asyncio
import socket
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from bridge.demo.answers import Act, Answer
from bridge.demo.tracker import FakeTracker
from bridge.web.server import MOST_WAITING
from tests.support import BridgeProcess, a_checkout, bridge_process, stripe_signature

HEAD_BYTES = 64 * 1024


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BridgeProcess]:
    with bridge_process(tmp_path_factory.mktemp("edge"), CMS_BEARER_TOKEN="") as running:
        yield running.start()


def connected(bridge: BridgeProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", bridge.port), timeout=8)


def told(sock: socket.socket) -> bytes:
    """Everything until the other side closes; fails when it stays open."""
    answer = b""
    try:
        while piece := sock.recv(65_536):
            answer += piece
    except ConnectionError:
        pass
    return answer


def a_head(*lines: bytes, method: bytes = b"GET", path: bytes = b"/healthz") -> bytes:
    return b"\r\n".join([method + b" " + path + b" HTTP/1.1", b"Host: x", *lines, b"", b""])


def proof(body: bytes) -> bytes:
    return b"Stripe-Signature: " + stripe_signature(body).encode()


def resident_mib(bridge: BridgeProcess) -> float:
    assert bridge.process is not None
    status = Path(f"/proc/{bridge.process.pid}/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) / 1024


ENDLESS = {
    "lines": (a_head()[:-2], b"a: b\r\n" * 10_000),
    "one line": (a_head()[:-2] + b"a: ", b"b" * 65_536),
    "address": (b"GET /", b"b" * 65_536),
    "nothing": (b"", b"\r\n" * 30_000),
    "trailers": (
        a_head(b"Transfer-Encoding: chunked", method=b"POST", path=b"/webhooks/stripe") + b"2\r\n{}\r\n0\r\n",
        b"a: b\r\n" * 10_000,
    ),
    "one trailer": (
        a_head(b"Transfer-Encoding: chunked", method=b"POST", path=b"/webhooks/stripe") + b"2\r\n{}\r\n0\r\na: ",
        b"b" * 65_536,
    ),
}


@pytest.mark.parametrize("name", ENDLESS)
def test_what_never_ends_is_cut_and_costs_no_memory(bridge: BridgeProcess, name: str) -> None:
    begin, more = ENDLESS[name]
    before, sent = resident_mib(bridge), 0
    with connected(bridge) as sock:
        try:
            sock.sendall(begin)
            while sent < 50_000_000:
                sock.sendall(more)
                sent += len(more)
        except ConnectionError:
            pass

    assert sent < 20_000_000
    assert resident_mib(bridge) - before < 20


@pytest.mark.parametrize(("size", "status"), [(HEAD_BYTES, b"200"), (HEAD_BYTES + 1, b"431")])
@pytest.mark.parametrize("pieces", [1, 7])
def test_a_head_may_have_64_kib_and_no_byte_more(bridge: BridgeProcess, size: int, status: bytes, pieces: int) -> None:
    empty = a_head(b"Connection: close", b"A: ")
    head = a_head(b"Connection: close", b"A: " + b"x" * (size - len(empty)))
    with connected(bridge) as sock:
        for at in range(0, size, size // pieces + 1):
            sock.sendall(head[at : at + size // pieces + 1])
            time.sleep(0.01)
        answer = told(sock)

    assert answer.startswith(b"HTTP/1.1 " + status)


def test_a_head_of_too_many_lines_is_431(bridge: BridgeProcess) -> None:
    with connected(bridge) as sock:
        sock.sendall(a_head(*[b"a: b"] * 300))
        answer = told(sock)

    assert answer.startswith(b"HTTP/1.1 431 ")


def test_a_body_that_goes_on_after_its_answer_ends_the_connection(bridge: BridgeProcess) -> None:
    with connected(bridge) as sock:
        sock.sendall(a_head(b"Content-Length: 100") + b"x")
        answer = told(sock)

    assert answer.startswith(b"HTTP/1.1 200 ")


def test_several_requests_in_one_piece_are_answered_in_order(bridge: BridgeProcess) -> None:
    body = a_checkout("pipelined")
    hook = a_head(b"Content-Length: %d" % len(body), proof(body), method=b"POST", path=b"/webhooks/stripe") + body
    with connected(bridge) as sock:
        sock.sendall(hook + a_head() + hook + a_head(b"Connection: close"))
        answer = told(sock)

    assert 4 == answer.count(b"HTTP/1.1 200 OK")
    assert answer.index(b'"accepted"') < answer.index(b"ok\n") < answer.index(b'"duplicate"') < answer.rindex(b"ok\n")


def test_a_trailer_is_no_header(bridge: BridgeProcess) -> None:
    body = a_checkout("trailer")
    with connected(bridge) as sock:
        sock.sendall(
            a_head(b"Transfer-Encoding: chunked", b"Connection: close", method=b"POST", path=b"/webhooks/stripe")
            + b"%x\r\n%s\r\n0\r\n%s\r\n\r\n" % (len(body), body, proof(body))
        )
        answer = told(sock)

    assert answer.startswith(b"HTTP/1.1 401 ")


UPGRADE = (b"Connection: Upgrade, HTTP2-Settings", b"Upgrade: h2c", b"HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA")


@pytest.mark.parametrize("pieces", ["at once", "head first", "byte by byte"])
@pytest.mark.parametrize("chunked", [False, True])
def test_a_sender_that_offers_http_2_is_served_by_http_1(bridge: BridgeProcess, pieces: str, chunked: bool) -> None:
    body = a_checkout(f"h2c-{pieces}-{chunked}")
    length = b"Transfer-Encoding: chunked" if chunked else b"Content-Length: %d" % len(body)
    head = a_head(*UPGRADE, length, proof(body), method=b"POST", path=b"/webhooks/stripe?a=b")
    sent = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body) if chunked else body
    size = {"at once": len(head + sent), "head first": len(head), "byte by byte": 1}[pieces]
    whole = head + sent + a_head(b"Connection: close")
    with connected(bridge) as sock:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(0, len(whole), size):
            sock.sendall(whole[at : at + size])
        answer = told(sock)

    assert answer.startswith(b"HTTP/1.1 200 OK")
    assert b'"status": "accepted"' in answer
    assert 2 == answer.count(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("head", [a_head(*UPGRADE), a_head(), a_head(b"Content-Length: 2") + b"{}"])
def test_of_many_requests_at_once_some_are_answered_and_the_connection_ends(bridge: BridgeProcess, head: bytes) -> None:
    """Each that waits takes a hundred times its bytes: the first, and as many as may wait for it, are answered."""
    with connected(bridge) as sock:
        sock.sendall(head * 300)
        answer = told(sock)

    assert 1 + MOST_WAITING == answer.count(b"HTTP/1.1 200 OK")


def test_as_many_requests_as_may_wait_are_all_answered(bridge: BridgeProcess) -> None:
    with connected(bridge) as sock:
        for _ in range(3):
            sock.sendall(a_head(*UPGRADE) * (1 + MOST_WAITING))
            answer = b""
            while answer.count(b"\r\n\r\nok\n") < 1 + MOST_WAITING:
                answer += sock.recv(65_536)
        sock.sendall(a_head(b"Connection: close"))
        answer = told(sock)

    assert answer.startswith(b"HTTP/1.1 200 OK")


@pytest.mark.parametrize("begin", [b"CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"])
def test_what_http_1_cannot_serve_is_400(bridge: BridgeProcess, begin: bytes) -> None:
    with connected(bridge) as sock:
        sock.sendall(begin)
        answer = told(sock)

    assert answer.startswith(b"HTTP/1.1 400 ")


def a_hook(body: bytes) -> bytes:
    return a_head(b"Content-Length: %d" % len(body), proof(body), method=b"POST", path=b"/webhooks/stripe") + body


async def test_the_end_takes_ten_seconds_at_most_whatever_hangs(tmp_path: Path) -> None:
    """A tracker that never answers, a locked database, half a body: each would wait longer by itself."""
    async with FakeTracker(Answer(act=Act.NEVER)) as tracker:
        with bridge_process(tmp_path, CMS_BASE_URL=tracker.url, CMS_TIMEOUT="60s") as bridge:
            await asyncio.to_thread(bridge.start)
            await asyncio.to_thread(bridge.post, a_checkout(1))
            await tracker.wait_for(1)
            half, whole, code, seconds = await asyncio.to_thread(end_it, bridge)

    assert 0 == code
    assert seconds < 10
    assert half.startswith(b"HTTP/1.1 503 ")
    assert whole.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 30" in half.lower()
    assert b"retry-after: 30" in whole.lower()
    assert "raceback" not in bridge.log
    assert '"event":"stopped"' in bridge.log


def end_it(bridge: BridgeProcess) -> tuple[bytes, bytes, int, float]:
    """SIGTERM while a body is half here and another request waits for a locked database."""
    lock = sqlite3.connect(bridge.folder / "trackbridge.db", isolation_level=None)
    try:
        lock.execute("BEGIN IMMEDIATE")
        with connected(bridge) as half, connected(bridge) as whole:
            half.sendall(a_hook(a_checkout(2))[:-10])
            whole.sendall(a_hook(a_checkout(3)))
            for _ in range(2):  # a later request was answered, so these two have been read
                assert httpx.get(f"{bridge.url}/healthz").is_success
            began = time.monotonic()
            assert bridge.process is not None
            bridge.process.terminate()
            answers = told(half), told(whole)
        return *answers, bridge.process.wait(20), time.monotonic() - began
    finally:
        lock.close()
