"""`trackbridge dead`: the deliveries that need a person, and why each died."""

import argparse

from bridge.cli.database import visit
from bridge.cli.described import conversion, delivery_json
from bridge.cli.ending import Exit
from bridge.cli.options import add_json, add_listing, add_settings, settings_of
from bridge.cli.output import now, relative, say, say_json, table, talk, width
from bridge.model import Delivery, DeliveryState
from bridge.store.base import DeliveryFilter

EXAMPLE = "dead --since 7d --json"


def declare(parser: argparse.ArgumentParser) -> None:
    """The listing."""
    add_listing(parser)
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """List dead deliveries, newest first, and say what can be done."""
    wanted = DeliveryFilter(
        states=(DeliveryState.DEAD,),
        source=options.source,
        since=options.since,
        customer=options.customer,
        limit=options.limit,
    )
    found = visit(settings_of(options), lambda store: store.deliveries(wanted))
    if options.json:
        say_json([delivery_json(delivery) for delivery in found])
    elif found:
        header = ("delivery", "event", "recorded", "source", "what", "customer", "tries", "why")
        say(table(header, _rows(found), most=width()))
        talk("trackbridge replay ID sends one again, trackbridge dismiss ID gives it up")
    else:
        talk("nothing is dead")
    return Exit.DONE


def _rows(found: list[Delivery]) -> list[tuple[str, ...]]:
    moment = now()
    return [
        (
            str(delivery.id),
            str(delivery.event_id),
            relative(delivery.created_at, moment),
            delivery.source,
            conversion(delivery.payload),
            delivery.lane,
            str(delivery.tries),
            delivery.reason,
        )
        for delivery in found
    ]
