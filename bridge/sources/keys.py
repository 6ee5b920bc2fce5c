"""Secrets as the operator set them: what cannot be one, and the key bytes inside the others.

No text made here holds the secret, nor a part of it.
"""

import base64
import binascii
import re
from typing import assert_never

from bridge.sources.scheme import Basic, Hmac, KeyForm, Nothing, PayPal, Proof, Stripe, Token
from bridge.sources.template import Field

#: Words that stand where a secret should; compared without case, hyphens and underscores.
_PLACEHOLDERS = frozenset(
    (
        *("changeme", "replaceme", "placeholder", "example", "todo", "tbd", "none", "null", "undefined"),
        *("secrethere", "mysecret", "yoursecret", "yoursecrethere", "yourwebhooksecret", "yoursigningsecret"),
        *("nosecretprovided", "user:password", "username:password"),
    )
)
#: How shells, Windows and templates write one; a text like that is known to everybody.
_VARIABLE = re.compile(r"\$\{.*|\$[A-Z][A-Z0-9_]*|%[A-Z][A-Z0-9_]*%|\{\{.*\}\}")
_API_KEYS = ("sk_", "rk_", "pk_")
#: What Standard Webhooks writes before a key pair's halves.
_PUBLIC, _PRIVATE = "whpk_", "whsk_"
_PUBLIC_SIZE = 32


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
    if _VARIABLE.fullmatch(secret):
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


def public_key(proof: Hmac, secret: str) -> bytes | None:
    """The public key that this secret is, where the scheme has signatures for one; None when it is a shared secret."""
    if not (secret.startswith(_PUBLIC) and proof.pattern.has(Field.ED25519)):
        return None
    try:
        return _base64(secret.removeprefix(_PUBLIC))
    except ValueError:
        return b""


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
        case PayPal():
            return "" if secret.isascii() and secret.isalnum() else "it is not a webhook's id, of letters and digits"
        case Basic():
            user, colon, password = secret.partition(":")
            return "" if user and colon and password else "it is not written user:password"
        case Hmac():
            return _key_flaw(proof, secret)
        case Token() | Nothing():
            return ""
        case _:
            assert_never(proof)


def _key_flaw(proof: Hmac, secret: str) -> str:
    public = public_key(proof, secret)
    if public is not None:
        return "" if len(public) == _PUBLIC_SIZE else "it is not a public key (whpk_ and 32 bytes in base64)"
    if secret.startswith(_PRIVATE) and proof.pattern.has(Field.ED25519):
        return "it is a private key, which is the sender's alone; the public one begins with whpk_"
    return "" if key_bytes(proof.key, secret) else f"it is not written as `key: {proof.key.value}` says"
