"""`trackbridge explain`: what every rule and every expression makes of one payload. Needs no secret, stores nothing.

For people, in colour on a terminal, unless `--json` is asked for: a script says so, as with every other command.
"""

import argparse
import os
import re
import sys
from importlib import import_module

from bridge import mapping, sources
from bridge.cli.ending import Exit
from bridge.cli.mappings import add_mappings, source_named
from bridge.cli.options import add_json, settings_of
from bridge.cli.output import RED, paint, printable, say, say_json, talk
from bridge.cli.payload import example_named, no_example, read_example, read_payload
from bridge.config import Settings
from bridge.library import Source
from bridge.mapping.traces import Sent
from bridge.model import Payload, Webhook
from bridge.money import Unit
from bridge.read import Unreadable, read

EXAMPLE = "explain stripe payload.json"

#: Of a body that cannot be read, how much is shown around the place where that begins.
_AROUND = 40
_PLACE = re.compile(r" at line ([0-9]+), column ([0-9]+)")


def declare(parser: argparse.ArgumentParser) -> None:
    """A source, and a payload or one of its examples."""
    parser.add_argument("source", metavar="SOURCE", help="a source's name, or the path of its mapping")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument(
        "payload",
        nargs="?",
        metavar="PAYLOAD.json",
        help="the body of a webhook, or {headers, query, body}; - is stdin",
    )
    what.add_argument("--example", metavar="NAME", help="one of the mapping's examples, by its name or its file's")
    add_json(parser)
    add_mappings(parser)


def run(options: argparse.Namespace) -> int:
    """Explain; a payload that cannot be read is a failure."""
    settings = settings_of(options)
    source = source_named(options.source, settings, secretly=False)
    webhook = _webhook(source, options)
    verified = sources.sample(webhook)
    document = read(verified)
    if isinstance(document, Unreadable):
        _tell_unreadable(source, webhook, document.why, is_json=options.json)
        return Exit.FAILED
    explanation = mapping.explain(source.mapping, verified, document.value)
    if options.json:
        say_json(explanation.as_json(_sent(settings)))
    else:
        in_colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
        say(mapping.render(explanation, in_colour, _sent(settings)).rstrip("\n"))
    return Exit.DONE


def _webhook(source: Source, options: argparse.Namespace) -> Webhook:
    if options.example is None:
        return read_payload(options.payload, source.name)
    example = example_named(source, options.example)
    if example is None:
        raise no_example(source, options.example)
    return read_example(source, example)


def _sent(settings: Settings) -> Sent:
    """What the tracker would be told, in the unit that is set."""

    def sent(payload: Payload) -> tuple[str, str]:
        # the tracking package brings its HTTP client along: only who has something to show pays for that
        encode = import_module("bridge.tracking.request").encode
        request = encode(payload, "major" if settings.amount_unit is Unit.MAJOR else "minor")
        return request.path, request.body.decode()

    return sent


def _tell_unreadable(source: Source, webhook: Webhook, why: str, *, is_json: bool) -> None:
    """Say what would become of it, and show where it stops being readable."""
    kind = next((value.decode("latin-1") for value in webhook.header(b"content-type")), "none")
    if is_json:
        told = {"source": source.name, "file": str(source.file), "state": "unmapped", "reason": why}
        say_json(told | {"content_type": kind, "bytes": len(webhook.body), "events": []})
        return
    talk(f"{paint('unmapped', RED)}: {why}")
    talk(f"  {len(webhook.body):,} bytes, content type {printable(kind)}")
    for line in _around(webhook.body.decode("utf-8", "backslashreplace"), why):
        talk(f"    {line}")


def _around(body: str, why: str) -> list[str]:
    """The place where the body stops being readable, with a caret below it; its beginning where that is not said."""
    place = _PLACE.search(why)
    lines = body.split("\n")
    number, column = (int(place[1]), int(place[2])) if place else (1, 0)
    line = lines[number - 1] if number <= len(lines) else ""
    start = max(0, column - _AROUND)
    shown = "".join(char if char.isprintable() else "\ufffd" for char in line[start : start + 2 * _AROUND])
    if not shown.strip():
        return []
    return [shown, " " * (column - 1 - start) + "^"] if place else [shown]
