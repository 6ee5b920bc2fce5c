"""Spans of time as a mapping writes them: a number and one letter, `90m`, `26h`, `7d`."""

import re
from datetime import timedelta
from typing import Final

from bridge.mapping.reader import Reader
from bridge.model import Node

#: One letter on purpose: "1d12h" and "P1D" are questions to ask oneself at night.
WRITTEN: Final = r"[1-9][0-9]{0,2}[mhd]"
_UNITS: Final = {"m": timedelta(minutes=1), "h": timedelta(hours=1), "d": timedelta(days=1)}


def span_of(node: Node | None, name: str, reader: Reader) -> timedelta | None:
    """A span of time; None when it was not given or is noted."""
    text = reader.text(node, name)
    if node is None or text is None:
        return None
    if not re.fullmatch(WRITTEN, text):
        fix = "write a number and m, h or d, such as 90m, 26h or 7d"
        reader.note("wrong-value", node.place, f'"{name}" is a span of time, got "{text[:40]}"', fix=fix)
        return None
    return int(text[:-1]) * _UNITS[text[-1]]
