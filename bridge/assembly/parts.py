"""The parts of a bridge and how they are put together: everything but its socket and its signals."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from bridge import __version__
from bridge.assembly.alarms import Alarms
from bridge.assembly.beginning import begun, tell_start
from bridge.assembly.changing import Changes, InForce
from bridge.assembly.clock import utcnow
from bridge.assembly.described import HOUSE, RECONCILE, Described
from bridge.assembly.duties import duty
from bridge.assembly.ending import SENT_BY, SETTLED_BY, Ending
from bridge.assembly.fresh import Fresh, load_library
from bridge.assembly.line import Line
from bridge.assembly.pages import AdminPages
from bridge.assembly.stripe_side import StripeSide
from bridge.certificates import Certificates
from bridge.config import Settings
from bridge.intake import Intake
from bridge.metrics import Metrics
from bridge.reload import Reloader
from bridge.replicas import Membership
from bridge.silence import Silence
from bridge.store import open_store
from bridge.store.base import Store
from bridge.upkeep import Retention, keep_house, keep_rescuing
from bridge.web.app import Bridge
from bridge.web.attempts import Attempts
from bridge.web.health import Health, Pulse
from bridge.web.webhooks import Webhooks
from bridge.worker import Worker

#: How long what was cancelled may take to notice.
_LAST_SECONDS: Final = 1.0


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
    membership: Membership
    inforce: InForce
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
    store = await open_store(settings.database_url.reveal(), exclusive=True, keys=settings.encryption_keys)
    async with contextlib.AsyncExitStack() as stack:
        stack.push_async_callback(store.close)
        stack.push_async_callback(certificates.aclose)
        inforce, line, metrics = InForce(settings=settings), Line(settings), Metrics(__version__)
        stack.push_async_callback(line.aclose)
        alarms = Alarms(settings, loaded, metrics, store)
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
        membership = _member(store, inforce, reloader, alarms, metrics)
        rescued = await begun(store, loaded, line, inforce, membership)
        stack.push_async_callback(membership.leave)
        bridge = _joined(inforce, reloader, store, line, metrics, alarms, membership)
        stripe = _stripe_side(bridge, metrics)
        stack.push_async_callback(stripe.aclose)
        reloader.then = Changes(
            inforce=inforce,
            read=lambda: fresh.settings,
            store=store,
            line=line,
            worker=bridge.worker,
            alarms=alarms,
            stripe=stripe,
            changed=membership.changed,
        )
        tell_start(loaded, inforce, membership, rescued)
        await stripe.use(settings)
        await stack.enter_async_context(_at_work(bridge))
        yield bridge


def _member(store: Store, inforce: InForce, reloader: Reloader, alarms: Alarms, metrics: Metrics) -> Membership:
    """This replica among the others: when they work by something else, it reads its files again."""
    describe = Described(
        settings=lambda: inforce.settings, library=lambda: reloader.library, idle=lambda: inforce.not_sending
    )
    reread = partial(reloader.ask, "another replica works by something else")
    return Membership(rows=store, describe=describe, metrics=metrics, clock=utcnow, tell=alarms.tell, reread=reread)


def _worker(inforce: InForce, store: Store, line: Line, metrics: Metrics, alarms: Alarms) -> Worker:
    return Worker(
        store=store,
        send=line.send,
        pace=inforce.settings.rate,
        lease=inforce.lease,
        metrics=metrics,
        clock=utcnow,
        tell=alarms.tell,
        may_send=lambda: not inforce.not_sending,
        line=lambda: line.fingerprint,
    )


def _joined(
    inforce: InForce,
    reloader: Reloader,
    store: Store,
    line: Line,
    metrics: Metrics,
    alarms: Alarms,
    membership: Membership,
) -> Running:
    settings = inforce.settings
    worker = _worker(inforce, store, line, metrics, alarms)
    silence = Silence(library=alarms.library, ears=store, metrics=metrics, clock=utcnow, tell=alarms.tell)
    intake = Intake(store=store, metrics=metrics, clock=utcnow, wake=worker.wake, dry_run=settings.dry_run)
    webhooks = Webhooks(
        intake=intake,
        library=lambda: reloader.library,
        seen=lambda: reloader.seen | membership.sources,
        metrics=metrics,
        clock=utcnow,
        max_body=settings.max_body,
    )
    duties: list[asyncio.Task[None]] = []
    health = Health(
        store=store,
        pulse=Pulse(store.ping),
        reloader=reloader,
        metrics=metrics,
        draining=lambda: webhooks.draining,
        working=lambda: not any(task.done() for task in duties),
        admin_token=lambda: inforce.settings.admin_token.reveal() if inforce.settings.admin_token else "",
        attempts=Attempts(),
        not_sending=lambda: inforce.not_sending,
        membership=membership,
        silent=lambda: silence.silent,
        clock=utcnow,
    )
    return Running(
        app=Bridge(webhooks, health, AdminPages(inforce, health, intake, worker)),
        intake=intake,
        store=store,
        reloader=reloader,
        worker=worker,
        silence=silence,
        alarms=alarms,
        membership=membership,
        inforce=inforce,
        ending=Ending(),
        duties=duties,
    )


def _stripe_side(bridge: Running, metrics: Metrics) -> StripeSide:
    return StripeSide(
        store=bridge.store,
        reloader=bridge.reloader,
        worker=bridge.worker,
        intake=bridge.intake,
        metrics=metrics,
        tell=bridge.alarms.tell,
        turn=partial(bridge.membership.turn, RECONCILE),
    )


@contextlib.asynccontextmanager
async def _at_work(bridge: Running) -> AsyncIterator[None]:
    """Deliver and keep house in the background; at the end, drain."""
    beside = [
        duty(bridge.reloader.run(), "reload"),
        duty(bridge.silence.run(), "silence"),
        duty(bridge.membership.run(), "replicas"),
        duty(_house(bridge), "house"),
    ]
    if bridge.store.is_shared:
        beside.append(duty(keep_rescuing(bridge.store, clock=utcnow, wake=bridge.worker.wake), "rescue"))
    bridge.duties.append(duty(bridge.worker.run(), "worker"))
    try:
        yield
    finally:
        bridge.ending.begin()
        for task in beside:
            task.cancel()
        await bridge.worker.stop(within_seconds=bridge.ending.left(SENT_BY))
        await asyncio.wait(bridge.duties, timeout=bridge.ending.left(SETTLED_BY))
        for task in bridge.duties:
            task.cancel()
        # what one of them raised was told when it ended; neither that nor one that stays keeps the rest from happening
        await asyncio.wait([*beside, *bridge.duties], timeout=_LAST_SECONDS)


async def _house(bridge: Running) -> None:
    """Forget what retention allows, by the settings of then, while it is this replica that does."""

    def retention() -> Retention:
        settings = bridge.inforce.settings
        return Retention(days=settings.retention_days, keys_days=settings.keys_days)

    turn = partial(bridge.membership.turn, HOUSE)
    await keep_house(bridge.store, retention=retention, clock=utcnow, turn=turn)
