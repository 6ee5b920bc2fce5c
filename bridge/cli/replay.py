"""`trackbridge replay`: send dead or dismissed deliveries again, because a person says so; `--again`: delivered ones.

The business key is kept: what another delivery has told the tracker meanwhile stays a duplicate, nothing counts twice.
Many are done in short transactions, oldest first; stopped in between, it says where to go on.
"""

import argparse
from collections.abc import Sequence

from bridge.cli.batches import Progress, in_batches
from bridge.cli.changes import tell_changes, tell_left
from bridge.cli.database import visit
from bridge.cli.described import DELIVERY_COLOURS, brief, delivery_json, why
from bridge.cli.ending import Exit
from bridge.cli.filters import add_filters, add_selection, delivery_filter, is_narrowed, number
from bridge.cli.listing import Column, told
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import now, say, say_json, talk, width
from bridge.model import Delivery, DeliveryState
from bridge.store import Store
from bridge.store.base import Changed

EXAMPLE = "replay 12 13"

_STATES = (DeliveryState.DEAD, DeliveryState.DISMISSED, DeliveryState.DELIVERED)
_WARNING = (
    "warning: the tracker has been told of these. They go again under the same invoice ids, by which it can know a "
    "sale; a lead it may count twice."
)
_WHICH = "name deliveries by their numbers, or --all-dead, or filters such as --source and --since: one of the three"


def declare(parser: argparse.ArgumentParser) -> None:
    """Deliveries by number, by filter, or all the dead."""
    parser.add_argument("ids", nargs="*", type=number, metavar="ID", help="a delivery's number in trackbridge dead")
    parser.add_argument("--all-dead", action="store_true", help="every delivery that is dead")
    add_filters(parser)
    parser.add_argument(
        "--state",
        choices=[state.value for state in _STATES],
        help="those in this state (default: dead)",
    )
    add_selection(parser)
    parser.add_argument("--again", action="store_true", help="delivered ones, too: tell the tracker once more")
    parser.add_argument("--dry-run", action="store_true", help="say what would be sent, and change nothing")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """Replay; it fails when one of them cannot be."""
    is_filtered = is_narrowed(options, "state")
    if [bool(options.ids), options.all_dead, is_filtered].count(True) != 1:
        talk(_WHICH)
        return Exit.USAGE
    if options.state == DeliveryState.DELIVERED.value and not options.again:
        talk("delivered ones are sent again only with --again: the tracker has them already")
        return Exit.USAGE
    if options.again:
        talk(_WARNING)
    if options.dry_run:
        return _rehearse(options)

    async def work(store: Store) -> Progress[Changed]:
        async def replay(ids: Sequence[int]) -> Sequence[Changed]:
            return await store.replay(ids, now=now(), again=options.again)

        return await in_batches(await _meant(store, options), replay, "replaying")

    progress = visit(settings_of(options), work)
    code = tell_changes(
        progress.results,
        done="will be sent again",
        undone="not replayed",
        is_json=options.json,
        is_brief=not options.ids,
        nothing="nothing is dead" if options.all_dead else "no deliveries like these",
    )
    if progress.left:
        return tell_left(progress.left, progress.results[-1].delivery_id if progress.results else 0)
    return code


async def _meant(store: Store, options: argparse.Namespace) -> list[int]:
    if options.ids:
        return sorted(number for number in {*options.ids} if number > (options.after or 0))
    return await store.delivery_ids(delivery_filter(options, DeliveryState(options.state or "dead")))


def _rehearse(options: argparse.Namespace) -> int:
    """What would be done, and the payloads that would go."""

    async def work(store: Store) -> list[tuple[Changed, Delivery | None]]:
        async def rehearse(ids: Sequence[int]) -> list[tuple[Changed, Delivery | None]]:
            changes = await store.replay(ids, now=now(), again=options.again, rehearse=True)
            found = {delivery.id: delivery for delivery in await store.deliveries_by_id(ids)}
            return [(change, found.get(change.delivery_id)) for change in changes]

        return (await in_batches(await _meant(store, options), rehearse, "rehearsing")).results

    rehearsed = visit(settings_of(options), work)
    going = [delivery for change, delivery in rehearsed if change.done and delivery is not None]
    others = [change for change, _ in rehearsed if not change.done]
    if options.json:
        say_json([delivery_json(delivery) for delivery in going])
    elif going:
        say(told(_columns(going), width()))
    for change in others:
        talk(f"{change.delivery_id}: would not be replayed: {change.why}")
    talk(f"{len(going):,} would be sent again; nothing was changed")
    return Exit.FAILED if others else Exit.DONE


def _columns(going: Sequence[Delivery]) -> list[Column]:
    colours = [DELIVERY_COLOURS[delivery.state] for delivery in going]
    return [
        Column(name="id", cells=[str(delivery.id) for delivery in going]),
        Column(name="now", cells=[delivery.state.value for delivery in going], colours=colours, last=1),
        Column(name="would send", cells=[brief(delivery.payload) for delivery in going], least=14),
        Column(name="customer", cells=[delivery.lane for delivery in going], least=10, last=2, keeps_end=True),
        Column(name="why it stopped", cells=[why(delivery) for delivery in going], least=14),
    ]
