"""`trackbridge replay`: send dead or dismissed deliveries again, because a person says so.

The business key is kept: what another delivery has told the tracker meanwhile stays a duplicate, nothing counts twice.
"""

import argparse

from bridge.cli.changes import tell_changes
from bridge.cli.database import visit
from bridge.cli.described import conversion, delivery_json
from bridge.cli.ending import Exit
from bridge.cli.options import add_json, add_settings, delivery_id, settings_of
from bridge.cli.output import now, say, say_json, table, talk, width
from bridge.model import Delivery, DeliveryState
from bridge.store import Store
from bridge.store.base import Changed, DeliveryFilter

EXAMPLE = "replay 12 13"

#: More than any database holds.
_EVERY = 2**31


def declare(parser: argparse.ArgumentParser) -> None:
    """Deliveries by number, or all the dead."""
    parser.add_argument(
        "ids", nargs="*", type=delivery_id, metavar="ID", help="a delivery's number in trackbridge dead"
    )
    parser.add_argument("--all-dead", action="store_true", help="every delivery that is dead")
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and change nothing")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """Replay; it fails when one of them cannot be."""
    if bool(options.ids) == options.all_dead:
        talk("name deliveries by their numbers, or --all-dead; trackbridge dead lists them")
        return Exit.USAGE
    if options.dry_run:
        return _rehearse(options)

    async def work(store: Store) -> list[Changed]:
        ids = options.ids or [delivery.id for delivery in await _candidates(store, DeliveryState.DEAD)]
        return await store.replay(list(dict.fromkeys(ids)), now=now())

    changes = visit(settings_of(options), work)
    return tell_changes(changes, done="will be sent again", undone="not replayed", is_json=options.json)


def _rehearse(options: argparse.Namespace) -> int:
    found = visit(settings_of(options), lambda store: _candidates(store, DeliveryState.DEAD, DeliveryState.DISMISSED))
    chosen = [d for d in found if d.id in options.ids or (options.all_dead and d.state is DeliveryState.DEAD)]
    if options.json:
        say_json([delivery_json(delivery) for delivery in chosen])
    elif chosen:
        rows = [(str(d.id), d.state.value, conversion(d.payload), d.lane, d.reason) for d in chosen]
        say(table(("delivery", "now", "would send", "customer", "why it stopped"), rows, most=width()))
    others = sorted(set(options.ids) - {delivery.id for delivery in chosen})
    for number in others:
        talk(f"{number}: neither dead nor dismissed, or unknown: nothing to replay")
    if not chosen and not others:
        talk("nothing is dead")
    return Exit.FAILED if others else Exit.DONE


async def _candidates(store: Store, *states: DeliveryState) -> list[Delivery]:
    return await store.deliveries(DeliveryFilter(states=states, limit=_EVERY))
