"""`trackbridge remap`: apply today's rules to events that are stored, and show what becomes of each.

What was never attempted is replaced, a dead letter succeeded by a new delivery; what was attempted or delivered is only
shown. Business keys are kept, so nothing counts twice. One short transaction for each event, oldest first; stopped in
between, it says where to go on, and doing all of it again changes nothing.
"""

import argparse
import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from bridge.cli.batches import Progress, in_batches
from bridge.cli.changes import tell_left
from bridge.cli.database import visit
from bridge.cli.ending import Exit, Failed, failed
from bridge.cli.filters import add_filters, event_filter, is_narrowed, number
from bridge.cli.mappings import in_force
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import now, printable, say, say_json, talk
from bridge.cli.remapped import Tried, as_json, told
from bridge.config import Settings
from bridge.library import Library, Source
from bridge.model import DeliveryState, EventState, StoredEvent
from bridge.remap import Reread, reread
from bridge.store import Store
from bridge.store.reports import Remap
from bridge.store.wanted import DeliveryFilter, EventFilter

EXAMPLE = "remap --state unmapped --source stripe --dry-run"

_STATES = (*(state.value for state in EventState), "dead")
_WHICH = "name events by their numbers or their source's ids, or narrow them down, such as by --state unmapped"


def declare(parser: argparse.ArgumentParser) -> None:
    """Events by number or filter."""
    parser.add_argument("references", nargs="*", metavar="ID", help="an event's number, or its source's id")
    add_filters(parser)
    parser.add_argument(
        "--state", choices=_STATES, metavar="STATE", help=f"only in this state: {', '.join(_STATES)} (a delivery is)"
    )
    parser.add_argument("--after", type=number, metavar="ID", help="only those after this number: where it was stopped")
    parser.add_argument("--dry-run", action="store_true", help="show what would become of each, and change nothing")
    parser.add_argument("-v", "--verbose", action="store_true", help="name events of which nothing differs, too")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_MAPPINGS", "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """Remap; it fails when one of them cannot be."""
    is_filtered = is_narrowed(options, "state", *([] if options.references else ["after"]))
    if bool(options.references) == is_filtered:
        talk(_WHICH)
        return Exit.USAGE
    settings = settings_of(options)
    if settings.dry_run and not options.dry_run:
        raise Failed("TRACKBRIDGE_DRY_RUN is on: nothing may be made that is sent\n  fix: unset it, or add --dry-run")
    loaded = in_force(settings, secretly=False)
    if loaded.errors:
        raise failed(loaded.errors)
    progress = _worked(options, settings, loaded)
    if options.json:
        say_json([as_json(tried) for tried in progress.results])
    else:
        _tell_all(progress.results, options)
    if progress.left:
        return tell_left(progress.left, progress.results[-1].stored.id if progress.results else 0)
    return Exit.FAILED if any(tried.remapped is None for tried in progress.results) else Exit.DONE


def _worked(options: argparse.Namespace, settings: Settings, loaded: Library) -> Progress[Tried]:
    async def work(store: Store) -> Progress[Tried]:
        remapper = _Remapper(store=store, loaded=loaded, rehearses=options.dry_run)
        label = "rehearsing" if options.dry_run else "remapping"
        return await in_batches(await _meant(store, options), remapper.portion, label, together=20)

    return visit(settings, work)


async def _meant(store: Store, options: argparse.Namespace) -> list[int]:
    """The events by number, oldest first: what is new then stands in its lane in order."""
    if options.references:
        found = [await store.find_events(reference) for reference in options.references]
        for reference, events in zip(options.references, found, strict=True):
            if not events:
                raise Failed(f'there is no event "{printable(reference)}": trackbridge events lists them')
        return sorted({one.id for events in found for one in events if one.id > (options.after or 0)})
    if options.state == "dead":
        return await _with_dead(store, options)
    return await store.event_ids(event_filter(options, EventState(options.state) if options.state else None))


async def _with_dead(store: Store, options: argparse.Namespace) -> list[int]:
    wanted = DeliveryFilter(states=(DeliveryState.DEAD,), source=options.source, customer=options.customer)
    dead = await store.deliveries_by_id(await store.delivery_ids(wanted))
    events = {delivery.event_id for delivery in dead}
    return [event for event in await store.event_ids(event_filter(options)) if event in events]


@dataclass(slots=True, kw_only=True)
class _Remapper:
    """Reads events anew and brings that into effect, or rehearses it."""

    store: Store
    loaded: Library
    rehearses: bool
    #: revisions whose text the store has
    known: set[str] = field(default_factory=set)

    async def portion(self, numbers: Sequence[int]) -> Sequence[Tried]:
        """Some events, in order; the store may commit them together, but does each whole or not at all."""
        found = []
        for event_id in numbers:
            found += await self.store.events(EventFilter(after=event_id - 1, before=event_id + 1))
        again = [self._again(stored) for stored in found]
        for stored in found:
            await self._remember(self.loaded.sources.get(stored.event.source))
        return await asyncio.gather(*(self._done(stored, one) for stored, one in zip(found, again, strict=True)))

    def _again(self, stored: StoredEvent) -> Reread:
        source = self.loaded.sources.get(stored.event.source)
        if source is None:
            return Reread(why=f"there is no mapping for {stored.event.source} any more")
        return reread(stored, source.mapping)

    async def _done(self, stored: StoredEvent, again: Reread) -> Tried:
        if again.meaning is None:
            return Tried(stored=stored, why=again.why)
        remapped = await self.store.remap(stored.id, again.meaning, now=now(), rehearse=self.rehearses)
        why = "" if remapped is not None else "it was forgotten meanwhile"
        return Tried(stored=stored, remapped=remapped, why=why, notes=again.notes, is_rehearsal=self.rehearses)

    async def _remember(self, source: Source | None) -> None:
        """Keep the mapping's text: serve may not have loaded it yet."""
        if source is None or self.rehearses or source.mapping.revision in self.known:
            return
        await self.store.remember_revision(source.mapping.revision, source.name, source.mapping.text, now=now())
        self.known.add(source.mapping.revision)


def _tell_all(results: Sequence[Tried], options: argparse.Namespace) -> None:
    if not results:
        talk("no events like these")
        return
    shown = [tried for tried in results if options.verbose or options.references or tried.is_worth_telling]
    if shown:
        say("\n\n".join("\n".join(told(tried)) for tried in shown))
    for line in _summary(results, is_rehearsal=options.dry_run):
        talk(line)


def _summary(results: Sequence[Tried], *, is_rehearsal: bool) -> Iterator[str]:
    changed = sum(1 for tried in results if tried.is_change)
    impossible = sum(1 for tried in results if tried.remapped is None)
    parts = [f"{changed:,} {'would change' if is_rehearsal else 'changed'}"]
    same = len(results) - changed - impossible
    parts.append("1 stays as it is" if same == 1 else f"{same:,} stay as they are")
    parts += [f"{impossible:,} cannot be remapped"] if impossible else []
    events = "1 event" if len(results) == 1 else f"{len(results):,} events"
    yield f"{events}: {', '.join(parts)}" + ("; nothing was changed" if is_rehearsal else "")
    counts = dict.fromkeys(Remap, 0)
    for tried in results:
        for change in tried.remapped.changes if tried.remapped is not None else ():
            counts[change.what] += 1
    told_kinds = [f"{number:,} {what.value}" for what, number in counts.items() if number and what is not Remap.SAME]
    if told_kinds:
        yield f"deliveries: {', '.join(told_kinds)}"
    dead = sum(1 for tried in results if _stays_dead(tried))
    if dead:
        yield f"{dead:,} with a dead letter that is the same by today's rules: trackbridge replay sends it as it is"


def _stays_dead(tried: Tried) -> bool:
    changes = tried.remapped.changes if tried.remapped is not None else ()
    return any(
        change.what is Remap.SAME and change.before is not None and change.before.state is DeliveryState.DEAD
        for change in changes
    )
