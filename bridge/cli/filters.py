"""What narrows events and deliveries down, in the same words for every command that lists or changes them."""

import argparse

from bridge.cli.ending import Exit
from bridge.cli.options import count, moment
from bridge.cli.output import clock, talk
from bridge.errors import did_you_mean
from bridge.model import DeliveryState, EventState
from bridge.store import Store
from bridge.store.wanted import DeliveryFilter, EventFilter, Page

#: Where `--grep` looks; the store's search says the same.
LOOKED_AT = (
    "ids, keys, types, accounts and reasons of events; customers, rules, reasons, event names, invoice ids, click ids, "
    "names and e-mail addresses of deliveries; never bodies"
)


def add_filters(parser: argparse.ArgumentParser) -> None:
    """Give the command what narrows its events or deliveries down."""
    parser.add_argument("--source", metavar="NAME", help="only of this source")
    parser.add_argument("--customer", metavar="ID", help="only of this customer_external_id")
    parser.add_argument("--since", type=moment, metavar="WHEN", help="not older than 30m, 12h, 7d, or an ISO 8601 time")
    parser.add_argument("--until", type=moment, metavar="WHEN", help="not younger than that")
    parser.add_argument("--grep", type=text, metavar="TEXT", help=f"only with this text, in any case, in {LOOKED_AT}")


def add_paging(parser: argparse.ArgumentParser) -> None:
    """Give the command what limits a listing."""
    parser.add_argument("--limit", type=count, default=50, metavar="N", help="at most so many, newest first (50)")
    parser.add_argument("--before", type=number, metavar="ID", help="only those before this number: the page after it")


def add_selection(parser: argparse.ArgumentParser) -> None:
    """Give the command what narrows deliveries or events down that it is about to change."""
    parser.add_argument("--reason", type=text, metavar="TEXT", help="only with this text, in any case, as reason")
    parser.add_argument("--after", type=number, metavar="ID", help="only those after this number: where it was stopped")


def text(given: str) -> str:
    """A text to look for."""
    if not given.strip():
        raise argparse.ArgumentTypeError("expected a text to look for")
    return given


def number(given: str) -> int:
    """The number of an event or a delivery, as listings print it; `d12` is 12."""
    digits = given.removeprefix("d")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 18):
        raise argparse.ArgumentTypeError(f'expected a number as listings print it, got "{given}"')
    return int(digits)


def count_or_none(given: str) -> int:
    """A number of things, none among them."""
    return 0 if given == "0" else count(given)


def event_state(given: str) -> str:
    """The name of an event's state; of a delivery's it says where that is asked."""
    states = [state.value for state in EventState]
    if given in states:
        return given
    if given in {state.value for state in DeliveryState}:
        hint = f"that is a delivery's state: trackbridge dead --state {given}"
        raise argparse.ArgumentTypeError(f"expected {', '.join(states)}; {hint}")
    raise argparse.ArgumentTypeError(f'expected {", ".join(states)}, got "{given}"')


async def unheard(store: Store, options: argparse.Namespace, page: Page[object]) -> str:
    """That the source which is asked for never sent anything, where that is why nothing is found."""
    if page.rows or options.source is None:
        return ""
    seen = await store.sources_seen()
    if options.source in seen:
        return ""
    hint = did_you_mean(options.source, seen) if seen else "nor from any other"
    return f'nothing ever came from "{options.source}": {hint}'


def _check_span(options: argparse.Namespace) -> None:
    """Nothing is before its beginning: whoever asks so has mixed the two up. Raises SystemExit as argparse does."""
    if options.since is not None and options.until is not None and options.until < options.since:
        talk(f"--until ({clock(options.until)}) is before --since ({clock(options.since)}): nothing lies between them")
        raise SystemExit(Exit.USAGE)


def event_filter(options: argparse.Namespace, state: EventState | None = None) -> EventFilter:
    """The events that are meant."""
    _check_span(options)
    return EventFilter(
        source=options.source,
        state=state,
        since=options.since,
        until=options.until,
        customer=options.customer,
        grep=options.grep,
        before=getattr(options, "before", None),
        after=getattr(options, "after", None),
        limit=getattr(options, "limit", 50),
    )


def delivery_filter(options: argparse.Namespace, *states: DeliveryState) -> DeliveryFilter:
    """The deliveries that are meant."""
    _check_span(options)
    return DeliveryFilter(
        states=states,
        source=options.source,
        since=options.since,
        until=options.until,
        customer=options.customer,
        reason=getattr(options, "reason", None),
        grep=options.grep,
        before=getattr(options, "before", None),
        after=getattr(options, "after", None),
        limit=getattr(options, "limit", 50),
    )


def is_narrowed(options: argparse.Namespace, *also: str) -> bool:
    """Whether any filter narrows it down; `also` names further options of a command that do."""
    names = ("source", "customer", "since", "until", "grep", "before", "reason", *also)
    return any(getattr(options, name, None) is not None for name in names)


def counted(page: Page[object], last: int | None) -> str:
    """How many of how many are shown, and how to see the ones before; `last` is the oldest that is shown."""
    total = f"more than {page.total:,}" if page.is_more else f"{page.total:,}"
    line = f"{len(page.rows):,} of {total}"
    if last is not None and page.total > len(page.rows):
        line += f"; older: --before {last}"
    elif page.searched_to is not None:
        line += f"; searched down to {page.searched_to}; further: --before {page.searched_to}"
    return line


def nothing_like(page: Page[object], options: argparse.Namespace, what: str) -> str:
    """That filters let nothing through, and where was looked."""
    line = f"{what} like this"
    if options.grep is not None:
        line += f'; "{options.grep}" was looked for in {LOOKED_AT}'
    if page.searched_to is not None:
        line += f"; searched down to {page.searched_to}; further: --before {page.searched_to}"
    return line
