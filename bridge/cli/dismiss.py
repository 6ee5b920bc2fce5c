"""`trackbridge dismiss`: give deliveries up. What a person dismissed, a person can replay."""

import argparse

from bridge.cli.changes import tell_changes
from bridge.cli.database import visit
from bridge.cli.filters import number
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import now

EXAMPLE = "dismiss 14"


def declare(parser: argparse.ArgumentParser) -> None:
    """Deliveries by number."""
    parser.add_argument("ids", nargs="+", type=number, metavar="ID", help="a delivery's number in trackbridge dead")
    parser.add_argument("--only", action="store_true", help="leave its duplicates be: the oldest takes its place")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_DATABASE_URL")


def run(options: argparse.Namespace) -> int:
    """Dismiss; it fails when one of them cannot be."""
    ids = list(dict.fromkeys(options.ids))
    changes = visit(settings_of(options), lambda store: store.dismiss(ids, only=options.only, now=now()))
    return tell_changes(changes, done="dismissed", undone="not dismissed", is_json=options.json)
