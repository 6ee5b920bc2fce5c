"""`trackbridge dead`: the deliveries that need a person, and why each died; or those in any other state."""

import argparse
from collections.abc import Sequence
from datetime import datetime

from bridge.cli.database import visit
from bridge.cli.described import DELIVERY_COLOURS, brief, delivery_json
from bridge.cli.ending import Exit
from bridge.cli.filters import add_filters, add_paging, counted, delivery_filter, is_narrowed, nothing_like
from bridge.cli.filters import text as looked_for
from bridge.cli.listing import Column, told
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import now, printable, relative, say, say_json, talk, width
from bridge.model import Delivery, DeliveryState

EXAMPLE = "dead --since 7d --reason 422"


def declare(parser: argparse.ArgumentParser) -> None:
    """The listing."""
    add_filters(parser)
    parser.add_argument("--reason", type=looked_for, metavar="TEXT", help="only with this text, in any case, as reason")
    parser.add_argument(
        "--state",
        choices=[state.value for state in DeliveryState],
        metavar="STATE",
        help=f"instead of the dead, those that are {', '.join(s.value for s in DeliveryState if s.value != 'dead')}",
    )
    add_paging(parser)
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """List deliveries, newest first, and say what can be done."""
    state = DeliveryState(options.state or "dead")
    wanted = delivery_filter(options, state)
    page = visit(settings_of(options), lambda store: store.page_of_deliveries(wanted))
    if options.json:
        say_json([delivery_json(delivery) for delivery in page.rows])
    elif page.rows:
        say(told(_columns(page.rows), width()))
    if page.rows:
        talk(counted(page, page.rows[-1].id) + f"{_HINTS.get(state, '')}")
    else:
        none = "nothing is recorded in a dry run" if state is DeliveryState.DRY_RUN else f"nothing is {state.value}"
        talk(printable(nothing_like(page, options, none)) if is_narrowed(options) else none)
    return Exit.DONE


_HINTS = {
    DeliveryState.DEAD: "; trackbridge replay ID sends one again, trackbridge dismiss ID gives it up",
    DeliveryState.DISMISSED: "; trackbridge replay ID sends one after all",
    DeliveryState.DELIVERED: "; trackbridge replay --again ID sends one once more",
}


def _columns(found: Sequence[Delivery]) -> list[Column]:
    moment = now()
    colours = [DELIVERY_COLOURS[delivery.state] for delivery in found]
    return [
        Column(name="id", cells=[str(delivery.id) for delivery in found], colours=colours),
        Column(name="event", cells=[str(delivery.event_id) for delivery in found], last=4),
        Column(name="recorded", cells=[relative(delivery.created_at, moment) for delivery in found], last=2),
        Column(name="source", cells=[delivery.source for delivery in found], least=8, last=3),
        Column(name="what", cells=[brief(delivery.payload) for delivery in found], least=14),
        Column(name="customer", cells=[delivery.lane for delivery in found], least=10, last=5, keeps_end=True),
        Column(name="tries", cells=[str(delivery.tries) for delivery in found], last=6),
        *_due(found, moment),
        Column(name="why", cells=[_why(delivery) for delivery in found], least=28, enough=48),
    ]


def _due(found: Sequence[Delivery], moment: datetime) -> list[Column]:
    if not any(delivery.state.is_open for delivery in found):
        return []
    return [Column(name="due", cells=[relative(delivery.due_at, moment) for delivery in found], spare=1)]


def _why(delivery: Delivery) -> str:
    return delivery.reason or ", ".join(delivery.flags)
