"""A scheme and its secrets → a verifier; or every secret that cannot be one, by number, never by value."""

from collections.abc import Sequence
from importlib import import_module
from typing import assert_never

from bridge.errors import ConfigError, Place, Problem
from bridge.model import Node
from bridge.sources.hmac_scheme import HmacVerifier, PublicKeys
from bridge.sources.keys import common_flaw, flaw, public_key
from bridge.sources.paypal import PayPalVerifier
from bridge.sources.scheme import Basic, Hmac, Nothing, PayPal, Scheme, Stripe, Token
from bridge.sources.signer import Certificates, no_certificates
from bridge.sources.unsigned import BasicVerifier, OpenVerifier, TokenVerifier
from bridge.sources.verifier import Verifier


def bind(
    scheme: Scheme,
    secrets: Sequence[str],
    *,
    url: str = "",
    verify_token: str = "",
    certificates: Certificates = no_certificates,
) -> Verifier:
    """Make the verifier; the first secret is the one that signs. Raises ConfigError when one cannot be a secret.

    `url` is the source's own address, for a scheme that `needs_url`; without a `verify_token` no GET is let in; without
    `certificates` nothing can be proven that one proves.
    """
    proof = scheme.proof
    if isinstance(proof, Nothing):
        return OpenVerifier()
    problems = _problems(scheme, secrets)
    if scheme.needs_url and not url:
        problems.append(_unaddressed(scheme))
    if verify_token and (wrong := common_flaw(verify_token)):
        problems.append(_problem(scheme, scheme.verify_token, f"the `verify_token` cannot be used: {wrong}"))
    if problems:
        raise ConfigError(problems)
    match proof:
        case Stripe():
            return _stripe(secrets)
        case Hmac():
            public = _public_keys(proof, secrets)
            return HmacVerifier(proof, secrets, url=url, verify_token=verify_token, public=public)
        case PayPal():
            return PayPalVerifier(secrets, certificates)
        case Token():
            return TokenVerifier(proof, secrets)
        case Basic():
            return BasicVerifier(secrets)
        case _:
            assert_never(proof)


def _stripe(secrets: Sequence[str]) -> Verifier:
    # Stripe's library costs 0.13 s and 25 MB to import: only those who take Stripe's webhooks pay for it.
    module = import_module("bridge.sources.stripe_scheme")
    verifier: Verifier = module.StripeVerifier(secrets)
    return verifier


def _public_keys(proof: Hmac, secrets: Sequence[str]) -> PublicKeys | None:
    keys = {number: key for number, secret in enumerate(secrets, start=1) if (key := public_key(proof, secret))}
    if not keys:
        return None
    # as with Stripe's library: imported for those who need it
    found: PublicKeys = import_module("bridge.sources.ed25519").PublicKeys(keys)
    return found


def _problems(scheme: Scheme, secrets: Sequence[str]) -> list[Problem]:
    nodes = scheme.secret
    if not secrets:
        return [_problem(scheme, nodes[0] if nodes else None, "there is no secret to prove webhooks with")]
    problems: list[Problem] = []
    for index, secret in enumerate(secrets):
        wrong = flaw(scheme.proof, secret)
        if not wrong and isinstance(scheme.proof, Hmac):
            wrong = _pasted(scheme.proof, secret)
        if wrong:
            number = f"secret {index + 1}" if len(secrets) > 1 else "the secret"
            node = nodes[min(index, len(nodes) - 1)] if nodes else None
            problems.append(_problem(scheme, node, f"{number} cannot be used: {wrong}"))
    return problems


def _pasted(proof: Hmac, secret: str) -> str:
    literals = [piece for piece in proof.signed if isinstance(piece, bytes)]
    return "it also stands in the `signed` template" if any(secret.encode() in text for text in literals) else ""


def _problem(scheme: Scheme, node: Node | None, what: str) -> Problem:
    place = node.place if node else scheme.place
    # without the source line: it may hold the secret itself
    bare = Place(file=place.file, line=place.line, column=place.column)
    return Problem(code="unusable-secret", what=what, place=bare, fix=_fix(scheme))


def _fix(scheme: Scheme) -> str:
    whose = "the sender" if scheme.name in ("hmac", "token", "basic") else scheme.name
    return f"copy it again from where {whose} shows it"


def _unaddressed(scheme: Scheme) -> Problem:
    return Problem(
        code="no-address",
        what="the sender signs the address it was given, and it is not said which that is",
        place=Place(file=scheme.place.file, line=scheme.place.line, column=scheme.place.column),
        fix="set TRACKBRIDGE_PUBLIC_URL, or write url: https://…",
    )
