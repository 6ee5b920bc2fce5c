"""`trackbridge send`: sign an example as its source would, and post it to a running bridge.

It carries the mark of a sample, which the bridge honours behind the proof: recorded, never sent on. With `--live`
it goes the whole way. Its id is made new, so that sending it again is not met as a redelivery.
"""

import argparse
import json
import re
import secrets
from dataclasses import dataclass, replace
from pathlib import Path, PurePath
from urllib.parse import urlsplit

import httpx

from bridge.cli.ending import Exit, Failed
from bridge.cli.mappings import source_named
from bridge.cli.options import add_json, add_settings, settings_of
from bridge.cli.output import now, printable, say, say_json, talk
from bridge.cli.payload import read_example, read_payload
from bridge.config import Settings
from bridge.errors import did_you_mean
from bridge.library import Source
from bridge.model import Json, Webhook

EXAMPLE = "send stripe checkout_paid --live"

_SAMPLE = (b"trackbridge-test", b"1")
_PLAIN_PATH = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")
_TIMEOUT_SECONDS = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What the bridge said."""

    status: int
    text: str
    url: str


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
    webhook = chosen(source, options.example)
    if not options.same_id:
        webhook = with_new_id(webhook, source)
    if not options.live:
        webhook = replace(webhook, headers=(*webhook.headers, _SAMPLE))
    answer = post(signed(webhook, source), options.url or local_url(settings))
    if options.json:
        say_json({"url": answer.url, "status": answer.status, "answer": answer.text, "live": options.live})
    else:
        kind = "live" if options.live else "marked as a sample: recorded, never sent on (--live sends it on)"
        talk(f"POST {answer.url}  {len(webhook.body):,} bytes, {kind}")
        say(f"{answer.status} {printable(answer.text)}")
    return Exit.DONE if 200 <= answer.status <= 299 else Exit.FAILED


def chosen(source: Source, name: str | None) -> Webhook:
    """The webhook of the example with this name or file, of the first one, or in this file. Raises Failed."""
    examples = source.mapping.examples
    if name is None and not examples:
        raise Failed(f"{source.file} has no examples: name a file with a payload, or write one under `examples:`")
    for example in examples:
        if name in (None, example.name, PurePath(example.webhook).stem):
            return read_example(source, example)
    if name is not None and Path(name).is_file():
        return read_payload(name, source.name)
    stems = {PurePath(example.webhook).stem for example in examples}
    raise Failed(f'"{source.name}" has no example "{printable(name or "")}": {did_you_mean(name or "", stems)}')


def with_new_id(webhook: Webhook, source: Source) -> Webhook:
    """The same with another event id, where the mapping reads the id straight from the body."""
    expression = source.mapping.event.id
    if expression is None or not _PLAIN_PATH.fullmatch(expression.text):
        return webhook
    try:
        document: Json = json.loads(webhook.body)
    except ValueError:
        return webhook
    *outer, last = expression.text.split(".")
    holder = document
    for key in outer:
        holder = holder.get(key) if isinstance(holder, dict) else None
    if not isinstance(holder, dict) or not isinstance(holder.get(last), str):
        return webhook
    holder[last] = f"{holder[last]}_{secrets.token_hex(4)}"
    return replace(webhook, body=json.dumps(document, indent=2).encode())


def signed(webhook: Webhook, source: Source) -> Webhook:
    """The webhook with the source's proof. Raises Failed when a secret is missing."""
    if source.verifier is None:
        names = ", ".join(source.missing)
        raise Failed(f'"{source.name}" cannot be signed: {names} is not set\n  fix: set it here as it is set for serve')
    return source.verifier.sign(webhook, now(), event_id=f"msg_{secrets.token_hex(8)}")


def local_url(settings: Settings) -> str:
    """Where the bridge listens by these settings."""
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(settings.host, settings.host)  # noqa: S104  # compared, not bound
    return f"http://{f'[{host}]' if ':' in host and '[' not in host else host}:{settings.port}"


def post(webhook: Webhook, base: str) -> Answer:
    """Send a webhook as it stands. Raises Failed when there is no answer."""
    url = _url(webhook, base)
    try:
        answer = httpx.post(
            url, content=webhook.body, headers=list(webhook.headers), timeout=_TIMEOUT_SECONDS, trust_env=False
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Failed(
            f"{base}: no answer ({type(error).__name__})\n  fix: start `trackbridge serve`, or name another --url"
        ) from error
    return Answer(status=answer.status_code, text=answer.text, url=_without_secrets(url))


def _url(webhook: Webhook, base: str) -> str:
    path = "" if "/webhooks/" in urlsplit(base).path else f"/webhooks/{webhook.source}"
    token = f"/{webhook.token.decode()}" if webhook.token else ""
    query = f"?{webhook.query.decode()}" if webhook.query else ""
    return base.rstrip("/") + path + token + query


def _without_secrets(url: str) -> str:
    """The address without what may be a token: the query, and what follows the source's name."""
    parts = urlsplit(url)
    before, _, after = parts.path.partition("/webhooks/")
    return f"{parts.scheme}://{parts.netloc}{before}/webhooks/{after.partition('/')[0]}"
