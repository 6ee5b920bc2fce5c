"""Several `trackbridge serve` on one PostgreSQL, a sender who takes turns among them, and what the tracker saw of it.

A webhook that one replica does not answer with 200 goes to the next, again and again, as a balancer and a sender who
repeats would have it. A customer's next webhook is sent when the one before was acknowledged, so order can be told.
"""

import asyncio
import itertools
import json
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import psycopg

from tests.faults.load import GONE, Link, a_request
from tests.support import BridgeProcess, a_checkout, wait_until

#: so many may be under way at each replica
MOST_IN_FLIGHT = 32


class Fleet:
    """Replicas with nothing in common but the database; each has a folder and a port of its own."""

    def __init__(self, folder: Path, url: str, count: int, **settings: str) -> None:
        self.url = url
        self.replicas: list[BridgeProcess] = []
        self.kills = 0
        self._starting: set[asyncio.Task[object]] = set()
        for number in range(count):
            place = folder / f"replica{number}"
            place.mkdir(parents=True)
            given = {"TRACKBRIDGE_DATABASE_URL": url, "TRACKBRIDGE_LOG_FORMAT": "json", **settings}
            self.replicas.append(BridgeProcess(folder=place, settings=given))

    @property
    def ports(self) -> list[int]:
        return [replica.port for replica in self.replicas]

    @property
    def log(self) -> str:
        return "\n".join(replica.log for replica in self.replicas)

    async def start(self) -> None:
        """All at once."""
        await asyncio.gather(*(asyncio.to_thread(replica.start) for replica in self.replicas))

    def kill(self, number: int) -> None:
        """kill -9, and a start in its place, for which nobody waits; a replica that is just starting is killed too."""
        replica = self.replicas[number]
        replica.kill()
        self.kills += 1
        replica.start(ready=False)

    async def ready(self) -> None:
        """Wait until all are."""
        for replica in self.replicas:
            await asyncio.to_thread(wait_until, replica.is_ready, what=f"readiness of {replica.folder.name}")

    async def terminate(self) -> list[int]:
        """SIGTERM for all at once; the exit codes."""
        return list(await asyncio.gather(*(asyncio.to_thread(replica.terminate) for replica in self.replicas)))

    async def rows(self, query: str) -> list[tuple[object, ...]]:
        """Ask their database, as nobody special."""

        def ask() -> list[tuple[object, ...]]:
            with psycopg.connect(self.url, autocommit=True) as connection:
                return connection.execute(query.encode()).fetchall()

        return await asyncio.to_thread(ask)

    async def unsure(self) -> dict[str, int]:
        """How many tries of each sale the store calls unknown, by invoice id."""
        found = await self.rows(
            "SELECT CAST(d.payload AS json) ->> 'invoice_id', count(*) FROM attempts AS a"
            " JOIN deliveries AS d ON d.id = a.delivery_id WHERE a.sent = 'maybe' GROUP BY 1"
        )
        return {str(invoice): int(str(times)) for invoice, times in found}

    def end(self) -> None:
        """Whatever still runs ends now."""
        for replica in self.replicas:
            if replica.process is not None and replica.process.poll() is None:
                replica.kill()


@contextmanager
def a_fleet(folder: Path, url: str, count: int = 3, **settings: str) -> Iterator[Fleet]:
    """Replicas that are ended whatever happens."""
    fleet = Fleet(folder, url, count, **settings)
    try:
        yield fleet
    finally:
        fleet.end()


@dataclass
class Traffic:
    """Customers who buy again and again, sent by turns to these ports."""

    ports: Sequence[int]
    series: str = "s"
    #: how long a balancer waits for an answer before it asks the next
    patience: float = 5.0
    acknowledged: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    #: how long the slowest answer took
    slowest: float = 0.0
    stopped: bool = False

    def __post_init__(self) -> None:
        self._turns = itertools.cycle(self.ports)

    async def pour(self, *, customers: int = 30, per_second: float = 60.0) -> None:
        """Until stopped."""

        async def customer(number: int) -> None:
            links = {port: Link(port) for port in self.ports}
            for step in itertools.count(1):
                if self.stopped:
                    break
                await self._send(links, f"{self.series}x{number}x{step}", f"cus_{self.series}_{number}")
                await asyncio.sleep(customers / per_second)
            for link in links.values():
                link.close()

        await asyncio.gather(*(customer(number) for number in range(customers)))

    @asynccontextmanager
    async def poured(self, *, per_second: float) -> AsyncIterator[None]:
        """Pour meanwhile; at the end nothing is under way any more."""
        pouring = asyncio.create_task(self.pour(per_second=per_second))
        try:
            yield
        finally:
            self.stopped = True
            await pouring

    async def _send(self, links: dict[int, Link], name: str, customer: str) -> None:
        request = a_request(a_checkout(name, customer=customer))
        while not self.stopped:
            status, begun = 0, time.monotonic()
            try:
                async with asyncio.timeout(self.patience):
                    status, _ = await links[next(self._turns)].ask(request)
            except GONE:
                await asyncio.sleep(0.02)
            else:
                self.slowest = max(self.slowest, time.monotonic() - begun)
            self.statuses[status] += 1
            if status == 200:
                self.acknowledged.add(f"pi_{name}")
                return


@dataclass(frozen=True, kw_only=True)
class Heard:
    """One request that the tracker had."""

    at: float
    customer: str
    invoice: str

    @property
    def step(self) -> int:
        return int(self.invoice.rpartition("x")[2])


def heard(log: Path) -> list[Heard]:
    """Everything the tracker had, in the order of arrival."""
    if not log.exists():
        return []
    lines = log.read_text(encoding="utf-8").rpartition("\n")[0].splitlines()
    told = [(datetime.fromisoformat(line["at"]).timestamp(), line["body"]) for line in map(json.loads, lines)]
    return [Heard(at=at, customer=body["customerExternalId"], invoice=body["invoiceId"]) for at, body in told]


def out_of_order(requests: Sequence[Heard]) -> list[str]:
    """Customers of whom an earlier purchase came after a later one; the same one again is in order."""
    last: dict[str, int] = {}
    wrong: dict[str, None] = {}
    for one in requests:
        if one.step < last.get(one.customer, 0):
            wrong[one.customer] = None
        last[one.customer] = one.step
    return list(wrong)


def most_within(requests: Sequence[Heard], seconds: float) -> int:
    """The most that came within so long."""
    first, most = 0, 0
    for number, one in enumerate(requests):
        while one.at - requests[first].at >= seconds:
            first += 1
        most = max(most, number - first + 1)
    return most


def repeats(requests: Sequence[Heard]) -> Counter[str]:
    """What came more than once, and how often beyond the first."""
    return Counter({invoice: times - 1 for invoice, times in _times(requests).items() if times > 1})


def _times(requests: Sequence[Heard]) -> Counter[str]:
    return Counter(one.invoice for one in requests)


async def quiet(condition: Callable[[], int], *, seconds: float = 1.0, within: float = 30.0) -> None:
    """Wait until a count has not grown for so long."""
    loop = asyncio.get_running_loop()
    deadline, count, since = loop.time() + within, -1, loop.time()
    while loop.time() - since < seconds:
        assert loop.time() < deadline, f"it went on for {within} s"
        if (now := condition()) != count:
            count, since = now, loop.time()
        await asyncio.sleep(0.05)
