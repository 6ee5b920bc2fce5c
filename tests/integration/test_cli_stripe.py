"""`trackbridge stripe`: what is done in Stripe, what is said, and where the secret goes."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import stripe_api
from bridge.cli import main
from bridge.library import shipped_folder
from bridge.mapping import parse
from tests.fake_stripe import KEY, Failure, FakeStripe, fake_stripe

#: Stripe's library hands httpx its bodies the old way
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>' to upload:DeprecationWarning")

URL = "https://hooks.example.com/webhooks/stripe"

Text = pytest.CaptureFixture[str]


def types_of_the_mapping() -> list[str]:
    text = (shipped_folder() / "stripe.yaml").read_text(encoding="utf-8")
    mapping = parse(text, file="stripe.yaml", base=lambda _: None).mapping
    assert mapping is not None
    return sorted(mapping.types)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[FakeStripe]:
    monkeypatch.setattr(stripe_api, "_PAUSES", (0.0, 0.0, 0.0, 0.0, 0.0))
    monkeypatch.chdir(tmp_path)
    with fake_stripe() as running:
        monkeypatch.setenv("STRIPE_API_KEY", KEY)
        monkeypatch.setenv("STRIPE_API_BASE", running.url)
        yield running


def connect(*arguments: str) -> int:
    return main(["stripe", "connect", *arguments])


def test_connect_makes_an_endpoint_with_exactly_the_mappings_types(fake: FakeStripe, capsys: Text) -> None:
    assert 0 == connect("--url", "https://hooks.example.com")

    (endpoint,) = fake.endpoints
    assert (URL, types_of_the_mapping()) == (endpoint["url"], endpoint["enabled_events"])
    said = capsys.readouterr()
    assert "STRIPE_WEBHOOK_SECRET=whsec_fake_1\n" == said.out
    assert "created: " in said.err
    assert "put this line into .env" in said.err


def test_connect_again_changes_nothing(fake: FakeStripe, capsys: Text) -> None:
    connect("--url", URL)
    posts = [request for request in fake.requests if request[0] == "POST"]
    capsys.readouterr()

    assert 0 == connect("--url", f"{URL}/")
    assert posts == [request for request in fake.requests if request[0] == "POST"]
    said = capsys.readouterr()
    assert "" == said.out
    assert said.err.startswith(f"unchanged: {URL} we_1\n")


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.com",
        "https://hooks.example.com/webhooks",
        "https://hooks.example.com/webhooks/",
        "https://HOOKS.example.com/webhooks/stripe/?a=b#c",
    ],
)
def test_an_address_is_one_however_it_is_written(fake: FakeStripe, url: str) -> None:
    fake.endpoints.append(
        {"id": "we_1", "url": "https://Hooks.example.com/webhooks/stripe/", "enabled_events": [], "status": "enabled"}
    )
    assert 0 == connect("--url", url)
    assert 1 == len(fake.endpoints)
    assert 0 == connect("--url", url.replace("https://", "https://other."))
    assert "https://other.hooks.example.com/webhooks/stripe" == fake.endpoints[1]["url"]


def test_a_key_of_test_mode_is_told_what_its_events_are_worth(fake: FakeStripe, capsys: Text) -> None:
    fake.is_live = False
    connect("--url", URL)
    assert "key is one of test mode" in capsys.readouterr().err


def test_what_stripe_does_not_tell_of_connected_accounts_is_said(fake: FakeStripe, capsys: Text) -> None:
    connect("--url", URL)
    capsys.readouterr()
    assert 0 == connect("--url", URL, "--connected-accounts")
    assert "whether this one sends events of connected accounts" in capsys.readouterr().err


def test_connect_brings_an_endpoint_up_to_date_and_on(fake: FakeStripe, capsys: Text) -> None:
    other = {"id": "we_0", "url": "https://elsewhere.example.com", "enabled_events": ["*"], "status": "enabled"}
    stale = {"id": "we_1", "url": URL, "enabled_events": ["invoice.paid", "charge.updated"], "status": "disabled"}
    fake.endpoints += [other, stale]

    assert 0 == connect("--url", "https://hooks.example.com/")
    assert (["*"], types_of_the_mapping(), "enabled") == (
        other["enabled_events"],
        stale["enabled_events"],
        stale["status"],
    )
    said = capsys.readouterr().err
    assert "  - charge.updated\n" in said
    assert "  + checkout.session.completed\n" in said
    assert "+ invoice.paid" not in said


def test_a_dry_run_only_says_what_would_be_done(fake: FakeStripe, capsys: Text) -> None:
    assert 0 == connect("--url", URL, "--dry-run")

    assert [] == fake.endpoints
    assert f"would be created: {URL}\n" in capsys.readouterr().err


def test_the_secret_can_go_into_a_file_of_its_owner(fake: FakeStripe, capsys: Text, tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("an old one", encoding="utf-8")
    file.chmod(0o644)

    assert 0 == connect("--url", URL, "--secret-file", str(file))
    assert ("whsec_fake_1\n", 0o600) == (file.read_text(encoding="utf-8"), file.stat().st_mode & 0o777)
    said = capsys.readouterr()
    assert "whsec" not in said.out + said.err
    assert f"STRIPE_WEBHOOK_SECRET_FILE={file}" in said.err


def test_json_is_one_object(fake: FakeStripe, capsys: Text) -> None:
    assert 0 == connect("--url", URL, "--json", "--connected-accounts")

    told = json.loads(capsys.readouterr().out)
    assert ("created", "we_1", URL, "whsec_fake_1") == (told["done"], told["endpoint"], told["url"], told["secret"])
    assert ["true"] == fake.requests[-1][2]["connect"]


def test_ones_own_mapping_has_its_own_url_types_and_variable(fake: FakeStripe, capsys: Text, tmp_path: Path) -> None:
    (tmp_path / "mappings").mkdir()
    (tmp_path / "mappings" / "stripe-eu.yaml").write_text(
        "extends: stripe\nsource: stripe-eu\nverify: {scheme: stripe, secret: '${EU_SECRET}'}\n", encoding="utf-8"
    )

    assert 0 == connect("--url", "https://hooks.example.com/bridge", "--source", "stripe-eu")
    assert "https://hooks.example.com/bridge/webhooks/stripe-eu" == fake.endpoints[0]["url"]
    assert "EU_SECRET=whsec_fake_1\n" == capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([], "give --url"),
        (["--url", "http://hooks.example.com"], "begins with https://"),
        (["--url", "hooks.example.com"], "begins with https://"),
        (["--url", URL, "--source", "strpe"], 'did you mean "stripe"?'),
        (["--url", "https://hooks.example.com", "--source", "tally"], '"tally" is not of Stripe'),
        (["--url", "https://hooks.example.com/webhooks/tally"], "the address of another source"),
        (["--url", "https://ada:secret@hooks.example.com"], "leave user and password out"),
        (["--url", URL, "--secret-file", "/nowhere/at/all"], "cannot be written: No such file or directory"),
        (["--url", URL, "--secret-file", "/"], "cannot be written"),
    ],
)
def test_what_cannot_be_done_is_said_before_anything_is_asked(
    fake: FakeStripe, capsys: Text, arguments: list[str], said: str
) -> None:
    assert 1 == connect(*arguments)
    assert said in capsys.readouterr().err
    assert [] == fake.requests


def test_without_a_key_it_says_which_kind_to_make(
    fake: FakeStripe, capsys: Text, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("STRIPE_API_KEY")
    assert 1 == connect("--url", URL)
    assert "STRIPE_API_KEY is not set" in capsys.readouterr().err


def test_stripes_refusal_is_a_sentence_without_the_key(fake: FakeStripe, capsys: Text) -> None:
    fake.failures.append(Failure(403, error={"type": "invalid_request_error", "message": f"{KEY} may not"}))
    assert 1 == connect("--url", URL)
    said = capsys.readouterr().err
    assert "Webhook Endpoints (write)" in said
    assert KEY not in said
