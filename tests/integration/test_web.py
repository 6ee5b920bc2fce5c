"""The hook path as a raw ASGI callable: sizes, times, endings, and what a bug of ours looks like from outside."""

import asyncio
import json
import resource
import sqlite3
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from bridge import assembly, worker
from bridge.config import load
from bridge.errors import StoreError
from bridge.web import server
from tests.integration.web_hand import a_body, a_bridge, answers, ask, disconnect, silence
from tests.support import STRIPE_SECRET, a_checkout, free_port, stripe_headers


async def test_a_proven_webhook_in_many_chunks_is_accepted(tmp_path: Path) -> None:
    body = a_checkout(1)
    chunks = [body[at : at + 100] for at in range(0, len(body), 100)]
    async with a_bridge(tmp_path) as bridge:
        answer = await ask(bridge.app, a_body(*chunks), headers=stripe_headers(body))

    assert 200 == answer.status
    assert {"status": "accepted", "event": "evt_1", "deliveries": 1} == json.loads(answer.body)


async def test_a_body_one_byte_too_large_is_413_and_read_to_its_end(tmp_path: Path) -> None:
    async with a_bridge(tmp_path, TRACKBRIDGE_MAX_BODY="1000") as bridge:
        exact = await ask(bridge.app, a_body(b"x" * 1000))
        over = await ask(bridge.app, a_body(b"x" * 600, b"x" * 401, b"x" * 5000))
        declared = await ask(bridge.app, a_body(b"x" * 1001), headers={"Content-Length": "1001"})
        absurd = await ask(bridge.app, a_body(b"x"), headers={"Content-Length": "9" * 400})

    assert [401, 413, 413, 413] == [answer.status for answer in (exact, over, declared, absurd)]
    assert b"close" == over.headers[b"connection"]


async def test_a_sender_that_drips_is_cut(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with a_bridge(tmp_path) as bridge:
        monkeypatch.setattr(bridge.app.webhooks.bodies, "_seconds", 0.05)
        answer = await ask(bridge.app, a_body(b"{", then=silence))

        numbers = await ask(bridge.app, a_body(b""), path="/metrics", method="GET")

    assert 408 == answer.status
    assert "too slow" == answer.word
    assert ['trackbridge_webhooks_total{answer="408",source="stripe"} 1.0'] == answers(numbers)


async def test_a_sender_that_goes_away_leaves_nothing_behind(tmp_path: Path) -> None:
    body = a_checkout(1)
    async with a_bridge(tmp_path) as bridge:
        answer = await ask(bridge.app, a_body(body[:50], then=disconnect), headers=stripe_headers(body))
        counts = await bridge.store.counts()
        numbers = await ask(bridge.app, a_body(b""), path="/metrics", method="GET")

    assert 0 == answer.status
    assert 0 == sum(counts.events.values())
    assert ['trackbridge_webhooks_total{answer="gone",source="stripe"} 1.0'] == answers(numbers)


async def test_while_draining_everything_is_try_later(tmp_path: Path) -> None:
    body = a_checkout(1)
    async with a_bridge(tmp_path) as bridge:
        bridge.app.webhooks.draining = True
        hook = await ask(bridge.app, a_body(body), headers=stripe_headers(body))
        ready = await ask(bridge.app, a_body(b""), path="/readyz", method="GET")
        unknown = await ask(bridge.app, a_body(b""), path="/webhooks/nobody")

    assert [503, 503, 404] == [hook.status, ready.status, unknown.status]
    assert b"30" == hook.headers[b"retry-after"]


@pytest.mark.parametrize(("error", "status"), [(StoreError("full"), 503), (ZeroDivisionError("bug"), 503)])
async def test_trouble_of_ours_is_try_later_and_tells_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, status: int
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise error

    body = a_checkout(1)
    async with a_bridge(tmp_path) as bridge:
        monkeypatch.setattr(bridge.store, "record", fail)
        answer = await ask(bridge.app, a_body(body), headers=stripe_headers(body))

    assert status == answer.status
    assert "try later" == answer.word


async def test_detail_of_readiness_is_for_the_admin_token(tmp_path: Path) -> None:
    async with a_bridge(tmp_path, TRACKBRIDGE_ADMIN_TOKEN="adm_0123456789abcdef") as bridge:
        answers = [
            await ask(bridge.app, a_body(b""), path="/readyz", method="GET", headers=headers)
            for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer adm_0123456789abcdef"})
        ]

    assert [200, 200, 200] == [answer.status for answer in answers]
    assert [{"status"}, {"status"}] == [set(json.loads(answer.body)) for answer in answers[:2]]
    detail = json.loads(answers[2].body)
    assert "on" == detail["sources"]["stripe"]
    assert "off" == detail["sources"]["typeform"]
    assert "no token" == detail["sending"]


async def test_readiness_is_told_when_the_database_cannot_tell_the_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fails() -> None:
        raise StoreError("it went away")

    admin = {"Authorization": "Bearer adm_0123456789abcdef"}
    async with a_bridge(tmp_path, TRACKBRIDGE_ADMIN_TOKEN="adm_0123456789abcdef") as bridge:
        monkeypatch.setattr(bridge.store, "tracker", fails)
        answer = await ask(bridge.app, a_body(b""), path="/readyz", method="GET", headers=admin)

    detail = json.loads(answer.body)
    assert (200, "ready", "on") == (answer.status, detail["status"], detail["sources"]["stripe"])
    assert "tracker" not in detail
    assert [] == [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]


async def test_what_is_read_by_get_is_405(tmp_path: Path) -> None:
    async with a_bridge(tmp_path) as bridge:
        answer = await ask(bridge.app, a_body(b""), method="GET")

    assert 405 == answer.status
    assert b"POST" == answer.headers[b"allow"]


async def test_a_body_that_is_on_its_way_when_the_bridge_ends_is_try_later(tmp_path: Path) -> None:
    async with a_bridge(tmp_path) as bridge:
        waiting = [
            asyncio.create_task(ask(bridge.app, a_body(b"{", then=silence), path=path))
            for path in ("/webhooks/stripe", "/webhooks/nobody")
        ]
        await asyncio.sleep(0)
        began = time.monotonic()
        bridge.app.webhooks.drain()
        known, unknown = await asyncio.gather(*waiting)

    assert (503, "try later", b"30") == (known.status, known.word, known.headers[b"retry-after"])
    assert 404 == unknown.status
    assert time.monotonic() - began < 3


@pytest.mark.parametrize("path", ["/webhooks/stripe", "/readyz"])
async def test_what_is_cut_short_is_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    async def wait(*_: object, **__: object) -> None:
        await asyncio.sleep(60)

    body = a_checkout(1)
    async with a_bridge(tmp_path) as bridge:
        monkeypatch.setattr(bridge.store, "record", wait)
        monkeypatch.setattr(bridge.app.health.pulse, "_ping", wait)
        method = "POST" if path.startswith("/webhooks") else "GET"
        asking = asyncio.create_task(
            ask(bridge.app, a_body(body), path=path, method=method, headers=stripe_headers(body))
        )
        await asyncio.sleep(0.05)
        asking.cancel()
        answer = await asking

    assert (503, "try later", b"30") == (answer.status, answer.word, answer.headers[b"retry-after"])


async def test_a_worker_that_ended_makes_unready_and_spoils_no_orderly_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def run(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker.Worker, "run", run)
    settings = {"CMS_BEARER_TOKEN": "t", "TRACKBRIDGE_ADMIN_TOKEN": "adm_0123456789abcdef"}
    admin = {"Authorization": "Bearer adm_0123456789abcdef"}
    async with a_bridge(tmp_path, **settings) as bridge:
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        answer = await ask(bridge.app, a_body(b""), path="/readyz", method="GET", headers=admin)

    assert 503 == answer.status
    assert ["worker"] == json.loads(answer.body)["reasons"]
    assert ["bug"] == [record.getMessage() for record in caplog.records if record.levelname == "ERROR"]
    with pytest.raises(StoreError, match="closed"):
        await bridge.store.ping()


async def test_readiness_asks_the_database_once_a_second_however_many_ask(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def beats() -> int:
        with sqlite3.connect(tmp_path / "bridge.db") as db:
            count: int = db.execute("SELECT beats FROM tracker").fetchone()[0]
        db.close()
        return count

    async with a_bridge(tmp_path) as bridge:
        before = beats()
        for _ in range(2):
            ready = await asyncio.gather(
                *[ask(bridge.app, a_body(b""), path="/readyz", method="GET") for _ in range(50)]
            )
            assert {200} == {answer.status for answer in ready}
        assert 1 == beats() - before
        monkeypatch.setattr(bridge.app.health.pulse._answer, "_stale_at", 0.0)
        await ask(bridge.app, a_body(b""), path="/readyz", method="GET")
        assert 2 == beats() - before


TOKEN_IN_PATH = """
source: quiz
verify:
  scheme: token
  path: true
  secret: ${QUIZ_SECRET}
event:
  id: id
  type: type
rules:
  - name: finished
    types: [finished]
    track: lead
    event_name: quiz_finished
    fields:
      click_id: click
      customer_external_id: person
"""


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("/webhooks/quiz/a%2Fb%2Bc", 200),
        ("/webhooks/quiz/a%2fb%2bc/", 200),
        ("/webhooks/%71uiz/a%2Fb%2Bc", 200),
        ("/webhooks/quiz/a/b+c", 404),
        ("/webhooks/quiz%2Fa%2Fb%2Bc", 404),
        ("/webhooks%2Fquiz/a%2Fb%2Bc", 404),
        ("/webhooks/%ff/a%2Fb%2Bc", 404),
        ("/webhooks/quiz%/a%2Fb%2Bc", 404),
        ("/webhooks/qu%00iz/a", 404),
        ("/webhooks/quiz/a%252Fb%2Bc", 401),
    ],
)
async def test_a_token_in_the_path_may_hold_a_slash(tmp_path: Path, path: str, status: int) -> None:
    (tmp_path / "quiz.yaml").write_text(TOKEN_IN_PATH, encoding="utf-8")
    async with a_bridge(tmp_path, TRACKBRIDGE_MAPPINGS=str(tmp_path), QUIZ_SECRET="a/b+c") as bridge:
        answer = await ask(bridge.app, a_body(b'{"id": "1", "type": "x"}'), path=path)

    assert status == answer.status


@asynccontextmanager
async def a_server(folder: Path) -> AsyncIterator[int]:
    """A bridge behind its real edge, in this process; its port."""
    port, stop = free_port(), asyncio.Event()
    environment = {
        "TRACKBRIDGE_DATABASE_URL": f"sqlite:///{folder / 'bridge.db'}",
        "TRACKBRIDGE_PORT": str(port),
        "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
    }
    serving = asyncio.create_task(assembly.serve_until_stopped(load({}, environment, None), stop))
    try:
        while not await _listens(port):
            assert not serving.done(), serving.result()
            await asyncio.sleep(0.01)
        yield port
    finally:
        stop.set()
        await serving


async def _listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


async def until_closed(reader: asyncio.StreamReader) -> bytes:
    """Everything that comes until the other side closes."""
    async with asyncio.timeout(5):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


@pytest.mark.parametrize("begun", [b"", b"POST /webh", b"\r\n", b"POST / HTTP/1.1\r\nHost: x\r\nA: b"])
async def test_a_head_that_is_never_finished_is_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(server.Edge, "head_seconds", 0.3)
    async with a_server(tmp_path) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(begun)
        began = time.monotonic()
        told = await until_closed(reader)
        writer.close()

    assert b"" == told
    assert 0.25 < time.monotonic() - began < 3


@pytest.mark.parametrize("begun", [b"GET /he", b"\r\n"])
async def test_the_next_head_has_as_long_and_an_idle_connection_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, begun: bytes
) -> None:
    monkeypatch.setattr(server.Edge, "head_seconds", 0.3)
    async with a_server(tmp_path) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in range(2):
            writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"ok\n")).startswith(b"HTTP/1.1 200 OK")
            await asyncio.sleep(0.5)
        writer.write(begun)
        told = await until_closed(reader)
        writer.close()

    assert b"" == told


@pytest.mark.parametrize(
    ("descriptors", "connections"),
    [(1024, 896), (100, 64), (1_048_576, 10_000), (resource.RLIM_INFINITY, 10_000)],
)
def test_connections_leave_file_descriptors_for_the_rest(descriptors: int, connections: int) -> None:
    assert connections == server.most_connections(descriptors)


async def test_more_connections_than_allowed_are_told_to_come_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with a_server(tmp_path) as port:
        held = await asyncio.open_connection("127.0.0.1", port)
        held[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await held[0].readuntil(b"ok\n")
        monkeypatch.setattr(server.Edge, "most_connections", 1)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        refused = await until_closed(reader)
        held[1].write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
        await held[0].readuntil(b"ok\n")
        for connection in (writer, held[1]):
            connection.close()

    assert refused.startswith(b"HTTP/1.1 503 ")
    assert b"retry-after: 30" in refused
