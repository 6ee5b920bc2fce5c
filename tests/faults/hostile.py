"""Proven senders who send malice, and a mapping folder that is filled with it: kept, explained, and nothing more."""

import asyncio
import gzip
import hashlib
import hmac
import itertools
import json
import signal
import time
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.faults.load import GONE, Link, Load, a_request, holds, quantile
from tests.faults.report import Finding, Promises
from tests.faults.world import a_tracker, end, peak_mib, start
from tests.integration.admin.markup import read
from tests.support import BridgeProcess, a_checkout, bridge_process
from tests.unit.test_hostile_mapping import BOMBS

_MIB = 1024 * 1024
_ADMIN = "adm_of_some_length_for_faults"
_SECRET = "github-secret-of-some-length"
_KEPT = '"event":"mappings.kept"'
_STATUSES = frozenset({"accepted", "ignored", "unmapped", "duplicate"})


def _packed(data: bytes) -> dict[str, tuple[bytes, bytes]]:
    """The same in every coding that a sender may name: what it is called, and the bytes."""
    deflate = zlib.compressobj(wbits=-15)
    return {
        "gzip": (b"gzip", gzip.compress(data, 9)),
        "x-gzip": (b"x-gzip", gzip.compress(data, 6)),
        "gzip twice": (b"gzip, gzip", gzip.compress(gzip.compress(data))),
        "deflate": (b"deflate", zlib.compress(data)),
        "raw deflate": (b"deflate", deflate.compress(data) + deflate.flush()),
        "not what it says": (b"gzip", data[:_MIB]),
        "a coding nobody knows": (b"zstd", data[:1000] + b" "),
    }


async def compressed(folder: Path) -> list[Finding]:
    """Signed bodies in gzip and deflate, and bombs of 300 MiB: kept as they came, never unpacked."""
    bodies = {f"{name}, honest": one for name, one in _packed(json.dumps({"id": 1}).encode()).items()}
    bodies |= {f"{name}, a bomb": one for name, one in _packed(bytes(300 * _MIB)).items() if len(one[1]) < _MIB}
    requests = {name: _by_github(body, coding) for name, (coding, body) in bodies.items()}
    return [await _sent(folder, "compressed bodies and bombs", requests, frozenset({"unmapped"}))]


def _by_github(body: bytes, coding: bytes) -> bytes:
    """Signed by a sender whose bodies may be anything: Stripe's must be text to be proven at all."""
    digest = hmac.new(_SECRET.encode(), body, hashlib.sha256).hexdigest()
    head = f"POST /webhooks/github HTTP/1.1\r\nHost: bridge\r\nX-Hub-Signature-256: sha256={digest}\r\n"
    length = b"Content-Length: %d\r\nContent-Encoding: %s\r\n\r\n" % (len(body), coding)
    return head.encode() + length + body


def _nested(depth: int, inner: str = "1") -> str:
    return '{"a":' * depth + inner + "}" * depth


_numbers = itertools.count(1)


def _paid(**changes: str) -> str:
    """A genuine checkout in which these values are replaced by this JSON text."""
    text = a_checkout(f"odd{next(_numbers)}").decode()
    for name, value in changes.items():
        head, _, rest = text.partition(f'"{name}": ')
        end = min(place for place in (rest.find(","), rest.find("\n")) if place >= 0)
        text = f'{head}"{name}": {value}{rest[end:]}'
    return text


_TEXTS: dict[str, str] = {
    "64 levels": _nested(64),
    "65 levels": _nested(65),
    "100,000 levels": "[" * 100_000 + "]" * 100_000,
    "100,000 open brackets": "[" * 100_000,
    "300,000 values": json.dumps([0] * 300_000),
    "50,000 keys that are alike": "{" + ",".join(f'"{"a" * 10}{n}":0' for n in range(50_000)) + "}",
    "the same key 50,000 times": "{" + ",".join('"a":0' for _ in range(50_000)) + "}",
    "an id twice": '{"id":"evt_one","type":"x","livemode":true,"id":"evt_two"}',
    "NaN": _paid(amount_total="NaN"),
    "Infinity": _paid(amount_total="Infinity"),
    "an exponent of 10^9": _paid(amount_total="1e1000000000"),
    "an exponent of -10^9": _paid(amount_total="1e-1000000000"),
    "a number of 100,000 digits": _paid(amount_total="9" * 100_000),
    "a fraction of 100,000 digits": _paid(amount_total="0." + "9" * 100_000),
    "a number with a leading zero": _paid(amount_total="04999"),
    "a hexadecimal number": _paid(amount_total="0x1387"),
    "a negative amount": _paid(amount_total="-4999"),
    "an amount as an object": _paid(amount_total='{"__class__": 1}'),
    "half a pair": _paid(customer='"\\ud83d"', payment_intent='"pi_\\udc00"'),
    "NULs": _paid(customer='"cus\\u0000_1"', payment_intent='"pi\\u0000"'),
    "a terminal's escapes": _paid(customer='"\\u001b[2J\\u001b]0;x\\u0007"', payment_intent='"pi_\\u009b31m"'),
    "lines for a log": _paid(customer='"a\\n{\\"level\\":\\"info\\"}\\r\\n"', payment_intent='"pi_\\u2028\\u0085"'),
    "HTML": _paid(customer='"<script>alert(1)</script>"', payment_intent='"pi_<img src=x onerror=y>"'),
    "SQL": _paid(customer='"\'; DROP TABLE events; --"', payment_intent='"pi_\\" OR 1=1"'),
    "a name of Python": _paid(customer='"__class__.__mro__"', payment_intent='"{0.__class__}%s%n"'),
    "an id of 200,000 letters": _paid(payment_intent='"' + "x" * 200_000 + '"'),
    "text from right to left": _paid(customer='"\\u202egnp.exe"', payment_intent='"pi_\\u2066"'),
    "a byte order mark": "\ufeff" + _paid(),
    "two documents": _paid() + _paid(),
    "a comment": "// a\n" + _paid(),
    "single quotes": _paid().replace('"', "'"),
    "nothing": "",
    "white space of 1 MB": " " * 1_000_000,
    "a string of 1 MB": '"' + "\\u0041" * 160_000 + '"',
}


async def odd_json(folder: Path) -> list[Finding]:
    """Signed bodies that try the reader: each is kept with what became of it."""
    requests = {name: a_request(text.encode()) for name, text in _TEXTS.items()}
    return [await _sent(folder, "JSON tricks", requests, _STATUSES)]


async def _sent(folder: Path, fault: str, requests: Mapping[str, bytes], allowed: frozenset[str]) -> Finding:
    """Send each, and see that it is answered 200, kept, shown, and nobody else's trouble."""
    promises, told = Promises(), Counter[str]()
    with (
        a_tracker(folder) as tracker,
        bridge_process(folder, GITHUB_WEBHOOK_SECRET=_SECRET, TRACKBRIDGE_ADMIN_TOKEN=_ADMIN) as bridge,
    ):
        bridge.settings["CMS_BASE_URL"] = tracker.url
        await start(bridge)
        load, link = Load(bridge, "h"), Link(bridge.port)
        before, slowest = peak_mib(bridge), 0.0
        for number, (name, request) in enumerate(requests.items()):
            begun = time.perf_counter()
            try:
                status, body = await link.ask(request)
            except GONE:
                status, body = 0, b""
            slowest = max(slowest, time.perf_counter() - begun)
            said = str(json.loads(body).get("status", "")) if status == 200 else str(status)
            told[said] += 1
            promises.hold(f"{name}: {said}, expected {' or '.join(sorted(allowed))}", when=said in allowed)
            await load.one(link, f"h{number}", customer=f"cus_h{number}")
        link.close()
        pages = await _pages(bridge, len(requests))
        promises.hold(f"{pages} admin pages, of senders nothing but text on them", when=pages > 2 * len(requests))
        growth = peak_mib(bridge) - before
        promises.hold(f"little memory (it grew by {growth:.0f} MiB)", when=growth < 150)
        promises.hold("webhooks between them are answered 200", when={200} == set(load.statuses))
        for arguments in (["--limit", "1000"], ["--limit", "1000", "--json"], ["show", "1"], ["show", "2", "--json"]):
            shown = await asyncio.to_thread(bridge.run, "events", *arguments)
            promises.hold(f"events {arguments[0]}: nothing that a terminal obeys", when=_is_plain(shown.stdout))
        lost, doubled = await tracker.lost(load.acknowledged), tracker.repeats()
        promises.hold("an orderly end", when=await end(bridge) == 0)
        promises.hold("every line of the log is one JSON object", when=_is_whole(bridge.log))
        promises.hold("no bug in the log", when='"bug"' not in bridge.log and "Traceback" not in bridge.log)
    return Finding(
        fault=fault,
        times=len(requests),
        acknowledged=len(load.acknowledged) + sum(told[word] for word in allowed),
        lost=lost,
        doubled=doubled,
        broken=promises.broken,
        detail=f"{', '.join(f'{word} {count}×' for word, count in sorted(told.items()))}; the slowest took "
        f"{slowest * 1000:.0f} ms; {pages} admin pages; memory grew by {growth:.0f} MiB",
    )


async def _pages(bridge: BridgeProcess, many: int) -> int:
    """How many admin pages were shown; none when one of them holds what is not of our templates."""
    bearer = {"authorization": f"Bearer {_ADMIN}"}
    async with httpx.AsyncClient(base_url=bridge.url, headers=bearer, timeout=20) as client:
        paths = ["", "/events", "/deliveries?state=any", "/sources", "/events?text=script"]
        pages = [await client.get(f"/admin{path}") for path in [*paths, *(f"/events/{n + 1}" for n in range(2 * many))]]
    is_ours = all(page.status_code == 200 and not read(page.text).odd for page in pages)
    return len(pages) if is_ours else 0


def _is_plain(text: str) -> bool:
    return all(char.isprintable() or char == "\n" for char in text)


def _is_whole(log: str) -> bool:
    try:
        return all(isinstance(json.loads(line), dict) for line in log.split("\n") if line)
    except ValueError:
        return False


async def yaml_bombs(folder: Path) -> list[Finding]:
    """Bombs in the mapping folder of a running bridge: the set in force stays, and webhooks are answered meanwhile."""
    promises, mappings = Promises(), folder / "mappings"
    mappings.mkdir()
    with a_tracker(folder) as tracker, bridge_process(folder, CMS_BASE_URL=tracker.url) as bridge:
        await start(bridge)
        load, before = Load(bridge, "y"), peak_mib(bridge)
        pouring = asyncio.create_task(load.pour(clients=2, seconds=110))
        for name, text in BOMBS.items():
            (mappings / "bomb.yaml").write_text(text, encoding="utf-8")
            promises.hold(f"{name}: it is told, and nothing changes", when=await _is_kept_out(bridge))
        (mappings / "bomb.yaml").unlink()
        load.stopped = True
        await pouring
        growth = peak_mib(bridge) - before
        promises.hold("every webhook is answered 200 meanwhile", when={200} == set(load.statuses))
        lost, doubled = await tracker.lost(load.acknowledged), tracker.repeats()
        promises.hold("an orderly end", when=await end(bridge) == 0)
        promises.hold("no bug in the log", when='"bug"' not in bridge.log and "Traceback" not in bridge.log)
    return [
        Finding(
            fault="YAML bombs in the mapping folder",
            times=len(BOMBS),
            acknowledged=len(load.acknowledged),
            lost=lost,
            doubled=doubled,
            broken=promises.broken,
            detail=f"webhooks meanwhile: half within {quantile(load.seconds, 0.5):.0f} ms, the slowest "
            f"{quantile(load.seconds, 1.0):.0f} ms; memory grew by {growth:.0f} MiB",
        )
    ]


async def _is_kept_out(bridge: BridgeProcess) -> bool:
    """Ask for a reload; whether the set in force was kept."""
    assert bridge.process is not None
    before = bridge.log.count(_KEPT)
    bridge.process.send_signal(signal.SIGHUP)
    return await holds(lambda: bridge.log.count(_KEPT) > before)
