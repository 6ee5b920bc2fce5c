"""`trackbridge stripe connect`: Stripe's webhook endpoint sends exactly the event types that the mapping uses."""

import argparse
import asyncio
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from bridge.cli.ending import Exit, Failed
from bridge.cli.mappings import add_mappings
from bridge.cli.options import add_json, settings_of
from bridge.cli.output import say, say_json, talk
from bridge.cli.secret_file import SecretFile
from bridge.cli.stripe_key import key_of, stripe_source
from bridge.library import Source
from bridge.stripe_api import Endpoint, StripeApi, StripeTrouble, stripe_api


def declare(connect: argparse.ArgumentParser) -> None:
    """Where Stripe reaches us, and what to do with the secret."""
    connect.add_argument("--url", help="where Stripe reaches this bridge (default: TRACKBRIDGE_PUBLIC_URL)")
    connect.add_argument("--source", default="stripe", help="the mapping, and the last part of the URL")
    connect.add_argument("--connected-accounts", action="store_true", help="events of accounts connected to yours")
    connect.add_argument("--secret-file", type=Path, metavar="FILE", help="write a new secret there, readable by you")
    connect.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")
    add_json(connect)
    add_mappings(connect)


def run(options: argparse.Namespace) -> int:
    """Make or update the endpoint; say what was done."""
    settings = settings_of(options)
    source = stripe_source(options.source, settings)
    url = _address(options.url or settings.public_url or "", source.name)
    types = sorted(source.mapping.types)
    key = key_of(settings)
    file = SecretFile(options.secret_file) if options.secret_file else None

    async def work() -> dict[str, object]:
        async with stripe_api(key, base_url=settings.stripe_base_url) as api:
            return await _connected(api, url, types, options)

    try:
        done = asyncio.run(work())
    except StripeTrouble as error:
        raise Failed(str(error)) from error
    secret = str(done.pop("secret"))
    if file and secret:
        file.write(secret)
    if options.json:
        say_json(done | ({} if file or not secret else {"secret": secret}))
    else:
        _tell(done, source, secret, options)
    return Exit.DONE


async def _connected(api: StripeApi, url: str, types: Sequence[str], options: argparse.Namespace) -> dict[str, object]:
    """Make the endpoint, or bring the one of this URL up to date; what was done."""
    there = next((endpoint for endpoint in await api.endpoints() if _alike(endpoint.url) == url), None)
    if there is None:
        made, secret = (None, "") if options.dry_run else await _made(api, url, types, options)
        told: dict[str, object] = {"endpoint": made.id, "live": made.is_live} if made else {"endpoint": ""}
        return _done("created", told, url, added=list(types), removed=[], secret=secret, dry=options.dry_run)
    added = sorted(set(types) - there.types)
    removed = sorted(there.types - set(types))
    is_right = not added and not removed and there.is_enabled
    if not is_right and not options.dry_run:
        await api.update_endpoint(there.id, types)
    word = "unchanged" if is_right else "updated"
    told = {"endpoint": there.id, "live": there.is_live}
    return _done(word, told, url, added=added, removed=removed, secret="", dry=options.dry_run)


async def _made(api: StripeApi, url: str, types: Sequence[str], options: argparse.Namespace) -> tuple[Endpoint, str]:
    return await api.create_endpoint(url, types, connected=options.connected_accounts)


def _done(
    word: str, told: dict[str, object], url: str, *, added: list[str], removed: list[str], secret: str, dry: bool
) -> dict[str, object]:
    return {
        "done": word,
        "dry_run": dry,
        **told,
        "url": url,
        "added": added,
        "removed": removed,
        "secret": secret,
    }


def _tell(done: dict[str, object], source: Source, secret: str, options: argparse.Namespace) -> None:
    would = "would be " if done["dry_run"] and done["done"] != "unchanged" else ""
    talk(f"{would}{done['done']}: {done['url']} {done['endpoint']}".rstrip())
    for sign, name in (("+", "added"), ("-", "removed")):
        listed = done[name]
        for kind in listed if isinstance(listed, list) else ():
            talk(f"  {sign} {kind}")
    if done.get("live") is False:
        talk("this key is one of test mode: what this endpoint sends is recorded, and never sent on as a sale")
    if options.connected_accounts and done["done"] != "created":
        talk("Stripe does not tell whether this one sends events of connected accounts: if not, delete it there first")
    variable, secret_file = _variable(source), options.secret_file
    if secret and secret_file:
        talk(f"the signing secret is in {secret_file}: set {variable}_FILE={secret_file} where trackbridge runs")
    elif secret:
        talk("the signing secret, shown this once; put this line into .env (or your secret store) and reload:")
        say(f"{variable}={secret}")
    elif done["done"] != "created":
        talk(f"the signing secret stays as it is: {variable} (Stripe shows it under Developers, Webhooks)")


def _variable(source: Source) -> str:
    """The variable that the mapping takes its secret from, the newest where there are several."""
    first = next((node.text for node in source.mapping.verify.scalars() if node.text.startswith("${")), "")
    return first.strip("${}") or f"{source.name.upper().replace('-', '_')}_WEBHOOK_SECRET"


def _address(text: str, source: str) -> str:
    """The endpoint's URL: a bare host gets the path. Raises Failed when Stripe could not use it."""
    if not text:
        raise Failed("where does Stripe reach this bridge? give --url https://…, or set TRACKBRIDGE_PUBLIC_URL")
    parts = urlsplit(text)
    if parts.scheme != "https" or not parts.hostname:
        raise Failed(f'expected an address that begins with https://, got "{text}": Stripe sends to no other')
    if "@" in parts.netloc:
        raise Failed("leave user and password out of the address: webhooks are proven by their signature")
    before, hooks, last = f"{parts.path.rstrip('/')}/".partition("/webhooks/")
    if hooks and last.rstrip("/") not in ("", source):
        raise Failed(
            f"this is the address of another source: expected …/webhooks/{source}, or --source to name that one"
        )
    path = f"{before.rstrip('/')}/webhooks/{source}"
    return _alike(parts._replace(path=path, query="", fragment="").geturl())


def _alike(url: str) -> str:
    """The address as we write it: two of one endpoint are the same text."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.lower(), path=parts.path.rstrip("/")).geturl()
