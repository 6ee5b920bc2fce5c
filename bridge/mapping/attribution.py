"""What a rule says of conversions without a click id: `without_click_id`, `wait` and `fill`, which go together."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Final, Literal, cast

from bridge.mapping.reader import Reader
from bridge.model import FillFrom, Node

#: By what an earlier click may be found, in the order in which they are asked.
FILLS: Final[tuple[FillFrom, ...]] = ("customer", "email")
WAIT_KEYS: Final = ("for", "up_to")

#: What `without_click_id: wait` stands for.
USUAL_WAIT: Final = timedelta(minutes=10)
MOST_WAIT: Final = timedelta(days=7)

_UNITS: Final = {
    "s": timedelta(seconds=1),
    "m": timedelta(minutes=1),
    "h": timedelta(hours=1),
    "d": timedelta(days=1),
}
_SPELT: Final = {"sec": "s", "second": "s", "min": "m", "minute": "m", "hour": "h", "hr": "h", "day": "d"}


@dataclass(frozen=True, slots=True)
class Attribution:
    """What becomes of a conversion without click id."""

    without: Literal["skip", "send", "wait"]
    wait: timedelta | None
    fill: tuple[FillFrom, ...]


def attribution_of(given: Mapping[str, Node], track: str, reader: Reader) -> Attribution:
    """Read the three keys; what is noted counts as not given."""
    without, fill = _without(given, reader), _fill(given, track, reader)
    wait = _wait(given["wait"], reader) if "wait" in given else USUAL_WAIT if without == "wait" else None
    if "wait" in given and without in ("skip", "send"):
        why = f"without_click_id: {without} waits for nothing"
        fix = "write without_click_id: wait, or leave it out"
        reader.note("wrong-value", given["wait"].place, f'"wait" beside without_click_id: {without}', why=why, fix=fix)
    usual: Literal["skip", "send", "wait"] = "send" if track == "sale" else "skip"
    return Attribution("wait" if wait is not None else without or usual, wait, fill)


def written(span: timedelta) -> str:
    """A span as a mapping would write it: the largest unit that it is a whole number of."""
    letter, unit = next((letter, unit) for letter, unit in reversed(_UNITS.items()) if not span % unit)
    return f"{span // unit}{letter}"


def _without(given: Mapping[str, Node], reader: Reader) -> Literal["skip", "send", "wait"] | None:
    word = reader.choice(given.get("without_click_id"), "without_click_id", ("skip", "send", "wait"))
    return cast("Literal['skip', 'send', 'wait'] | None", word)


def _wait(node: Node, reader: Reader) -> timedelta | None:
    if node.kind == "scalar" and node.text.strip() and not reader.is_lost(node):
        fix = "write wait: {for: click_id, up_to: 10m}"
        reader.note("wrong-type", node.place, '"wait" says for what and how long, and this is text', fix=fix)
        return None
    given = reader.entries(node, "wait", WAIT_KEYS) if not reader.is_lost(node) else {}
    for key in WAIT_KEYS:
        if node.kind == "map" and key not in given:
            fix = "write wait: {for: click_id, up_to: 10m}"
            reader.note("missing-key", node.place, f'this wait has no "{key}"', fix=fix)
    reader.choice(given.get("for"), "for", ("click_id",))
    return _span(given.get("up_to"), reader)


def _span(node: Node | None, reader: Reader) -> timedelta | None:
    text = reader.text(node, "up_to")
    if node is None or text is None:
        return None
    match = re.fullmatch(r"(0|[1-9][0-9]{0,8})([smhd])", text)
    if match is None:
        what = f'"up_to" is a span of time, got "{text[:40]}"'
        reader.note("wrong-value", node.place, what, fix=_meant(text) or "write a number and s, m, h or d, such as 10m")
        return None
    span = int(match[1]) * _UNITS[match[2]]
    if not _UNITS["s"] <= span <= MOST_WAIT:
        fix = "write at least 1s" if span < _UNITS["s"] else "write 7d, or less"
        reader.note("wrong-value", node.place, '"up_to" is from one second to seven days', fix=fix)
        return None
    return span


def _meant(text: str) -> str:
    """The span somebody spelt in another way; empty when it could be anything."""
    match = re.fullmatch(r"([0-9]{1,9})\s*([a-z]+?)s?", text.lower())
    unit = _SPELT.get(match[2], match[2] if match[2] in _UNITS else "") if match else ""
    return f"write {match[1]}{unit}" if match and unit else ""


def _fill(given: Mapping[str, Node], track: str, reader: Reader) -> tuple[FillFrom, ...]:
    node = given.get("fill")
    if node is None or reader.is_lost(node):
        return FILLS[:1]
    if track == "lead":
        why = "a lead goes with its own click id, or as the second half of a deferred one, which must have none"
        reader.note("sale-only", node.place, '"fill" belongs to a sale', why=why, fix="leave it out of a lead")
        return ()
    if node.kind == "list" and not node.items:
        return ()
    nodes = (node,) if node.kind == "scalar" else reader.items(node, "fill")
    words = [reader.choice(item, "fill", FILLS) for item in nodes]
    for number, (word, item) in enumerate(zip(words, nodes, strict=True)):
        if word is not None and word in words[:number]:
            reader.note("duplicate", item.place, f'"{word}" is listed twice in "fill"', fix="keep one")
    if "email" in words and not _has_email(given):
        why, fix = "without an address there is none to look for", "add it, or write fill: [customer]"
        reader.note("missing-field", node.place, 'fill: [email] needs the field "customer_email"', why=why, fix=fix)
    return tuple(word for word in FILLS if word in words)


def _has_email(given: Mapping[str, Node]) -> bool:
    return "fields" in given and given["fields"].get("customer_email") is not None
