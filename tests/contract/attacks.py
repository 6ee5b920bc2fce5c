"""One table of attacks: each makes a webhook, out of a sender's genuine one, that must not be let in.

It is tried on every sender that it can be tried on: every scheme, every preset, and every shipped mapping.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

from bridge.model import Webhook
from tests.contract.forgeries import (
    Change,
    changed,
    id_border,
    many,
    moved,
    other_encoding,
    raw,
    resigned,
    spare_bits,
    timed,
    twice,
    with_header,
    without,
    written,
)
from tests.contract.senders import Sender
from tests.unit.sources.authority import LIVE_URL, SANDBOX_URL
from tests.unit.sources.factories import BODY

Forge: TypeAlias = Callable[[Sender], Webhook]


@dataclass(frozen=True, kw_only=True)
class Attack:
    """A forgery, what our log may call it, and whom it can be tried on."""

    name: str
    forge: Forge
    #: the words `Refused.detail` may be
    details: frozenset[str]
    applies: Callable[[Sender], bool] = lambda _: True


def _signs(sender: Sender) -> bool:
    return not sender.is_token


def _change(change: Change, header: Callable[[Sender], str] = lambda _: "") -> Forge:
    return lambda sender: changed(sender, change, header(sender))


def _retime(make: Change) -> Forge:
    return lambda sender: timed(sender, make)


def _rebody(body: bytes) -> Forge:
    return lambda sender: replace(sender.webhook(), body=body)


def _more(count: int) -> Forge:
    return lambda sender: many(sender, count)


def _move(count: int) -> Forge:
    return lambda sender: moved(sender, count)


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _on_signature() -> Iterator[Attack]:
    cannot_be_read, differs = _words("malformed missing"), _words("mismatch")
    changes: dict[str, tuple[Change, frozenset[str]]] = {
        "empty header": (lambda _: b"", _words("missing")),
        "only white space": (lambda _: b" \t ", _words("missing")),
        "only separators": (lambda _: b",;, ;=,", cannot_be_read),
        "junk": (lambda _: b"===,,,===;;;", cannot_be_read),
        "non-ASCII byte behind": (lambda value: value + b"\xff", _words("malformed")),
        "non-ASCII byte before": (lambda value: b"\xc3\xa9" + value, _words("malformed")),
        "NUL behind": (lambda value: value + b"\0", _words("malformed")),
        "NUL inside": (lambda value: value[:9] + b"\0" + value[9:], _words("malformed")),
        "line break inside": (lambda value: value[:9] + b"\r\n" + value[9:], _words("malformed")),
        "huge header": (lambda value: value + b"0" * 70_000, _words("malformed")),
        "huge header of another kind": (lambda _: b"a" * 1_000_000, _words("malformed")),
        "cut by one": (lambda value: value[:-1], _words("malformed")),
        "cut in half": (lambda value: value[: len(value) // 2], cannot_be_read),
        "lengthened": (lambda value: value + b"0", _words("malformed")),
        "lengthened by two": (lambda value: value + b"00", _words("malformed")),
        "the words of no secret": (lambda _: b"no-secret-provided", cannot_be_read),
        "a list's shape": (lambda _: b"t=1,v1=,v1=v1=", cannot_be_read),
        "bare name": (lambda _: b"v1", cannot_be_read),
    }
    for name, (change, details) in changes.items():
        yield Attack(name=name, forge=_change(change), details=details)
    yield Attack(
        name="all zeros",
        forge=lambda sender: resigned(sender, lambda text: written(sender, bytes(len(raw(sender, text))))),
        details=differs,
        applies=_signs,
    )
    yield Attack(name="wrong encoding", forge=other_encoding, details=_words("malformed"), applies=_signs)
    yield Attack(
        name="spare bits of base64",
        forge=spare_bits,
        details=_words("malformed"),
        applies=lambda sender: _signs(sender) and sender.is_base64,
    )
    yield Attack(
        name="white space inside",
        forge=lambda sender: resigned(sender, lambda text: text[:8] + b" " + text[8:]),
        details=_words("malformed"),
        applies=_signs,
    )
    for count in (500, 10_000):
        yield Attack(name=f"{count} more signatures", forge=_more(count), details=_words("malformed"), applies=_signs)
    yield Attack(name="the empty key", forge=lambda sender: sender.webhook(secret=""), details=differs)


def _on_request() -> Iterator[Attack]:
    differs, missing = _words("mismatch"), _words("missing")
    bodies = {
        "tampered body": BODY.replace(b"4999", b"1"),
        "body with one more byte": BODY + b"\n",
        "body without its last byte": BODY[:-1],
        "empty body": b"",
        "NUL in the body": BODY + b"\0",
    }
    for name, body in bodies.items():
        yield Attack(name=name, forge=_rebody(body), details=differs, applies=_signs)
    yield Attack(
        name="body that is not UTF-8",
        forge=lambda sender: replace(sender.webhook(), body=b"\xff\xfe" + BODY),
        details=_words("mismatch malformed"),
        applies=_signs,
    )
    yield Attack(
        name="nothing but a body",
        forge=lambda sender: replace(sender.webhook(), headers=(), query=b"", token=b""),
        details=missing,
    )
    yield Attack(name="missing proof", forge=without, details=missing)
    yield Attack(name="proof twice", forge=twice, details=_words("malformed"))
    yield Attack(
        name="somebody else's secret", forge=lambda sender: sender.webhook(secret=sender.secrets[2]), details=differs
    )
    yield Attack(
        name="another scheme's header",
        forge=lambda sender: with_header(without(sender), "x-another-signature", b"sha256=" + b"0" * 64),
        details=missing,
    )
    yield Attack(
        name="the secret as a token",
        forge=lambda sender: with_header(without(sender), "authorization", b"Bearer " + sender.secrets[0].encode()),
        details=missing,
        applies=lambda sender: sender.header != "authorization",
    )


def _on_time() -> Iterator[Attack]:
    def is_timed(sender: Sender) -> bool:
        return sender.tolerance > 0

    def has_header(sender: Sender) -> bool:
        return bool(sender.timestamp)

    malformed = _words("malformed")
    yield Attack(
        name="old",
        forge=lambda sender: sender.webhook(age=sender.tolerance + 1),
        details=_words("stale"),
        applies=is_timed,
    )
    yield Attack(
        name="future",
        forge=lambda sender: sender.webhook(age=-(sender.ahead or sender.tolerance) - 1),
        details=_words("future"),
        applies=is_timed,
    )
    texts: dict[str, tuple[Change, frozenset[str]]] = {
        "another time in the window": (lambda text: text[:-2] + b"7" + text[-1:], _words("mismatch malformed")),
        "timestamp of 5,000 digits": (lambda _: b"9" * 5_000, malformed),
        "timestamp of 30 digits": (lambda _: b"9" * 30, malformed),
        "negative timestamp": (lambda text: b"-" + text, malformed),
        "positive sign": (lambda text: b"+" + text, malformed),
        "leading zero": (lambda text: b"0" + text, malformed),
        "underscore": (lambda text: text[:3] + b"_" + text[3:], malformed),
        "fraction": (lambda text: text + b".0", malformed),
        "exponent": (lambda _: b"1e9", malformed),
        "hexadecimal": (lambda _: b"0x65000000", malformed),
        "not a number": (lambda _: b"nan", malformed),
        "empty timestamp": (lambda _: b"", _words("missing malformed")),
    }
    for name, (make, details) in texts.items():
        yield Attack(name=name, forge=_retime(make), details=details, applies=is_timed)
    yield Attack(
        name="missing timestamp",
        forge=lambda sender: without(sender, sender.timestamp),
        details=_words("missing"),
        applies=has_header,
    )
    yield Attack(
        name="timestamp twice",
        forge=lambda sender: twice(sender, sender.timestamp),
        details=malformed,
        applies=has_header,
    )
    yield Attack(
        name="timestamp twice in the list",
        forge=lambda sender: timed(sender, lambda text: text + b",t=" + text + b";ts=" + text + b";at=" + text),
        details=malformed,
        applies=lambda sender: is_timed(sender) and not sender.timestamp,
    )
    for count in (1, 3, -1, -3):
        yield Attack(
            name=f"{abs(count)} bytes moved {'into' if count > 0 else 'out of'} the timestamp",
            forge=_move(count),
            details=_words("mismatch malformed stale future"),
            applies=has_header,
        )


def _on_id() -> Iterator[Attack]:
    def has_header(sender: Sender) -> bool:
        return bool(sender.id)

    texts: dict[str, tuple[Change, frozenset[str]]] = {
        "id altered": (lambda text: text + b"x", _words("mismatch")),
        "id of another case": (bytes.upper, _words("mismatch")),
        "empty id": (lambda _: b"", _words("missing")),
        "non-ASCII id": (lambda text: text + b"\xe9", _words("malformed")),
        "huge id": (lambda text: text * 1_000, _words("malformed")),
    }
    for name, (make, details) in texts.items():
        yield Attack(
            name=name,
            forge=_change(make, lambda sender: sender.id),
            details=details,
            applies=has_header,
        )
    yield Attack(
        name="missing id",
        forge=lambda sender: without(sender, sender.id),
        details=_words("missing"),
        applies=has_header,
    )
    yield Attack(
        name="id twice", forge=lambda sender: twice(sender, sender.id), details=_words("malformed"), applies=has_header
    )
    yield Attack(name="border of id and body moved", forge=id_border, details=_words("malformed"), applies=has_header)


def _written(text: str) -> Change:
    return lambda _: text.encode()


def _on_certificate() -> Iterator[Attack]:
    def is_paypal(sender: Sender) -> bool:
        return "paypal" in sender.verify.split()

    texts = {
        "a stranger's host": LIVE_URL.replace("api.paypal.com", "api.paypal.com.evil.example"),
        "a host within another's name": LIVE_URL.replace("api.paypal.com", "evil-api.paypal.com"),
        "no TLS": LIVE_URL.replace("https", "http"),
        "a port": LIVE_URL.replace(".com/", ".com:8443/"),
        "a user": LIVE_URL.replace("api.", "evil.example@api."),
        "a host behind a user": LIVE_URL.replace(".com/", ".com@evil.example/"),
        "another folder": LIVE_URL.replace("/certs/", "/others/"),
        "a path up": LIVE_URL.replace("CERT-", "../../CERT-"),
        "a query": LIVE_URL + "?a=1",
        "a fragment": LIVE_URL + "#a",
        "the sandbox's": SANDBOX_URL,
        "one that is not there": LIVE_URL + "0",
    }
    named = [("paypal-cert-url", name, text) for name, text in texts.items()]
    named += [("paypal-auth-algo", text, text) for text in ("SHA1withRSA", "none")]
    for header, name, text in named:
        word = "mismatch" if text.startswith((SANDBOX_URL, LIVE_URL + "0")) else "malformed"
        forge = partial(changed, change=_written(text), header=header)
        yield Attack(name=f"{header}: {name}", forge=forge, details=_words(word), applies=is_paypal)
    for header in ("paypal-cert-url", "paypal-auth-algo"):
        forge = partial(without, header=header)
        yield Attack(name=f"missing {header}", forge=forge, details=_words("missing"), applies=is_paypal)


ATTACKS: tuple[Attack, ...] = (
    *_on_signature(),
    *_on_request(),
    *_on_time(),
    *_on_id(),
    *_on_certificate(),
)
