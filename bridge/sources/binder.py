"""A scheme and its secrets → a verifier; or every secret that cannot be one, by number, never by value."""

from collections.abc import Sequence
from importlib import import_module
from typing import assert_never

from bridge.errors import ConfigError, Place, Problem
from bridge.sources.hmac_scheme import HmacVerifier
from bridge.sources.keys import flaw
from bridge.sources.proof import Verifier
from bridge.sources.scheme import Basic, Hmac, Nothing, Scheme, Stripe, Token
from bridge.sources.unsigned import BasicVerifier, OpenVerifier, TokenVerifier


def bind(scheme: Scheme, secrets: Sequence[str]) -> Verifier:
    """Make the verifier; the first secret is the one that signs. Raises ConfigError when one cannot be a secret."""
    proof = scheme.proof
    if isinstance(proof, Nothing):
        return OpenVerifier()
    problems = _problems(scheme, secrets)
    if problems:
        raise ConfigError(problems)
    match proof:
        case Stripe():
            return _stripe(secrets)
        case Hmac():
            return HmacVerifier(proof, secrets)
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


def _problems(scheme: Scheme, secrets: Sequence[str]) -> list[Problem]:
    if not secrets:
        return [_problem(scheme, 0, "there is no secret to prove webhooks with")]
    problems: list[Problem] = []
    for index, secret in enumerate(secrets):
        wrong = flaw(scheme.proof, secret)
        if not wrong and isinstance(scheme.proof, Hmac):
            wrong = _pasted(scheme.proof, secret)
        if wrong:
            number = f"secret {index + 1}" if len(secrets) > 1 else "the secret"
            problems.append(_problem(scheme, index, f"{number} cannot be used: {wrong}"))
    return problems


def _pasted(proof: Hmac, secret: str) -> str:
    literals = [piece for piece in proof.signed if isinstance(piece, bytes)]
    return "it also stands in the `signed` template" if any(secret.encode() in text for text in literals) else ""


def _problem(scheme: Scheme, index: int, what: str) -> Problem:
    nodes = scheme.secret
    place = nodes[index].place if index < len(nodes) else nodes[-1].place if nodes else scheme.place
    # without the source line: it may hold the secret itself
    bare = Place(file=place.file, line=place.line, column=place.column)
    return Problem(
        code="unusable-secret", what=what, place=bare, fix=f"copy it again from where {scheme.name} shows it"
    )
