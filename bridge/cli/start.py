"""What `trackbridge new` starts: the mapping's text and its example's, tried on each other before they are written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl

from bridge import library, mapping, read, schema, sources
from bridge.cli import output
from bridge.cli.ending import Failed
from bridge.demo.samples import webhook_of
from bridge.drafts.draft import Draft, draft
from bridge.drafts.extending import extending
from bridge.drafts.invented import Invented, invented
from bridge.drafts.opening import NoDraftError
from bridge.drafts.page import page
from bridge.drafts.sample import example_file
from bridge.intake import understand
from bridge.mapping import Mapping
from bridge.mapping.compare import conversions_of
from bridge.mapping.facts import shown
from bridge.mapping.rewrite import expectation
from bridge.model import EventState, Json, Meaning, Webhook

#: An example's name, the path of its payload, and what it becomes.
_Example = tuple[str, str, Sequence[dict[str, Json]] | str]
#: A mapping's text, with an example or without.
_Text = Callable[[_Example | None], str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A mapping and its example, which passes."""

    source: str
    #: of the example's file, without its ending
    name: str
    mapping: str
    example: str
    meanings: tuple[Meaning, ...]
    #: who was made up, in words; empty for nobody
    made_up: str
    #: what a person must know about what became of the sample
    concerns: tuple[str, ...]
    #: the shipped source whose headers the sample has
    looks_like: str
    #: the sender takes a secret that we make, and shows none of its own
    makes_secret: bool
    #: what follows the source's name in the address
    address_end: str


def is_shipped(source: str) -> bool:
    """Whether a mapping of this name came with trackbridge."""
    return _base(source) is not None


def from_sample(webhook: Webhook, *, like: str, name: str, keep: bool) -> Start:
    """Start from a sample. Raises Failed where nothing can be made of it."""
    source, document = webhook.source, _document(webhook)
    made = None if keep else invented(document)
    shown_document = document if made is None else made.value
    try:
        drafted = None if like else _draft(webhook, shown_document)
    except NoDraftError as error:
        raise Failed(output.printable(str(error)).replace("\\n", "\n")) from None
    text = _text_of(source, like, drafted)
    parsed = _parsed(text(None), source)
    example = _example(webhook, document, made, parsed)
    name = name or _file_name(drafted)
    meanings = understand(parsed, sources.sample(webhook_of(example.encode(), source, output.now())))
    whole = text((_sentence(drafted, meanings), f"examples/{source}/{name}.json", _expected(meanings)))
    _check(whole, source, meanings)
    preset = drafted.sender.preset if drafted else ""
    lines = drafted.sender.lines if drafted else ()
    return Start(
        source=source,
        name=name,
        mapping=whole,
        example=example,
        meanings=meanings,
        made_up=made.told() if made else "",
        concerns=tuple(_concerns(parsed, example, source, meanings)),
        looks_like=preset if preset != source and is_shipped(preset) else "",
        makes_secret=lines[:1] in (("scheme: token",), ("scheme: basic",)),
        address_end="/SECRET" if "path: true" in lines else "",
    )


def _document(webhook: Webhook) -> Json:
    found = read.read(sources.sample(webhook))
    if webhook.body.lstrip().startswith(b"<"):
        raise Failed("the sample cannot be read: it is XML, and trackbridge reads JSON and forms")
    if isinstance(found, read.Document):
        return found.value
    raise Failed(f"the sample cannot be read: {found.why}\n  fix: a sample is JSON or a form, as the sender posts it")


def _draft(webhook: Webhook, document: Json) -> Draft:
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in webhook.headers}
    return draft(webhook.source, headers, dict(parse_qsl(webhook.query.decode("latin-1"))), document)


def _text_of(source: str, like: str, drafted: Draft | None) -> _Text:
    if drafted is None:
        return lambda example: extending(source, like, schema.FILE, example)
    return lambda example: page(drafted, schema.FILE, example)


def _parsed(text: str, source: str) -> Mapping:
    parsed = mapping.parse(text, file=f"{source}.yaml", base=_base)
    if parsed.mapping is None:
        told = "\n".join(map(str, parsed.problems))
        raise Failed(f"no sound mapping can be made of this sample; please report it\n{told}")
    return parsed.mapping


def _base(name: str) -> str | None:
    file = library.shipped_folder() / f"{name}.yaml"
    return file.read_text(encoding="utf-8") if file.is_file() else None


def _example(webhook: Webhook, document: Json, made: Invented | None, parsed: Mapping) -> str:
    asked = {name: value for name, value in parse_qsl(webhook.query.decode("latin-1")) if name in parsed.queries_read}
    return example_file(webhook, document, made, headers=parsed.headers_read, query=asked)


def _file_name(drafted: Draft | None) -> str:
    kind = drafted.kind or drafted.track if drafted else "sample"
    letters = "".join(char if char.isascii() and char.isalnum() else "_" for char in kind.lower())
    return "_".join(part for part in letters.split("_") if part)[:60] or "sample"


def _sentence(drafted: Draft | None, meanings: Sequence[Meaning]) -> str:
    subject = (drafted.kind if drafted else "") or "the sample"
    got = conversions_of(meanings)
    if len(got) == 1:
        return f"{subject} is a {mapping.facts(got[0].payload)['track']}"
    return f"{subject} is {len(got)} conversions" if got else f"{subject} is nothing to send"


def _expected(meanings: Sequence[Meaning]) -> Sequence[dict[str, Json]] | str:
    if any(meaning.state is EventState.UNMAPPED for meaning in meanings):
        return "unmapped"
    got = conversions_of(meanings)
    return [expectation(conversion) for conversion in got] if got else "ignored"


def _check(text: str, source: str, meanings: Sequence[Meaning]) -> None:
    """The example that is written must pass."""
    (example,) = _parsed(text, source).examples
    differences = mapping.compare(example, meanings)
    if differences:
        raise Failed("the example would not pass; please report it\n  " + "\n  ".join(differences))


def _concerns(parsed: Mapping, example: str, source: str, meanings: Sequence[Meaning]) -> Sequence[str]:
    """Why nothing, or not all, would be sent of the sample, and what would be otherwise."""
    told: list[str] = []
    for meaning in meanings:
        if meaning.reason:
            told.append(f"{meaning.state.value}: {meaning.reason}")
        for conversion in meaning.conversions:
            if conversion.needs_association:
                why = "without a click id it goes only where an earlier click of that customer is known"
                told.append(f"{shown(conversion.payload)}, customer {conversion.payload.customer_external_id}: {why}")
    if any(meaning.reason == "test mode" for meaning in meanings):
        verified = sources.sample(webhook_of(example.encode(), source, output.now()))
        document = read.read(verified)
        if isinstance(document, read.Document):
            live = [event.as_live for event in mapping.explain(parsed, verified, document.value).events]
            told += [f"were it live: {shown(c.payload)}" for one in live if one for c in one.conversions]
    return tuple(dict.fromkeys(told))
