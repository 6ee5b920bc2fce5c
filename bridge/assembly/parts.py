"""The parts of a bridge and how they are put together: everything but its socket and its signals."""

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass
from importlib import import_module

from bridge import __version__, logs, telling
from bridge.assembly.alarms import Alarms
from bridge.assembly.clock import utcnow
from bridge.assembly.ending import SENT_BY, SETTLED_BY, Ending
from bridge.assembly.fresh import Fresh, load_library
from bridge.certificates import Certificates
from bridge.config import Settings
from bridge.intake import Intake
from bridge.library import Library
from bridge.metrics import Metrics
from bridge.money import Unit
from bridge.rate import Pace
from bridge.reload import Reloader
from bridge.silence import Silence
from bridge.store import open_store
from bridge.store.base import Store
from bridge.tracking import Wire
from bridge.upkeep import keep_house
from bridge.web.app import Bridge
from bridge.web.health import Health, Pulse
from bridge.web.webhooks import Webhooks
from bridge.worker import Lookups, Worker

_log = logs.get("bridge.serve")


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """The parts of a bridge that is up."""

    app: Bridge
    intake: Intake
    store: Store
    reloader: Reloader
    worker: Worker
    silence: Silence
    alarms: Alarms
    #: why this replica sends nothing; empty when it does
    not_sending: str
    ending: Ending
    #: what must be at work as long as the bridge is
    duties: "list[asyncio.Task[None]]"


@contextlib.asynccontextmanager
async def running(settings: Settings, *, reread: Callable[[], Settings] | None = None) -> AsyncIterator[Running]:
    """A bridge without its socket: store open, worker at work; drained and closed at the end."""
    certificates = Certificates(clock=utcnow)
    fresh = Fresh(settings, reread or (lambda: settings), certificates)
    marked = fresh.marks()  # before the files are read: what changes meanwhile is noticed
    loaded = load_library(settings, certificates=certificates)
    store = await open_store(settings.database_url.reveal(), exclusive=True)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        stack.push_async_callback(certificates.aclose)
        wire = Wire(
            settings.base_url,
            settings.token.reveal() if settings.token else "",
            timeout_seconds=settings.timeout_seconds,
            amount_unit="major" if settings.amount_unit is Unit.MAJOR else "minor",
        )
        stack.push_async_callback(wire.aclose)
        rescued = await _begun(store, loaded, wire.fingerprint, settings.rate)
        metrics = Metrics(__version__)
        alarms = Alarms(settings, loaded, metrics)
        stack.push_async_callback(alarms.aclose)
        reloader = Reloader(
            library=loaded,
            load=fresh.library,
            look=fresh.marks,
            seen=await store.sources_seen(),
            marked=marked,
            memory=store,
            metrics=metrics,
            clock=utcnow,
            tell=alarms.tell,
        )
        alarms.library = lambda: reloader.library
        lookups = await stack.enter_async_context(_looking(settings, reloader, store, metrics))
        worker = Worker(
            store=store,
            send=wire.send,
            pace=settings.rate,
            metrics=metrics,
            clock=utcnow,
            tell=alarms.tell,
            lookups=lookups,
        )
        bridge = _joined(settings, reloader, store, worker, metrics, alarms)
        _tell_start(settings, bridge, rescued)
        await stack.enter_async_context(_at_work(bridge, settings))
        yield bridge


async def _begun(store: Store, loaded: Library, fingerprint: str, pace: Pace) -> int:
    """Bring the store up to now: what a crash left, the tracker's address, the mappings' texts. How many rescued."""
    rescued = await store.rescue(now=utcnow())
    tracker = await store.greet(fingerprint, now=utcnow(), pace=pace)
    telling.left(await store.backlog(now=utcnow()), tracker, pace)
    for source in loaded.sources.values():
        await store.remember_revision(source.mapping.revision, source.name, source.mapping.text, now=utcnow())
    return rescued


def _looking(
    settings: Settings, reloader: Reloader, store: Store, metrics: Metrics
) -> contextlib.AbstractAsyncContextManager[Lookups | None]:
    """What asks Stripe before sales are sent, for those who have a key."""
    if settings.stripe_key is None:
        return contextlib.nullcontext()
    module = import_module("bridge.assembly.looking")  # for the same reason as below
    made: contextlib.AbstractAsyncContextManager[Lookups] = module.looking(settings, reloader, store, metrics)
    return made


def _joined(
    settings: Settings, reloader: Reloader, store: Store, worker: Worker, metrics: Metrics, alarms: Alarms
) -> Running:
    silence = Silence(library=alarms.library, ears=store, metrics=metrics, clock=utcnow, tell=alarms.tell)
    intake = Intake(store=store, metrics=metrics, clock=utcnow, wake=worker.wake, dry_run=settings.dry_run)
    webhooks = Webhooks(
        intake=intake,
        library=lambda: reloader.library,
        seen=lambda: reloader.seen,
        metrics=metrics,
        clock=utcnow,
        max_body=settings.max_body,
    )
    not_sending = "dry run" if settings.dry_run else "" if settings.token else "no token"
    duties: list[asyncio.Task[None]] = []
    health = Health(
        store=store,
        pulse=Pulse(store.ping),
        reloader=reloader,
        metrics=metrics,
        draining=lambda: webhooks.draining,
        working=lambda: not any(duty.done() for duty in duties),
        admin_token=settings.admin_token.reveal() if settings.admin_token else "",
        not_sending=not_sending,
        silent=lambda: silence.silent,
        clock=utcnow,
    )
    return Running(
        app=Bridge(webhooks, health),
        intake=intake,
        store=store,
        reloader=reloader,
        worker=worker,
        silence=silence,
        alarms=alarms,
        not_sending=not_sending,
        ending=Ending(),
        duties=duties,
    )


@contextlib.asynccontextmanager
async def _at_work(bridge: Running, settings: Settings) -> AsyncIterator[None]:
    """Deliver and keep house in the background; at the end, drain."""
    house = keep_house(bridge.store, retention_days=settings.retention_days, keys_days=settings.keys_days, clock=utcnow)
    watches = [_duty(bridge.reloader.run(), "reload"), _duty(bridge.silence.run(), "silence")]
    beside = [_duty(house, "house"), *watches, *_reconciling(bridge, settings)]
    tasks = [*beside]
    if not bridge.not_sending:
        bridge.duties.append(_duty(bridge.worker.run(), "worker"))
        tasks += bridge.duties
    try:
        yield
    finally:
        bridge.ending.begin()
        for task in beside:
            task.cancel()
        if bridge.duties:
            await bridge.worker.stop(within_seconds=bridge.ending.left(SENT_BY))
            await asyncio.wait(bridge.duties, timeout=bridge.ending.left(SETTLED_BY))
        for task in tasks:
            task.cancel()
        # what one of them raised was told when it ended, and must not keep the rest of the end from happening
        await asyncio.gather(*tasks, return_exceptions=True)


def _reconciling(bridge: Running, settings: Settings) -> "list[asyncio.Task[None]]":
    """The scheduled look at Stripe, where it is wanted."""
    if not settings.reconcile_every:
        return []
    if settings.stripe_key is None:
        logs.event(_log, logging.WARNING, "reconcile.off", why="STRIPE_API_KEY is not set")
        return []
    # Stripe's library costs time and memory: only those who use its API pay for it
    module = import_module("bridge.assembly.reconciling")
    work: Coroutine[None, None, None] = module.reconciled(
        settings, bridge.reloader, bridge.store, bridge.intake, bridge.alarms.tell
    )
    return [_duty(work, "reconcile")]


def _duty(work: Coroutine[None, None, None], name: str) -> "asyncio.Task[None]":
    """Do this in the background; an end by a bug is told at once."""

    def tell(task: "asyncio.Task[None]") -> None:
        error = None if task.cancelled() else task.exception()
        if error is not None:
            logs.event(_log, logging.ERROR, "bug", exception=error, where=name)

    task = asyncio.create_task(work)
    task.add_done_callback(tell)
    return task


def _tell_start(settings: Settings, bridge: Running, rescued: int) -> None:
    """Say once what is in force: sources on and off, warnings, whether anything is sent."""
    library = bridge.reloader.library
    sources = library.sources.values()
    logs.event(
        _log,
        logging.INFO,
        "starting",
        version=__version__,
        sources=", ".join(source.name for source in sources if source.is_on),
        off=", ".join(source.name for source in sources if not source.is_on),
        tracker=settings.base_url,
        rate=str(settings.rate),
        rescued=rescued,
    )
    for source in sources:
        if not source.is_on and not source.is_idle:
            logs.event(_log, logging.WARNING, "source.off", source=source.name, missing=", ".join(source.missing))
    for problem in library.problems:
        logs.event(_log, logging.WARNING, "mapping.warning", where=str(problem.place), what=problem.what)
    if bridge.not_sending:
        logs.event(_log, logging.WARNING, "not_sending", why=bridge.not_sending)
