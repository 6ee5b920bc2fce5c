"""Webhooks in numbers: signed, over connections that stay open, each noted once it was answered 200."""

import asyncio
import re
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.support import BridgeProcess, a_checkout, stripe_signature, wait_until

_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_PATIENCE = 20.0


class Link:
    """One connection to the bridge, for one request after the other. Opens itself again after a loss."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, request: bytes) -> tuple[int, bytes]:
        """Status and body. Raises OSError, EOFError or TimeoutError when there is no whole answer."""
        try:
            async with asyncio.timeout(_PATIENCE):
                if self._streams is None:
                    self._streams = await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = self._streams
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = _LENGTH.search(head)
                body = await reader.readexactly(int(length[1]) if length else 0)
        except BaseException:
            self.close()
            raise
        if b"\r\nconnection: close\r\n" in head.lower():
            self.close()
        return int(head[9:12]), body

    def close(self) -> None:
        """Let go."""
        if self._streams is not None:
            self._streams[1].transport.abort()
            self._streams = None


def a_request(body: bytes, *, path: str = "/webhooks/stripe", at: float | None = None, more: bytes = b"") -> bytes:
    """A signed POST, as bytes."""
    head = f"POST {path} HTTP/1.1\r\nHost: bridge\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    return (
        head.encode() + b"Stripe-Signature: " + stripe_signature(body, at=at).encode() + b"\r\n" + more + b"\r\n" + body
    )


#: What a connection that goes away raises.
GONE = (OSError, EOFError, TimeoutError)


@dataclass
class Load:
    """Pours checkouts into a bridge. The payment's id is `pi_` and a name that never comes again."""

    bridge: BridgeProcess
    series: str
    acknowledged: set[str] = field(default_factory=set)
    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    stopped: bool = False

    async def pour(self, *, clients: int = 16, most: int = 1_000_000, seconds: float = 60.0) -> None:
        """Send until stopped, for so long, so many at most; one that is refused or lost is not sent again."""
        until = time.monotonic() + seconds

        async def client(number: int) -> None:
            link, step = Link(self.bridge.port), 0
            while not self.stopped and len(self.acknowledged) < most and time.monotonic() < until:
                step += 1
                await self.one(link, f"{self.series}x{number}x{step}", customer=f"cus_{number}_{step % 20}")
            link.close()

        await asyncio.gather(*(client(number) for number in range(clients)))

    async def one(self, link: Link, name: str, *, customer: str = "", at: float | None = None) -> int:
        """Send one; its status, 0 when there was no answer."""
        begun = time.perf_counter()
        try:
            status, _ = await link.ask(a_request(a_checkout(name, customer=customer), at=at))
        except GONE:
            self.statuses[0] += 1
            await asyncio.sleep(0.01)
            return 0
        self.statuses[status] += 1
        if status == 200:
            self.acknowledged.add(f"pi_{name}")
            self.seconds.append(time.perf_counter() - begun)
        return status

    async def until(self, count: int, *, within_seconds: float = 30.0) -> None:
        """Wait until so many were acknowledged, or raise AssertionError."""
        met = await holds(lambda: len(self.acknowledged) >= count, within_seconds=within_seconds)
        assert met, f"only {len(self.acknowledged)} of {count} webhooks were acknowledged: {self.statuses}"


async def holds(condition: Callable[[], object], *, within_seconds: float = 20.0) -> bool:
    """Whether this comes true within the time."""
    try:
        await asyncio.to_thread(wait_until, condition, seconds=within_seconds)
    except AssertionError:
        return False
    return True


def quantile(seconds: list[float], share: float) -> float:
    """The time that this share stays below, in milliseconds."""
    return 1000 * sorted(seconds)[min(int(len(seconds) * share), len(seconds) - 1)] if seconds else 0.0
