"""docs/sources/forms.md: every file it shows works beside the shipped mapping it starts from."""

import re
from datetime import UTC, datetime
from pathlib import Path
from textwrap import dedent

import pytest

from bridge import sources
from bridge.errors import Refused
from bridge.mapping import Mapping, apply, parse
from bridge.model import Conversion, Webhook
from bridge.read import Document, read

ROOT = Path(__file__).parents[2]
MAPPINGS = ROOT / "mappings"
PAGE = (ROOT / "docs" / "sources" / "forms.md").read_text(encoding="utf-8")
NOW = datetime(2026, 9, 22, 9, 0, tzinfo=UTC)
SECRET = "a token of some length"


def shipped(name: str) -> str:
    return (MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8")


def own(text: str) -> Mapping:
    parsed = parse(text, file="own.yaml", base=shipped)
    assert parsed.mapping is not None, "\n".join(map(str, parsed.problems))
    return parsed.mapping


#: the files shown, by the source they start from
SHOWN = {
    mapping.source: mapping
    for mapping in (own(dedent(text)) for text in re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL))
}


def conversions_of(mapping: Mapping, example: str) -> list[Conversion]:
    body = (MAPPINGS / "examples" / mapping.source / f"{example}.json").read_bytes()
    headers = ((b"content-type", b"application/json"),)
    verified = sources.sample(Webhook(source=mapping.source, headers=headers, body=body, received_at=NOW))
    document = read(verified)
    assert isinstance(document, Document)
    return [conversion for meaning in apply(mapping, verified, document.value) for conversion in meaning.conversions]


def test_the_page_shows_an_own_rule_and_two_tokens() -> None:
    assert ["formbricks", "tally", "webflow"] == sorted(SHOWN)


def test_a_choice_is_asked_for_by_its_text() -> None:
    events = [conversion.payload.event_name for conversion in conversions_of(SHOWN["tally"], "response")]

    assert ["lead_captured", "lead_qualified"] == events
    assert 1 == len(conversions_of(SHOWN["tally"], "response_repeated_labels"))


@pytest.mark.parametrize(
    ("source", "example"), [("formbricks", "response_contact_info"), ("webflow", "form_submission")]
)
def test_a_sender_that_does_not_sign_is_let_in_by_a_token(source: str, example: str) -> None:
    scheme, problems = sources.parse(SHOWN[source].verify)
    assert scheme is not None, problems
    verifier = sources.bind(scheme, [SECRET])
    webhook = Webhook(source=source, token=b"a%20token%20of%20some%20length", body=b"{}", received_at=NOW)

    assert "token 1" == verifier.verify(webhook, NOW).by
    with pytest.raises(Refused):
        verifier.verify(Webhook(source=source, body=b"{}", received_at=NOW), NOW)
    assert f"${{{source.upper()}_WEBHOOK_SECRET}}" == scheme.secret[0].text
    assert 1 == len(conversions_of(SHOWN[source], example))


FORMS = [
    ("Tally", "tally"),
    ("Jotform", "jotform"),
    ("Google Forms", "google-forms"),
    ("Fillout", "fillout"),
    ("Formbricks", "formbricks"),
    ("Webflow", "webflow"),
    ("Paperform", "paperform"),
]


@pytest.mark.parametrize(("title", "source"), FORMS, ids=[source for _, source in FORMS])
def test_a_section_tells_everything_in_the_agreed_order(title: str, source: str) -> None:
    section = PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]
    headings = re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE)

    expected = ["Tier", "Set up", "What it sends", "What we make of it", "Click id", "Traps", "Unconfirmed"]
    assert expected == headings
    assert f"/webhooks/{source}" in section
    assert f"`{source.upper().replace('-', '_')}_WEBHOOK_SECRET`" in section


def test_every_file_the_page_links_to_is_there() -> None:
    links = re.findall(r"\]\((?!https?:)([^)#]+)", PAGE)

    assert links
    assert [] == [link for link in links if not (ROOT / "docs" / "sources" / link).exists()]
