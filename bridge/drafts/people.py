"""Who it is about: the customer's address, id and name, and not somebody's on the sender's side."""

from collections.abc import Sequence

from bridge.drafts import shapes
from bridge.drafts.choices import Choice, best
from bridge.drafts.leaves import Leaf, words_of

#: Words for people who pay or sign up, best first.
PEOPLE = (
    *("customer", "buyer", "purchaser", "payer", "invitee", "attendee", "attendees", "subscriber", "respondent"),
    *("contact", "client", "lead", "billing", "member", "person", "user", "shopper", "guest", "participant"),
    *("donor", "student", "learner", "supporter", "applicant", "candidate", "patron", "holder", "registrant"),
)
#: Words for people on the sender's side.
OTHERS = frozenset(
    (
        *(
            "seller",
            "merchant",
            "organizer",
            "organiser",
            "host",
            "owner",
            "admin",
            "sender",
            "from",
            "reply",
            "support",
        ),
        *("store", "shop", "vendor", "affiliate", "agent", "operator", "employee", "creator", "staff", "assignee"),
        *("author", "recipient", "company", "business", "team", "referrer", "payee", "hosts", "memberships", "gifter"),
    )
)
#: Events about a person, and the names under which they hold that person.
_ABOUT_ONE = frozenset(("customer", "user", "contact", "lead", "subscriber", "member"))
_NEWS = frozenset(
    ("created", "create", "updated", "update", "new", "added", "registered", "signed", "up", "insert", "event")
)
_HOLDERS = frozenset(("data", "object", "item", "record", "payload", "resource", "attributes"))
_FIRST = ({"first", "name"}, {"given", "name"}, {"firstname"}, {"fname"}, {"first"})
_LAST = ({"last", "name"}, {"family", "name"}, {"lastname"}, {"lname"}, {"surname"}, {"last"})
_WHOLE = ({"full", "name"}, {"fullname"}, {"name"}, {"customer", "name"}, {"display", "name"})
#: Names of things.
_THINGS = frozenset(
    (
        *(
            "product",
            "event",
            "form",
            "file",
            "plan",
            "item",
            "items",
            "campaign",
            "type",
            "status",
            "survey",
            "variant",
        ),
        *("tag", "resource", "alert", "host", "domain", "country", "province", "org", "app", "page", "bank", "field"),
        *("shipping", "company", "store", "shop", "organization", "calendar", "definition", "survey", "questions"),
        *("method", "gateway", "carrier", "browser", "device", "city", "currency", "template", "project", "table"),
    )
)


def email(found: Sequence[Leaf]) -> Choice | None:
    """The customer's address."""

    def points(leaf: Leaf) -> int:
        if not shapes.is_email(leaf.value):
            return 0
        named = 12 if leaf.words & {"email", "mail"} else 0
        return 60 + named + (4 if leaf.key == "email" else 0) + _person(leaf) - 2 * leaf.depth - 8 * leaf.is_listed

    return best(found, points)


def customer_id(found: Sequence[Leaf], kind: str) -> Choice | None:
    """A stable id of the customer; `kind` is the event's type, which may say that it is all about one."""
    about_one = words_of(kind) & _ABOUT_ONE if words_of(kind) <= _ABOUT_ONE | _NEWS else frozenset()

    def points(leaf: Leaf) -> int:
        if not shapes.is_id(leaf.value) or leaf.is_listed or leaf.words & OTHERS:
            return 0
        is_its_id = bool({"id", "uid", "uuid", "key"} & leaf.words)
        own = leaf.words if is_its_id else frozenset()
        if is_its_id and leaf.words <= {"id", "uid", "uuid", "external", "key"}:
            own = leaf.parent
        if leaf.words == {"customer"}:
            own = leaf.words
        if about_one and leaf.words in ({"id"}, {"external", "id"}) and leaf.parent & _HOLDERS:
            own = about_one
        ranks = [
            100 - 2 * PEOPLE.index(word) + (8 if "external" in leaf.words else 0) for word in own if word in PEOPLE
        ]
        odd = 60 if leaf.words & {"address", "type", "tax", "plan", "group", "default", "session", "agent"} else 0
        return max(ranks, default=0) - 3 * leaf.depth - odd - (40 if leaf.around & OTHERS else 0)

    return best(found, points)


def name(found: Sequence[Leaf], email: Leaf | None) -> Choice | None:
    """The customer's name; the one beside the e-mail address before all others."""

    def points(leaf: Leaf) -> int:
        is_beside = email is not None and leaf.within == email.within
        if not shapes.is_name(leaf.value) or leaf.words & _THINGS or (leaf.around & _THINGS and not is_beside):
            return 0
        known = 60 if set(leaf.words) in _WHOLE else 56 if set(leaf.words) in _FIRST else 0
        if known == 0 and "name" in leaf.words and _near_a_person(leaf) > 0 and set(leaf.words) not in _LAST:
            known = 50
        if leaf.words == {"name"} and _near_a_person(leaf) <= 0 and not is_beside:
            known -= 25
        return (known + 25 * is_beside + _near_a_person(leaf)) if known else 0

    choice = best(found, points)
    if choice is None or choice.leaf is None or set(choice.leaf.words) not in _FIRST:
        return choice
    return _in_two(choice, choice.leaf, found)


def _in_two(choice: Choice, first: Leaf, found: Sequence[Leaf]) -> Choice:
    """The first name with the last one beside it."""
    last = next((leaf for leaf in found if leaf.within == first.within and set(leaf.words) in _LAST), None)
    if last is None:
        return choice
    expression = f"join_present(' ', [{first.path}, {last.path}])"
    texts = [str(leaf.value) for leaf in (first, last) if shapes.is_given(leaf.value)]
    return Choice(expression=expression, value=" ".join(texts), others=choice.others, leaf=first)


def _person(leaf: Leaf) -> int:
    """Whether this is about somebody who pays or signs up, by the words on the way."""
    words = leaf.words | leaf.around
    near = 20 if words & frozenset(PEOPLE) - {"user"} else 6 if "user" in words else 0
    return near - (45 if words & OTHERS else 0) - (4 if "shipping" in words else 0)


def _near_a_person(leaf: Leaf) -> int:
    """How likely what stands here is about the customer."""
    return _person(leaf) - 2 * leaf.depth - 8 * leaf.is_listed
