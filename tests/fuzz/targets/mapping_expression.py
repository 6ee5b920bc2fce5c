"""Any text in an expression's place: a Problem, or a mapping that can be applied to any document."""

import json

from bridge.errors import Severity
from bridge.mapping import apply, explain
from bridge.model import Json
from tests.fuzz.feed import Feed
from tests.unit.mapping.factories import a_webhook, an_order, mapping_text, parsed, proven

_PLACES = ("when", "click_id", "customer_external_id", "invoice_id", "amount", "currency", "occurred_at", "id", "type")
_DOCUMENTS: tuple[Json, ...] = (
    an_order(),
    an_order(status="paid", customer={"email": "a@example.com"}, total="49.99", items=[{"id": 1, "price": "2.50"}, {}]),
    an_order(click=["a", None, {"v": True}], total=-1, currency=7, created=1e300, order={"a": [[]]}),
    [1, "a", None, {"a": {"b": "c"}}, []],
    {},
    None,
)
_SEEDS = (
    "status == 'paid' && total > `0`",
    "after_prefix(click, 'cms_rf_') || first_of(to_array(click))",
    "items[?price > '1'].id | [0]",
    "lower(trim(customer.email || customer))",
    "sort_by(items, &id)[-1].id",
    "join_present(' ', [a, b, split(c, ',')[0]])",
    "url_query(from_json(d).url, 'x') || header('X-A') || query('b')",
    "add(a, multiply(decimal(b), `2`)) || sum(items[*].id)",
    "time_in(created, '+02:00') || iso_time(created)",
    "max_by(items, &price).{a: id, b: [price, @]}",
    "lookup(items, 'id', '1').price || pair(items, 'id') || option_text(items, a)",
    "html_text(title(a)) || sha256(b) || from_base64(c) || digits(d) || replace(e, 'a', 'b')",
)


def seeds() -> list[bytes]:
    """Expressions that use much of the language, each in another place."""
    return [bytes([number]) + text.encode() for number, text in enumerate(_SEEDS)]


def check(data: bytes) -> None:
    """Write it into a mapping, and apply that to documents that fit and that do not."""
    feed = Feed(data)
    place, text = feed.pick(_PLACES), feed.rest_as_text()
    result = parsed(mapping_text(f"{place}: {json.dumps(text)}"))
    has_problem = any(problem.severity is Severity.PROBLEM for problem in result.problems)
    assert (result.mapping is None) == has_problem
    if result.mapping is None:
        return
    for document in _DOCUMENTS:
        assert apply(result.mapping, proven(a_webhook()), document)
        assert explain(result.mapping, proven(a_webhook()), document).as_json()
