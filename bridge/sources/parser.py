"""The mapping's `verify:` → a `Scheme`, or every problem it has. Structure only: no secret is known here."""

from collections.abc import Sequence

from bridge.errors import Problem, Severity, did_you_mean
from bridge.model import Node
from bridge.sources.entries import Entries, is_empty
from bridge.sources.hmac_parser import parse_hmac
from bridge.sources.presets import PRESETS, SAME_AS, with_preset
from bridge.sources.problems import at, without_secrets
from bridge.sources.scheme import Basic, Nothing, PayPal, Proof, Scheme, Stripe, Token

#: Every word that `scheme` may be.
SCHEMES: tuple[str, ...] = ("stripe", "paypal", "hmac", "token", "basic", "none", *PRESETS)

_TOKEN_PLACES = ("header", "query", "path")


def parse(verify: Node) -> tuple[Scheme | None, list[Problem]]:
    """Read `verify`; no Scheme when there is any real problem. Warnings come beside a Scheme."""
    scheme, problems = _parse(verify)
    return scheme, without_secrets(problems, verify)


def _parse(verify: Node) -> tuple[Scheme | None, list[Problem]]:
    if verify.kind != "map":
        fix = "write scheme: and secret: under it, each on a line of its own"
        return None, [at(verify, "wrong-type", "`verify` is a map with a scheme and a secret", fix=fix)]
    problems: list[Problem] = []
    written = verify.get("scheme")
    if written is None or (written.kind == "scalar" and is_empty(written)):
        fix = f"write scheme: and one of: {', '.join(SCHEMES)}"
        return None, [at(written or verify, "missing-key", "`scheme` is not said", fix=fix)]
    if written.kind != "scalar" or written.text not in SCHEMES:
        return None, [at(written, "unknown-scheme", "there is no such scheme", fix=_meant(written.text))]
    name = written.text
    proof = _proof(verify, written, problems)
    secret = () if name == "none" else _secret(verify, problems)
    if proof is None or any(problem.severity is Severity.PROBLEM for problem in problems):
        return None, problems
    token = verify.get("verify_token")
    return Scheme(name=name, proof=proof, secret=secret, verify_token=token, place=verify.place), problems


def _meant(name: str) -> str:
    if name in SAME_AS:
        return f"{name} signs as {SAME_AS[name]} does: write scheme: {SAME_AS[name]}"
    return did_you_mean(name, SCHEMES)


def _proof(verify: Node, scheme: Node, problems: list[Problem]) -> Proof | None:
    match scheme.text:
        case "stripe":
            Entries(verify, ("scheme", "secret"), problems)
            return Stripe()
        case "paypal":
            Entries(verify, ("scheme", "secret"), problems)
            return PayPal()
        case "basic":
            Entries(verify, ("scheme", "secret"), problems)
            return Basic()
        case "none":
            Entries(verify, ("scheme",), problems)
            problems.append(_unproven(scheme))
            return Nothing()
        case "token":
            return _token(Entries(verify, ("scheme", "secret", *_TOKEN_PLACES, "prefix"), problems))
        case name:
            proof, found = parse_hmac(verify if name == "hmac" else with_preset(verify, name, scheme.place))
            problems += found
            return proof


def _token(entries: Entries) -> Token | None:
    said = [place for place in _TOKEN_PLACES if entries.has(place)]
    if len(said) != 1:
        what = "a token is in one place, and none is said" if not said else "a token is in one place, not in several"
        fix = "write exactly one of: header: NAME, query: NAME, path: true"
        entries.problems.append(at(entries.node, "token-place", what, fix=fix))
        return None
    if said != ["header"] and (prefix := entries.node.get("prefix")):
        what = "only a header has a prefix before its token"
        entries.problems.append(at(prefix, "prefix-without-header", what, fix="leave `prefix` out"))
    match said[0]:
        case "header":
            written = entries.scalar("prefix")
            prefix_bytes = written.text.encode() if written else b""
            return Token(at="header", name=entries.header("header"), prefix=prefix_bytes)
        case "query":
            name = entries.scalar("query")
            return Token(at="query", name=name.text.encode()) if name else None
        case _:
            _check_path(entries)
            return Token(at="path")


def _check_path(entries: Entries) -> None:
    path = entries.scalar("path")
    if path is not None and path.text != "true":
        why = "the secret follows the source's name: /webhooks/SOURCE/SECRET"
        entries.problems.append(at(path, "wrong-value", "`path` can only be true", why=why, fix="write path: true"))


def _secret(verify: Node, problems: list[Problem]) -> tuple[Node, ...]:
    written = verify.get("secret")
    if written is None:
        fix = "write secret: ${NAME}, and set NAME where trackbridge runs"
        problems.append(at(verify, "missing-secret", "there is no secret to prove webhooks with", fix=fix))
        return ()
    nodes: Sequence[Node] = written.items if written.kind == "list" else (written,)
    if written.kind == "list" and not nodes:
        problems.append(_empty(written))
    for node in nodes:
        if node.kind != "scalar":
            what = "a secret is one text, or a list of texts while it is being changed"
            problems.append(at(node, "wrong-type", what))
        elif is_empty(node):
            problems.append(_empty(node))
    return tuple(nodes)


def _empty(node: Node) -> Problem:
    why = "a known secret, the empty one included, would let everybody in"
    return at(node, "missing-secret", "an empty secret proves nothing", why=why, fix="write secret: ${NAME}")


def _unproven(scheme: Node) -> Problem:
    return at(
        scheme,
        "scheme-none",
        "nobody has to prove anything to this source",
        why="whoever knows the address can make leads and sales",
        fix="if the sender can add a header or a secret to the address, use scheme: token",
        severity=Severity.WARNING,
    )
