"""`verify:` sections: what is read, and what is said, all at once and where, of one that cannot be used."""

import pytest
import yaml

from bridge import sources
from bridge.errors import Severity
from bridge.sources.parser import parse
from bridge.sources.presets import PRESETS, Axes
from bridge.sources.scheme import Hmac, Nothing, Stripe, Timestamp, Token, Unit
from tests.unit.sources.factories import a_scheme, codes_of, problems_of, verify_node


def test_a_scheme_keeps_where_its_secrets_are_written() -> None:
    scheme = a_scheme("scheme: stripe\nsecret: [$NEW, $OLD]")

    assert ("stripe", Stripe()) == (scheme.name, scheme.proof)
    assert [("$NEW", 2, 10), ("$OLD", 2, 16)] == [(n.text, n.place.line, n.place.column) for n in scheme.secret]


def test_a_scheme_with_one_secret_has_one_node() -> None:
    assert ["${S}"] == [node.text for node in a_scheme("{scheme: basic, secret: '${S}'}").secret]


def test_scheme_none_is_let_pass_with_a_warning() -> None:
    scheme, problems = parse(verify_node("scheme: none"))

    assert scheme is not None
    assert (Nothing(), ()) == (scheme.proof, scheme.secret)
    assert [("scheme-none", Severity.WARNING, 9)] == [(p.code, p.severity, p.place.column) for p in problems]


def test_an_axis_beside_a_preset_replaces_the_presets() -> None:
    proof = a_scheme("scheme: paddle\nsecret: $S\ntolerance: 5").proof

    assert isinstance(proof, Hmac)
    assert Timestamp(unit=Unit.SECONDS, tolerance_seconds=5) == proof.timestamp
    assert (b"paddle-signature",) == proof.headers


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_hmac_with_its_axes_written(name: str) -> None:
    written = yaml.safe_dump({"scheme": "hmac", "secret": "$S", **as_written(PRESETS[name])})

    assert a_scheme(f"scheme: {name}\nsecret: $S").proof == a_scheme(written).proof


def as_written(axes: Axes) -> dict[str, object]:
    return {key: list(value) if isinstance(value, tuple) else value for key, value in axes.items()}


@pytest.mark.parametrize(
    ("section", "token"),
    [
        ("header: X-Token", Token(at="header", name=b"x-token")),
        ("header: Authorization, prefix: 'Bearer '", Token(at="header", name=b"authorization", prefix=b"Bearer ")),
        ("query: key", Token(at="query", name=b"key")),
        ("path: true", Token(at="path")),
    ],
)
def test_a_token_is_in_one_place(section: str, token: Token) -> None:
    assert token == a_scheme(f"{{scheme: token, secret: $S, {section}}}").proof


@pytest.mark.parametrize(
    ("section", "codes"),
    [
        ("just text", ["wrong-type"]),
        ("[scheme, stripe]", ["wrong-type"]),
        ("{secret: $S}", ["missing-key"]),
        ("{scheme: , secret: $S}", ["missing-key"]),
        ("{scheme: null, secret: $S}", ["missing-key"]),
        ("{scheme: [stripe], secret: $S}", ["unknown-scheme"]),
        ("{scheme: Strip, secret: $S}", ["unknown-scheme"]),
        ("{scheme: stripe}", ["missing-secret"]),
        ("{scheme: stripe, secret: }", ["missing-secret"]),
        ("{scheme: stripe, secret: ''}", ["missing-secret"]),
        ("{scheme: stripe, secret: '  '}", ["missing-secret"]),
        ("{scheme: stripe, secret: ~}", ["missing-secret"]),
        ("{scheme: stripe, secret: []}", ["missing-secret"]),
        ("{scheme: stripe, secret: [$A, '']}", ["missing-secret"]),
        ("{scheme: stripe, secret: {a: b}}", ["wrong-type"]),
        ("{scheme: stripe, secret: [[$A]]}", ["wrong-type"]),
        ("{scheme: stripe, secret: $S, tolerance: 5}", ["unknown-key"]),
        ("{scheme: stripe, secrets: $S}", ["unknown-key", "missing-secret"]),
        ("{scheme: none, secret: $S}", ["unknown-key", "scheme-none"]),
        ("{scheme: paypal, secret: $S, tolerance: 5}", ["unknown-key"]),
        ("{scheme: basic, secret: $S, user: me}", ["unknown-key"]),
        ("{scheme: token, secret: $S}", ["token-place"]),
        ("{scheme: token, secret: $S, header: A, query: b}", ["token-place"]),
        ("{scheme: token, secret: $S, query: b, prefix: 'Bearer '}", ["prefix-without-header"]),
        ("{scheme: token, secret: $S, path: yes}", ["wrong-value"]),
        ("{scheme: token, secret: $S, header: 'X Token'}", ["wrong-value"]),
        ("{scheme: token, secret: $S, header: [A]}", ["wrong-type"]),
        ("{scheme: token, secret: $S, query: ''}", ["empty-value"]),
        ("{scheme: slack, secret: $S, verify_token: '${T}'}", ["unused-token"]),
        ("{scheme: typeform, secret: $S, headr: X}", ["unknown-key"]),
        ("{scheme: typeform, secret: $S, encoding: base46}", ["wrong-value"]),
    ],
)  # fmt: skip
def test_what_cannot_be_used_is_said(section: str, codes: list[str]) -> None:
    assert codes == codes_of(section)


def test_everything_is_said_at_once_and_where_it_stands() -> None:
    problems = problems_of("""\
scheme: hmac
heder: X-Signature
encoding: base46
signed: "{timestamp}.{boddy}"
tolerance: soon
""")

    assert [
        ("unknown-key", 2, 1),
        ("missing-key", 1, 1),
        ("unknown-placeholder", 4, 9),
        ("wrong-value", 5, 12),
        ("wrong-value", 3, 11),
        ("missing-secret", 1, 1),
    ] == [(problem.code, problem.place.line, problem.place.column) for problem in problems]


@pytest.mark.parametrize(
    ("section", "fix"),
    [
        ("{scheme: stirpe, secret: $S}", 'did you mean "stripe"?'),
        ("{scheme: standard_webhooks, secret: $S}", 'did you mean "standard-webhooks"?'),
        ("{scheme: clerk, secret: $S}", "clerk signs as svix does: write scheme: svix"),
        ("{scheme: supabase, secret: $S}", "supabase signs as standard-webhooks does: write scheme: standard-webhooks"),
        ("{scheme: hmac, header: X, secret: $S, algoritm: sha1}", 'did you mean "algorithm"?'),
        ("{scheme: hmac, header: X, secret: $S, encoding: base46}", "use one of: hex, base64"),
        ("{scheme: hmac, header: X, secret: $S, key: text}", "use one of: utf8, base64, hex, whsec"),
    ],
)
def test_a_problem_says_what_to_write(section: str, fix: str) -> None:
    assert [fix] == [problem.fix for problem in problems_of(section)]


def test_a_problem_shows_its_line_and_caret() -> None:
    (problem,) = problems_of("scheme: hmac\nheader: X-Signature\nsecret: ${S}\nencoding: base46")

    assert str(problem) == (
        "a.yaml:4:11: `encoding` cannot be that\n    encoding: base46\n              ^\n  fix: use one of: hex, base64"
    )


@pytest.mark.parametrize(
    "section",
    [
        "{scheme: stripe, secret: hunter2hunter2, tolerance: 5}",
        "{scheme: stripe, secrets: hunter2hunter2}",
        "{scheme: stripe, Secret: hunter2hunter2}",
        "{scheme: stripe, secret: {value: hunter2hunter2}}",
        "{scheme: stripe, secret: [[hunter2hunter2]]}",
        "{scheme: hmac, header: X, key: hunter2hunter2, secret: '${S}'}",
        "{scheme: token, path: hunter2hunter2, secret: '${S}'}",
        "{scheme: hmac, header: X, timestamp: {secret: hunter2hunter2}, secret: '${S}'}",
        "{scheme: none, secret: hunter2hunter2}",
        "{scheme: none, password: hunter2hunter2}",
        "hunter2hunter2",
        "[hunter2hunter2]",
    ],
)
def test_no_problem_shows_a_secret_written_into_the_file(section: str) -> None:
    problems = problems_of(section)

    assert problems
    assert "hunter2" not in "".join(f"{problem} {problem.as_json()}" for problem in problems)


def test_every_scheme_has_a_name_of_its_own() -> None:
    assert len(set(sources.SCHEMES)) == len(sources.SCHEMES)
