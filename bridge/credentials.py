"""What a mapping's `verify:` and the operator's variables come to: a verifier, or the names of what is not set.

Variables are replaced after parsing, each as a whole scalar, and only here. Nothing made here shows what stands in one.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from bridge import notices, sources
from bridge.errors import ConfigError, Problem, Severity
from bridge.mapping.notify import Notify
from bridge.model import Node

#: A variable stands for a whole scalar: `${NAME}`, nothing before it or behind.
_VARIABLE = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")

#: What somebody made up in fewer characters can be guessed.
_LEAST = 12

#: Under these keys of `verify` stands what nobody may see.
_SECRETS = ("secret", "verify_token")

#: Where the bridge is reached from outside: some senders sign the address they were given.
PUBLIC_URL = "TRACKBRIDGE_PUBLIC_URL"

Lookup = Callable[[str], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Bound:
    """A verifier; or none, for want of the variables in `missing`, or because of the problems."""

    verifier: sources.Verifier | None = None
    missing: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    #: whether `verify` says a scheme at all
    is_sound: bool = True
    #: who is told of this source's troubles
    outlet: notices.Outlet | None = None


def bind(
    verify: Node,
    source: str,
    notify: Notify | None = None,
    *,
    lookup: Lookup,
    certificates: sources.Certificates = sources.no_certificates,
) -> Bound:
    """The verifier of this source, and its outlet, with the variables that `lookup` finds."""
    filled, missing, problems = _filled(verify, lookup)
    scheme, more = sources.parse(filled)
    problems += more
    if scheme is None:
        return Bound(problems=tuple(problems), is_sound=False)
    verifier, unset_too, more = _bound(scheme, source, lookup, certificates)
    missing += unset_too
    outlet, troubles = _outlet(notify, source, lookup)
    return Bound(
        verifier=None if missing else verifier,
        missing=tuple(dict.fromkeys(missing)),
        problems=(*problems, *more, *troubles),
        outlet=outlet,
    )


def variables(verify: Node) -> tuple[str, ...]:
    """The variables that a `verify` section names, each once."""
    found = (_VARIABLE.fullmatch(node.text.strip()) for node in verify.scalars())
    return tuple(dict.fromkeys(one.group(1) for one in found if one is not None))


def unset(verify: Node, source: str, name: str) -> Problem:
    """What to say of a variable that this source needs and that is not set."""
    node = next((n for n in verify.scalars() if f"${{{name}}}" in n.text), verify)
    because = ": its sender signs the address it was given" if name == PUBLIC_URL else ""
    return Problem(
        code="unset-variable",
        what=f"{name} is not set",
        place=node.place,
        why=f'without it no webhook of "{source}" can be proven{because}',
        fix=f"set {name} in the environment or in .env (or {name}_FILE to the path of a file that holds it)",
    )


def _outlet(notify: Notify | None, source: str, lookup: Lookup) -> tuple[notices.Outlet | None, list[Problem]]:
    """Whom this source's mapping wants told; nobody when a variable is not set, which is a warning."""
    if notify is None:
        return None, []
    problems: list[Problem] = []
    (url, url_name), (secret, secret_name) = (
        _secret(node, lookup, problems) if node is not None else ("", "") for node in (notify.url, notify.secret)
    )
    missing = [name for name, text in ((url_name, url), (secret_name, secret)) if name and not text.strip()]
    if missing or not url:
        return None, [*problems, *(_untold(notify, name) for name in missing)]
    try:
        made = notices.outlet(source, url.strip(), secret.strip(), form=notify.format, source=source, topics=notify.on)
    except ValueError as error:
        # the line is not shown: it may hold the address
        place = replace(notify.url.place, text="")
        return None, [*problems, Problem(code="wrong-outlet", what=f'"notify" cannot be used: {error}', place=place)]
    return made, problems


def _untold(notify: Notify, name: str) -> Problem:
    return Problem(
        code="unset-variable",
        what=f"{name} is not set: nobody is told",
        place=notify.url.place,
        fix=f"set {name} in the environment or in .env, or take `notify:` out",
        severity=Severity.WARNING,
    )


def _filled(node: Node, lookup: Lookup) -> tuple[Node, list[str], list[Problem]]:
    """The verify section with its variables replaced, but for those of the secrets, which nobody may see."""
    missing: list[str] = []
    problems: list[Problem] = []

    def fill(value: Node) -> Node:
        if value.kind != "scalar":
            entries = tuple((k, v if k.text in _SECRETS else fill(v)) for k, v in value.entries)
            return replace(value, items=tuple(map(fill, value.items)), entries=entries)
        name = _variable(value, problems)
        if name is None:
            return value
        text = lookup(name)
        missing.extend([] if text else [name])
        return replace(value, text=text) if text else value

    return fill(node), missing, problems


def _bound(
    scheme: sources.Scheme, source: str, lookup: Lookup, certificates: sources.Certificates
) -> tuple[sources.Verifier | None, list[str], list[Problem]]:
    """The scheme with its secrets: a variable of several lines is several secrets (old and new, while rotating)."""
    secrets: list[str] = []
    missing: list[str] = []
    problems: list[Problem] = []
    for node in scheme.secret:
        text, name = _secret(node, lookup, problems)
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        secrets += lines
        missing += [name] if name and not lines else []
    # not set is no reason to be off: only the handshake needs it, and is refused without it
    token = _secret(scheme.verify_token, lookup, problems)[0].strip() if scheme.verify_token else ""
    url = _url(source, lookup) if scheme.needs_url else ""
    missing += [PUBLIC_URL] if scheme.needs_url and not url else []
    if missing:
        return None, missing, problems
    try:
        verifier = sources.bind(scheme, secrets, url=url, verify_token=token, certificates=certificates)
    except ConfigError as error:
        return None, [], [*problems, *error.problems]
    return verifier, [], [*problems, *_guessable(scheme, secrets)]


def _guessable(scheme: sources.Scheme, secrets: list[str]) -> list[Problem]:
    """A warning for a secret that is sent as it is, is of somebody's own making, and is too short for that."""
    if scheme.name not in ("token", "basic"):
        return []
    if min(len(secret.rpartition(":")[2] if scheme.name == "basic" else secret) for secret in secrets) >= _LEAST:
        return []
    return [
        Problem(
            code="short-secret",
            what=f"the secret has fewer than {_LEAST} characters",
            # the line is not shown: it may hold the secret
            place=replace(scheme.place, text=""),
            why="it is all the proof there is, and strangers may try as often as they like",
            fix="make a longer one: openssl rand -hex 24",
            severity=Severity.WARNING,
        )
    ]


def _url(source: str, lookup: Lookup) -> str:
    """Where this source's webhooks arrive, as its sender was told; empty when the operator does not say."""
    base = (lookup(PUBLIC_URL) or "").strip().rstrip("/")
    return f"{base}/webhooks/{source}" if base else ""


def _secret(node: Node, lookup: Lookup, problems: list[Problem]) -> tuple[str, str]:
    """A secret's text and the variable it stands in: empty where the variable is not set, where there is none."""
    name = _variable(node, problems)
    if name is None:
        problems.append(_literal(node))
        return node.text, ""
    return lookup(name) or "", name


def _variable(node: Node, problems: list[Problem]) -> str | None:
    whole = _VARIABLE.fullmatch(node.text.strip())
    if whole:
        return whole.group(1)
    if _VARIABLE.search(node.text):
        problems.append(
            Problem(
                code="variable-inside",
                what="a variable with other text around it",
                # the line is not shown: the other text may be the secret itself
                place=replace(node.place, text=""),
                why="a variable stands for a whole value, so that no secret is ever put together here",
                fix="put the whole value into the variable",
            )
        )
    return None


def _literal(node: Node) -> Problem:
    # The line is not shown: it holds the secret.
    return Problem(
        code="literal-secret",
        what="the secret stands in the file",
        place=replace(node.place, text=""),
        why="files are copied and committed; the environment is not",
        fix="write a variable such as ${MY_WEBHOOK_SECRET} and set it",
        severity=Severity.WARNING,
    )
