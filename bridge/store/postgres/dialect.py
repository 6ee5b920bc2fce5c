"""The verbs' SQL in PostgreSQL's words. It is written once, for SQLite; what differs is little, and is told here.

Only what the verbs use is known: a statement with something else fails at once in the contract suite, which runs every
verb on both. Each text is translated once.
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final

_ARGUMENT = r"(\?|:\w+|[\w.]+)"

_RULES: Final[tuple[tuple[re.Pattern[str], str | Callable[[re.Match[str]], str]], ...]] = (
    # a hint of SQLite's
    (re.compile(r" INDEXED BY \w+"), ""),
    # SQLite keeps the order of the tables with it; here it may have no condition
    (re.compile(r"\bCROSS JOIN (.*?\bON\b)", re.DOTALL), r"JOIN \1"),
    (
        re.compile(rf"json_each\({_ARGUMENT}\) AS (\w+)"),
        r"json_array_elements_text(CAST(\1 AS json)) WITH ORDINALITY AS \2(value, place)",
    ),
    (re.compile(rf"json_each\({_ARGUMENT}\)"), r"json_array_elements_text(CAST(\1 AS json)) AS each(value)"),
    (re.compile(r"\bwanted\.key\b"), "(wanted.place - 1)"),
    (re.compile(r"json_extract\(wanted\.value, '\$\[(\d)\]'\)"), r"(CAST(wanted.value AS json) ->> \1)"),
    (re.compile(r"\bAS INTEGER\)"), "AS BIGINT)"),
    (re.compile(r"\bIS (\?|:\w+)"), r"IS NOT DISTINCT FROM \1"),
    (re.compile(r"\bx''"), "''::bytea"),
)

#: In that order: a text, a name, a place. What stands in quotes is left alone.
_VALUES = re.compile(r"'[^']*'|(?<!:):([a-z_]+)|\?")


@lru_cache(maxsize=1024)
def translated(sql: str) -> str:
    """The statement as psycopg takes it."""
    for pattern, replacement in _RULES:
        sql = pattern.sub(replacement, sql)
    return _VALUES.sub(_value, sql)


def _value(match: re.Match[str]) -> str:
    if match[0] == "?":
        return "%s"
    return f"%({match[1]})s" if match[1] else match[0]
