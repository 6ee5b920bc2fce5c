"""`trackbridge explain`: what every rule and every expression makes of one payload. Needs no secret, stores nothing."""

import argparse
import os
import sys

from bridge import mapping, sources
from bridge.cli.ending import Exit
from bridge.cli.mappings import add_mappings, source_named
from bridge.cli.options import add_json, settings_of
from bridge.cli.output import say, say_json, talk
from bridge.cli.payload import read_payload
from bridge.read import Unreadable, read

EXAMPLE = "explain stripe payload.json"


def declare(parser: argparse.ArgumentParser) -> None:
    """A source and a payload."""
    parser.add_argument("source", metavar="SOURCE", help="a source's name, or the path of its mapping")
    parser.add_argument(
        "payload", metavar="PAYLOAD.json", help="the body of a webhook, or {headers, query, body}; - is stdin"
    )
    add_json(parser)
    add_mappings(parser)


def run(options: argparse.Namespace) -> int:
    """Explain; a payload that cannot be read is a failure."""
    source = source_named(options.source, settings_of(options), secretly=False)
    verified = sources.sample(read_payload(options.payload, source.name))
    document = read(verified)
    if isinstance(document, Unreadable):
        talk(f"unmapped: {document.why}")
        return Exit.FAILED
    explanation = mapping.explain(source.mapping, verified, document.value)
    if options.json:
        say_json(explanation.as_json())
    else:
        say(mapping.render(explanation, sys.stdout.isatty() and not os.environ.get("NO_COLOR")).rstrip("\n"))
    return Exit.DONE
