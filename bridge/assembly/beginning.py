"""A replica begins: brings the store up to now, and says once what is in force."""

import logging

from bridge import __version__, logs, telling
from bridge.assembly.changing import InForce
from bridge.assembly.clock import utcnow
from bridge.assembly.line import Line
from bridge.library import Library
from bridge.replicas import Membership
from bridge.store.base import Store

_log = logs.get("bridge.serve")


async def begun(store: Store, loaded: Library, line: Line, inforce: InForce, membership: Membership) -> int:
    """Bring the store up to now: what a crash left, the tracker's address, the mappings' texts. How many rescued.

    Where others serve already, the rate's bucket and the trust in the tracker are theirs as well; one that sends
    nothing leaves the tracker's row alone.
    """
    await store.use_keys(inforce.settings.encryption_keys)
    rescued = await store.rescue(now=utcnow())
    for source in loaded.sources.values():
        await store.remember_revision(source.mapping.revision, source.name, source.mapping.text, now=utcnow())
    await membership.beat()
    pace = inforce.settings.rate
    if inforce.not_sending and membership.has_company:
        tracker = await store.tracker()
    else:
        tracker = await store.greet(line.fingerprint, now=utcnow(), pace=pace, joins=membership.has_company)
    telling.left(await store.backlog(now=utcnow()), tracker, pace)
    return rescued


def tell_start(library: Library, inforce: InForce, membership: Membership, rescued: int) -> None:
    """Say once what is in force: sources on and off, warnings, whether anything is sent."""
    sources = library.sources.values()
    logs.event(
        _log,
        logging.INFO,
        "starting",
        version=__version__,
        sources=", ".join(source.name for source in sources if source.is_on),
        off=", ".join(source.name for source in sources if not source.is_on),
        tracker=inforce.settings.base_url,
        rate=str(inforce.settings.rate),
        rescued=rescued,
        replica=membership.name,
        replicas=len(membership.live),
    )
    for source in sources:
        if not source.is_on and not source.is_idle:
            logs.event(_log, logging.WARNING, "source.off", source=source.name, missing=", ".join(source.missing))
    for problem in library.problems:
        logs.event(_log, logging.WARNING, "mapping.warning", where=str(problem.place), what=problem.what)
    if inforce.not_sending:
        logs.event(_log, logging.WARNING, "not_sending", why=inforce.not_sending)
