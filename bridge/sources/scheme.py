"""What a mapping's `verify:` says, once read: a `Scheme` with its axes and the place of its secrets.

Plain frozen values: made by `parser`, turned into a verifier by `binder`. No secret is ever in here, only the
YAML nodes where secrets are written.
"""

from dataclasses import dataclass
from enum import Enum
from typing import Literal, TypeAlias

from bridge.errors import Place
from bridge.model import Node
from bridge.sources.pattern import Pattern
from bridge.sources.template import Field

#: How far a signed timestamp may be from now, both ways, where a scheme does not say otherwise.
TOLERANCE_SECONDS = 300


class Algorithm(Enum):
    """The hash under the HMAC, or one without an HMAC."""

    SHA256 = "sha256"
    SHA1 = "sha1"
    SHA512 = "sha512"
    PLAIN_SHA256 = "plain-sha256"  # the hash of the secret with the signed bytes behind it


class Encoding(Enum):
    """How the digest is written in the header."""

    HEX = "hex"
    BASE64 = "base64"


class KeyForm(Enum):
    """How the key's bytes come out of the secret's text."""

    UTF8 = "utf8"  # the text as it is
    BASE64 = "base64"
    HEX = "hex"
    WHSEC = "whsec"  # base64 behind an optional `whsec_`, as Standard Webhooks writes it


class Unit(Enum):
    """How the timestamp is written."""

    SECONDS = "s"
    MILLISECONDS = "ms"
    ISO = "iso"


class Greeting(Enum):
    """Whose handshake a source makes besides its webhooks."""

    WOOCOMMERCE = "woocommerce"  # a ping without proof
    META = "meta"  # a GET with a token of ours
    SLACK = "slack"  # a signed challenge to be echoed
    ZOOM = "zoom"  # a signed token to be signed back
    XERO = "xero"  # what is refused is answered without a body
    INTERCOM = "intercom"  # a HEAD, to see whether anybody is there


@dataclass(frozen=True, slots=True, kw_only=True)
class Timestamp:
    """Where the signed time stands and how far it may be from now."""

    #: empty: in the signature header, where the pattern says `{timestamp}`
    header: bytes = b""
    unit: Unit = Unit.SECONDS
    tolerance_seconds: int = TOLERANCE_SECONDS


@dataclass(frozen=True, slots=True, kw_only=True)
class Hmac:
    """Every axis of an HMAC over a template of the request."""

    #: the header with the signature: whichever of these is in the request
    headers: tuple[bytes, ...]
    pattern: Pattern
    #: the signed bytes in order: literals and fields
    signed: tuple[bytes | Field, ...]
    algorithm: Algorithm = Algorithm.SHA256
    encoding: Encoding = Encoding.HEX
    key: KeyForm = KeyForm.UTF8
    timestamp: Timestamp | None = None
    #: where `{id}` stands; empty: in the pattern, or not used at all
    id_header: bytes = b""
    #: literals next to `{id}` in the template: an id that holds one could move the border between the signed parts
    id_fences: tuple[bytes, ...] = ()
    #: the address as the sender was given it; empty: the one that is known when the source is bound
    url: str = ""
    handshake: Greeting | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stripe:
    """Stripe's own scheme, checked by Stripe's own library."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PayPal:
    """PayPal's own scheme: a certificate proves, and the secret is the webhook's id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A shared secret sent as it is, in exactly one place."""

    at: Literal["header", "query", "path"]
    #: of the header (lower case) or the query parameter
    name: bytes = b""
    #: text before the secret in the header, such as `Bearer `
    prefix: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class Basic:
    """`Authorization: Basic` with the secret `user:password`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """No proof at all: whoever knows the address is let in."""


Proof: TypeAlias = Hmac | Stripe | PayPal | Token | Basic | Nothing


@dataclass(frozen=True, slots=True, kw_only=True)
class Scheme:
    """How one source proves itself; `bind` adds the secrets."""

    #: as the mapping says it: `stripe`, `typeform`, `hmac`, …
    name: str
    proof: Proof
    #: the scalars under `secret`, still `${NAME}`; empty for scheme none
    secret: tuple[Node, ...] = ()
    #: the scalar under `verify_token`, a secret as the others
    verify_token: Node | None = None
    place: Place

    @property
    def needs_url(self) -> bool:
        """Whether the sender signs its address and the mapping does not say which that is."""
        return isinstance(self.proof, Hmac) and Field.URL in self.proof.signed and not self.proof.url
