"""A form's names and values → one document: repeated names and `d[]` are lists, other brackets nest.

The same for URL-encoded and for multipart forms, so that a mapping need not know which of them a sender uses.
"""

from typing import TypeAlias
from urllib.parse import parse_qsl

from bridge.model import Json
from bridge.read.limits import MOST_NODES, TOO_LARGE, UnreadableError, refuse_excess

Form: TypeAlias = dict[str, Json]


def decode_form(text: str) -> Form:
    """Decode `a=1&b[c]=2&d[]=3`; values are text. Raises UnreadableError, or UnicodeDecodeError."""
    if text.count("&") >= MOST_NODES:
        raise UnreadableError(TOO_LARGE)
    form: Form = {}
    for name, value in parse_qsl(text, keep_blank_values=True, errors="strict"):
        put(form, name, value)
    refuse_excess(form)
    return form


def put(form: Form, name: str, value: Json) -> None:
    """Add one field where its name says."""
    *outer, last = _path(name.removesuffix("[]"))
    parent = _descend(form, outer)
    if parent is None:  # an outer name is a value elsewhere: keep both, this one under its name as written
        parent, last = form, name
    present = parent.get(last)
    if isinstance(present, list):
        present.append(value)
    elif last not in parent:
        parent[last] = [value] if name.endswith("[]") else value
    else:
        parent[last] = [present, value]


def _path(name: str) -> list[str]:
    """Split `a[b][c]` into its keys; a name whose brackets do not pair is one key, as written."""
    head, _, rest = name.partition("[")
    keys = rest.removesuffix("]").split("][")
    well_formed = head and rest.endswith("]") and all(key and "[" not in key and "]" not in key for key in keys)
    return [head, *keys] if well_formed else [name]


def _descend(form: Form, keys: list[str]) -> Form | None:
    for key in keys:
        child = form.setdefault(key, {})
        if not isinstance(child, dict):
            return None
        form = child
    return form
