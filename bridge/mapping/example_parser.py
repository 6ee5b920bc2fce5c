"""One example's node → an Example: a webhook and the conversions it must become, each as a subset of fields."""

from typing import Literal

from bridge.mapping.reader import Reader
from bridge.mapping.rules import SALE_FIELDS, Example
from bridge.mapping.times import iso, time_of
from bridge.model import Json, Node

KEYS = ("name", "webhook", "expect")
#: What an expectation may name of a conversion, or of what went back.
EXPECTED = ("track", "record", "rule", "mode", *SALE_FIELDS, "of")

_STATES = ("ignored", "unmapped")


def example_of(node: Node, reader: Reader) -> Example | None:
    """Parse one example; None when a problem keeps it from being run."""
    given = reader.entries(node, "this example", KEYS) if not reader.is_lost(node) else {}
    if node.kind != "map":
        return None
    for key in KEYS:
        if key not in given:
            reader.note("missing-key", node.place, f'this example has no "{key}"')
    name = reader.text(given.get("name"), "name")
    webhook = reader.text(given.get("webhook"), "webhook")
    expect = _expect(given["expect"], reader) if "expect" in given else None
    if name is None or webhook is None or expect is None:
        return None
    return Example(name=name, place=node.place, webhook=webhook, webhook_place=given["webhook"].place, expect=expect)


def _expect(node: Node, reader: Reader) -> tuple[dict[str, Json], ...] | Literal["ignored", "unmapped"] | None:
    if reader.is_lost(node):
        return None
    if node.kind == "scalar":
        match reader.choice(node, "expect", _STATES):
            case "ignored":
                return "ignored"
            case "unmapped":
                return "unmapped"
            case _:
                return None
    if node.kind == "map":
        what = '"expect" must be a list of conversions, and it is a single one'
        reader.note("wrong-type", node.place, what, fix="put a dash before it; or write ignored or unmapped")
        return None
    if not node.items:
        reader.note("empty", node.place, '"expect" is an empty list', fix="write expect: ignored")
        return None
    return tuple(_conversion(item, reader) for item in node.items)


def _conversion(node: Node, reader: Reader) -> dict[str, Json]:
    return {key: _value(key, value, reader) for key, value in reader.entries(node, "expect", EXPECTED).items()}


def _value(key: str, node: Node, reader: Reader) -> Json:
    """What is expected of one field: text, null for "not there", an int for the amount."""
    if node.kind == "scalar" and node.plain and node.text in ("null", "~", ""):
        return None
    text = reader.text(node, key)
    match key:
        case "track":
            return reader.choice(node, key, ("lead", "sale"))
        case "record":
            return reader.choice(node, key, ("refund", "dispute"))
        case "mode":
            return reader.choice(node, key, ("deferred",))
        case "amount" if text is not None:
            return _amount(text, node, reader)
        case "timestamp" if text is not None:
            time = time_of(text)
            if time is None:
                what, fix = '"timestamp" cannot be read as a time', "write ISO 8601: 2026-04-10T12:34:56.000Z"
                reader.note("wrong-value", node.place, what, fix=fix)
            return iso(time) if time else None
        case _:
            return text


def _amount(text: str, node: Node, reader: Reader) -> Json:
    if text.isascii() and text.isdigit() and len(text) <= 15:
        return int(text)
    reader.note(
        "wrong-value",
        node.place,
        '"amount" is a whole number of minor units here',
        why="that is how amounts are kept and shown, whatever unit the source sends",
        fix="49.99 USD is 4999, 500 JPY is 500, 1.250 KWD is 1250",
    )
    return None
