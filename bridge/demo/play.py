"""The demo: a real bridge and a fake tracker on loopback, six webhooks over real HTTP, and what became of each.

Everything lives in a folder that is thrown away at the end. What is told is what was seen: answers, the store, and
the requests that reached the tracker; whatever differs from what must be is told too.
"""

import asyncio
import contextlib
import json
import secrets
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

import httpx

from bridge.assembly import load_library, serve_until_stopped
from bridge.config import Settings, load
from bridge.demo.answers import Received
from bridge.demo.samples import signed, webhook_of, with_new_id
from bridge.demo.sender import Answer, post
from bridge.demo.tracker import FakeTracker
from bridge.model import StoredEvent, Webhook
from bridge.store import Store, open_store
from bridge.store.base import EventFilter

#: How long anything may take here; it takes milliseconds.
_PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One webhook of the story, and what must come of it."""

    title: str
    source: str
    #: the example's file, without `.json`
    example: str
    status: int
    #: the answer's `status`, or its error
    word: str
    #: how many requests reach the tracker because of it
    requests: int = 0
    #: sent again as it was, changed after it was signed
    repeats: bool = False
    tampers: bool = False


STORY = (
    Step(
        title="A customer pays",
        source="stripe",
        example="checkout_with_invoice",
        status=200,
        word="accepted",
        requests=1,
    ),
    Step(
        title="Stripe sends the same event once more",
        source="stripe",
        example="checkout_with_invoice",
        status=200,
        word="duplicate",
        repeats=True,
    ),
    Step(
        title="Stripe tells the same payment again, by its invoice",
        source="stripe",
        example="invoice_after_checkout",
        status=200,
        word="accepted",
    ),
    Step(
        title="Somebody adds a zero to the amount on the way",
        source="stripe",
        example="checkout_paid",
        status=401,
        word="unproven",
        tampers=True,
    ),
    Step(
        title="Somebody fills in a form", source="typeform", example="response", status=200, word="accepted", requests=1
    ),
    Step(title="An event that no rule wants", source="stripe", example="charge_succeeded", status=200, word="ignored"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Chapter:
    """One step as it went."""

    step: Step
    sent: Webhook
    answer: Answer
    #: what the store has of it; None for what was not proven
    event: StoredEvent | None
    #: what reached the tracker because of it
    requests: tuple[Received, ...]
    #: what is not as it must be
    differences: tuple[str, ...]


class Scene:
    """A bridge and a tracker that are up."""

    def __init__(
        self, settings: Settings, store: Store, tracker: FakeTracker, arrivals: asyncio.Queue[Received]
    ) -> None:
        self.settings = settings
        self.url = f"http://127.0.0.1:{settings.port}"
        #: every request that reached the tracker and was not told yet
        self.arrivals = arrivals
        self._store = store
        self._tracker = tracker
        self._library = load_library(settings)
        self._last: dict[str, Webhook] = {}

    async def play(self, step: Step) -> Chapter:
        """Send one webhook and see what becomes of it."""
        before = len(self._tracker.requests)
        webhook = self._webhook(step)
        answer = await post(webhook, self.url)
        told = json.loads(answer.text)
        event = await self._settled(told["event"]) if "event" in told else None
        requests = tuple(self._tracker.requests[before:])
        got = {"status": answer.status, "word": told.get("status", told.get("error")), "requests": len(requests)}
        wanted = {"status": step.status, "word": step.word, "requests": step.requests}
        differences = [f"{key}: expected {wanted[key]}, got {got[key]}" for key in wanted if wanted[key] != got[key]]
        while not self.arrivals.empty():
            self.arrivals.get_nowait()
        return Chapter(
            step=step, sent=webhook, answer=answer, event=event, requests=requests, differences=tuple(differences)
        )

    async def surplus(self) -> list[str]:
        """What the whole story left that it must not have: events or requests beyond what was told."""
        proven = sum(1 for step in STORY if step.status == HTTPStatus.OK and not step.repeats)
        found = {"events": len(await self._store.events(EventFilter())), "requests": len(self._tracker.requests)}
        wanted = {"events": proven, "requests": sum(step.requests for step in STORY)}
        return [
            f"{key} in all: expected {wanted[key]}, got {found[key]}" for key in wanted if wanted[key] != found[key]
        ]

    def _webhook(self, step: Step) -> Webhook:
        source = self._library.sources[step.source]
        assert source.verifier is not None  # noqa: S101  # the stage has set every secret
        now, suffix = datetime.now(UTC), secrets.token_hex(4)
        if step.repeats:
            webhook = self._last[step.example]
        else:
            data = (source.file.parent / "examples" / source.name / f"{step.example}.json").read_bytes()
            webhook = with_new_id(webhook_of(data, source.name, now), source, suffix)
        self._last[step.example] = webhook
        proven = signed(webhook, source.verifier, now, suffix)
        return replace(proven, body=proven.body.replace(b": 4999,", b": 49990,")) if step.tampers else proven

    async def _settled(self, reference: str) -> StoredEvent:
        """The event, once nothing of it is on its way any more."""
        async with asyncio.timeout(_PATIENCE_SECONDS):
            while True:
                (event,) = await self._store.find_events(reference)
                if not any(delivery.state.is_open for delivery in event.deliveries):
                    return event
                await asyncio.sleep(0.02)


@contextlib.asynccontextmanager
async def stage(folder: Path) -> AsyncIterator[Scene]:
    """A bridge in this folder and a tracker, both on free loopback ports; gone at the end."""
    arrivals: asyncio.Queue[Received] = asyncio.Queue()
    async with contextlib.AsyncExitStack() as stack:
        tracker = await stack.enter_async_context(
            FakeTracker(on_request=lambda received, _: arrivals.put_nowait(received))
        )
        settings = _settings(folder, tracker.url)
        await stack.enter_async_context(_serving(settings))
        store = await open_store(settings.database_url.reveal(), exclusive=False)
        stack.push_async_callback(store.close)
        yield Scene(settings, store, tracker, arrivals)


def _settings(folder: Path, tracker_url: str) -> Settings:
    """The settings of the demo: nothing of the operator's, so that it is the same everywhere."""
    told = {
        "CMS_BASE_URL": tracker_url,
        "CMS_BEARER_TOKEN": "demo",
        "CMS_RATE_LIMIT": "0",
        "TRACKBRIDGE_PORT": str(_free_port()),
        "TRACKBRIDGE_DATABASE_URL": f"sqlite:///{folder / 'demo.db'}",
        "STRIPE_WEBHOOK_SECRET": f"whsec_demo_{secrets.token_hex(8)}",
        "TYPEFORM_WEBHOOK_SECRET": f"demo_{secrets.token_hex(8)}",
    }
    return replace(load({}, told, None), mappings=None)


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def _serving(settings: Settings) -> AsyncIterator[None]:
    stop = asyncio.Event()
    serving = asyncio.create_task(serve_until_stopped(settings, stop))
    try:
        await _ready(f"http://127.0.0.1:{settings.port}/readyz", serving)
        yield
    finally:
        stop.set()
        await serving


async def _ready(url: str, serving: asyncio.Task[None]) -> None:
    """Wait until the bridge takes webhooks in; what kept it from starting is raised by its task."""
    async with asyncio.timeout(_PATIENCE_SECONDS), httpx.AsyncClient(trust_env=False) as http:
        while not serving.done():
            with contextlib.suppress(httpx.HTTPError):
                if (await http.get(url)).status_code == HTTPStatus.OK:
                    return
            await asyncio.sleep(0.02)
    await serving
