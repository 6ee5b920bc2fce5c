"""`trackbridge send`: sign an example as its source would, and post it to a running bridge.

It carries the mark of a sample, which the bridge honours behind the proof: recorded, never sent on. With `--live`
it goes the whole way. Its id is made new, so that sending it again is not met as a redelivery.
"""

import argparse
import asyncio
import secrets
from dataclasses import replace
from pathlib import Path

from bridge.cli.ending import Exit, Failed
from bridge.cli.mappings import source_named
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import now, printable, say, say_json, talk
from bridge.cli.payload import example_named, no_example, read_example, read_payload
from bridge.config import Settings
from bridge.demo.samples import SAMPLE_MARK, signed, with_new_id
from bridge.demo.sender import NoAnswerError, post
from bridge.errors import CannotSign
from bridge.library import Source
from bridge.model import Webhook

EXAMPLE = "send stripe checkout_paid --live"


def declare(parser: argparse.ArgumentParser) -> None:
    """A source and one of its examples."""
    parser.add_argument("source", metavar="SOURCE", help="a source's name")
    parser.add_argument(
        "example",
        nargs="?",
        metavar="EXAMPLE",
        help="an example's name or its file's, or any file with a payload (default: the first example)",
    )
    parser.add_argument(
        "--url", help="where the bridge is, such as https://hooks.example.com (default: by the settings)"
    )
    parser.add_argument("--live", action="store_true", help="not marked as a sample: what it means goes to the tracker")
    parser.add_argument("--same-id", action="store_true", help="leave the event's id as it is: a redelivery")
    add_json(parser)
    add_settings(parser, "TRACKBRIDGE_MAPPINGS", "TRACKBRIDGE_HOST", "TRACKBRIDGE_PORT")


def run(options: argparse.Namespace) -> int:
    """Send one, print the answer; anything but a 2xx is a failure."""
    settings = settings_of(options)
    source = source_named(options.source, settings, secretly=True)
    webhook = _prepared(source, options)
    base = options.url or local_url(settings)
    try:
        answer = asyncio.run(post(webhook, base))
    except NoAnswerError as error:
        fix = "start `trackbridge serve`, or name another --url"
        raise Failed(f"{printable(base)}: no answer ({error})\n  fix: {fix}") from error
    if options.json:
        say_json({"url": answer.url, "status": answer.status, "answer": answer.text, "live": options.live})
    else:
        kind = "live" if options.live else "marked as a sample: recorded, never sent on (--live sends it on)"
        talk(f"POST {answer.url}  {len(webhook.body):,} bytes, {kind}")
        say(f"{answer.status} {printable(answer.text)}")
    return Exit.DONE if 200 <= answer.status <= 299 else Exit.FAILED


def _prepared(source: Source, options: argparse.Namespace) -> Webhook:
    """The chosen webhook with its id, its mark and its proof. Raises Failed when it cannot be proven here."""
    if source.verifier is None:
        names = ", ".join(source.missing)
        raise Failed(f'"{source.name}" cannot be signed: {names} is not set\n  fix: set it here as it is set for serve')
    suffix = secrets.token_hex(4)
    webhook = chosen(source, options.example)
    if not options.same_id:
        webhook = with_new_id(webhook, source, suffix)
    if not options.live:
        webhook = replace(webhook, headers=(*webhook.headers, SAMPLE_MARK))
    try:
        return signed(webhook, source.verifier, now(), suffix)
    except CannotSign as error:
        raise Failed(f'"{source.name}" cannot be signed here: {error}') from None


def chosen(source: Source, name: str | None) -> Webhook:
    """The webhook of the example with this name or file, of the first one, or in this file. Raises Failed."""
    examples = source.mapping.examples
    if name is None and not examples:
        raise Failed(f"{source.file} has no examples: name a file with a payload, or write one under `examples:`")
    example = examples[0] if name is None else example_named(source, name)
    if example is not None:
        return read_example(source, example)
    if name is not None and Path(name).is_file():
        return read_payload(name, source.name)
    raise no_example(source, name or "")


def local_url(settings: Settings) -> str:
    """Where the bridge listens by these settings."""
    host = settings.near_host
    return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
