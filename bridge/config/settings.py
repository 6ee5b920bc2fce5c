"""Every setting, declared once: the parser, `trackbridge config`, `--help` and README's table come from `SETTINGS`.

`load` reads them all before anything starts and raises one ConfigError with every problem found. Secrets are
`Secret`s and never shown, in problems neither.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import TypeVar

from bridge.config import kinds
from bridge.config.kinds import Kind, LogFormat, Secret, Unfit
from bridge.config.told import PREFIX, Secrets, Text, Told, listen
from bridge.encryption import NO_KEYS, EncryptionKeys
from bridge.errors import ConfigError, Place, Problem, did_you_mean, in_order
from bridge.money import Unit
from bridge.rate import Pace

T = TypeVar("T")

#: More of a value than this is not quoted back.
_MOST_SHOWN = 80
_OWN_FOLDER = Path("mappings")


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """One line of the table: how a setting is named, what it means, what it is when nobody says anything."""

    env: str
    #: the default as an operator would write it, or a phrase; empty: not set
    default: str
    meaning: str
    kind: Kind[object]
    #: the value, or a part of it, is never shown
    is_secret: bool
    #: may be an option; a secret may not: other users of the machine can read the process list
    has_flag: bool
    #: the name in Settings
    field: str = ""

    @property
    def flag(self) -> str:
        """The option that stands for it, such as `--max-body`."""
        return "--" + re.sub(r"^(?:TRACKBRIDGE|CMS)_", "", self.env).lower().replace("_", "-")


def _setting(env: str, kind: Kind[T], default: str, meaning: str, *, is_secret: bool = False) -> T:
    entry = Setting(env=env, default=default, meaning=meaning, kind=kind, is_secret=is_secret, has_flag=not is_secret)
    value: T = field(default=kind.read(default), metadata={"setting": entry})
    return value


def _optional(env: str, kind: Kind[T], meaning: str, *, default: str = "", is_secret: bool = False) -> T | None:
    entry = Setting(env=env, default=default, meaning=meaning, kind=kind, is_secret=is_secret, has_flag=not is_secret)
    value: T | None = field(default=None, metadata={"setting": entry})
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Everything the operator told us, checked; `Settings()` is what holds when nothing was said."""

    token: Secret | None = _optional(
        "CMS_BEARER_TOKEN",
        kinds.SECRET,
        "token of the tracking API (CutMeShort, account settings); without it deliveries wait",
        is_secret=True,
    )
    base_url: str = _setting(
        "CMS_BASE_URL", kinds.BASE_URL, "https://api.cme.sh", "address of the tracking API; plain http only on loopback"
    )
    rate: Pace = _setting(
        "CMS_RATE_LIMIT", kinds.PACE, "60/min", "requests the tracking API allows: n/s, n/min, n/hour; 0 for no limit"
    )
    amount_unit: Unit = _setting(
        "CMS_AMOUNT_UNIT", kinds.UNIT, "minor", "unit of amounts sent: minor (4999) or major (49.99)"
    )
    timeout_seconds: float = _setting(
        "CMS_TIMEOUT", kinds.SECONDS, "10s", "longest time one request to the tracking API may take: 10, 10s or 500ms"
    )
    host: str = _setting(
        "TRACKBRIDGE_HOST", kinds.HOST, "127.0.0.1", "address to listen on; 0.0.0.0 for every interface"
    )
    port: int = _setting(
        "TRACKBRIDGE_PORT", kinds.number(1, 65535, or_zero=True), "8000", "port to listen on; 0 takes a free one"
    )
    mappings: Path | None = _optional(
        "TRACKBRIDGE_MAPPINGS",
        kinds.FOLDER,
        "folder of your own mappings; each replaces the shipped one of the same source",
        default="./mappings if it is there",
    )
    database_url: Secret = _setting(
        "TRACKBRIDGE_DATABASE_URL",
        kinds.DATABASE,
        "sqlite:///trackbridge.db",
        "where everything is kept: sqlite:///file.db, or postgresql://user:password@host/name for several replicas",
    )
    encryption_keys: EncryptionKeys = _setting(
        "TRACKBRIDGE_ENCRYPTION_KEY",
        kinds.ENCRYPTION_KEYS,
        "",
        "encrypts what is personal in the database (`trackbridge encryption new-key`); further lines: older keys",
        is_secret=True,
    )
    admin_token: Secret | None = _optional(
        "TRACKBRIDGE_ADMIN_TOKEN", kinds.SECRET, "opens the admin pages; without it there are none", is_secret=True
    )
    dry_run: bool = _setting(
        "TRACKBRIDGE_DRY_RUN", kinds.SWITCH, "false", "record what would be sent, and send nothing"
    )
    max_body: int = _setting(
        "TRACKBRIDGE_MAX_BODY", kinds.SIZE, "1MiB", "largest webhook taken: 1MiB, 512KiB or 1048576 (bytes)"
    )
    retention_days: int = _setting(
        "TRACKBRIDGE_RETENTION_DAYS",
        kinds.number(1, 36500),
        "30",
        "days to keep bodies, payloads and attempts; what is pending or dead stays",
    )
    keys_days: int = _setting(
        "TRACKBRIDGE_KEYS_DAYS",
        kinds.number(1, 36500),
        "400",
        "days to remember event keys, claims and click ids: a repeat after that counts again",
    )
    public_url: str | None = _optional(
        "TRACKBRIDGE_PUBLIC_URL", kinds.PUBLIC_URL, "how senders reach this bridge, such as https://hooks.example.com"
    )
    notify_url: Secret | None = _optional(
        "TRACKBRIDGE_NOTIFY_URL",
        kinds.HOOK_URL,
        "webhook that is told of pauses, dead letters and silence; Slack's form for hooks.slack.com, else JSON",
        is_secret=True,
    )
    notify_secret: Secret | None = _optional(
        "TRACKBRIDGE_NOTIFY_SECRET",
        kinds.HOOK_SECRET,
        "signs what it is told (Standard Webhooks): whsec_ and 24 to 64 bytes in base64",
        is_secret=True,
    )
    stripe_key: Secret | None = _optional(
        "STRIPE_API_KEY",
        kinds.SECRET,
        "key of Stripe's API (a restricted one will do), for `stripe connect`, `stripe reconcile` and look-ups",
        is_secret=True,
    )
    stripe_base_url: str = _setting(
        "STRIPE_API_BASE",
        kinds.BASE_URL,
        "https://api.stripe.com",
        "address of Stripe's API; plain http only on loopback",
    )
    reconcile_every: timedelta = _setting(
        "STRIPE_RECONCILE_EVERY",
        kinds.SPAN,
        "0",
        "how often `serve` asks Stripe what happened and takes in what no webhook told: 6h, 1d; 0 never",
    )
    log_format: LogFormat = _setting(
        "TRACKBRIDGE_LOG_FORMAT", kinds.LOG_FORMAT, "auto", "text, json, or auto: text on a terminal, else json"
    )
    #: by variable name: where the value came from
    origins: Mapping[str, str] = field(default_factory=dict, compare=False, repr=False)
    told: Told = field(default_factory=lambda: listen({}, {}, None), compare=False, repr=False)

    @property
    def near_host(self) -> str:
        """Where this machine itself reaches the bridge: a bridge that listens everywhere is on loopback too."""
        everywhere = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  # compared, not bound
        return everywhere.get(self.host, self.host)

    def secrets(self) -> Secrets:
        """The look-up of the mappings' `${NAME}`, in the same environment and `.env`."""
        return Secrets(self.told)


def _table() -> tuple[Setting, ...]:
    entries = ((item.name, item.metadata.get("setting")) for item in fields(Settings))
    return tuple(
        Setting(
            env=entry.env,
            default=entry.default,
            meaning=entry.meaning,
            kind=entry.kind,
            # A database's address may have a password in it, yet must be easy to give as an option.
            is_secret=entry.is_secret or entry.kind is kinds.DATABASE,
            has_flag=entry.has_flag,
            field=name,
        )
        for name, entry in entries
        if entry is not None
    )


SETTINGS: tuple[Setting, ...] = _table()


def load(flags: Mapping[str, str], environ: Mapping[str, str], dotenv_path: Path | None) -> Settings:
    """Read every setting; `flags` are texts by variable name. Raises ConfigError with all problems at once."""
    options = {setting.env: setting.flag for setting in SETTINGS}
    given = {name: Text(text, options[name]) for name, text in flags.items()}
    return resolve(listen(given, environ, dotenv_path))


def resolve(told: Told) -> Settings:
    """Make settings of what was told, or raise ConfigError with every problem."""
    problems = [*told.problems, *_unknown(told)]
    values: dict[str, object] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        try:
            found = told.look_up(setting.env)
            if found is not None:
                values[setting.field] = _read(setting, found)
                origins[setting.env] = found.origin
        except ConfigError as error:
            problems += error.problems
    if "mappings" not in values and _OWN_FOLDER.is_dir():
        values["mappings"] = _OWN_FOLDER
    settings = Settings(**values, origins=origins, told=told)  # type: ignore[arg-type]  # each kind reads its field's type
    if settings.keys_days < settings.retention_days:
        problems.append(_keys_go_first(settings))
    if problems:
        raise ConfigError(in_order(problems))
    return settings


def shown(settings: Settings, setting: Setting) -> str | int | float | bool | None:
    """A setting's value as it may be printed: a secret as `set`, a password in an address as `***`."""
    value = getattr(settings, setting.field)
    if value == NO_KEYS:
        return None
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, str | int | float | None):
        return value
    return str(value)


def as_markdown() -> str:
    """The table of settings for README."""
    rows = [f"| `{s.env}` | {f'`{s.default}`' if s.default else 'not set'} | {s.meaning} |" for s in SETTINGS]
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def _read(setting: Setting, found: Text) -> object:
    text = found.text.strip()
    try:
        return setting.kind.read(text)
    except ValueError as error:
        place = found.origin if found.origin.startswith("--") else setting.env
        aside = "" if found.origin in (place, "environment") else f" ({found.origin})"
        raise ConfigError(
            [
                Problem(
                    code="wrong-setting",
                    what=f"expected {setting.kind.expected}, got {_quoted(setting, text)}{aside}",
                    place=Place(file=place),
                    why=str(error) if isinstance(error, Unfit) else "",
                )
            ]
        ) from None


def _quoted(setting: Setting, text: str) -> str:
    if setting.is_secret or "@" in text:
        return "something else (not shown: it may hold a secret)"
    cut = text if len(text) <= _MOST_SHOWN else text[:_MOST_SHOWN] + "…"
    return json.dumps(cut, ensure_ascii=not cut.isprintable())


def _unknown(told: Told) -> list[Problem]:
    known = {setting.env for setting in SETTINGS}
    return [
        Problem(
            code="unknown-setting",
            what=f"there is no such setting ({origin})" if origin != "environment" else "there is no such setting",
            place=Place(file=name),
            fix=did_you_mean(name, known),
        )
        for name, origin in told.names().items()
        if name.startswith(PREFIX) and name not in known and name.removesuffix("_FILE") not in known
    ]


def _keys_go_first(settings: Settings) -> Problem:
    return Problem(
        code="wrong-setting",
        what=f"expected at least TRACKBRIDGE_RETENTION_DAYS ({settings.retention_days}), got {settings.keys_days}",
        place=Place(file="TRACKBRIDGE_KEYS_DAYS"),
        why="an event that is still kept must still be known when it is sent again",
    )
