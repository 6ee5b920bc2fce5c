"""A sample without anybody real in it: e-mail addresses, names, phone numbers, streets and secrets are made up.

Letters become other letters, digits other digits, the same each time and for the same text, so lengths, shapes and
what belongs together stay. Addresses end in example.com, so that nobody ever gets mail. What nobody could tell from
its name or its shape stays as it is: a person looks at the file before it is committed.
"""

import json
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from hashlib import sha256

from bridge.drafts import shapes
from bridge.drafts.leaves import words_of
from bridge.mapping.standard import written
from bridge.model import Json

_ADDRESS = re.compile(r"[A-Za-z0-9][A-Za-z0-9._%+-]{0,63}@[A-Za-z0-9][A-Za-z0-9.-]{0,250}\.[A-Za-z]{2,24}")
_PHONE = re.compile(r"\+[0-9][0-9 ().-]{6,18}[0-9]")
_NETWORK = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3}){3}")

#: Domains that belong to nobody.
_NOBODYS = ("example.com", "example.org", "example.net")
_NAMES = ({"name"}, {"full", "name"}, {"fullname"}, {"customer", "name"}, {"first", "name"}, {"last", "name"},
          {"given", "name"}, {"family", "name"}, {"firstname"}, {"lastname"}, {"surname"}, {"middle", "name"},
          {"first"}, {"last"}, {"cardholder", "name"}, {"username"}, {"display", "name"})  # fmt: skip
_THINGS = frozenset(
    ("product", "item", "items", "event", "form", "plan", "campaign", "file", "shop", "store", "survey")
)
_STREETS = ({"address"}, {"address1"}, {"address2"}, {"street"}, {"line1"}, {"line2"}, {"street", "address"})
_PHONES = frozenset(("phone", "mobile", "tel", "telephone", "fax", "whatsapp", "cell", "phonenumber"))
_SECRETS = frozenset(("secret", "password", "apikey", "authorization", "signature"))
_LABELS = ("label", "title", "question", "name", "ref", "key", "type")
_ASKED = frozenset(("name", "phone", "email", "address", "street"))
_QUESTIONS = ("field", "question")
_ANSWERS = ("value", "answer", "text", "values")

_VOWELS, _CONSONANTS = "aeiou", "bcdfghklmnprstvw"


@dataclass(slots=True)
class Invented:
    """A document with people made up, and what was changed."""

    value: Json = None
    #: how many different ones of each kind
    counts: Counter[str] = field(default_factory=Counter)
    #: texts that were changed, whole, and what they became
    texts: dict[str, str] = field(default_factory=dict)

    def of(self, text: str) -> str:
        """What became of a text."""
        for _ in range(2):  # once for what it is, once for whom it quotes
            text = self.texts.get(text, text)
        return text

    def told(self) -> str:
        """What was made up, in words: `2 e-mail addresses, 1 name`."""
        return ", ".join(f"{count} {_many(kind, count)}" for kind, count in sorted(self.counts.items()))


def invented(document: Json) -> Invented:
    """Make up everybody in the document."""
    made = Invented()
    names: dict[str, str] = {}
    first = _walk(document, "", frozenset(), made, names)
    made.value = _renamed(first, names, made)
    return made


def pseudonym(text: str) -> str:
    """Other letters and digits of the same kinds, in the same places, the same for the same text."""
    noise = sha256(text.casefold().encode("utf-8", "replace")).digest()
    return "".join(_other(char, noise[at % len(noise)]) for at, char in enumerate(text))


def _other(char: str, noise: int) -> str:
    if char in "0123456789":
        return str(noise % 10)
    if not char.isalpha():
        return char
    pool = _VOWELS if char.lower() in _VOWELS or not char.isascii() else _CONSONANTS
    other = pool[noise % len(pool)]
    return other.upper() if char.isupper() else other


def _walk(value: Json, key: str, above: frozenset[str], made: Invented, names: dict[str, str]) -> Json:
    match value:
        case dict():
            called = _called(value)
            return {
                name: _walk(item, called.get(name, name), above | words_of(key), made, names)
                for name, item in value.items()
            }
        case list():
            return [_walk(item, key, above, made, names) for item in value]
        case str() if value.strip():
            return _changed(value, _text(value, key, above, made, names), made)
        case _:
            return value


def _called(item: dict[str, Json]) -> dict[str, str]:
    """Of a form's answer or another pair: what its value is called, and that its name is nobody's."""
    kind = item.get("type")
    held = [key for key in (*_ANSWERS, kind) if isinstance(key, str) and key in item]
    if not held:
        return {}
    questions = [item, *(inner for key in _QUESTIONS if isinstance(inner := item.get(key), dict))]
    texts = [text for one in questions for key in _LABELS if isinstance(text := one.get(key), str)]
    asked = next((text for text in texts if words_of(text) & _ASKED), held[0])
    return dict.fromkeys(held, asked) | {key: "label" for key in _LABELS if key in item and key not in held}


def _text(text: str, key: str, above: frozenset[str], made: Invented, names: dict[str, str]) -> str:
    inner = _json(text)
    if inner is not None:
        return written(_walk(inner, key, above, made, names))
    words = words_of(key)
    if words & _SECRETS or words >= {"access", "token"} or words >= {"api", "key"} or words >= {"webhook", "url"}:
        return _counted(made, "secret", text, pseudonym)
    if _is_name(words, above, text):
        for part in (text, *text.split()):
            if len(part) > 2:
                names[part] = " ".join(map(pseudonym, part.split(" ")))
        return _counted(made, "name", text, lambda name: " ".join(map(pseudonym, name.split(" "))))
    if words & _PHONES and any(char.isdigit() for char in text):
        return _counted(made, "phone number", text, pseudonym)
    if set(words - {"1", "2", "3"}) in [set(one) for one in _STREETS] and not shapes.is_email(text):
        return _counted(made, "street", text, pseudonym)
    text = _ADDRESS.sub(lambda found: _counted(made, "e-mail address", found[0], _address), text)
    text = _PHONE.sub(lambda found: _counted(made, "phone number", found[0], pseudonym), text)
    if _NETWORK.fullmatch(text):
        return _counted(made, "network address", text, lambda one: f"203.0.113.{sha256(one.encode()).digest()[0]}")
    return text


def _is_name(words: frozenset[str], above: frozenset[str], text: str) -> bool:
    if not shapes.is_name(text) or above & _THINGS:
        return False
    return set(words) in [set(one) for one in _NAMES] or (
        "name" in words and bool(words & {"your", "customer", "buyer", "contact", "payer", "cardholder", "what"})
    )


def _address(address: str) -> str:
    local, _, domain = address.rpartition("@")
    if domain.lower().endswith((*_NOBODYS, ".example", ".test", ".invalid")):
        return address
    return f"{pseudonym(local)}@{'Example.com' if domain[0].isupper() else 'example.com'}"


def _renamed(value: Json, names: dict[str, str], made: Invented) -> Json:
    """Names once more, inside the texts that quote them."""
    if not names:
        return value
    pattern = re.compile(r"(?<!\w)(" + "|".join(map(re.escape, sorted(names, key=len, reverse=True))) + r")(?!\w)")

    def walk(inner: Json) -> Json:
        match inner:
            case dict():
                return {key: walk(item) for key, item in inner.items()}
            case list():
                return [walk(item) for item in inner]
            case str() if " " in inner:
                return _changed(inner, pattern.sub(lambda found: names[found[0]], inner), made)
            case _:
                return inner

    return walk(value)


def _changed(before: str, after: str, made: Invented) -> str:
    if before != after:
        made.texts[before] = after
    return after


def _counted(made: Invented, kind: str, text: str, change: Callable[[str], str]) -> str:
    after = change(text)
    if after != text and text not in made.texts:
        made.counts[kind] += 1
    return after


def _many(kind: str, count: int) -> str:
    return kind if count == 1 else kind + ("es" if kind.endswith("s") else "s")


def _json(text: str) -> Json:
    """The object or list that a text is; None when it is none."""
    if not text.lstrip().startswith(("{", "[")):
        return None
    try:
        value: Json = json.loads(text, parse_float=Decimal)
    except (ValueError, InvalidOperation, RecursionError):
        return None
    return value
