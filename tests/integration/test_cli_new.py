"""new and schema: from a payload nobody has seen to a mapping whose example passes, in one command."""

import io
import json
import os
from pathlib import Path
from typing import Any

import pytest

from bridge import library, schema
from bridge.cli import main
from tests.support import clean_environment

Text = pytest.CaptureFixture[str]
ROOT = Path(__file__).parents[2]
EXAMPLES = ROOT / "mappings" / "examples"

ORDER = {
    "event_id": "ev_881",
    "event": "order.paid",
    "sent_at": "2026-04-10T12:34:56Z",
    "order": {
        "number": 1042,
        "total": "49.99",
        "currency": "eur",
        "status": "paid",
        "customer": {"id": 77, "mail": "Grace.Hopper@navy.mil", "first_name": "Grace", "last_name": "Hopper"},
        "notes": [{"name": "click_id", "value": "5e6e1650"}],
    },
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in os.environ.keys() - clean_environment().keys():
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    Path("order.json").write_text(json.dumps(ORDER), encoding="utf-8")
    return tmp_path


def test_one_command_makes_a_mapping_that_passes(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    assert 0 == main(["new", "shop", "order.json"])

    said = capsys.readouterr()
    assert [
        "wrote mappings/shop.yaml",
        "wrote mappings/examples/shop/order_paid.json",
        "wrote mappings/mapping.schema.json",
    ] == said.out.splitlines()
    assert "  sale purchase_completed 4999 EUR, customer 77, click id 5e6e1650\n" in said.err
    assert "  4  set SHOP_WEBHOOK_SECRET where the bridge runs (one of your own: openssl rand -hex 24)\n" in said.err
    assert "  5  give the sender http://127.0.0.1:8000/webhooks/shop/SECRET\n" in said.err

    monkeypatch.setenv("SHOP_WEBHOOK_SECRET", "a secret of some length")
    assert 0 == main(["check", "mappings"])
    assert 0 == main(["test", "mappings"])
    assert "1 mapping, 0 problems, 0 warnings\nshop  1 passed\n1 passed\n" == capsys.readouterr().out
    assert schema.text() == Path("mappings/mapping.schema.json").read_text(encoding="utf-8")


def test_nobody_real_is_written_unless_asked(capsys: Text) -> None:
    assert 0 == main(["new", "shop", "order.json"])
    written = "".join(
        file.read_text(encoding="utf-8") for file in Path("mappings").rglob("shop*/../**/*") if file.is_file()
    )
    assert "Hopper" not in written
    assert "navy.mil" not in written
    assert "made up: 1 e-mail address, 2 names" in capsys.readouterr().err

    assert 0 == main(["new", "kept", "order.json", "--keep"])
    assert ORDER == json.loads(Path("mappings/examples/kept/order_paid.json").read_bytes())


def test_nothing_is_overwritten_unless_asked(capsys: Text) -> None:
    Path("mappings").mkdir()
    Path("mappings/shop.yaml").write_text("mine", encoding="utf-8")

    assert 1 == main(["new", "shop", "order.json"])
    assert "mappings/shop.yaml would be overwritten" in capsys.readouterr().err
    assert ["shop.yaml"] == [file.name for file in Path("mappings").iterdir()]
    assert 0 == main(["new", "shop", "order.json", "--force"])


def test_it_can_only_print(capsys: Text) -> None:
    assert 0 == main(["new", "shop", "order.json", "--stdout"])

    out = capsys.readouterr().out
    assert out.startswith("# shop → started from one sample")
    assert "      amount: order.total\n" in out
    assert not Path("mappings").exists()


def test_it_reads_stdin_and_the_headers_around_a_body(capsys: Text, monkeypatch: pytest.MonkeyPatch) -> None:
    around: dict[str, Any] = {
        "headers": {
            "Content-Type": "application/json",
            "X-Acme-Topic": "order/paid",
            "X-Acme-Signature": "5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd",
        },
        "body": ORDER["order"],
    }
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(around).encode())))

    assert 0 == main(["new", "acme", "-"])

    text = Path("mappings/acme.yaml").read_text(encoding="utf-8")
    assert "  header: x-acme-signature\n" in text
    assert "  type: header('x-acme-topic')\n" in text
    example = Path("mappings/examples/acme/order_paid.json").read_text(encoding="utf-8")
    assert "5257a869" not in text + example
    assert {"content-type": "application/json", "x-acme-topic": "order/paid"} == json.loads(example)["headers"]
    assert "(the sender's page shows it)" in capsys.readouterr().err


@pytest.mark.parametrize("sample", ["gumroad/sale", "jotform/submission"], ids=["form", "multipart"])
def test_forms_are_kept_as_the_text_they_are(sample: str, capsys: Text) -> None:
    assert 0 == main(["new", "forms", str(EXAMPLES / f"{sample}.json")])
    assert 0 == main(["test", "mappings"])
    (example,) = Path("mappings/examples/forms").iterdir()
    assert isinstance(json.loads(example.read_bytes())["body"], str)


def test_a_lead_without_a_click_id_says_why_it_would_not_go(capsys: Text) -> None:
    Path("lead.json").write_text('{"type": "signup", "id": "1", "email": "ada@example.com"}', encoding="utf-8")

    assert 0 == main(["new", "forms", "lead.json"])

    err = capsys.readouterr().err
    assert "without a click id it goes only where an earlier click of that customer is known" in err
    assert "expect: ignored" in Path("mappings/forms.yaml").read_text(encoding="utf-8")


def test_a_test_event_says_what_it_would_be(capsys: Text) -> None:
    Path("order.json").write_text(json.dumps(ORDER | {"livemode": False}), encoding="utf-8")

    assert 0 == main(["new", "shop", "order.json"])

    err = capsys.readouterr().err
    assert "  ignored: test mode\n  were it live: sale purchase_completed 4999 EUR\n" in err


def test_a_shipped_source_is_started_from(capsys: Text) -> None:
    payload = str(EXAMPLES / "stripe" / "checkout_paid.json")

    assert 0 == main(["new", "stripe-eu", payload, "--like", "stripe"])
    text = Path("mappings/stripe-eu.yaml").read_text(encoding="utf-8")
    assert "extends: stripe\nsource: stripe-eu\nverify:\n  secret: ${STRIPE_EU_WEBHOOK_SECRET}\n" in text
    assert 0 == main(["new", "stripe", payload])
    assert "extends: stripe\nsource: stripe\n\n" in Path("mappings/stripe.yaml").read_text(encoding="utf-8")
    assert 0 == main(["test", "mappings"])

    assert 0 == main(["new", "stripe", payload, "--alone", "--force"])
    assert "extends" not in Path("mappings/stripe.yaml").read_text(encoding="utf-8")


def test_a_sender_that_is_known_by_its_headers_is_named(capsys: Text) -> None:
    payload = {"headers": {"X-Shopify-Topic": "orders/paid"}, "body": ORDER["order"]}
    Path("order.json").write_text(json.dumps(payload), encoding="utf-8")

    assert 0 == main(["new", "myshop", "order.json"])
    assert "this looks like shopify, which is shipped: --like shopify starts from that" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "content", "code", "told"),
    [
        ([], b"{}", 1, "the sample is empty"),
        ([], b"[]", 1, "the sample is a list without objects"),
        ([], b"7", 1, "the sample is a single value"),
        ([], b'{"a": 1}', 1, "the sample has neither money"),
        ([], b"", 1, "the sample cannot be read: empty"),
        ([], b"<order><total>5</total></order>", 1, "the sample cannot be read: it is XML"),
        ([], b'{"a": ', 1, "the sample cannot be read: not JSON"),
        ([], b"\xff\xfe", 1, "the sample cannot be read"),
        ([], b"hello", 1, "the sample has neither money"),
        ([], b"[" * 100_000, 1, "the sample cannot be read: "),
        ([], b'{"a":' * 100 + b"1" + b"}" * 100, 1, "the sample cannot be read: too deep"),
        (["--like", "nobody"], b"{}", 1, 'there is no shipped mapping "nobody"'),
        (["--name", "../up"], b"{}", 2, "expected letters, digits, _ and -"),
    ],
    ids=[
        "empty object", "empty list", "number", "nothing in it", "empty", "xml", "half", "binary", "words", "brackets",
        "deep", "unknown shipped", "odd name",
    ],
)  # fmt: skip
def test_what_cannot_be_started_says_why(
    arguments: list[str], content: bytes, code: int, told: str, capsys: Text
) -> None:
    Path("odd.json").write_bytes(content)

    assert code == main(["new", "odd", "odd.json", *arguments])
    assert told in capsys.readouterr().err
    assert not Path("mappings").exists()


def test_a_name_that_cannot_stand_in_a_url_is_refused_with_a_better_one(capsys: Text) -> None:
    assert 2 == main(["new", "My Shop", "order.json"])
    assert 'expected lower-case letters, digits and hyphens, such as "my-shop"' in capsys.readouterr().err


def test_every_shipped_payload_starts_something_or_says_why_not(capsys: Text) -> None:
    started = 0
    payloads = sorted(EXAMPLES.glob("*/*.json"))[::9]
    for payload in payloads:
        code = main(["new", "any", str(payload), "--stdout"])
        said = capsys.readouterr()
        assert code in (0, 1), payload
        assert "bug" not in said.err, payload
        assert "please report" not in said.err, payload
        started += code == 0
    assert started > len(payloads) // 2


def test_the_schema_is_printed_or_written(capsys: Text) -> None:
    assert 0 == main(["schema"])
    assert schema.document() == json.loads(capsys.readouterr().out)

    assert 0 == main(["schema", "--output", "here.json"])
    assert schema.text() == Path("here.json").read_text(encoding="utf-8")
    assert 1 == main(["schema", "--output", "nowhere/here.json"])
    assert "nowhere/here.json: cannot be written" in capsys.readouterr().err


def test_a_schema_beside_mappings_is_no_mapping() -> None:
    shipped = library.shipped_folder()
    loaded = library.load(shipped=shipped, folder=None, lookup=lambda _: None)

    assert (shipped / schema.FILE).is_file()
    assert not any("schema" in problem.place.file for problem in loaded.problems)


def test_the_wheel_takes_the_schema_along() -> None:
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    assert '"mappings" = "bridge/_mappings"' in project
