"""One rule's node → a Rule, with every Problem in it."""

from dataclasses import dataclass
from typing import cast

from bridge.errors import Problem, Severity
from bridge.mapping.expressions import Role, constant_of, expression_of
from bridge.mapping.reader import Reader
from bridge.mapping.rules import LEAD_FIELDS, SALE_FIELDS, Expression, Rule, Track
from bridge.mapping.spans import span_of
from bridge.mapping.values import MOST_ID, cleaned
from bridge.model import Node
from bridge.money import MoneyError, Unit, exponent

KEYS = (
    "name",
    "types",
    "for_each",
    "when",
    "track",
    "event_name",
    "fields",
    "unit",
    "once_per",
    "once_namespace",
    "mode",
    "stop",
    "without_click_id",
    "when_unsure",
    "silence",
)
#: The fields without which there is nothing to send.
NEEDED = {
    "lead": ("customer_external_id",),
    "sale": ("customer_external_id", "invoice_id", "amount", "currency"),
}
_ROLES: dict[str, Role] = {"amount": "amount", "currency": "currency"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleParser:
    """Parses the rules of one mapping."""

    reader: Reader
    #: the namespace of rules that name none
    source: str
    #: whether the mapping says where an event's type stands
    has_types: bool

    def rule(self, node: Node) -> Rule | None:
        """Parse one rule; None when there is any problem with it."""
        before = self._weight()
        given = self.reader.entries(node, "this rule", KEYS) if not self.reader.is_lost(node) else {}
        if node.kind != "map":
            return None
        name = self._needed(given, node, "name", "every rule has one: it is how events and problems speak of it")
        track = self.reader.choice(given.get("track"), "track", ("lead", "sale"))
        if "track" not in given:
            self.reader.note(
                "missing-key", node.place, 'this rule has no "track"', fix="write track: lead or track: sale"
            )
        if track is None:
            self._fields_of(given, SALE_FIELDS)
            return None
        fields = self._fields(given, node, cast("Track", track))
        once_per = self._once_per(given, fields, track)
        rule = Rule(
            name=name or "",
            place=node.place,
            track=cast("Track", track),
            fields=fields,
            types=self._types(given),
            when=self._expression(given, "when", "condition"),
            for_each=self._expression(given, "for_each", "list"),
            unit=self._unit(given, node, track),
            once_per=once_per,
            namespace=self.reader.slug(given.get("once_namespace"), "once_namespace") or self.source,
            deferred=self._deferred(given, track, fields),
            stop=self.reader.flag(given.get("stop"), "stop"),
            without_click_id="send" if self._without(given, track) == "send" else "skip",
            when_unsure="hold" if self._unsure(given) == "hold" else "repeat",
            silence=span_of(given.get("silence"), "silence", self.reader),
        )
        self._warn_of_click_id(given, rule)
        return rule if self._weight() == before else None

    def _weight(self) -> int:
        return sum(problem.severity is Severity.PROBLEM for problem in self.reader.problems)

    def _needed(self, given: dict[str, Node], node: Node, key: str, why: str) -> str | None:
        if key not in given:
            self.reader.note("missing-key", node.place, f'this rule has no "{key}"', why=why)
        return self.reader.text(given.get(key), key)

    def _types(self, given: dict[str, Node]) -> tuple[str, ...]:
        node = given.get("types")
        if node is not None and not self.has_types:
            fix = "write where the type stands, such as type: event_type under `event:`"
            self.reader.note("missing-key", node.place, '"types" needs "type" under "event"', fix=fix)
        types = self.reader.texts(node, "types")
        for name in types:
            if node is not None and ("," in name or ";" in name):
                fix = "write a list: types: [order.paid, order.created]"
                self.reader.note("wrong-value", node.place, "several types in one text", fix=fix)
        return types

    def _expression(self, given: dict[str, Node], key: str, role: Role) -> Expression | None:
        node = given.get(key)
        if node is None or self.reader.is_lost(node):
            return None
        return expression_of(node, key, role, self.reader.problems)

    def _fields(self, given: dict[str, Node], node: Node, track: Track) -> dict[str, Expression]:
        """The rule's fields with its event name, each in its place; missing ones are noted."""
        known = SALE_FIELDS if track == "sale" else LEAD_FIELDS
        fields = self._fields_of(given, known)
        named = given["fields"].get("event_name") if "fields" in given else None
        plain = given.get("event_name")
        if (plain is None) == (named is None):
            what = "the event name is given twice" if plain else "this rule has no event name"
            fix = "write event_name: purchase_completed, or an expression as event_name under fields, not both"
            self.reader.note("event-name", plain.place if plain else node.place, what, fix=fix)
        text = self._event_name(plain)
        if plain is not None and text is not None:
            fields["event_name"] = text
        listed = {key.text for key, _ in given["fields"].entries} if "fields" in given else set()
        for key in NEEDED[track]:
            if key not in listed:
                article = "a lead" if track == "lead" else "a sale"
                place = given["fields"].place if "fields" in given else node.place
                self.reader.note("missing-field", place, f'{article} needs the field "{key}"')
        return {key: fields[key] for key in known if key in fields}

    def _event_name(self, node: Node | None) -> Expression | None:
        text = self.reader.text(node, "event_name")
        if node is None or text is None:
            return None
        if len(text) > MOST_ID or cleaned(text) != text:
            self.reader.note("wrong-value", node.place, f'"event_name" is one line of at most {MOST_ID} characters')
            return None
        return constant_of(text, node)

    def _fields_of(self, given: dict[str, Node], known: tuple[str, ...]) -> dict[str, Expression]:
        if "fields" not in given:
            return {}
        found: dict[str, Expression] = {}
        for key, value in self._known_fields(given["fields"], known).items():
            expression = self._field(key, value)
            if expression is not None:
                found[key] = expression
        return found

    def _known_fields(self, node: Node, known: tuple[str, ...]) -> dict[str, Node]:
        entries = self.reader.entries(node, "fields", SALE_FIELDS)
        for key, _ in node.entries:
            if key.text in entries and key.text not in known:
                self.reader.note(
                    "sale-only", key.place, f'"{key.text}" belongs to a sale', fix="leave it out of a lead"
                )
        return {key: value for key, value in entries.items() if key in known}

    def _field(self, key: str, node: Node) -> Expression | None:
        if self.reader.is_lost(node):
            return None
        if node.kind == "map" and [name.text for name, _ in node.entries] == ["value"]:
            return self._constant(key, node.entries[0][1], node)
        return expression_of(node, key, _ROLES.get(key, "field"), self.reader.problems)

    def _constant(self, key: str, value: Node, node: Node) -> Expression | None:
        """`{value: text}`: what can be known of it is checked now."""
        text = self.reader.text(value, "value")
        if text is None:
            return None
        try:
            if key == "currency":
                exponent(text)
        except MoneyError as error:
            self.reader.note("wrong-value", value.place, f'"currency" is {error}')
        return constant_of(text, node)

    def _unit(self, given: dict[str, Node], node: Node, track: str) -> Unit | None:
        unit = self.reader.choice(given.get("unit"), "unit", tuple(unit.value for unit in Unit))
        if track == "lead" and "unit" in given:
            self.reader.note("sale-only", given["unit"].place, '"unit" belongs to a sale', fix="leave it out of a lead")
        if track == "sale" and "unit" not in given:
            self.reader.note(
                "missing-key",
                node.place,
                'this sale has no "unit"',
                why="4999 may be 49.99 USD or 4,999 USD, and nobody but you knows",
                fix="write unit: minor (cents), unit: major (49.99) or unit: stripe",
            )
        return Unit(unit) if unit else None

    def _once_per(self, given: dict[str, Node], fields: dict[str, Expression], track: str) -> tuple[Expression, ...]:
        node = given.get("once_per")
        if node is None:
            return (fields["invoice_id"],) if track == "sale" and "invoice_id" in fields else ()
        if self.reader.is_lost(node):
            return ()
        nodes = (node,) if node.kind == "scalar" else self.reader.items(node, "once_per")
        names = [expression_of(item, "once_per", "value", self.reader.problems) for item in nodes]
        return tuple(name for name in names if name is not None)

    def _deferred(self, given: dict[str, Node], track: str, fields: dict[str, Expression]) -> bool:
        node = given.get("mode")
        if self.reader.choice(node, "mode", ("deferred",)) is None or node is None:
            return False
        if track == "sale":
            self.reader.note("lead-only", node.place, '"mode" belongs to a lead', fix="leave it out of a sale")
        elif "click_id" not in fields:
            why = "a deferred lead tells the tracker which click this customer came from"
            self.reader.note("missing-field", node.place, 'mode: deferred needs the field "click_id"', why=why)
        if "without_click_id" in given:
            place = given["without_click_id"].place
            why = "a deferred lead without a click id says nothing, so it is always skipped"
            self.reader.note("wrong-value", place, '"without_click_id" has no place beside mode: deferred', why=why)
        return True

    def _without(self, given: dict[str, Node], track: str) -> str:
        chosen = self.reader.choice(given.get("without_click_id"), "without_click_id", ("skip", "send"))
        return chosen or ("send" if track == "sale" else "skip")

    def _unsure(self, given: dict[str, Node]) -> str | None:
        return self.reader.choice(given.get("when_unsure"), "when_unsure", ("repeat", "hold"))

    def _warn_of_click_id(self, given: dict[str, Node], rule: Rule) -> None:
        has_field = "fields" in given and given["fields"].get("click_id") is not None
        if has_field or "without_click_id" in given:
            return
        sent = (
            "is sent without one" if rule.track == "sale" else "goes only where an earlier one of the customer is known"
        )
        problem = Problem(
            code="no-click-id",
            what="this rule reads no click id",
            place=rule.place,
            why=f"every {rule.track} of it {sent}",
            fix="add click_id under fields, or say so with without_click_id: send",
            severity=Severity.WARNING,
        )
        self.reader.problems.append(problem)
