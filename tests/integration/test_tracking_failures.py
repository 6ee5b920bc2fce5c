"""What the network can do to a try: always one Outcome within the timeout, and `sent` true to what happened."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

import httpx
import pytest

from bridge.demo.tracker import Act, Answer, FakeTracker
from bridge.model import Outcome, Sale, Sent
from bridge.tracking import Wire
from bridge.tracking.wire import _trusted
from tests.support import free_port

SALE = Sale(
    event_name="purchase",
    customer_external_id="user_42",
    invoice_id="inv_1",
    amount=4999,
    currency="USD",
    timestamp=datetime(2026, 4, 10, 12, 34, 56, tzinfo=UTC),
)
SHORT = 0.3

#: For localhost and 127.0.0.1, signed by itself, from 2020 to 2120. Opens nothing anywhere.
KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQglxXUmk+eCKZgvo9g
Zeok1Q14u4vx/2BC1EHkUI5I/i6hRANCAAT7QiZQkV211xmvhZCIp41JsMh1Xl1i
VxzOIKtOXi2Vv/740/Kovitb2+7w047P0StnwWL5NOSV7r2ryVeSdkxX
-----END PRIVATE KEY-----
"""
CERTIFICATE = """-----BEGIN CERTIFICATE-----
MIIBZjCCAQ2gAwIBAgIBATAKBggqhkjOPQQDAjAUMRIwEAYDVQQDDAlsb2NhbGhv
c3QwIBcNMjAwMTAxMDAwMDAwWhgPMjEyMDAxMDEwMDAwMDBaMBQxEjAQBgNVBAMM
CWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPtCJlCRXbXXGa+F
kIinjUmwyHVeXWJXHM4gq05eLZW//vjT8qi+K1vb7vDTjs/RK2fBYvk05JXuvavJ
V5J2TFejTjBMMBoGA1UdEQQTMBGCCWxvY2FsaG9zdIcEfwAAATAPBgNVHRMBAf8E
BTADAQH/MB0GA1UdDgQWBBRDmc4Zqr1gECDt7/QOeZ51qIGngjAKBggqhkjOPQQD
AgNHADBEAiA9kS7nY65AKqHt6zYZ9QCvrvSArrm4QD6i1lHVOTBnSQIgOBIFMGHW
aLs016J6E+SrkS1JCUDGWn2kV85rW7iEPBU=
-----END CERTIFICATE-----
"""


@pytest.fixture
async def tracker() -> AsyncIterator[FakeTracker]:
    async with FakeTracker() as fake:
        yield fake


@pytest.fixture
def server_tls(tmp_path: Path) -> ssl.SSLContext:
    pem = tmp_path / "tracker.pem"
    pem.write_text(KEY + CERTIFICATE)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture
def client_tls() -> ssl.SSLContext:
    return ssl.create_default_context(cadata=CERTIFICATE)


async def send(base_url: str, *, timeout_seconds: float = 5.0, tls: ssl.SSLContext | None = None) -> Outcome:
    wire = Wire(base_url, "tok", timeout_seconds=timeout_seconds, tls=tls)
    try:
        return await wire.send(SALE)
    finally:
        await wire.aclose()


def is_in_time(outcome: Outcome) -> bool:
    return SHORT * 900 <= outcome.duration_ms <= SHORT * 1000 + 700


# Nothing was sent


async def test_a_refused_connection_is_not_sent() -> None:
    outcome = await send(f"http://127.0.0.1:{free_port()}")

    assert (Sent.NO, None, "refused") == (outcome.sent, outcome.status, outcome.error)


async def test_a_name_that_is_not_found_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_found(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", not_found)
    outcome = await send("https://tracker.invalid")

    assert (Sent.NO, "dns", "Name or service not known") == (outcome.sent, outcome.error, outcome.message)


async def test_a_name_server_that_does_not_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        release.wait(20)
        return []

    monkeypatch.setattr(socket, "getaddrinfo", hang)
    outcome = await send("https://tracker.invalid", timeout_seconds=SHORT)
    release.set()

    assert (Sent.NO, "timeout") == (outcome.sent, outcome.error)
    assert is_in_time(outcome)


async def test_a_handshake_that_never_comes_is_cut_off_and_not_sent(tracker: FakeTracker) -> None:
    tracker.welcome = Act.NEVER
    outcome = await send(tracker.url.replace("http", "https"), timeout_seconds=SHORT)

    assert (Sent.NO, "timeout") == (outcome.sent, outcome.error)
    assert is_in_time(outcome)


@pytest.mark.parametrize(
    ("words", "welcome"),
    [
        pytest.param({"tls"}, Act.ANSWER, id="plain HTTP there"),
        pytest.param({"tls", "unreachable"}, Act.CLOSE, id="closed in the handshake"),
        pytest.param({"reset", "tls", "unreachable"}, Act.RESET, id="reset in the handshake"),
    ],
)
async def test_a_handshake_that_breaks_is_not_sent(tracker: FakeTracker, words: set[str], welcome: Act) -> None:
    tracker.welcome = welcome
    outcome = await send(tracker.url.replace("http", "https"))

    assert (Sent.NO, None) == (outcome.sent, outcome.status)
    assert outcome.error in words
    assert [] == tracker.requests


async def test_a_certificate_of_nobody_is_refused_after_one_handshake(server_tls: ssl.SSLContext) -> None:
    hellos: list[str | None] = []
    server_tls.sni_callback = lambda _socket, name, _context: hellos.append(name)
    async with FakeTracker(tls=server_tls) as tracker:
        outcome = await send(tracker.url)

        assert (Sent.NO, "tls") == (outcome.sent, outcome.error)
        assert "certificate refused: self" in outcome.message
        assert [None] == hellos
        assert [] == tracker.requests


async def test_a_certificate_for_another_name_is_refused(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeTracker(tls=server_tls) as tracker:
        port = int(tracker.url.rpartition(":")[2])
        here = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: here)
        outcome = await send(f"https://tracker.invalid:{port}", tls=client_tls)

        assert (Sent.NO, "tls") == (outcome.sent, outcome.error)
        assert [] == tracker.requests


async def test_the_certificates_variable_of_the_environment_is_not_used(
    server_tls: ssl.SSLContext, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ca.pem").write_text(CERTIFICATE)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "ca.pem"))
    _trusted.cache_clear()
    async with FakeTracker(tls=server_tls) as tracker:
        assert "tls" == (await send(tracker.url)).error


async def test_a_trusted_certificate_delivers_over_one_warm_connection(
    server_tls: ssl.SSLContext, client_tls: ssl.SSLContext
) -> None:
    async with FakeTracker(tls=server_tls) as tracker:
        wire = Wire(tracker.url, "tok", tls=client_tls)
        outcomes = [await wire.send(SALE) for _ in range(3)]
        tracker.close_idle()
        outcomes.append(await wire.send(SALE))
        await wire.aclose()

        assert [True] * 4 == [outcome.succeeded for outcome in outcomes]
        assert [1, 1, 1, 2] == [received.connection for received in tracker.requests]


# Perhaps sent


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        pytest.param({"closed"}, Answer(act=Act.CLOSE), id="closed without an answer"),
        pytest.param({"reset"}, Answer(act=Act.RESET), id="reset"),
        pytest.param({"closed"}, Answer(cut_after=12), id="closed within the status line"),
        pytest.param({"closed"}, Answer(cut_after=40), id="closed within the headers"),
        pytest.param({"unreadable"}, Answer(act=Act.RAW, body=b"SSH-2.0-OpenSSH_9\r\n\r\n"), id="another protocol"),
        pytest.param({"unreadable"}, Answer(act=Act.RAW, body=b"HTTP/1.1 20x OK\r\n\r\n"), id="an odd status line"),
        pytest.param(
            {"unreadable"},
            Answer(act=Act.RAW, body=b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000),
            id="a header without end",
        ),
        pytest.param(
            {"unreadable"},
            Answer(act=Act.RAW, body=b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n{}"),
            id="two lengths",
        ),
    ],
)
async def test_a_try_without_an_answer_may_have_been_sent(
    tracker: FakeTracker, words: set[str], answer: Answer
) -> None:
    tracker.answer = answer
    outcome = await send(tracker.url)

    assert (Sent.MAYBE, None) == (outcome.sent, outcome.status)
    assert outcome.error in words
    assert 1 == len(tracker.requests)


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(Answer(act=Act.NEVER), id="silence"),
        pytest.param(Answer(delay_seconds=20), id="an answer that comes too late"),
        pytest.param(Answer(drip_seconds=SHORT / 6), id="headers that drip"),
        pytest.param(
            Answer(act=Act.RAW, body=b"HTTP/1.1 102 Processing\r\n\r\n" * 50, drip_seconds=0.002),
            id="informational answers without end",
        ),
    ],
)
async def test_the_timeout_is_total_and_the_try_may_have_been_sent(tracker: FakeTracker, answer: Answer) -> None:
    """Every byte that arrives would start the vendor's 30 seconds anew."""
    tracker.answer = answer
    outcome = await send(tracker.url, timeout_seconds=SHORT)

    assert (Sent.MAYBE, None, "timeout") == (outcome.sent, outcome.status, outcome.error)
    assert is_in_time(outcome)
    assert 1 == len(tracker.requests)


# Sent, whatever became of the rest


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(
            Answer(body=b'{"status": true, "data": "x"}', drip_seconds=SHORT / 6, drips_body_only=True), id="drip"
        ),
        pytest.param(
            Answer(act=Act.RAW, body=b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", drip_seconds=0), id="cut"
        ),
        pytest.param(
            Answer(act=Act.RAW, body=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"), id="a bad chunk"
        ),
    ],
)
async def test_a_status_is_the_answer_even_when_its_body_never_ends(tracker: FakeTracker, answer: Answer) -> None:
    """The tracker said 200: calling that unknown would send the sale twice."""
    tracker.answer = answer
    outcome = await send(tracker.url, timeout_seconds=SHORT)

    assert (Sent.YES, 200, "") == (outcome.sent, outcome.status, outcome.error)
    assert outcome.duration_ms <= SHORT * 1000 + 700


async def test_an_error_whose_body_stalls_says_so(tracker: FakeTracker) -> None:
    tracker.answer = Answer(status=500, drip_seconds=20, drips_body_only=True)
    outcome = await send(tracker.url, timeout_seconds=SHORT)

    assert (500, "the answer was cut off (timeout)") == (outcome.status, outcome.message)


# Once only


async def test_certificates_are_read_once_and_names_once_per_connection(
    monkeypatch: pytest.MonkeyPatch, tracker: FakeTracker
) -> None:
    """Both take milliseconds; per call they would hold up the receiver, whose loop this is."""
    Wire("https://api.cme.sh", "tok")
    contexts = counting(monkeypatch, ssl, "create_default_context")
    names = counting(monkeypatch, socket, "getaddrinfo")
    wires = [Wire(tracker.url.replace("127.0.0.1", "localhost"), "tok") for _ in range(3)]
    for wire in wires:
        for _ in range(5):
            assert (await wire.send(SALE)).succeeded
        await wire.aclose()

    assert 3 == tracker.connections
    assert 0 == contexts()
    assert 3 <= names() <= 6  # asked once or twice, for IPv4 and IPv6


def counting(monkeypatch: pytest.MonkeyPatch, module: ModuleType, name: str) -> Callable[[], int]:
    """Count the calls of a library's function from now on."""
    calls = 0
    original: Callable[..., object] = getattr(module, name)

    def counted(*arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        return original(*arguments, **options)

    monkeypatch.setattr(module, name, counted)
    return lambda: calls


async def test_cancellation_goes_through_and_frees_the_slot(tracker: FakeTracker) -> None:
    tracker.answer = Answer(act=Act.NEVER)
    wire = Wire(tracker.url, "tok", slots=1)
    task = asyncio.create_task(wire.send(SALE))
    await tracker.wait_for(1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    tracker.answer = Answer()
    outcome = await wire.send(SALE)
    await wire.aclose()

    assert outcome.succeeded


async def test_an_error_nobody_thought_of_is_an_outcome_too(
    tracker: FakeTracker, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def odd(*_: object) -> httpx.Response:
        raise KeyError("something inside a library")

    wire = Wire(tracker.url, "tok", slots=1)
    with monkeypatch.context() as patch:
        patch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", odd)
        outcome = await wire.send(SALE)
    after = await wire.send(SALE)
    await wire.aclose()

    assert (Sent.NO, "unreadable") == (outcome.sent, outcome.error)
    assert after.succeeded
