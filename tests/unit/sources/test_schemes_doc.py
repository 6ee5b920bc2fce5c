"""docs/schemes.md: what it shows is parsed, signed and proven, and it names what there is."""

import base64
import hmac
import re
from pathlib import Path

import pytest

from bridge import sources
from bridge.sources.hmac_parser import AXES
from tests.unit.sources.factories import BODY, NOW, a_scheme, a_verifier, a_webhook, refusal

TEXT = (Path(__file__).parents[3] / "docs" / "schemes.md").read_text(encoding="utf-8")
EXAMPLES = re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL)
#: usable by every example: base64, and 24 bytes
SECRET = base64.b64encode(b"0123456789abcdefghijklmn").decode()
SECONDS = b"%d" % int(NOW.timestamp())


def test_there_are_three_worked_hmac_examples_and_a_token() -> None:
    assert ["hmac", "hmac", "hmac", "token"] == [a_scheme(example).name for example in EXAMPLES]


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_an_example_proves_what_it_signs_and_nothing_else(example: str) -> None:
    verifier = a_verifier(example, SECRET)

    signed = verifier.sign(a_webhook(), NOW)

    assert verifier.verify(signed, NOW).by.endswith(" 1")
    assert "mismatch" == refusal(a_verifier(example, base64.b64encode(b"another").decode()), signed)


@pytest.mark.parametrize(
    ("number", "header", "value"),
    [
        (0, "x-signature", hmac.new(SECRET.encode(), BODY, "sha256").hexdigest()),
        (
            1,
            "acme-signature",
            f"t={SECONDS.decode()},v1={hmac.new(SECRET.encode(), SECONDS + b'.' + BODY, 'sha256').hexdigest()}",
        ),
        (
            2,
            "x-forms-hmac",
            "sha512=" + base64.b64encode(hmac.digest(base64.b64decode(SECRET), BODY, "sha512")).decode(),
        ),
        (3, "authorization", f"Bearer {SECRET}"),
    ],
)
def test_an_example_means_what_the_page_says(number: int, header: str, value: str) -> None:
    signed = a_verifier(EXAMPLES[number], SECRET).sign(a_webhook(), NOW)

    assert ((header.encode(), value.encode()),) == signed.headers


def test_every_scheme_and_axis_is_on_the_page() -> None:
    assert [] == [
        name for name in (*sources.SCHEMES, *AXES) if f"`{name}`" not in TEXT and f"scheme: {name}`" not in TEXT
    ]
