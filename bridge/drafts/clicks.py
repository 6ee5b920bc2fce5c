"""Where the click id is, or could be put: a field of its name, an address with it, a place for own values."""

from collections.abc import Sequence
from urllib.parse import parse_qsl, urlsplit

from bridge.drafts import shapes
from bridge.drafts.choices import Choice
from bridge.drafts.leaves import Leaf, joined, words_of
from bridge.model import Json

#: What the click id is called, best first.
NAMES = ("click_id", "cms_rf")
_PREFIX = "cms_rf_"

#: The same as words; tools put something of theirs before it: `cf_click_id`, `q7_clickId`.
_NAMED = (frozenset(("click", "id")), frozenset(("clickid",)), frozenset(("cms", "rf")), frozenset(("cmsrf",)))
_MOST_WORDS = 4
#: Places where tools carry values of the user's own.
_OWN = (
    *(
        "metadata",
        "custom_data",
        "customdata",
        "custom_fields",
        "customfields",
        "custom_attributes",
        "customattributes",
    ),
    *("hidden", "hidden_fields", "hiddenfields", "url_params", "urlparams", "urlparameters", "url_parameters"),
    *("note_attributes", "meta_data", "notes", "passthrough", "custom", "tracking", "utm", "variables", "extra"),
    *("merchant_metadata", "user_variables", "additional_data", "properties", "unsafe_metadata"),
)
#: Single slots that a link can fill.
_SLOTS = (
    *("client_reference_id", "reference_id", "utm_content", "utm_term", "salesforce_uuid", "custom_id", "external_ref"),
    *("referrer_id", "sub_id", "subid", "tracking_id", "promo"),
)


def click_id(document: Json, found: Sequence[Leaf], query: str) -> Choice | None:
    """An expression for the click id; when the sample has none, one for where it could be."""
    named = [leaf for leaf in found if _is_name(leaf.key)]
    if named:
        return _named(named)
    prefixed = next((leaf for leaf in found if _text(leaf).startswith(_PREFIX)), None)
    if prefixed is not None:
        value = _text(prefixed).removeprefix(_PREFIX)
        return Choice(expression=f"after_prefix({prefixed.path}, '{_PREFIX}')", value=value, leaf=prefixed)
    for name, value in parse_qsl(query):
        if name in NAMES:
            return Choice(expression=" || ".join(f"query('{one}')" for one in NAMES), value=value)
    return _in_an_address(found) or _could_be(document, found)


def _is_name(key: str) -> bool:
    words = words_of(key)
    return len(words) <= _MOST_WORDS and any(name <= words for name in _NAMED)


def _named(named: Sequence[Leaf]) -> Choice:
    """The one with something in it first; both of our names beside each other, whichever the sample has."""
    given = [leaf for leaf in named if shapes.is_given(leaf.value)] or list(named)
    first = given[0]
    paths = [first.path]
    if first.key in NAMES:
        other = NAMES[1 - NAMES.index(first.key)]
        twin = f"pair({first.within}, '{other}')" if first.is_pair else joined(first.within, other)
        paths = [first.path, twin] if first.key == NAMES[0] else [twin, first.path]
    value = first.value if shapes.is_given(first.value) else None
    others = tuple((leaf.path, leaf.value) for leaf in given[1:3])
    return Choice(expression=" || ".join(paths), value=value, others=others, leaf=first)


def _in_an_address(found: Sequence[Leaf]) -> Choice | None:
    for leaf in found:
        if shapes.is_url(leaf.value) and any(f"{name}=" in _text(leaf) for name in NAMES):
            query = dict(parse_qsl(urlsplit(_text(leaf)).query))
            value = next((query[name] for name in NAMES if name in query), None)
            if value is not None:
                text = " || ".join(f"url_query({leaf.path}, '{name}')" for name in NAMES)
                return Choice(expression=text, value=value, leaf=leaf)
    return None


def _could_be(document: Json, found: Sequence[Leaf]) -> Choice | None:
    """The sample has none: where this sender could carry it."""
    place = _place(document)
    if place is not None:
        path, is_list = place
        names = [f"pair({path}, '{name}')" if is_list else joined(path, name) for name in NAMES]
        return Choice(expression=" || ".join(names), note=f"not in this sample: put the click id into {path}")
    slot = next((leaf for leaf in found if leaf.key.lower() in _SLOTS), None)
    if slot is not None:
        note = f"not in this sample: {slot.key} could carry it, as {_PREFIX} and the click id"
        return Choice(expression=f"after_prefix({slot.path}, '{_PREFIX}')", note=note, leaf=slot)
    return None


def _place(value: Json) -> tuple[str, bool] | None:
    """The first place for own values, level by level."""
    level: list[tuple[str, Json]] = [("", value)]
    for _ in range(6):
        below: list[tuple[str, Json]] = []
        for above, item in level:
            for key, inner in item.items() if isinstance(item, dict) else ():
                here = joined(above, key)
                if key.lower() in _OWN and isinstance(inner, dict | list | None):
                    return here, isinstance(inner, list)
                if isinstance(inner, dict):
                    below.append((here, inner))
        level = below[:200]
    return None


def _text(leaf: Leaf) -> str:
    return leaf.value if isinstance(leaf.value, str) else ""
