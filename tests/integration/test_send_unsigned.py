"""`trackbridge send` for senders whose proof nobody else can make: it says so, and sends nothing."""

import base64
from pathlib import Path

import pytest

from bridge.cli import main
from tests.support import clean_environment

Text = pytest.CaptureFixture[str]
PUBLIC = "whpk_" + base64.b64encode(b"0123456789abcdef0123456789abcdef").decode()


@pytest.mark.parametrize(
    ("source", "secret", "why"),
    [
        ("paypal", "8PT597110X687430LKGECATA", "PayPal signs with a private key that only PayPal has"),
        ("standard-webhooks", PUBLIC, "a public key proves, and cannot sign: only the sender has the private one"),
    ],
)
def test_a_sample_that_only_the_sender_can_sign_is_not_sent(
    source: str, secret: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Text
) -> None:
    for name, value in clean_environment().items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(f"{source.upper().replace('-', '_')}_WEBHOOK_SECRET", secret)
    monkeypatch.chdir(tmp_path)

    code = main(["send", source, "--url", "http://127.0.0.1:1"])

    written = capsys.readouterr()
    assert (1, "") == (code, written.out)
    assert f'"{source}" cannot be signed here: {why}' in written.err
    assert secret not in written.err
