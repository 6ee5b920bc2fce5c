"""What compose.yaml starts, as processes: its replicas with its settings on a real PostgreSQL, behind a small balancer
that goes by its Caddyfile. Replaced one after the other under load, every webhook is taken in and delivered once."""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import yaml

from bridge.demo.tracker import FakeTracker
from tests.contract.databases import server
from tests.e2e.stage import invoice
from tests.support import STRIPE_SECRET, BridgeProcess, a_checkout, bridge_process, stripe_headers

COMPOSE: dict[str, Any] = yaml.safe_load((Path(__file__).parents[2] / "compose.yaml").read_text(encoding="utf-8"))
CADDYFILE: str = COMPOSE["configs"]["caddyfile"]["content"]
(UPSTREAMS,) = re.findall(r"reverse_proxy (.+) \{", CADDYFILE)
(HEALTH,) = re.findall(r"health_uri (\S+)", CADDYFILE)


def settings_of(name: str, database: str, tracker: str) -> dict[str, str]:
    """A replica's environment as compose makes it; only the places are this machine's."""
    given: dict[str, str | None] = COMPOSE["services"][name]["environment"]
    from_outside = {"CMS_BEARER_TOKEN": "tok_from_the_shell_61", "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET}
    settings = {key: from_outside[key] if value is None else value for key, value in given.items()}
    told = urlsplit(re.sub(r"\$\{[^}]+\}", "secret", settings["TRACKBRIDGE_DATABASE_URL"]))
    assert (told.hostname, told.scheme) == ("database", urlsplit(database).scheme)
    return settings | {"TRACKBRIDGE_DATABASE_URL": database, "CMS_BASE_URL": tracker}


class Balancer:
    """Hands each connection to the next replica that is ready, and to another where one cannot be reached."""

    def __init__(self, ports: list[int]) -> None:
        self._ports = ports
        self._ready = set(ports)
        self._turn = count()
        self.port = 0

    async def look(self) -> None:
        """Ask all, all the time."""
        async with httpx.AsyncClient(timeout=2) as http:
            while True:
                for port in self._ports:
                    with contextlib.suppress(httpx.HTTPError):
                        answer = await http.get(f"http://127.0.0.1:{port}{HEALTH}")
                        (self._ready.add if answer.status_code == 200 else self._ready.discard)(port)
                        continue
                    self._ready.discard(port)
                await asyncio.sleep(0.05)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        begin = next(self._turn)
        ports = [self._ports[(begin + n) % len(self._ports)] for n in range(len(self._ports))]
        for port in sorted(ports, key=lambda port: port not in self._ready):
            with contextlib.suppress(OSError):
                theirs, to_them = await asyncio.open_connection("127.0.0.1", port)
                async with asyncio.TaskGroup() as both:
                    both.create_task(_pipe(reader, to_them))
                    both.create_task(_pipe(theirs, writer))
                return
        writer.close()


async def _pipe(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
    with contextlib.suppress(OSError):
        writer.close()
        await writer.wait_closed()


@contextlib.asynccontextmanager
async def balancing(replicas: list[BridgeProcess]) -> AsyncIterator[str]:
    balancer = Balancer([replica.port for replica in replicas])
    listening = await asyncio.start_server(balancer.serve, "127.0.0.1", 0)
    looking = asyncio.create_task(balancer.look())
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        looking.cancel()
        listening.close()
        await listening.wait_closed()


async def replaced(replica: BridgeProcess) -> None:
    """As `docker compose up -d --no-deps` does it: the old one drains and ends, then the new one begins."""
    assert 0 == await asyncio.to_thread(replica.terminate)
    await asyncio.to_thread(replica.start)


async def test_replicas_are_replaced_one_by_one_under_load_and_every_webhook_is_delivered_once(tmp_path: Path) -> None:
    database = server().fresh_database()
    async with AsyncExitStack() as stack:
        tracker = await stack.enter_async_context(FakeTracker())
        replicas = []
        for name in (upstream.partition(":")[0] for upstream in UPSTREAMS.split()):
            (tmp_path / name).mkdir()
            settings = settings_of(name, database, tracker.url) | {"CMS_RATE_LIMIT": "0"}
            replicas.append(stack.enter_context(bridge_process(tmp_path / name, **settings)))
        # at once, on an empty database: both want to make its tables
        await asyncio.gather(*[asyncio.to_thread(replica.start) for replica in replicas])
        url = await stack.enter_async_context(balancing(replicas))
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=15, headers={"Connection": "close"}))
        ended = asyncio.Event()
        answers: dict[int, int] = {}
        tried: Counter[int] = Counter()

        async def pour() -> None:
            for number in count():
                if ended.is_set():
                    return
                body = a_checkout(number, customer=f"cus_{number % 7}")
                while answers.get(number) != 200:
                    # as senders do: who has just begun to drain says 503, once or twice
                    with contextlib.suppress(httpx.TransportError):
                        answer = await http.post(f"{url}/webhooks/stripe", content=body, headers=stripe_headers(body))
                        answers[number] = answer.status_code
                        tried[answer.status_code] += 1

        pouring = asyncio.create_task(pour())
        for replica in replicas:
            await replaced(replica)
        ended.set()
        await pouring
        await tracker.wait_for(len(answers), within_seconds=30)
        for replica in replicas:
            assert 0 == await asyncio.to_thread(replica.terminate)

    assert len(answers) > 20
    assert {200} >= {status for status in tried if status != 503}
    assert tried[503] < len(answers) / 2, "the other one was there all the time"
    told = Counter(map(invoice, tracker.requests))
    assert {f"pi_{number}": 1 for number in answers} == told
    by_customer: dict[str, list[int]] = {}
    for received in tracker.requests:
        body = received.json
        assert isinstance(body, dict)
        by_customer.setdefault(str(body["customerExternalId"]), []).append(int(invoice(received)[3:]))
    assert [] == [numbers for numbers in by_customer.values() if numbers != sorted(numbers)]
