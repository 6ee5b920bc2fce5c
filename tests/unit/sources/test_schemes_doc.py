"""docs/schemes.md: what it shows is parsed, signed and proven, and it names what there is."""

import base64
import hmac
import re
from pathlib import Path

import pytest

from bridge import sources
from bridge.sources.hmac_parser import AXES
from bridge.sources.presets import SAME_AS
from bridge.sources.scheme import Algorithm, Encoding, Greeting, KeyForm
from tests.unit.sources.factories import BODY, NOW, a_scheme, a_verifier, a_webhook, refusal

TEXT = (Path(__file__).parents[3] / "docs" / "schemes.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
#: usable by every example: base64, and 24 bytes
KEY = b"0123456789abcdefghijklmn"
SECRET = base64.b64encode(KEY).decode()
SECONDS = b"%d" % int(NOW.timestamp())


def signature(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def test_there_are_three_worked_hmac_examples_and_a_token() -> None:
    assert ["hmac", "hmac", "hmac", "token"] == [a_scheme(example).name for example in EXAMPLES]


@pytest.mark.parametrize(("number", "preset"), list(enumerate(["slack", "paddle", "standard-webhooks"])))
def test_a_senders_own_axes_are_what_its_name_means(number: int, preset: str) -> None:
    assert a_scheme(f"{{scheme: {preset}, secret: $S}}").proof == a_scheme(EXAMPLES[number]).proof


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_proves_what_it_signs_and_nothing_else(example: str) -> None:
    verifier = a_verifier(example, SECRET)

    signed = verifier.sign(a_webhook(), NOW)

    assert verifier.verify(signed, NOW).by.endswith(" 1")
    assert "mismatch" == refusal(a_verifier(example, base64.b64encode(b"another").decode()), signed)


@pytest.mark.parametrize(
    ("number", "header", "value"),
    [
        (0, "x-slack-signature", f"v0={signature(SECRET.encode(), b'v0:' + SECONDS + b':' + BODY).hex()}"),
        (1, "paddle-signature", f"ts={SECONDS.decode()};h1={signature(SECRET.encode(), SECONDS + b':' + BODY).hex()}"),
        (2, "webhook-signature", "v1," + base64.b64encode(signature(KEY, b"id." + SECONDS + b"." + BODY)).decode()),
        (3, "authorization", f"Bearer {SECRET}"),
    ],
)
def test_an_example_means_what_the_page_says(number: int, header: str, value: str) -> None:
    signed = a_verifier(EXAMPLES[number], SECRET).sign(a_webhook(), NOW, event_id="id")

    assert [value.encode()] == signed.header(header.encode())


def test_every_scheme_and_axis_is_on_the_page() -> None:
    assert [] == [
        name for name in (*sources.SCHEMES, *AXES) if f"`{name}`" not in TEXT and f"scheme: {name}`" not in TEXT
    ]


def test_every_sender_that_signs_as_another_is_on_the_page() -> None:
    assert [] == [name for name in SAME_AS if name.partition("-")[0] not in TEXT.lower()]


def test_every_handshake_and_algorithm_is_on_the_page() -> None:
    words = [word.value for enum in (Greeting, Algorithm, Encoding, KeyForm) for word in enum]

    assert [] == [word for word in words if f"`{word}`" not in TEXT]
