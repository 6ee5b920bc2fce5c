"""`trackbridge dead`: the deliveries that need a person, and why each died; or those in any other state."""

import argparse
from collections.abc import Mapping, Sequence
from datetime import datetime

from bridge.cli.database import visit
from bridge.cli.described import DELIVERY_COLOURS, brief, delivery_json, place, why
from bridge.cli.ending import Exit
from bridge.cli.filters import add_filters, add_paging, counted, delivery_filter, is_narrowed, nothing_like, unheard
from bridge.cli.filters import text as looked_for
from bridge.cli.listing import Column, told
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import now, printable, relative, say, say_json, talk, width
from bridge.model import Delivery, DeliveryState
from bridge.store import Store
from bridge.store.reports import Line
from bridge.store.wanted import Page
from bridge.wording.tracker import customers

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

    async def work(store: Store) -> tuple[Page[Delivery], Mapping[int, Line], str]:
        page = await store.page_of_deliveries(wanted)
        return page, await store.lines([one.id for one in page.rows]), await unheard(store, options, page)

    page, lines, nobody = visit(settings_of(options), work)
    if options.json:
        say_json([delivery_json(delivery, lines.get(delivery.id, Line())) for delivery in page.rows])
    elif page.rows:
        say(told(_columns(page.rows, lines), width()))
    if page.rows:
        talk(counted(page, page.rows[-1].id) + _whose(page.rows, page.total) + _HINTS.get(state, ""))
    else:
        none = "nothing is recorded in a dry run" if state is DeliveryState.DRY_RUN else f"nothing is {state.value}"
        talk(printable(nobody or nothing_like(page, options, none)) if is_narrowed(options) else none)
    return Exit.DONE


def _whose(rows: Sequence[Delivery], total: int) -> str:
    """Of how many customers they are, when all are there to be counted."""
    return f", {customers(len({one.lane for one in rows}))}" if len(rows) == total else ""


_HINTS = {
    DeliveryState.WAITING: "; nothing waits behind them",
    DeliveryState.DEAD: "; nothing waits behind them"
    "; trackbridge replay ID sends one again, trackbridge dismiss ID gives it up",
    DeliveryState.DISMISSED: "; trackbridge replay ID sends one after all",
    DeliveryState.DELIVERED: "; trackbridge replay --again ID sends one once more",
}


def _columns(found: Sequence[Delivery], lines: Mapping[int, Line]) -> list[Column]:
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
        *_due(found, lines, moment),
        Column(name="why", cells=[_why(delivery, lines.get(delivery.id)) for delivery in found], least=28, enough=48),
    ]


def _due(found: Sequence[Delivery], lines: Mapping[int, Line], moment: datetime) -> list[Column]:
    if not any(delivery.state.is_open for delivery in found):
        return []
    # when it may go is not said of what stands behind another: that one's time counts
    behind = {number for number, line in lines.items() if line.front is not None}
    cells = ["" if delivery.id in behind else relative(delivery.due_at, moment) for delivery in found]
    return [Column(name="due", cells=cells, spare=1)]


def _why(delivery: Delivery, line: Line | None) -> str:
    """Why it is where it is; behind whom, or what stands behind it."""
    return "; ".join(part for part in (place(line), why(delivery)) if part)
