"""Secrets as the operator set them: what cannot be one, and the key bytes inside the others.

No text made here holds the secret, nor a part of it.
"""

import base64
import binascii
from typing import assert_never

from bridge.sources.scheme import Basic, Hmac, KeyForm, Nothing, Proof, Stripe, Token

#: Words that stand where a secret should; compared without case, hyphens and underscores.
_PLACEHOLDERS = frozenset(
    (
        *("changeme", "replaceme", "placeholder", "example", "todo", "tbd", "none", "null", "undefined"),
        *("secrethere", "mysecret", "yoursecret", "yoursecrethere", "yourwebhooksecret", "yoursigningsecret"),
        *("nosecretprovided", "user:password", "username:password"),
    )
)
_API_KEYS = ("sk_", "rk_", "pk_")


def flaw(proof: Proof, secret: str) -> str:
    """What keeps this text from being this scheme's secret, in words; empty when nothing does."""
    return common_flaw(secret) or _own_flaw(proof, secret)


def common_flaw(secret: str) -> str:
    """What keeps this text from being any scheme's secret, in words; empty when nothing does."""
    if not secret.strip():
        return "it is empty"
    if secret != secret.strip():
        return "there is white space around it"
    if any(char < " " or char == "\x7f" or "\ud800" <= char <= "\udfff" for char in secret):
        return "it holds characters that no secret has"
    if secret.startswith("${"):
        return "it is a variable that was not replaced"
    return "it is a placeholder, not a secret" if _is_placeholder(secret) else ""


def key_bytes(form: KeyForm, secret: str) -> bytes | None:
    """The key inside a secret, or None when it is not written in this form."""
    try:
        match form:
            case KeyForm.UTF8:
                return secret.encode()
            case KeyForm.HEX:
                return binascii.unhexlify(secret)
            case KeyForm.BASE64:
                return _base64(secret)
            case KeyForm.WHSEC:
                return _base64(secret.removeprefix("v1,").removeprefix("whsec_"))
            case _:
                assert_never(form)
    except ValueError:
        return None


def _base64(text: str) -> bytes:
    """Strict but for the padding, which some senders leave out."""
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)


def _is_placeholder(secret: str) -> bool:
    bare = secret.lower().replace("-", "").replace("_", "").replace(" ", "").strip(".…")
    blank = not bare.removeprefix("whsec").strip("x*.…")
    return blank or bare in _PLACEHOLDERS or (secret.startswith("<") and secret.endswith(">"))


def _own_flaw(proof: Proof, secret: str) -> str:
    match proof:
        case Stripe():
            return (
                "it is an API key, not an endpoint's signing secret (whsec_…)" if secret.startswith(_API_KEYS) else ""
            )
        case Basic():
            user, colon, password = secret.partition(":")
            return "" if user and colon and password else "it is not written user:password"
        case Hmac():
            return "" if key_bytes(proof.key, secret) else f"it is not written as `key: {proof.key.value}` says"
        case Token() | Nothing():
            return ""
        case _:
            assert_never(proof)
