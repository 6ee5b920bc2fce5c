"""A form's answers: where they stand, and how `answer()` finds each of them."""

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.drafts import shapes
from bridge.drafts.choices import Choice
from bridge.drafts.clicks import NAMES
from bridge.drafts.leaves import is_pairs, joined, words_of
from bridge.mapping.answers import Form
from bridge.model import Json

_NAMES = ("ref", "key", "id", "name", "custom_key", "column_id", "label", "title", "question", "column_name", "field")
_SPEAKING = ("type", "label", "title", "question", "field", "column_name", "custom_key")
_VALUES = ("value", "answer", "values", "string_value", "text")
_HOLDERS = frozenset(("answers", "responses", "questions", "fields", "answer", "response", "named", "form"))
#: These hold nothing else.
_SURE = frozenset(("answers", "responses", "named"))
#: Of one value's shape, under what names people ask for it.
_FOR_NAME = ("name", "full name", "your name", "what is your name", "what's your name")
_MOST_DEPTH = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Answers:
    """Where a form's answers stand, and what they are."""

    path: str
    value: Json

    def find(self, *names: str) -> Json:
        """What `answer()` would give."""
        return Form(lambda: self.value).answer(*names)


def answers_in(document: Json) -> Answers | None:
    """What looks like a form's answers: the first with an e-mail address in it, else the first at all."""
    found = list(_candidates(document))
    return next((one for one in found if email(one) is not None), found[0] if found else None)


def _candidates(document: Json) -> Iterator[Answers]:
    """Everything of that look, level by level."""
    level: list[tuple[str, frozenset[str], Json]] = [("", frozenset(), document)]
    for _ in range(_MOST_DEPTH):
        below: list[tuple[str, frozenset[str], Json]] = []
        for path, words, value in level:
            if path and _is_answers(words, value):
                yield Answers(path=path, value=value)
            below += _below(path, value)
        level = [one for one in below if isinstance(one[2], dict | list)][:500]


def _below(path: str, value: Json) -> Iterator[tuple[str, frozenset[str], Json]]:
    match value:
        case dict():
            for key, item in value.items():
                yield joined(path, key), words_of(key), item
        case [dict() as first, *_]:
            yield f"{path}[0]", frozenset(), first
        case _:
            return


def _is_answers(words: frozenset[str], value: Json) -> bool:
    match value:
        case [dict(), *_]:
            return all(isinstance(item, dict) and _is_answer(item) for item in value) and (
                not is_pairs(value) or any("type" in item for item in value if isinstance(item, dict))
            )
        case dict():
            plain = [item for item in value.values() if not isinstance(item, dict) or "value" in item]
            is_named = bool(words & _HOLDERS) or any(" " in key for key in value)
            is_sure = bool(words & _SURE) or any(map(shapes.is_email, _texts(value)))
            return len(value) > 1 and len(plain) == len(value) and is_named and is_sure
        case _:
            return False


def _is_answer(item: dict[str, Json]) -> bool:
    kind = item.get("type")
    has_value = any(key in item for key in _VALUES) or (isinstance(kind, str) and kind in item)
    return has_value and any(key in item for key in _NAMES) and any(key in item for key in _SPEAKING)


def _texts(value: dict[str, Json]) -> Iterator[str]:
    for item in value.values():
        inner = item.get("value") if isinstance(item, dict) else item
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, str):
                yield one


def email(answers: Answers) -> Choice | None:
    """The question that was answered with an e-mail address."""
    if shapes.is_email(answers.find("email")):
        return Choice(expression="answer('email')", value=answers.find("email"))
    for name in _asked(answers):
        value = answers.find(name)
        if shapes.is_email(value):
            return Choice(expression=f"answer('{name}')", value=value)
    return None


def name(answers: Answers) -> Choice | None:
    """The question that was answered with a name."""
    for asked in _FOR_NAME:
        value = answers.find(asked)
        if shapes.is_name(value):
            return Choice(expression=f"answer({_quoted(asked)})", value=value)
        if isinstance(value, dict):
            parts = [part for part in ("first", "last") if isinstance(value.get(part), str)]
            text = " ".join(str(value[part]) for part in parts)
            paths = ", ".join(f"answer({_quoted(asked)}).{part}" for part in parts)
            return Choice(expression=f"join_present(' ', [{paths}])", value=text) if parts else None
    first, last = answers.find("first name"), answers.find("last name")
    if shapes.is_name(first):
        text = " ".join(str(part) for part in (first, last) if shapes.is_name(part))
        return Choice(expression="join_present(' ', [answer('first name'), answer('last name')])", value=text)
    for asked in _asked(answers):
        if "name" in words_of(asked) and shapes.is_name(answers.find(asked)):
            return Choice(expression=f"answer('{asked}')", value=answers.find(asked))
    return None


def click_id(answers: Answers) -> Choice | None:
    """The hidden question with the click id."""
    value = next((found for found in map(answers.find, NAMES) if shapes.is_given(found)), None)
    if value is None:
        return None
    return Choice(expression=" || ".join(f"answer('{name}')" for name in NAMES), value=value)


def _asked(answers: Answers) -> Iterator[str]:
    """The names of all questions that can be written in an expression."""
    match answers.value:
        case dict():
            names: list[Json] = [*answers.value]
        case list():
            inner = [item.get("field") for item in answers.value if isinstance(item, dict)]
            names = [item.get(key) for item in (*answers.value, *inner) if isinstance(item, dict) for key in _NAMES]
        case _:
            names = []
    for asked in names:
        if isinstance(asked, str) and asked.isprintable() and not set(asked) & {"'", "\\"} and asked.strip():
            yield asked


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "\\'") + "'"
