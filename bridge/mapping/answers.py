"""A form's answers, found by a question's name, whatever shape the tool gives them.

Two shapes: a list of objects, each with its question's names beside the value, or a map of names to values. A name is
looked for exactly among the names a program gives (ref, key, id, name), then by its letters and digits among all names
and what people read (label, title, question), then among the types of questions. The first question that has a value
wins, and the value is plain. Asked for an e-mail address, a text without an @ is no value, and the only address in the
form is it.
"""

from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, NamedTuple

from bridge.mapping.plain import plain
from bridge.model import Json

#: Names under which tools put what a program calls a question, what people read, and its value.
_NAMES: Final = ("ref", "key", "id", "name", "custom_key", "column_id")
_LABELS: Final = ("label", "title", "question", "column_name")
_VALUES: Final = ("value", "answer", "values", "string_value")
#: Where an answer keeps its question when it is an object of its own, and a question its options.
_QUESTIONS: Final = ("field", "question")
_OPTIONS: Final = ("options", "choices")

#: What tools write around the type of a question, and their other words for it.
_BEFORE_TYPE: Final = ("input", "control")
_EMAIL: Final = "email"
_SAME_TYPE: Final = {
    "phonenumber": "phone",
    "tel": "phone",
    "fullname": "name",
    **dict.fromkeys(("emailaddress", "youremail", "youremailaddress"), _EMAIL),
}

#: What is never in an address that people write by itself.
_NO_ADDRESS: Final = frozenset(' @,;:<>()[]\\/"')


class _Answer(NamedTuple):
    """One answer: its name in a map (empty in a list), the object it came in, and what that says of its question."""

    name: str
    item: dict[str, Json]
    question: dict[str, Json]


_Table = dict[str, list[_Answer]]


class Form:
    """The answers of one event: taken apart when the first is asked for, as far as it is asked for."""

    __slots__ = ("_answers", "_give", "_tables")

    def __init__(self, give: Callable[[], Json]) -> None:
        #: gives a list, an object or null, or raises Unfit
        self._give = give
        self._answers: list[_Answer] | None = None
        self._tables: list[_Table] = []

    def answer(self, *names: str) -> Json:
        """The plain value of the first question of one of these names that has any, else null. Raises Unfit."""
        if self._answers is None:
            self._answers = list(_each(self._give()))
        for name in names:
            keys = _keys(name)
            is_email = keys[-1] == _EMAIL
            for number, key in enumerate(keys):
                if number == len(self._tables):
                    self._tables.append(_table(self._answers, _TABLES[number]))
                for found in self._tables[number].get(key, ()):
                    value = plain(_value(found.item), _options(found))
                    if value is not None and (not is_email or _is_address(value)):
                        return value
        return self._only_address() if any(_keys(name)[-1] == _EMAIL for name in names) else None

    def _only_address(self) -> Json:
        """The one address among all answers: forms without types call the question anything, in any language."""
        values = [plain(_value(found.item), _options(found)) for found in self._answers or ()]
        found = {value for value in values if isinstance(value, str) and _is_bare_address(value)}
        return found.pop() if len(found) == 1 else None


def titled(answers: list[Json] | dict[str, Json], questions: list[Json]) -> list[Json]:
    """Each answer with its question, found by ref, key or id, as its `field`: what is known of both."""
    known: dict[str, dict[str, Json]] = {}
    for question in questions:
        if isinstance(question, dict):
            for name in _texts(question, _NAMES):
                known.setdefault(name, question)
    found: list[Json] = []
    for answer in _each(answers):
        question = next((known[name] for name in _names(answer) if name in known), {})
        found.append({**answer.item, "field": {**question, **answer.question}})
    return found


def _each(answers: Json) -> Iterator[_Answer]:
    match answers:
        case list():
            for item in answers:
                if isinstance(item, dict):
                    yield _Answer("", item, _question(item))
        case dict():
            for name, value in answers.items():
                if isinstance(value, dict) and any(key in value for key in _VALUES):
                    yield _Answer(name, value, _question(value))
                else:
                    yield _Answer(name, {"value": value}, {})
        case _:
            return


def _question(item: dict[str, Json]) -> dict[str, Json]:
    """The question's own object, where an answer has one."""
    for key in _QUESTIONS:
        question = item.get(key)
        if isinstance(question, dict):
            return question
    return {}


def _is_address(value: Json) -> bool:
    """Whether it may be an e-mail address: "Yes" below a box called E-mail would be one customer for everybody."""
    return isinstance(value, str) and "@" in value


def _is_bare_address(text: str) -> bool:
    """Whether it is an address and nothing else."""
    name, _, host = text.strip().partition("@")
    return bool(name) and "." in host.strip(".") and not _NO_ADDRESS.intersection(name + host) and text.isprintable()


@lru_cache(maxsize=1024)  # the names that mappings write out, and no others
def _keys(name: str) -> tuple[str, str, str]:
    """What a name is looked for as: exactly, by its letters and digits, and as a type."""
    return name.strip(), _folded(name), _type(name)


def _table(answers: list[_Answer], keys: Callable[[_Answer], list[str]]) -> _Table:
    table: _Table = {}
    for answer in answers:
        for key in dict.fromkeys(keys(answer)):
            if key:
                table.setdefault(key, []).append(answer)
    return table


def _names(answer: _Answer) -> list[str]:
    """What programs call the question; `q4_email` and `q4_email4` are `email`, too."""
    names = _texts(answer.item, _NAMES)
    if answer.question:
        names += _texts(answer.question, _NAMES)
    if answer.name:
        names.append(answer.name.strip())
    for name in tuple(names):
        if name[:1] == "q":
            head, _, tail = name.partition("_")
            number = head[1:]
            if number.isdigit():
                names += [tail, tail.removesuffix(number)]
    return names


def _labels(answer: _Answer) -> list[str]:
    """All names and what people read, by their letters and digits."""
    # where the value is the answer, `text` is what was asked
    labels = _texts(answer.item, (*_LABELS, "text") if "answer" in answer.item else _LABELS)
    return [_folded(text) for text in (*_names(answer), *labels, *_texts(answer.question, _LABELS))]


def _types(answer: _Answer) -> list[str]:
    return [_type(text) for part in (answer.question, answer.item) for text in _texts(part, ("type",))]


_TABLES: Final = (_names, _labels, _types)


def _texts(item: dict[str, Json], keys: tuple[str, ...]) -> list[str]:
    """What stands under these keys and can be a name."""
    found: list[str] = []
    for key in keys:
        if key in item:
            value = item[key]
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


def _options(answer: _Answer) -> list[Json]:
    for part in (answer.item, answer.question):
        for key in _OPTIONS:
            options = part.get(key)
            if isinstance(options, list):
                return options
    return []


_SIGNS: Final = {code: None for code in range(128) if not chr(code).isalnum()}


def _folded(text: str) -> str:
    """Letters and digits in one case: `Click ID`, `click_id` and `clickId` are one."""
    if text.isascii():
        return text.lower().translate(_SIGNS)
    return "".join(filter(str.isalnum, text.casefold()))


def _type(text: str) -> str:
    """`INPUT_EMAIL`, `EmailInput` and `control_email` are `email`."""
    kind = _folded(text)
    for before in _BEFORE_TYPE:
        kind = kind.removeprefix(before)
    kind = kind.removesuffix("input")
    return _SAME_TYPE.get(kind, kind)
