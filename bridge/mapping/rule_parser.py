"""One rule's node → a Rule, with every Problem in it."""

from dataclasses import dataclass
from typing import cast

from bridge.errors import Problem, Severity
from bridge.mapping.attribution import attribution_of
from bridge.mapping.expressions import constant_of
from bridge.mapping.field_parser import expression_at, fields_of, names_at
from bridge.mapping.reader import Reader
from bridge.mapping.rules import LEAD_FIELDS, RECORD_FIELDS, SALE_FIELDS, Expression, Rule, Track
from bridge.mapping.spans import span_of
from bridge.mapping.values import MOST_ID, cleaned
from bridge.model import Node
from bridge.money import Unit

KEYS = (
    "name",
    "types",
    "for_each",
    "when",
    "track",
    "record",
    "event_name",
    "fields",
    "unit",
    "once_per",
    "once_namespace",
    "mode",
    "stop",
    "without_click_id",
    "wait",
    "fill",
    "when_unsure",
    "silence",
)
#: Keys of what is sent, or looked for: a refund or a dispute is neither.
TRACK_KEYS = ("event_name", "mode", "without_click_id", "wait", "fill", "when_unsure", "silence")
RECORDS = ("refund", "dispute")
#: What is in an expression and in no name.
EXPRESSION_SIGNS = ("||", "&&", "==", "`", "{{")
#: The fields without which there is nothing to send.
NEEDED = {
    "lead": ("customer_external_id",),
    "sale": ("customer_external_id", "invoice_id", "amount", "currency"),
    "refund": ("of", "amount", "currency"),
    "dispute": ("of", "amount", "currency"),
}


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
        read = self._recording if "record" in given else self._tracking
        rule = read(given, node, name or "")
        return rule if self._weight() == before else None

    def _tracking(self, given: dict[str, Node], node: Node, name: str) -> Rule | None:
        """A rule that makes a lead or a sale; None when it does not say which."""
        track = self._track(given, node)
        if track is None:
            fields_of(given, SALE_FIELDS, self.reader)
            return None
        fields = self._fields(given, node, track)
        once_per = self._once_per(given, fields, track)
        attribution = attribution_of(given, track, self.reader)
        rule = Rule(
            name=name,
            place=node.place,
            track=track,
            fields=fields,
            types=self._types(given),
            when=expression_at(given, "when", "condition", self.reader),
            for_each=expression_at(given, "for_each", "list", self.reader),
            unit=self._unit(given, node, track),
            once_per=once_per,
            namespace=self.reader.slug(given.get("once_namespace"), "once_namespace") or self.source,
            deferred=self._deferred(given, track, fields),
            stop=self.reader.flag(given.get("stop"), "stop"),
            without_click_id=attribution.without,
            wait=attribution.wait,
            fill=attribution.fill,
            when_unsure="hold" if self._unsure(given) == "hold" else "repeat",
            silence=span_of(given.get("silence"), "silence", self.reader),
        )
        self._warn_of_click_id(given, rule)
        return rule

    def _track(self, given: dict[str, Node], node: Node) -> Track | None:
        track = given.get("track")
        if track is None:
            fix = "write track: lead or track: sale"
            self.reader.note("missing-key", node.place, 'this rule has no "track"', fix=fix)
        elif track.kind == "scalar" and track.text.strip() in RECORDS:
            word = track.text.strip()
            why = "what went back is remembered and shown, not sent"
            fix = f"write record: {word}"
            self.reader.note("wrong-value", track.place, f'"track" is lead or sale, got "{word}"', why=why, fix=fix)
            return None
        return cast("Track | None", self.reader.choice(track, "track", ("lead", "sale")))

    def _recording(self, given: dict[str, Node], node: Node, name: str) -> Rule | None:
        """A rule that remembers what went back; None when it does not say what."""
        if "track" in given:
            why = "a rule tracks a conversion, or records what went back"
            self.reader.note("track-only", given["track"].place, '"track" beside "record"', why=why, fix="make it two")
        for key in [key for key in TRACK_KEYS if key in given]:
            what, why = f'"{key}" beside "record"', "what is recorded is not sent"
            self.reader.note("track-only", given[key].place, what, why=why, fix="leave it out")
        kind = cast("Track | None", self.reader.choice(given["record"], "record", RECORDS))
        fields = fields_of(given, RECORD_FIELDS, self.reader)
        self._check_needed(given, node, kind or "refund")
        rule = Rule(
            name=name,
            place=node.place,
            track=kind or "refund",
            fields={key: fields[key] for key in RECORD_FIELDS if key in fields},
            types=self._types(given),
            when=expression_at(given, "when", "condition", self.reader),
            for_each=expression_at(given, "for_each", "list", self.reader),
            unit=self._unit(given, node, kind or "refund"),
            once_per=names_at(given.get("once_per"), "once_per", self.reader),
            of=names_at(given["fields"].get("of"), "of", self.reader) if "fields" in given else (),
            namespace=self.reader.slug(given.get("once_namespace"), "once_namespace") or self.source,
            stop=self.reader.flag(given.get("stop"), "stop"),
            without_click_id="send",
        )
        return rule if kind is not None else None

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

    def _fields(self, given: dict[str, Node], node: Node, track: Track) -> dict[str, Expression]:
        """The rule's fields with its event name, each in its place; missing ones are noted."""
        known = SALE_FIELDS if track == "sale" else LEAD_FIELDS
        fields = fields_of(given, known, self.reader)
        named = given["fields"].get("event_name") if "fields" in given else None
        plain = given.get("event_name")
        if (plain is None) == (named is None):
            what = "the event name is given twice" if plain else "this rule has no event name"
            fix = "write event_name: purchase_completed, or an expression as event_name under fields, not both"
            self.reader.note("event-name", plain.place if plain else node.place, what, fix=fix)
        text = self._event_name(plain)
        if plain is not None and text is not None:
            fields["event_name"] = text
        self._check_needed(given, node, track)
        return {key: fields[key] for key in known if key in fields}

    def _check_needed(self, given: dict[str, Node], node: Node, track: Track) -> None:
        listed = {key.text for key, _ in given["fields"].entries} if "fields" in given else set()
        for key in NEEDED[track]:
            if key not in listed:
                place = given["fields"].place if "fields" in given else node.place
                self.reader.note("missing-field", place, f'a {track} needs the field "{key}"')

    def _event_name(self, node: Node | None) -> Expression | None:
        text = self.reader.text(node, "event_name")
        if node is None or text is None:
            return None
        if len(text) > MOST_ID or cleaned(text) != text:
            self.reader.note("wrong-value", node.place, f'"event_name" is one line of at most {MOST_ID} characters')
            return None
        if any(sign in text for sign in EXPRESSION_SIGNS):
            why = "it stands for itself and would be sent as it is written"
            fix = "for an expression, write event_name under `fields`"
            self.reader.note("wrong-value", node.place, "this event name looks like an expression", why=why, fix=fix)
            return None
        return constant_of(text, node)

    def _unit(self, given: dict[str, Node], node: Node, track: str) -> Unit | None:
        unit = self.reader.choice(given.get("unit"), "unit", tuple(unit.value for unit in Unit))
        if track == "lead" and "unit" in given:
            self.reader.note("sale-only", given["unit"].place, '"unit" belongs to a sale', fix="leave it out of a lead")
        if track != "lead" and "unit" not in given:
            self.reader.note(
                "missing-key",
                node.place,
                f'this {track} has no "unit"',
                why="4999 may be 49.99 USD or 4,999 USD, and nobody but you knows",
                fix="write unit: minor (cents), unit: major (49.99) or unit: stripe",
            )
        return Unit(unit) if unit else None

    def _once_per(self, given: dict[str, Node], fields: dict[str, Expression], track: str) -> tuple[Expression, ...]:
        if "once_per" not in given:
            return (fields["invoice_id"],) if track == "sale" and "invoice_id" in fields else ()
        return names_at(given["once_per"], "once_per", self.reader)

    def _deferred(self, given: dict[str, Node], track: str, fields: dict[str, Expression]) -> bool:
        node = given.get("mode")
        if self.reader.choice(node, "mode", ("deferred",)) is None or node is None:
            return False
        if track == "sale":
            self.reader.note("lead-only", node.place, '"mode" belongs to a lead', fix="leave it out of a sale")
        elif "click_id" not in fields:
            why = "a deferred lead tells the tracker which click this customer came from"
            self.reader.note("missing-field", node.place, 'mode: deferred needs the field "click_id"', why=why)
        for key in [key for key in ("without_click_id", "wait") if key in given]:
            what = f'"{key}" has no place beside mode: deferred'
            why = "a deferred lead without a click id says nothing, so it is always skipped"
            self.reader.note("wrong-value", given[key].place, what, why=why)
        return True

    def _unsure(self, given: dict[str, Node]) -> str | None:
        return self.reader.choice(given.get("when_unsure"), "when_unsure", ("repeat", "hold"))

    def _warn_of_click_id(self, given: dict[str, Node], rule: Rule) -> None:
        has_field = "fields" in given and given["fields"].get("click_id") is not None
        if has_field or "without_click_id" in given or "wait" in given:
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
