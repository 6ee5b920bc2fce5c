"""Fetching certificates from a server on loopback: once, in the background, bounded, and remembered for a while."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import httpx
import pytest

from bridge.certificates import Certificates
from bridge.errors import Refused
from bridge.model import Webhook
from bridge.sources import Certificate, Lack, bind
from tests.contract.signing import paypal
from tests.unit.sources.authority import LIVE, LIVE_URL, a_signer, between, live, pem, roots
from tests.unit.sources.factories import BODY, NOW, a_scheme

ISSUER_URL = "http://ca.example/between.crt"


@dataclass
class Server:
    """Answers every path with what is under it; `asked` is every path in order."""

    port: int = 0
    answers: dict[str, bytes] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)
    #: set: answers wait for it
    gate: asyncio.Event | None = None

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1].decode()
        while (await reader.readline()).strip():
            pass
        self.asked.append(path)
        if self.gate:
            await self.gate.wait()
        writer.write(self.answers.get(path, b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n"))
        await writer.drain()
        writer.close()


class ToLoopback(httpx.AsyncBaseTransport):
    """Every host is our server; the path says which address was meant."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._inner = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = f"http://127.0.0.1:{self._port}/{request.url}"
        return await self._inner.handle_async_request(httpx.Request(request.method, url, headers=request.headers))

    async def aclose(self) -> None:
        await self._inner.aclose()


@dataclass
class Scene:
    server: Server
    certificates: Certificates
    now: datetime = NOW

    def ask(self, url: str = LIVE_URL, name: str = LIVE) -> Certificate | Lack:
        return self.certificates(url, name)

    async def settled(self, url: str = LIVE_URL, name: str = LIVE) -> Certificate | Lack:
        """What is known after what this asks for was fetched."""
        self.ask(url, name)
        await until(lambda: not self.certificates._fetching)
        return self.ask(url, name)

    def later(self, **by: float) -> None:
        self.now += timedelta(**by)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    async with on_stage() as one:
        one.server.answers["/" + LIVE_URL] = ok(live().pem())
        yield one


@asynccontextmanager
async def on_stage() -> AsyncIterator[Scene]:
    server = Server()
    listening = await asyncio.start_server(server.answer, "127.0.0.1", 0)
    server.port = listening.sockets[0].getsockname()[1]
    certificates = Certificates(clock=lambda: one.now, roots=roots, transport=lambda: ToLoopback(server.port))
    one = Scene(server=server, certificates=certificates)
    try:
        yield one
    finally:
        await certificates.aclose()
        listening.close()
        await listening.wait_closed()


def ok(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body) + body


def status(text: str, *headers: str) -> bytes:
    return "\r\n".join([f"HTTP/1.1 {text}", "content-length: 0", *headers, "", ""]).encode()


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():  # noqa: ASYNC110  # what is waited for is another's, and has no event
            await asyncio.sleep(0.005)


async def test_a_certificate_is_fetched_once_in_the_background_and_kept(scene: Scene) -> None:
    scene.server.gate = asyncio.Event()

    assert {Lack.COMING} == {scene.ask() for _ in range(20)}
    await until(lambda: bool(scene.server.asked))
    assert Lack.COMING == scene.ask()
    scene.server.gate.set()
    found = await scene.settled()

    assert not isinstance(found, Lack)
    assert found.is_by(live().sign(b"message"), b"message")
    assert ["/" + LIVE_URL] == scene.server.asked


async def test_paypal_is_told_to_come_again_and_is_proven_when_it_does(scene: Scene) -> None:
    section, webhook_id = a_scheme("{scheme: paypal, secret: $S}"), "8PT597110X687430LKGECATA"
    verifier = bind(section, [webhook_id], certificates=scene.certificates)
    headers = paypal(webhook_id, BODY, int(NOW.timestamp()))
    webhook = Webhook(
        source="paypal",
        headers=tuple((name.encode(), value) for name, value in headers.items()),
        body=BODY,
        received_at=NOW,
    )

    with pytest.raises(Refused, match="certificate") as caught:
        verifier.verify(webhook, NOW)
    assert (503, 5) == (caught.value.status, caught.value.retry_after)
    await scene.settled()
    assert "signature 1" == verifier.verify(webhook, NOW).by


async def test_the_authority_between_is_fetched_where_it_is_left_out(scene: Scene) -> None:
    signer = a_signer(issuer_url=ISSUER_URL)
    scene.server.answers["/" + LIVE_URL] = ok(signer.pem(alone=True))
    scene.server.answers["/" + ISSUER_URL] = ok(pem(between()[0]))

    assert not isinstance(await scene.settled(), Lack)
    assert ["/" + LIVE_URL, "/" + ISSUER_URL] == scene.server.asked


async def test_issuers_are_not_followed_for_ever(scene: Scene) -> None:
    scene.server.answers["/" + LIVE_URL] = ok(a_signer(issuer_url=ISSUER_URL).pem(alone=True))
    scene.server.answers["/" + ISSUER_URL] = ok(a_signer(issuer_url=ISSUER_URL).pem(alone=True))

    assert Lack.REFUSED == await scene.settled()
    assert 3 == len(scene.server.asked)


@pytest.mark.parametrize("url", ["ldap://ca.example", "file:///etc/passwd", ""])
async def test_an_issuer_is_fetched_by_http_alone(scene: Scene, url: str) -> None:
    scene.server.answers["/" + LIVE_URL] = ok(a_signer(issuer_url=url).pem(alone=True))

    assert Lack.REFUSED == await scene.settled()
    assert 1 == len(scene.server.asked)


@pytest.mark.parametrize(
    "answer",
    [
        status("404 Not Found"),
        status("410 Gone"),
        ok(b"<html>"),
        ok(a_signer("another.paypal.com").pem()),
        ok(b"x" * 70_000),
        ok(live().pem() + b" " * 70_000),
    ],
    ids=["404", "410", "html", "another's", "large", "large behind"],
)
async def test_what_cannot_be_trusted_is_refused_for_ten_minutes(scene: Scene, answer: bytes) -> None:
    scene.server.answers["/" + LIVE_URL] = answer

    assert Lack.REFUSED == await scene.settled()
    scene.later(minutes=9)
    assert Lack.REFUSED == await scene.settled()
    assert 1 == len(scene.server.asked)

    scene.later(minutes=2)
    scene.server.answers["/" + LIVE_URL] = ok(live().pem())
    assert not isinstance(await scene.settled(), Lack)


@pytest.mark.parametrize(
    "answer",
    [
        status("500 Internal Server Error"),
        status("429 Too Many Requests"),
        status("302 Found", "location: /elsewhere"),
        b"HTTP/1.1 200 OK\r\ncontent-length: 999\r\n\r\nshort",
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
    ids=["500", "429", "302", "cut short", "no HTTP", "nothing"],
)
async def test_what_cannot_be_had_now_is_asked_for_again_soon(scene: Scene, answer: bytes) -> None:
    scene.server.answers["/" + LIVE_URL] = answer

    assert Lack.COMING == await scene.settled()
    scene.later(seconds=29)
    assert Lack.COMING == await scene.settled()
    assert ["/" + LIVE_URL] == scene.server.asked

    scene.later(seconds=2)
    scene.server.answers["/" + LIVE_URL] = ok(live().pem())
    assert not isinstance(await scene.settled(), Lack)


async def test_a_certificate_in_force_is_looked_at_again_and_stays_while_that_fails(scene: Scene) -> None:
    await scene.settled()
    scene.server.answers["/" + LIVE_URL] = status("503 Service Unavailable")

    for hours, fetches in ((11, 1), (2, 2), (24, 3), (5 * 24, 4)):
        scene.later(hours=hours)
        assert not isinstance(await scene.settled(), Lack)
        assert fetches == len(scene.server.asked)
    scene.later(hours=24)
    assert Lack.COMING == await scene.settled()


async def test_a_certificate_that_is_taken_back_is_dropped(scene: Scene) -> None:
    await scene.settled()
    del scene.server.answers["/" + LIVE_URL]

    scene.later(hours=13)

    assert Lack.REFUSED == await scene.settled()


async def test_strangers_make_us_fetch_ten_times_a_minute_at_most(scene: Scene) -> None:
    known = await scene.settled()
    for number in range(200):
        scene.ask(f"{LIVE_URL}{number}")
    await until(lambda: not scene.certificates._fetching)

    assert 10 == len(scene.server.asked)
    assert Lack.COMING == scene.ask(f"{LIVE_URL}199")
    assert known is scene.ask()
    scene.later(seconds=61)
    assert Lack.REFUSED == await scene.settled(f"{LIVE_URL}199")


async def test_what_strangers_ask_for_does_not_push_out_what_is_in_force(scene: Scene) -> None:
    known = await scene.settled()
    for number in range(100):
        scene.later(seconds=61)
        await scene.settled(f"{LIVE_URL}{number}")

    assert 64 == len(scene.certificates._known)
    assert known is scene.ask()


async def test_a_name_has_certificates_of_its_own(scene: Scene) -> None:
    assert not isinstance(await scene.settled(), Lack)
    assert Lack.REFUSED == await scene.settled(name="another.example")


async def test_closing_gives_up_what_is_being_fetched(scene: Scene) -> None:
    scene.server.gate = asyncio.Event()
    scene.ask()
    await until(lambda: bool(scene.server.asked))

    await asyncio.wait_for(scene.certificates.aclose(), timeout=2)
    scene.server.gate.set()

    assert not scene.certificates._fetching


async def test_a_slow_server_is_given_up(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.certificates._FETCH_SECONDS", 0.1)
    scene.server.gate = asyncio.Event()

    assert Lack.COMING == await scene.settled()
    scene.server.gate.set()


async def test_a_bug_is_told_and_survived(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    def broken() -> bytes:
        raise RuntimeError("a bug")

    scene.certificates._roots = broken

    assert Lack.COMING == await scene.settled()
    assert "bug" in caplog.text


async def test_the_systems_roots_are_there() -> None:
    from_system = Certificates(clock=lambda: NOW)._roots()

    assert b"-----BEGIN CERTIFICATE-----" in from_system
