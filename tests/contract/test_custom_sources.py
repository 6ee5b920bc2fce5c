"""custom and standard-webhooks: one contract for both, and senders copied from the page are let in."""

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar, cast

import pytest

from bridge import sources
from bridge.demo.samples import webhook_of
from bridge.errors import Refused
from bridge.mapping import Mapping, parse
from bridge.model import EventState, Meaning, Sale, Webhook
from tests.contract.tellings import MAPPINGS, RECEIVED_AT, mapping_of, meanings

PAGE = (MAPPINGS.parent / "docs" / "sources" / "custom.md").read_text(encoding="utf-8")
SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oDk5Xa2z8p6p4="
NODE = shutil.which("node")
SALE = {"type": "sale", "event_id": "erp-1", "customer_id": "7", "amount": "49.90", "currency": "EUR"}


def shipped(source: str) -> Mapping:
    return mapping_of(MAPPINGS / f"{source}.yaml")


def told(source: str, **fields: Any) -> Meaning:
    body = json.dumps({"headers": {"webhook-id": "msg_1"}, "body": fields}).encode()
    (meaning,) = meanings(shipped(source), sources.sample(webhook_of(body, source, RECEIVED_AT)))
    return meaning


BOTH = pytest.mark.parametrize("source", ["custom", "standard-webhooks"])


@BOTH
@pytest.mark.parametrize(
    ("fields", "amount"),
    [
        ({"amount": 49}, 4900),
        ({"amount": "49.9"}, 4990),
        ({"amount": None, "amount_minor": "4990"}, 4990),
        ({"amount": "", "amount_minor": 4990}, 4990),
        ({"amount": 500, "currency": "jpy"}, 500),
        ({"amount": None, "amount_minor": 500, "currency": "JPY"}, 500),
        ({"amount_minor": ""}, 4990),
        ({"amount_minor": None}, 4990),
    ],
    ids=lambda value: str(value),
)
def test_an_amount_has_one_of_two_names(source: str, fields: dict[str, Any], amount: int) -> None:
    (conversion,) = told(source, **(SALE | fields)).conversions
    assert isinstance(conversion.payload, Sale)
    assert amount == conversion.payload.amount


@BOTH
@pytest.mark.parametrize(
    "fields",
    [
        {"amount_minor": 4990},
        {"amount": 0, "amount_minor": 0},
        {"amount": None},
        {"amount": "49,90"},
        {"amount": "€49.90"},
        {"amount": None, "amount_minor": "49.90"},
        {"currency": "Euro"},
        {"customer_id": "0"},
        {"customer_id": {"id": 7}},
        {"type": "purchase"},
        {"type": None},
        {"type": ["sale"]},
        {"test": "perhaps"},
    ],
    ids=lambda value: str(value),
)
def test_what_nobody_can_be_sure_of_is_for_a_person_to_look_at(source: str, fields: dict[str, Any]) -> None:
    meaning = told(source, **(SALE | fields))
    assert (EventState.UNMAPPED, ()) == (meaning.state, meaning.conversions)


def test_a_lead_and_a_sale_with_the_same_number_are_two_events() -> None:
    keys = {told("custom", **(SALE | {"type": kind, "event_id": 77})).event.key for kind in ("lead", "sale", "SALE")}
    assert 2 == len(keys)


def test_without_an_event_id_the_bytes_tell_events_apart() -> None:
    fields = {key: value for key, value in SALE.items() if key != "event_id"} | {"invoice_id": "1"}
    assert "sha256:" == told("custom", **fields).event.key[:7]


def test_the_page_names_the_fields_that_are_read_and_no_other() -> None:
    named = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)
    mapping = shipped("custom")
    expressions = [mapping.event.id, mapping.event.type, mapping.event.occurred_at, mapping.event.test]
    for rule in mapping.rules:
        expressions += [rule.when, *rule.fields.values()]
    texts = [re.sub(r"'.*?'|`.*?`|\{.*?\}|\w+(?=\()", "", found.text) for found in expressions if found is not None]
    assert sorted([*named, "cms_rf"]) == sorted({word for text in texts for word in re.findall(r"\w+", text)})


def test_the_pages_source_for_one_tool_starts_from_custom_with_a_secret_of_its_own() -> None:
    (text,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    own = parse(
        text, file="zapier.yaml", base=lambda name: (MAPPINGS / f"{name}.yaml").read_text(encoding="utf-8")
    ).mapping
    assert own is not None
    scheme, problems = sources.parse(own.verify)
    assert ("zapier", []) == (own.source, problems)
    assert scheme is not None
    verifier = sources.bind(scheme, ["a token of some length"])
    webhook = Webhook(
        source="zapier",
        headers=((b"authorization", b"Bearer a token of some length"),),
        body=b"{}",
        received_at=RECEIVED_AT,
    )
    assert verifier.verify(webhook, RECEIVED_AT).webhook is webhook


def test_the_bodies_that_the_page_offers_are_leads_and_sales() -> None:
    (curl,) = re.findall(r"--json '(.*?)'", PAGE)
    (make,) = re.findall(r"```text\n(\{.*?\})\n```", PAGE)
    tried, made = (told("custom", **json.loads(text)) for text in (curl, make))
    assert "test mode" == tried.reason
    assert ["{{1.id}}"] == [conversion.payload.customer_external_id for conversion in made.conversions]
    (expression,) = re.findall(r"```text\n=\{\{ JSON.stringify\(\{(.*?)\}\) \}\}\n```", PAGE)
    names = re.findall(r"(\w+): ", expression)
    assert (
        EventState.ACCEPTED is told("custom", **(dict.fromkeys(names, "1") | {"type": "sale", "currency": "EUR"})).state
    )


# The senders on the page ------------------------------------------------------------------------------------------


class Receiver(BaseHTTPRequestHandler):
    """Keeps what was posted, and answers 200."""

    posted: ClassVar[list[Webhook]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = tuple((name.lower().encode(), value.encode()) for name, value in self.headers.items())
        self.posted.append(
            Webhook(source="standard-webhooks", headers=headers, body=body, received_at=datetime.now(UTC))
        )
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def url() -> Iterator[str]:
    Receiver.posted.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
    thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/webhooks/standard-webhooks"
    server.shutdown()
    thread.join()
    server.server_close()


EVENT = {"type": "sale", "customer_id": "7", "click_id": "Zoë", "amount": "49.90", "currency": "EUR", "invoice_id": "1"}


def python_sender(url: str) -> int:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names: dict[str, Any] = {}
    exec(compile(code, "custom.md", "exec"), names)  # the page's own sender is what is tested
    send = cast("Callable[[str, str, str, dict[str, Any]], int]", names["send"])
    return send(url, SECRET, "order-1042", EVENT)


def node_sender(url: str) -> int:
    if NODE is None:
        pytest.skip("node is not installed: the sender in Node is not run")
    (code,) = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
    call = f"console.log(await send({json.dumps(url)}, {json.dumps(SECRET)}, 'order-1042', {json.dumps(EVENT)}));"
    done = subprocess.run(
        [NODE, "--input-type=module"], input=code + call, capture_output=True, text=True, timeout=30, check=True
    )
    return int(done.stdout)


@pytest.mark.parametrize("send", [python_sender, node_sender], ids=["Python", "Node"])
def test_the_pages_sender_is_let_in_and_makes_a_sale(url: str, send: Callable[[str], int]) -> None:
    assert 200 == send(url)
    (webhook,) = Receiver.posted
    mapping = shipped("standard-webhooks")
    scheme, _ = sources.parse(mapping.verify)
    assert scheme is not None
    verifier = sources.bind(scheme, [SECRET])
    verified = verifier.verify(webhook, webhook.received_at)
    (meaning,) = meanings(mapping, verified)
    assert ("order-1042", "order-1042") == (meaning.event.key, meaning.event.source_id)
    assert ["Zoë"] == [conversion.payload.click_id for conversion in meaning.conversions]
    with pytest.raises(Refused):
        verifier.verify(replace(webhook, body=webhook.body + b" "), webhook.received_at)
