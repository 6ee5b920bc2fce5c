"""`trackbridge forget`: remove a person's data, and keep what prevents double counting.

Bodies, headers, queries, explanations, payloads, the tracker's answers, click ids and customer ids go; event keys,
claims, amounts and invoice ids stay, unless an address is part of them. Afterwards the database's own files are looked
through for the address, byte by byte.
"""

import argparse
from collections.abc import Iterator

from bridge import forgetting
from bridge.cli.batches import meter
from bridge.cli.database import visit
from bridge.cli.described import brief
from bridge.cli.ending import Exit, Failed
from bridge.cli.filters import text
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import now, printable, say, say_json, talk
from bridge.forgetting import Found
from bridge.store import Store
from bridge.store.persons import Erased, Person
from bridge.wording.tracker import deliveries

EXAMPLE = "forget --email ada@example.com --dry-run"

#: A larger file is written anew only when that is asked for: it takes a while, and nobody else can write meanwhile.
_MOST_REWRITTEN = 256 << 20
_ANY_SIZE = 1 << 62


def declare(parser: argparse.ArgumentParser) -> None:
    """Whom to forget."""
    parser.add_argument(
        "--customer", type=text, action="append", default=[], metavar="ID", help="a customer_external_id"
    )
    parser.add_argument("--email", type=_email, action="append", default=[], metavar="E", help="an e-mail address")
    parser.add_argument(
        "--pending", action="store_true", help="dismiss what is still to be sent, or dead, of that person first"
    )
    parser.add_argument("--dry-run", action="store_true", help="count what would be removed, and change nothing")
    parser.add_argument("--rewrite", action="store_true", help="write the database anew, however large it is")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def _email(given: str) -> str:
    local, _, domain = given.strip().partition("@")
    if not local or "." not in domain or any(char.isspace() for char in given.strip()):
        raise argparse.ArgumentTypeError(f'expected an e-mail address, got "{given}"')
    return given.strip().lower()


def run(options: argparse.Namespace) -> int:
    """Find, and unless it is a rehearsal or something is still to be sent, remove."""
    if not options.customer and not options.email:
        talk("name whom: --customer ID or --email ADDRESS")
        return Exit.USAGE
    asked = Person(customers=frozenset(options.customer), emails=frozenset(options.email))

    async def work(store: Store) -> int:
        found = await _find(store, asked)
        if found.is_nothing and not options.dry_run:
            return await _nothing(store, found, options)
        _tell_found(found, is_rehearsal=options.dry_run, is_json=options.json)
        if options.dry_run:
            return Exit.DONE
        return await _removed(store, found, options)

    return visit(settings_of(options), work)


async def _find(store: Store, asked: Person) -> Found:
    total = (await store.newest()).event
    with meter("looking through events", total) as show:
        return await forgetting.find(store, asked, lambda seen: show(min(seen, total)))


async def _nothing(store: Store, found: Found, options: argparse.Namespace) -> int:
    """Nothing is kept by the tables; the files may still have a shadow of what was removed before."""
    remains = await _cleaned(store, found, options)
    if options.json:
        say_json(_as_json(found, Erased(), remains))
    else:
        talk("nothing is kept of that person")
        _tell_remains(found, remains)
    return Exit.FAILED if remains else Exit.DONE


async def _removed(store: Store, found: Found, options: argparse.Namespace) -> int:
    if found.under_way and not options.pending:
        raise Failed(
            f"{len(found.under_way)} of these are still to be sent, or dead: removing what they say would lose them\n"
            "  fix: wait until they are delivered, or dismiss them with --pending"
        )
    if found.under_way:
        stuck = await forgetting.end(store, found, now=now())
        if stuck:
            names = ", ".join(str(delivery.id) for delivery in stuck)
            raise Failed(f"delivery {names} is being sent right now; the others were dismissed. Try again in a moment")
    with meter("removing events", len(found.events)) as show:
        erased = await forgetting.erase(store, found, show)
    remains = await _cleaned(store, found, options)
    if options.json:
        say_json(_as_json(found, erased, remains))
    else:
        _tell_erased(erased)
        _tell_remains(found, remains)
    return Exit.FAILED if remains or erased.left else Exit.DONE


async def _cleaned(store: Store, found: Found, options: argparse.Namespace) -> int | None:
    """Clear away what was deleted, look at the bytes, write the file anew where a shadow is left.

    How many are left in the end; None when nobody can look into the files.
    """
    if not await store.fold():
        talk("warning: somebody reads all the time, so not all of it could be cleared away yet; run this again")
    remains = await store.remains(found.person)
    if remains is None:
        if options.rewrite and not await store.rewrite(most=_ANY_SIZE):
            talk("warning: somebody reads all the time, so not all was written anew; run this again")
        return None
    if not remains or not await forgetting.is_shadow(store, found.person):
        return 0
    if await store.rewrite(most=_ANY_SIZE if options.rewrite else _MOST_REWRITTEN):
        await store.fold()
        remains = await store.remains(found.person)
    return remains


def _tell_found(found: Found, *, is_rehearsal: bool, is_json: bool) -> None:
    if is_json:
        if is_rehearsal:
            say_json(_as_json(found, None, 0))
        return
    for line in _lines(found):
        say(printable(line))
    if is_rehearsal:
        talk("nothing was changed")


def _lines(found: Found) -> Iterator[str]:
    person = found.person
    yield f"events      {len(found.events):,}{_some(found.events)}"
    yield f"deliveries  {len(found.deliveries):,}"
    yield f"customers   {', '.join(sorted(person.customers)) or 'none'}"
    yield f"addresses   {', '.join(sorted(person.emails)) or 'none'}"
    if found.shared:
        yield f"batches     {len(found.shared):,}: their bodies go for all their items, which keep their deliveries"
    for customer in sorted(found.mixed):
        yield f"shared id   {customer}: other addresses are sent under it; only what names this person is removed"
    for delivery in found.under_way:
        yield f"to be sent  delivery {delivery.id}, {delivery.state.value}: {brief(delivery.payload)}"


def _some(events: tuple[int, ...]) -> str:
    shown = ", ".join(str(number) for number in events[:10])
    return f": {shown}" + (", …" if len(events) > 10 else "") if events else ""


def _tell_erased(erased: Erased) -> None:
    events = "1 event" if erased.events == 1 else f"{erased.events:,} events"
    say(f"removed     {events}, {deliveries(erased.deliveries)}; keys and claims stay")
    if erased.keys:
        keys = "1 key was" if erased.keys == 1 else f"{erased.keys:,} keys were"
        say(f"gone too    {keys} made of the address: what they kept out would count again, should it come again")
    if erased.left:
        talk(f"{len(erased.left)} events were left: something of them is under way again. Run this once more")


#: What is a PostgreSQL server's, nobody else can look into.
_OUT_OF_SIGHT = """\
the tables were cleaned. Into PostgreSQL's own files nobody can look from here: what was removed may stand in them
until it is written over (--rewrite writes the tables anew, and nobody reads or writes meanwhile), and longer in the
server's write-ahead log, on its standbys and in backups, which are yours to mend"""


def _tell_remains(found: Found, remains: int | None) -> None:
    if remains is None:
        talk(_OUT_OF_SIGHT)
    elif not found.person.emails:
        talk("no address is known of that person, so the database's files were not searched for one")
    elif remains:
        talk(f"the database's files still hold the address in {remains} places: run this again with --rewrite")
    else:
        talk("the database's files were looked through: no address is left there. Copies and backups are yours to mend")


def _as_json(found: Found, erased: Erased | None, remains: int | None) -> dict[str, object]:
    return {
        "customers": sorted(found.person.customers),
        "addresses": sorted(found.person.emails),
        "mixed_customers": sorted(found.mixed),
        "events": list(found.events),
        "deliveries": [delivery.id for delivery in found.deliveries],
        "batches": list(found.shared),
        "under_way": [delivery.id for delivery in found.under_way],
        "removed": None
        if erased is None
        else {"events": erased.events, "deliveries": erased.deliveries, "keys": erased.keys, "left": list(erased.left)},
        "remains": remains,
    }
