"""A form's answers, found by a question's name, whatever shape the tool gives them.

Two shapes: a list of objects, each with its question's names beside the value, or a map of names to values. A name is
looked for among the names a program gives (ref, key, id, name), then among what people read (label, title, question),
then among the types of questions. The first question that has a value wins, and the value is plain.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from bridge.mapping.options import joined, scalar_text, texts_of
from bridge.model import Json

#: Names under which tools put what a program calls a question, what people read, and its value.
_NAMES: Final = ("ref", "key", "custom_key", "id", "name", "column_id")
_LABELS: Final = ("label", "title", "question", "name", "column_name")
_VALUES: Final = ("value", "answer", "values", "string_value")
#: Where an answer keeps its question when it is an object of its own, and a question its options.
_QUESTIONS: Final = ("field", "question")
_OPTIONS: Final = ("options", "choices")

#: What tools write around the type of a question, and their other words for it.
_BEFORE_TYPE: Final = ("input", "control")
_SAME_TYPE: Final = {"phonenumber": "phone", "tel": "phone", "fullname": "name", "emailaddress": "email"}


@dataclass(frozen=True, slots=True)
class _Answer:
    """A value as it was sent, and what it was chosen from."""

    value: Json
    options: list[Json]


class Form:
    """The answers of one event: taken apart when the first is asked for."""

    __slots__ = ("_answers", "_give")

    def __init__(self, give: Callable[[], Json]) -> None:
        #: gives a list, an object or null, or raises Unfit
        self._give = give
        self._answers: dict[str, list[_Answer]] | None = None

    def answer(self, name: str) -> Json:
        """The plain value of the question of this name; null when it has none. Raises Unfit."""
        if self._answers is None:
            self._answers = _taken_apart(self._give())
        for key in (f"name {name.strip()}", f"label {_label(name)}", f"type {_type(name)}"):
            for answer in self._answers.get(key, ()):
                value = _plain(answer.value, answer.options)
                if value is not None:
                    return value
        return None


def titled(answers: list[Json] | dict[str, Json], questions: list[Json]) -> list[Json]:
    """Each answer with its question, found by ref, key or id, as its `field`: what is known of both."""
    known: dict[str, dict[str, Json]] = {}
    for question in questions:
        if isinstance(question, dict):
            for name in _texts(question, _NAMES):
                known.setdefault(name, question)
    found: list[Json] = []
    for name, answer in _each(answers):
        own = _question(answer)
        names = [name, *_texts(own, _NAMES), *_texts(answer, _NAMES)]
        question = next((known[name] for name in names if name in known), {})
        found.append({**answer, "field": {**question, **own}})
    return found


def _taken_apart(answers: Json) -> dict[str, list[_Answer]]:
    """Every answer under each of its names, labels and types."""
    found: dict[str, list[_Answer]] = {}
    for name, item in _each(answers):
        question = _question(item)
        both = (item, question)
        answer = _Answer(_value(item), _options(item) or _options(question))
        # where the value is the answer, `text` is what was asked
        labels = (*_LABELS, "text") if "answer" in item else _LABELS
        names = [name, *(text for part in both for text in _texts(part, _NAMES))]
        texts = [name, *(text for part in both for text in _texts(part, labels))]
        types = [text for part in both for text in _texts(part, ("type",))]
        keys = [f"name {text}" for text in (*names, *map(_without_number, names)) if text]
        keys += [f"label {label}" for text in (*texts, _without_number(name)) if (label := _label(text))]
        keys += [f"type {kind}" for text in types if (kind := _type(text))]
        for key in dict.fromkeys(keys):
            found.setdefault(key, []).append(answer)
    return found


def _each(answers: Json) -> Iterator[tuple[str, dict[str, Json]]]:
    """Each answer as an object, with the name it has in a map; empty in a list."""
    match answers:
        case list():
            for item in answers:
                if isinstance(item, dict):
                    yield "", item
        case dict():
            for name, value in answers.items():
                is_answer = isinstance(value, dict) and any(key in value for key in _VALUES)
                yield name.strip(), value if is_answer and isinstance(value, dict) else {"value": value}
        case _:
            return


def _question(item: dict[str, Json]) -> dict[str, Json]:
    """The question's own object, where an answer has one."""
    for key in _QUESTIONS:
        question = item.get(key)
        if isinstance(question, dict):
            return question
    return {}


def _texts(item: dict[str, Json], keys: Iterable[str]) -> list[str]:
    """What stands under these keys and can be a name."""
    found: list[str] = []
    for key in keys:
        value = item.get(key)
        if isinstance(value, str):
            found.append(value.strip())
        elif isinstance(value, int) and not isinstance(value, bool) and value.bit_length() < 64:
            found.append(str(value))
    return found


def _value(item: dict[str, Json]) -> Json:
    """The value, under whatever name; Typeform's stands under the name of its type."""
    for key in _VALUES:
        if key in item:
            return item[key]
    kind = item.get("type")
    return item.get(kind) if isinstance(kind, str) and kind in item else item.get("text")


def _options(item: dict[str, Json]) -> list[Json]:
    for key in _OPTIONS:
        options = item.get(key)
        if isinstance(options, list):
            return options
    return []


def _label(text: str) -> str:
    """What people read, without case, blanks and the asterisks of emphasis and of needed questions."""
    return " ".join(text.replace("*", " ").casefold().split())


def _without_number(name: str) -> str:
    """`q4_email` is `email`."""
    head, underscore, tail = name.partition("_")
    return tail if underscore and head[:1] == "q" and head[1:].isdigit() else ""


def _type(text: str) -> str:
    """`INPUT_EMAIL`, `EmailInput` and `control_email` are `email`."""
    kind = "".join(char for char in text.casefold() if char.isalnum())
    for before in _BEFORE_TYPE:
        kind = kind.removeprefix(before)
    kind = kind.removesuffix("input")
    return _SAME_TYPE.get(kind, kind)


def _plain(value: Json, options: list[Json]) -> Json:
    """The value as a person would say it; null when there is nothing in it."""
    match value:
        case str():
            return (texts_of(options, value) if options else value) if value.strip() else None
        case list():
            return _several([item for item in value if item not in (None, "", [], {})], options)
        case dict():
            return _chosen(value) if any(item not in (None, "", [], {}) for item in value.values()) else None
        case bool() | None:
            return value
        case _:
            return texts_of(options, value) if options else value


def _several(items: list[Json], options: list[Json]) -> Json:
    """One thing as it is, several as one text; objects that are no options stay a list."""
    if len(items) <= 1:
        return _plain(items[0], options) if items else None
    texts = [scalar_text(_chosen(item) if isinstance(item, dict) else item) for item in items]
    known = [text for text in texts if text is not None]
    if len(known) < len(texts):
        return items
    return texts_of(options, [*known]) if options else joined(known)


def _chosen(value: dict[str, Json]) -> Json:
    """The text of an option, or of several, that came as an object; another object as it is."""
    labels = value.get("labels")
    texts = [text for text in map(scalar_text, labels if isinstance(labels, list) else []) if text]
    texts += [text for key in ("label", "other") if (text := scalar_text(value.get(key)))]
    return joined(texts) if texts else value
