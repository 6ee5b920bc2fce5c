"""One expression's text → its tree. The grammar is jmespath's own: its lexer and its parser read the text.

Their tree has no positions, and its literals have gone through float. So the tokens are laid beside it: every
name gets its offset, every backtick literal is read again with exact decimals. Errors say in plain words what is
wrong and where, counted in characters from 0.
"""

import json
from decimal import Decimal, InvalidOperation
from typing import Any, TypedDict, cast

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.lexer import Lexer

from bridge.mapping.slips import ExpressionError, told
from bridge.mapping.tree import (
    Both,
    Call,
    Chain,
    Comparison,
    Current,
    Either,
    Field,
    Filter,
    Flatten,
    Index,
    Items,
    Literal,
    Not,
    Pairs,
    Projection,
    Reference,
    Slice,
    Tree,
    ValueProjection,
)
from bridge.model import Json

__all__ = ["ExpressionError", "read"]

MOST_CHARACTERS = 4096
MOST_DEPTH = 40


class _Raw(TypedDict):
    """jmespath's tree."""

    type: str
    value: Any
    children: list["_Raw"]


def read(text: str) -> Tree:
    """Read an expression; raises ExpressionError and nothing else."""
    if len(text) > MOST_CHARACTERS:
        raise ExpressionError(f"an expression longer than {MOST_CHARACTERS:,} characters", 0)
    if not text.strip():
        raise ExpressionError("the expression is empty", 0)
    literals = _literals(text)
    try:
        return _Positions(text, literals).tree(jmespath.compile(text).parsed, 0)
    except JMESPathError as error:
        raise told(error, text) from None
    except RecursionError:
        raise ExpressionError("nested too deeply", 0) from None


class _Positions:
    """Walks jmespath's tree in the order it was written, taking each word's token as it comes."""

    def __init__(self, text: str, literals: dict[int, Json]) -> None:
        self._literals = literals
        kinds = ("unquoted_identifier", "quoted_identifier", "literal")
        self._words = iter([token for token in Lexer().tokenize(text) if token["type"] in kinds])

    def tree(self, raw: _Raw, depth: int) -> Tree:
        if depth > MOST_DEPTH:
            raise ExpressionError(f"nested deeper than {MOST_DEPTH} levels", 0)
        match raw["type"]:
            case "field":
                word = next(self._words)
                return Field(raw["value"], word["start"], word["type"] == "quoted_identifier")
            case "literal":
                start = next(self._words)["start"]
                return Literal(self._literals.get(start, raw["value"]), start)
            case "function_expression":
                offset = next(self._words)["start"]
                return Call(raw["value"], self._all(raw["children"], depth), offset)
            case "multi_select_dict":
                return Pairs(tuple(self._pair(child, depth) for child in raw["children"]))
            case "filter_projection":
                base, body, condition = raw["children"]
                # written as base[?condition]body
                base_tree, condition_tree = self._all([base, condition], depth)
                return Filter(base_tree, condition_tree, self.tree(body, depth + 1))
            case "index":
                return Index(raw["value"])
            case "slice":
                start_stop_step = cast("list[int | None]", raw["children"])
                return Slice(*start_stop_step)
            case "identity" | "current":
                return Current()
            case kind:
                return _composed(kind, raw, self._all(raw["children"], depth))

    def _all(self, raws: list[_Raw], depth: int) -> tuple[Tree, ...]:
        return tuple(self.tree(raw, depth + 1) for raw in raws)

    def _pair(self, raw: _Raw, depth: int) -> tuple[str, Tree]:
        next(self._words)
        return raw["value"], self.tree(raw["children"][0], depth + 1)


def _composed(kind: str, raw: _Raw, parts: tuple[Tree, ...]) -> Tree:
    """A tree whose parts stand in the order they were written."""
    match kind:
        case "subexpression" | "index_expression" | "pipe":
            return Chain(parts, piped=kind == "pipe")
        case "comparator":
            return Comparison(raw["value"], *parts)
        case "or_expression":
            return Either(*parts)
        case "and_expression":
            return Both(*parts)
        case "not_expression":
            return Not(*parts)
        case "expref":
            return Reference(*parts)
        case "projection":
            return Projection(*parts)
        case "value_projection":
            return ValueProjection(*parts)
        case "flatten":
            return Flatten(*parts)
        case "multi_select_list":
            return Items(parts)
        case _:
            raise ExpressionError(f"a form of expression that is not known here ({kind})", 0)


def _literals(text: str) -> dict[int, Json]:
    """Every backtick literal by its offset; whatever jmespath's lexer would misread or only warn of is an error."""
    found: dict[int, Json] = {}
    at = 0
    while at < len(text):
        char = text[at]
        if char in "\u2018\u2019\u201c\u201d\u00ab\u00bb":
            fix = "type it anew: ' around text, \" around a name"
            raise ExpressionError(f"{char} is a typographic quote", at, fix=fix)
        if char not in "'\"`":
            at += 1
            continue
        end = _closing(text, at)
        if char == "`":
            found[at] = _json(text[at + 1 : end].replace("\\`", "`"), at)
        at = end + 1
    return found


def _closing(text: str, start: int) -> int:
    at = start + 1
    while at < len(text) and text[at] != text[start]:
        at += 2 if text[at] == "\\" else 1
    if at >= len(text):
        raise ExpressionError(f"this {text[start]} is never closed", start, fix=f"close it with another {text[start]}")
    return at


def _json(lexeme: str, offset: int) -> Json:
    try:
        value: Json = json.loads(lexeme, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, InvalidOperation, RecursionError):
        word = lexeme.strip().strip('"')
        fix = f"text is written '{word}'" if word and "'" not in word else "text is written in single quotes"
        why = "between backticks stands JSON, such as `42`, `true` or `null`"
        raise ExpressionError("this is not JSON", offset, why=why, fix=fix) from None
    return value


def _no_constant(name: str) -> Json:
    raise ValueError(name)
