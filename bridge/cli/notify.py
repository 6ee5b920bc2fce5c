"""`trackbridge notify`: a test notice to everybody who is to be told of troubles, before there are any."""

import argparse
import asyncio
import socket

from bridge import notices
from bridge.assembly import alarms
from bridge.cli.ending import Exit, Failed, failed
from bridge.cli.mappings import add_mappings, in_force
from bridge.cli.options import add_json, settings_of
from bridge.cli.output import now, say, say_json, table, width

EXAMPLE = "notify --source shop"


def declare(parser: argparse.ArgumentParser) -> None:
    """Everybody, or one source's."""
    parser.add_argument("--source", metavar="SOURCE", help="only the address that this mapping names")
    add_json(parser)
    add_mappings(parser)


def run(options: argparse.Namespace) -> int:
    """Tell each once, and say who took it; one that did not is a failure."""
    settings = settings_of(options)
    library = in_force(settings)
    if library.errors:
        raise failed(library.errors)
    outlets = [one for one in alarms.everybody(settings, library) if options.source in (None, one.source)]
    if not outlets:
        raise Failed(
            "nobody is to be told: set TRACKBRIDGE_NOTIFY_URL, or write `notify:` in a mapping and set its url"
        )
    notice = notices.trial(now(), by=socket.gethostname())
    results = asyncio.run(alarms.tried(outlets, notice))
    if options.json:
        say_json(
            [
                {"to": one.name, "format": one.format, "signed": one.key is not None, "arrived": not why, "why": why}
                for one, why in zip(outlets, results, strict=True)
            ]
        )
    else:
        rows = [
            (one.name, one.format, "yes" if one.key else "no", f"no: {why}" if why else "yes")
            for one, why in zip(outlets, results, strict=True)
        ]
        say(table(("TO", "FORMAT", "SIGNED", "ARRIVED"), rows, most=width()))
    return Exit.FAILED if any(results) else Exit.DONE
