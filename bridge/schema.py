"""The JSON Schema of a mapping file, whole: the language's part with what `verify:` may hold under each scheme.

Which keys go with which scheme, and which must be there, is asked of the sources' own parser, one key at a time; so
the schema cannot say something else. What one axis of an hmac means for another, `trackbridge check` says.
"""

import json
from collections.abc import Iterable
from enum import Enum
from typing import Final

from bridge import sources
from bridge.errors import Place
from bridge.mapping import schema
from bridge.mapping.glossary import Word
from bridge.mapping.schema import Schema
from bridge.model import Json, Node
from bridge.sources.hmac_parser import AXES
from bridge.sources.scheme import Algorithm, Encoding, Greeting, KeyForm, Unit

#: The file's name beside mappings; editors find it there by the first line of each.
FILE: Final = "mapping.schema.json"

WORDS: Final = {
    "scheme": Word("How the sender proves itself: its name, hmac with every axis, token, basic, or none.", ("hmac",)),
    "secret": Word(
        "The secret as a variable, never the secret itself. A list while it is being changed, the new one first.",
        ("${SHOP_WEBHOOK_SECRET}",),
    ),
    "header": Word("The header with the signature or the token; a list where a sender has two.", ("X-Signature",)),
    "query": Word("The query parameter with the token.", ("key",)),
    "path": Word("true: the token follows the source's name, /webhooks/SOURCE/SECRET."),
    "prefix": Word("The text before the token in its header, the space included.", ("Bearer ",)),
    "pattern": Word("Where in that header things stand. Default: {signature}.", ("t={timestamp},v1={signature}",)),
    "algorithm": Word("The hash. Default: sha256."),
    "encoding": Word("How the signature is written. Default: hex."),
    "key": Word("How the key is written in the secret: the text as it is (utf8), base64, hex, whsec. Default: utf8."),
    "signed": Word("The signed bytes, in order. Default: {body}.", ("{timestamp}.{body}",)),
    "timestamp": Word("Where the signed time stands, when it is not in the pattern."),
    "tolerance": Word("How many seconds the signed time may be from now, both ways. Default: 300."),
    "id": Word("Where the signed id stands, when it is not in the pattern."),
    "url": Word("The address as the sender was given it, for {url}.", ("https://hooks.example.com/webhooks/shop",)),
    "handshake": Word("Whose handshake this sender makes besides its webhooks."),
    "verify_token": Word("What Meta's GET is let in by, as a variable.", ("${META_VERIFY_TOKEN}",)),
    "unit": Word("How the time is written: s, ms or iso. Default: s."),
    "part": Word("The name of the pattern's part that holds the time.", ("t",)),
}

#: Text that no variable may stand in.
_PLAIN: Final = r"^(?=[\s\S]*\S)(?![\s\S]*\$\{)"
_HEADER: Final[Schema] = {
    "type": ["string", "number", "boolean"],
    "pattern": r"^[!#$%&'*+.^_`|~0-9A-Za-z-]+$",
    "not": {"enum": ["null", "Null", "NULL", "~"]},
}
_TEXT: Final[Schema] = {"type": ["string", "number", "boolean"], "pattern": _PLAIN}
_SECRET: Final[Schema] = schema.one_or_more(schema.TEXT)


def document() -> Schema:
    """The schema of a mapping file."""
    return schema.document(_verify(), _verify_of_extended())


def text() -> str:
    """The schema as it is written to a file."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


def _verify() -> Schema:
    return schema.closed(_properties(), required=["scheme"]) | {"allOf": [_rules_of(*one) for one in _groups()]}


def _verify_of_extended() -> Schema:
    """Beside `extends` only what differs is written; with another scheme, all of it."""
    return schema.closed(_properties()) | {"if": {"required": ["scheme"]}, "then": {"allOf": _verify()["allOf"]}}


def _properties() -> Schema:
    kinds: dict[str, Schema] = {
        "scheme": {"enum": [*sources.SCHEMES]},
        "secret": _SECRET,
        "header": schema.one_or_more(_HEADER),
        "path": {"enum": [True, "true"]},
        "pattern": _TEXT | {"pattern": _PLAIN + r"[\s\S]*\{signature\}"},
        "signed": _TEXT | {"pattern": _PLAIN + r"[\s\S]*\{body\}"},
        "algorithm": _words(Algorithm),
        "encoding": _words(Encoding),
        "key": _words(KeyForm),
        "timestamp": schema.closed(
            {
                "header": _told("header", _HEADER),
                "part": _told("part", _TEXT),
                "unit": _told("unit", _words(Unit)),
            }
        ),
        "tolerance": {"type": ["integer", "string"], "minimum": 1, "maximum": 86_400, "pattern": "^[0-9]{1,5}$"},
        "id": schema.closed({"header": _told("header", _HEADER)}),
        "url": {"type": "string", "pattern": r"^(https?://|\$\{)"},
        "handshake": _words(Greeting),
        "verify_token": schema.TEXT,
    }
    return {key: _told(key, kinds.get(key, _TEXT)) for key in _keys()}


def _keys() -> tuple[str, ...]:
    return tuple(dict.fromkeys(("scheme", "secret", "header", "query", "path", "prefix", *AXES)))


def _told(key: str, kind: Schema) -> Schema:
    return schema.described(WORDS[key], kind)


def _words(choices: type[Enum]) -> Schema:
    return {"enum": [choice.value for choice in choices]}


def _groups() -> list[tuple[list[str], list[str], Schema]]:
    """Schemes with the same keys and needs, those keys, and the needs."""
    groups: dict[str, tuple[list[str], list[str], Schema]] = {}
    for name in sources.SCHEMES:
        keys = [key for key in _keys() if not _has("unknown-key", _asked(name, key), key)]
        needs = _needs(name, keys)
        names, _, _ = groups.setdefault(json.dumps([keys, needs]), ([], keys, needs))
        names.append(name)
    return list(groups.values())


def _needs(scheme: str, keys: Iterable[str]) -> Schema:
    """What must stand beside the scheme: keys without which its own problem remains, one token's place."""
    missing = _codes(scheme)
    needed: Json = [
        *(["secret"] if "missing-secret" in missing else []),
        *(key for key in keys if "missing-key" in missing and "missing-key" not in _codes(scheme, key)),
    ]
    if "token-place" not in missing:
        return {"required": needed}
    places: Json = [{"required": [key]} for key in keys if "token-place" not in _codes(scheme, key)]
    one_header: Schema = {"properties": {"header": _HEADER}, "dependentRequired": {"prefix": ["header"]}}
    return {"required": needed, "oneOf": places, **one_header}


def _rules_of(names: list[str], keys: list[str], needs: Schema) -> Schema:
    asked: Schema = {"properties": {"scheme": {"enum": [*names]}}, "required": ["scheme"]}
    return {"if": asked, "then": {"propertyNames": {"enum": [*keys]}, **needs}}


def _asked(scheme: str, *keys: str) -> Node:
    """`verify:` with this scheme, and these keys with something under them."""
    written = [("scheme", scheme), *((key, "x") for key in keys if key != "scheme")]
    entries = tuple((_scalar(key, key), _scalar(value, "")) for key, value in written)
    return Node(kind="map", place=Place(file=""), entries=entries)


def _scalar(text: str, file: str) -> Node:
    return Node(kind="scalar", place=Place(file=file), text=text)


def _codes(scheme: str, *keys: str) -> set[str]:
    return {problem.code for problem in sources.parse(_asked(scheme, *keys))[1]}


def _has(code: str, verify: Node, key: str) -> bool:
    return any(problem.code == code and problem.place.file == key for problem in sources.parse(verify)[1])
