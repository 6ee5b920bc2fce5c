"""The JSON Schema of a mapping, built from the parser's own tables: what an editor completes, shows and underlines.

It says what stands where: keys, types, words, what needs what. It does not say whether an expression can work,
whether names are unique, or whether a shipped mapping of that name exists: `check` does. What the parser lets through
the schema lets through, but for blanks around a word in quotes.
"""

from collections.abc import Iterable, Mapping
from typing import Final

from bridge.mapping import example_parser, glossary, notify, parser, rule_parser
from bridge.mapping.attribution import FILLS, WAIT_KEYS
from bridge.mapping.glossary import Word
from bridge.mapping.rules import LEAD_FIELDS, RECORD_FIELDS, SALE_FIELDS
from bridge.mapping.spans import WRITTEN
from bridge.mapping.values import MOST_ID
from bridge.model import Json
from bridge.money import Unit
from bridge.notices import FORMATS, TOPICS

Schema = dict[str, Json]

_SLUG: Final = r"^\s*[a-z0-9][a-z0-9-]{0,63}\s*$"
#: One line: no control characters, and no spaces but plain ones.
_LINE: Final = r"^\s*(?=\S)[^\u0000-\u001f\u007f-\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]{1,%d}\s*$"
_SIGNS: Final = "|".join(sign.replace("|", r"\|").replace("{", r"\{") for sign in rule_parser.EXPRESSION_SIGNS)
_SALE_ONLY: Final = tuple(name for name in SALE_FIELDS if name not in LEAD_FIELDS)

_NAME: Final = r'([A-Za-z_][A-Za-z0-9_]*|"([^"\\\u0000-\u001f]|\\(["\\/bfnrt]|u[0-9a-fA-F]{4}))*")'
#: What is not kept: names joined by dots, [] for every item.
_PATH: Final = rf"^\s*({_NAME}|\[\])(\[\]|\.{_NAME})*\s*$"

#: YAML gives 42 and true a type of their own; the parser reads them as the text they are.
TEXT: Final[Schema] = {"type": ["string", "number", "boolean"], "pattern": r"\S"}
FLAG: Final[Schema] = {"anyOf": [{"type": "boolean"}, {"enum": ["true", "false"]}]}
SPAN: Final[Schema] = {"type": "string", "pattern": rf"^\s*{WRITTEN}\s*$"}
_EXPRESSION: Final[Schema] = {"type": "string", "pattern": r"\S", "maxLength": 4096}
#: From one second to seven days.
_WAIT: Final = (
    r"^\s*("
    r"([1-9][0-9]{0,4}|[1-5][0-9]{5}|60[0-3][0-9]{3}|604[0-7][0-9]{2}|604800)s"
    r"|([1-9][0-9]{0,3}|100[0-7][0-9]|10080)m"
    r"|([1-9][0-9]?|1[0-5][0-9]|16[0-8])h"
    r"|[1-7]d)\s*$"
)


def document(verify: Schema, verify_of_extended: Schema) -> Schema:
    """The schema of a whole mapping; the two ways to write `verify` are the sources' own."""
    properties = _described(parser.KEYS, glossary.MAPPING, _top(verify_of_extended))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "trackbridge mapping",
        "description": "One source's webhooks, and the leads and sales they mean.",
        "type": "object",
        "properties": properties,
        "additionalProperties": False,
        "if": {"required": ["extends"]},
        "then": {"properties": {"rules": _whole_unless_a_change()}},
        "else": {
            "required": ["source", "verify", "rules"],
            "properties": {"verify": verify, "rules": {"items": _ref("rule")}},
            "if": {"properties": {"rules": {"contains": {"type": "object", "required": ["types"]}}}},
            "then": {"required": ["event"], "properties": {"event": {"required": ["type"]}}},
        },
        "$defs": {
            "text": TEXT,
            "texts": one_or_more({"$ref": "#/$defs/text"}),
            "slug": {"type": ["string", "integer", "boolean"], "pattern": _SLUG, "minimum": 0},
            "flag": FLAG,
            "expression": _EXPRESSION,
            "expressions": one_or_more({"$ref": "#/$defs/expression"}),
            "field": {"anyOf": [{"$ref": "#/$defs/expression"}, {"$ref": "#/$defs/constant"}]},
            "constant": closed({"value": {"$ref": "#/$defs/text"}}, required=["value"]),
            "part": _part(),
            "rule": _rule(),
            "example": _example(),
            "conversion": _conversion(),
        },
    }


def closed(properties: Schema, *, required: Iterable[str] = ()) -> Schema:
    """An object of these keys and no other."""
    needed: Json = [*required]
    return {"type": "object", "properties": properties, "additionalProperties": False, "required": needed}


def one_or_more(schema: Schema) -> Schema:
    """One of these, or a list of them that is not empty."""
    return {"anyOf": [schema, a_list(schema)]}


def a_list(schema: Schema) -> Schema:
    """A list that is not empty."""
    return {"type": "array", "items": schema, "minItems": 1}


def described(word: Word, schema: Schema) -> Schema:
    """The schema with what an editor shows beside it."""
    examples: Schema = {"examples": [*word.examples]} if word.examples else {}
    return {"description": word.meaning, **schema, **examples}


def _described(keys: Iterable[str], words: Mapping[str, Word], kinds: Mapping[str, Schema]) -> Schema:
    return {key: described(words[key], kinds.get(key, _ref("expression"))) for key in keys}


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _top(verify: Schema) -> dict[str, Schema]:
    return {
        "extends": _ref("slug"),
        "source": _ref("slug"),
        "verify": verify,
        "event": closed(_described(parser.EVENT_KEYS, glossary.EVENT, {})),
        "send_test": _ref("flag"),
        "redact": one_or_more({"type": ["string", "boolean"], "pattern": _PATH}),
        "silence": SPAN,
        "notify": _notify(),
        "rules": a_list(_ref("part")),
        "examples": a_list(_ref("example")),
    }


def _notify() -> Schema:
    kinds: dict[str, Schema] = {
        "url": _ref("text"),
        "secret": _ref("text"),
        "format": {"enum": [*FORMATS]},
        "on": one_or_more({"enum": [*TOPICS]}),
    }
    return closed(_described(notify.KEYS, glossary.NOTIFY, kinds), required=["url"])


def _part() -> Schema:
    """The keys of a rule: all that a change of a shipped one must keep to."""
    fields = dict.fromkeys(SALE_FIELDS, _ref("field")) | {"of": _ref("expressions")}
    kinds: dict[str, Schema] = {
        "name": _ref("text"),
        "types": _ref("texts"),
        "track": {"enum": ["lead", "sale"]},
        "record": {"enum": [*rule_parser.RECORDS]},
        "event_name": {
            "type": ["string", "number", "boolean"],
            "pattern": _LINE % MOST_ID,
            "not": {"type": "string", "pattern": _SIGNS},
        },
        "fields": closed(_described(fields, glossary.FIELD, fields)),
        "unit": {"enum": [unit.value for unit in Unit]},
        "once_per": _ref("expressions"),
        "once_namespace": _ref("slug"),
        "mode": {"enum": ["deferred"]},
        "stop": _ref("flag"),
        "without_click_id": {"enum": ["skip", "send", "wait"]},
        "wait": _wait(),
        "fill": {"anyOf": [{"enum": [*FILLS]}, {"type": "array", "items": {"enum": [*FILLS]}}]},
        "when_unsure": {"enum": ["repeat", "hold"]},
        "silence": SPAN,
    }
    return closed(_described(rule_parser.KEYS, glossary.RULE, kinds), required=["name"])


def _rule() -> Schema:
    """What a whole rule must say besides."""
    tracking: Schema = {
        "required": ["track"],
        "properties": {"fields": {"properties": {"of": False}}},
        "allOf": [_of_a_sale(), _of_a_lead(), _of_its_name(), _of_a_deferred_lead(), _of_a_wait(), _of_an_address()],
    }
    return {"required": ["fields"], "if": {"required": ["record"]}, "then": _of_a_record(), "else": tracking}


def _whole_unless_a_change() -> Schema:
    """Beside `extends`, a rule that does not say what it makes changes the shipped one of its name."""
    says_what_it_makes: Schema = {"anyOf": [{"required": ["track"]}, {"required": ["record"]}]}
    return {"items": {"if": says_what_it_makes, "then": _ref("rule")}}


def _wait() -> Schema:
    kinds: dict[str, Schema] = {"for": {"enum": ["click_id"]}, "up_to": {"type": "string", "pattern": _WAIT}}
    return closed(_described(WAIT_KEYS, glossary.WAIT, kinds), required=WAIT_KEYS)


def _of_a_record() -> Schema:
    needs: Schema = {"required": [*rule_parser.NEEDED["refund"]], "propertyNames": {"enum": [*RECORD_FIELDS]}}
    unsent: Schema = dict.fromkeys(("track", *rule_parser.TRACK_KEYS), False)
    return {"required": ["unit"], "properties": {"fields": needs, **unsent}}


def _of_a_wait() -> Schema:
    """What is skipped or sent at once waits for nothing."""
    return {"if": {"required": ["wait"]}, "then": {"properties": {"without_click_id": {"const": "wait"}}}}


def _of_an_address() -> Schema:
    """To look for an address there must be one."""
    looks: Schema = {"anyOf": [{"const": "email"}, {"type": "array", "contains": {"const": "email"}}]}
    asks: Schema = {"properties": {"fields": {"required": ["customer_email"]}}}
    return {"if": {"properties": {"fill": looks}, "required": ["fill"]}, "then": asks}


def _of_a_sale() -> Schema:
    fields: Schema = {"required": [*rule_parser.NEEDED["sale"]]}
    then: Schema = {"required": ["unit", "fields"], "properties": {"fields": fields, "mode": False}}
    return {"if": _track("sale"), "then": then}


def _of_a_lead() -> Schema:
    fields: Schema = {"required": [*rule_parser.NEEDED["lead"]], "properties": dict.fromkeys(_SALE_ONLY, False)}
    return {
        "if": _track("lead"),
        "then": {"required": ["fields"], "properties": {"fields": fields, "unit": False, "fill": False}},
    }


def _of_its_name() -> Schema:
    """The event's name stands in one of two places."""
    among_fields: Schema = {"properties": {"fields": {"required": ["event_name"]}}, "required": ["fields"]}
    return {"if": among_fields, "then": {"properties": {"event_name": False}}, "else": {"required": ["event_name"]}}


def _of_a_deferred_lead() -> Schema:
    with_click: Schema = {"fields": {"required": ["click_id"]}, "without_click_id": False, "wait": False}
    return {"if": {"required": ["mode"]}, "then": {"required": ["fields"], "properties": with_click}}


def _track(word: str) -> Schema:
    return {"properties": {"track": {"const": word}}, "required": ["track"]}


def _example() -> Schema:
    expect: Schema = {"anyOf": [{"enum": ["ignored", "unmapped"]}, a_list(_ref("conversion"))]}
    kinds: dict[str, Schema] = {"name": _ref("text"), "webhook": _ref("text"), "expect": expect}
    keys = example_parser.KEYS
    return closed(_described(keys, glossary.EXAMPLE, kinds), required=keys)


def _conversion() -> Schema:
    """What an example expects; null says that a field must not be there."""
    text: Schema = {"type": ["string", "number", "boolean", "null"], "pattern": r"\S"}
    amount: Schema = {
        "type": ["integer", "string", "null"],
        "minimum": 0,
        "maximum": 10**15 - 1,
        "pattern": r"^\s*[0-9]{1,15}\s*$",
    }
    kinds: dict[str, Schema] = dict.fromkeys(example_parser.EXPECTED, text) | {
        "track": {"enum": ["lead", "sale", None]},
        "record": {"enum": ["refund", "dispute", None]},
        "mode": {"enum": ["deferred", None]},
        "amount": amount,
    }
    return closed(_described(example_parser.EXPECTED, glossary.EXPECTED, kinds))
