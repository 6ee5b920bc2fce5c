"""The mapping as it is in force: frozen, complete and checked. `parser` makes it, `apply` and `explain` use it."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Final, Literal

from bridge.errors import Place
from bridge.mapping.context import Evaluate
from bridge.mapping.notify import Notify
from bridge.mapping.redact import Redaction
from bridge.mapping.tree import Tree
from bridge.model import FillFrom, Json, Node
from bridge.money import Unit

#: What a rule tracks; of one that only records, what it records.
Track = Literal["lead", "sale", "refund", "dispute"]

#: The fields a rule may fill, by what it tracks; the order is the one people read them in.
LEAD_FIELDS: Final = (
    "event_name",
    "click_id",
    "customer_external_id",
    "customer_name",
    "customer_email",
    "customer_avatar",
    "timestamp",
)
SALE_FIELDS: Final = (*LEAD_FIELDS, "invoice_id", "amount", "currency")
#: The fields of a rule that records; `of` is a list of names.
RECORD_FIELDS: Final = ("of", "amount", "currency", "timestamp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Expression:
    """One compiled expression, or a text written out."""

    #: as it stands in the file, on one line
    text: str
    place: Place
    evaluate: Evaluate
    #: the headers and query parameters it reads
    headers: frozenset[str] = frozenset()
    queries: frozenset[str] = frozenset()
    #: where it first asks for a form's answer
    answer: Place | None = None
    is_constant: bool = False
    #: what `evaluate` was made of, for explanations; None for a text written out
    tree: Tree | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One "when this, track that", or "when this, money went back"."""

    name: str
    place: Place
    track: Track
    #: by name, in the order of `LEAD_FIELDS` and `SALE_FIELDS`; a lead and a sale always have event_name
    fields: dict[str, Expression]
    #: empty: any type
    types: tuple[str, ...] = ()
    when: Expression | None = None
    #: a list, each item of which is the rule's document
    for_each: Expression | None = None
    #: what a sender's number counts; None for a lead
    unit: Unit | None = None
    #: names of the business thing; empty for what is once per event: a lead, a refund, a dispute
    once_per: tuple[Expression, ...] = ()
    #: of a refund or dispute: the names under which the sale may have come
    of: tuple[Expression, ...] = ()
    #: whose names they are: the source, unless the mapping says otherwise
    namespace: str
    deferred: bool = False
    stop: bool = False
    without_click_id: Literal["skip", "send", "wait"]
    #: how long a conversion without click id waits for one; None unless `without_click_id` is wait
    wait: timedelta | None = None
    #: where a sale without click id may take one from
    fill: tuple[FillFrom, ...] = ("customer",)
    when_unsure: Literal["repeat", "hold"] = "repeat"
    #: so long without a conversion of this rule is an alarm
    silence: timedelta | None = None

    def expressions(self) -> list[tuple[str, Expression]]:
        """Every expression with its name in the file, in reading order."""
        of = [("of", name) for name in self.of]
        named = [("for_each", self.for_each), ("when", self.when), *of, *self.fields.items()]
        # a sale that is once per invoice_id has its name among the fields already
        once = [("once_per", name) for name in self.once_per if name is not self.fields.get("invoice_id")]
        return _given([*named, *once])


@dataclass(frozen=True, slots=True, kw_only=True)
class EventRules:
    """How events are read out of a body: `document` looks at the body, `for_each` at what that gives, the others at
    each item of it."""

    document: Expression | None = None
    for_each: Expression | None = None
    answers: Expression | None = None
    id: Expression | None = None
    type: Expression | None = None
    occurred_at: Expression | None = None
    test: Expression | None = None
    account: Expression | None = None

    def expressions(self) -> list[tuple[str, Expression]]:
        """Every expression with its name in the file."""
        return [*self.opening_expressions(), *self.item_expressions()]

    def opening_expressions(self) -> list[tuple[str, Expression]]:
        """The expressions that lead from the body to the items: each looks at what the one before it gives."""
        return _given([("document", self.document), ("for_each", self.for_each)])

    def item_expressions(self) -> list[tuple[str, Expression]]:
        """The expressions that look at each item, with their names in the file."""
        named = [
            ("answers", self.answers),
            ("id", self.id),
            ("type", self.type),
            ("occurred_at", self.occurred_at),
            ("test", self.test),
            ("account", self.account),
        ]
        return _given(named)


def _given(named: list[tuple[str, Expression | None]]) -> list[tuple[str, Expression]]:
    return [(name, expression) for name, expression in named if expression is not None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A webhook and what must become of it."""

    name: str
    place: Place
    #: the path of its file, as written, and where
    webhook: str
    webhook_place: Place
    #: the ordered, complete list of conversions, each a subset of fields; or what becomes of the event
    expect: tuple[dict[str, Json], ...] | Literal["ignored", "unmapped"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Mapping:
    """One source's YAML document, checked as a whole but for `verify`, which `sources` checks."""

    source: str
    file: str
    #: the effective text (with the shipped one it starts from), and its SHA-256
    text: str
    revision: str
    verify: Node
    event: EventRules
    rules: tuple[Rule, ...]
    examples: tuple[Example, ...] = ()
    send_test: bool = False
    redact: Redaction | None = None
    #: so long without an event of this source is an alarm
    silence: timedelta | None = None
    notify: Notify | None = None
    #: lower-case names of the headers, and names of the query parameters, that expressions read
    headers_read: frozenset[str] = frozenset()
    queries_read: frozenset[str] = frozenset()
    #: the rules that look at an event of this type, in order; `rules_of_any_type` for all others
    rules_by_type: dict[str, tuple[Rule, ...]] = field(default_factory=dict, repr=False)
    rules_of_any_type: tuple[Rule, ...] = field(default=(), repr=False)
    #: the headers an event keeps, as they stand in a request
    headers_kept: frozenset[bytes] = field(default=frozenset(), repr=False)

    @property
    def types(self) -> tuple[str, ...]:
        """Every event type a rule names, in reading order: what a source must subscribe to."""
        return tuple(dict.fromkeys(name for rule in self.rules for name in rule.types))
