"""What the operator tells is read from one table: precedence, files, exact words for what is wrong, no secret shown."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from bridge.config import SETTINGS, LogFormat, Secret, Setting, Settings, as_markdown, load, shown
from bridge.encryption import EncryptionKeys, text_of
from bridge.errors import ConfigError
from bridge.money import Unit
from bridge.rate import Pace

KEY = bytes(range(32))
HOOK_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

#: For each setting a text that is not its default, and what it becomes.
VALUES: Mapping[str, tuple[str, object]] = {
    "CMS_BEARER_TOKEN": ("tok_1", Secret("tok_1")),
    "CMS_BASE_URL": ("https://Tracker.example.com/v1/", "https://tracker.example.com/v1"),
    "CMS_RATE_LIMIT": ("10/s", Pace(n=10, seconds=1.0)),
    "CMS_AMOUNT_UNIT": ("major", Unit.MAJOR),
    "CMS_TIMEOUT": ("500ms", 0.5),
    "TRACKBRIDGE_HOST": ("::1", "::1"),
    "TRACKBRIDGE_PORT": ("9000", 9000),
    "TRACKBRIDGE_MAPPINGS": ("/", Path("/")),
    "TRACKBRIDGE_DATABASE_URL": ("sqlite:////var/lib/x.db", Secret("sqlite:////var/lib/x.db")),
    "TRACKBRIDGE_ENCRYPTION_KEY": (text_of(KEY), EncryptionKeys(writes=KEY, reads=(KEY,))),
    "TRACKBRIDGE_ADMIN_TOKEN": ("adm_1", Secret("adm_1")),
    "TRACKBRIDGE_DRY_RUN": ("yes", True),
    "TRACKBRIDGE_MAX_BODY": ("512KiB", 524_288),
    "TRACKBRIDGE_RETENTION_DAYS": ("7", 7),
    "TRACKBRIDGE_KEYS_DAYS": ("500", 500),
    "TRACKBRIDGE_PUBLIC_URL": ("https://hooks.example.com/", "https://hooks.example.com"),
    "TRACKBRIDGE_NOTIFY_URL": ("https://hooks.example.com/T0/x?key=1", Secret("https://hooks.example.com/T0/x?key=1")),
    "TRACKBRIDGE_NOTIFY_SECRET": (HOOK_SECRET, Secret(HOOK_SECRET)),
    "STRIPE_API_KEY": ("rk_live_1", Secret("rk_live_1")),
    "STRIPE_API_BASE": ("http://127.0.0.1:12111/", "http://127.0.0.1:12111"),
    "STRIPE_RECONCILE_EVERY": ("6h", timedelta(hours=6)),
    "TRACKBRIDGE_LOG_FORMAT": ("JSON", LogFormat.JSON),
}

#: Texts that will not do, and exactly what is said.
WRONG = [
    ("TRACKBRIDGE_PORT", "80a0", 'expected a number from 1 to 65535, got "80a0"', ""),
    ("TRACKBRIDGE_PORT", "65536", 'expected a number from 1 to 65535, got "65536"', ""),
    ("TRACKBRIDGE_PORT", "-1", 'expected a number from 1 to 65535, got "-1"', ""),
    ("TRACKBRIDGE_PORT", "８０", 'expected a number from 1 to 65535, got "８０"', ""),
    ("TRACKBRIDGE_PORT", "8\x1b[0m", 'expected a number from 1 to 65535, got "8\\u001b[0m"', ""),
    ("TRACKBRIDGE_PORT", "9" * 99, f'expected a number from 1 to 65535, got "{"9" * 80}…"', ""),
    (
        "TRACKBRIDGE_HOST",
        "localhost:80",
        'expected an address or a host name without port, such as 127.0.0.1 or 0.0.0.0, got "localhost:80"',
        "",
    ),
    (
        "CMS_RATE_LIMIT",
        "60/minute",
        'expected a rate such as 60/min (n/s, n/min or n/hour), or 0 for no limit, got "60/minute"',
        "",
    ),
    (
        "CMS_RATE_LIMIT",
        "0/min",
        'expected a rate such as 60/min (n/s, n/min or n/hour), or 0 for no limit, got "0/min"',
        "",
    ),
    ("CMS_AMOUNT_UNIT", "stripe", 'expected minor or major, got "stripe"', ""),
    ("CMS_TIMEOUT", "0", 'expected a time from 1ms to 300s, such as 10, 10s or 500ms, got "0"', ""),
    ("CMS_TIMEOUT", "1h", 'expected a time from 1ms to 300s, such as 10, 10s or 500ms, got "1h"', ""),
    (
        "TRACKBRIDGE_MAX_BODY",
        "1GiB",
        'expected a size up to 64MiB, such as 1MiB, 512KiB or 1048576 (bytes), got "1GiB"',
        "",
    ),
    (
        "TRACKBRIDGE_MAX_BODY",
        "65MiB",
        'expected a size up to 64MiB, such as 1MiB, 512KiB or 1048576 (bytes), got "65MiB"',
        "",
    ),
    ("TRACKBRIDGE_RETENTION_DAYS", "0", 'expected a number from 1 to 36500, got "0"', ""),
    ("TRACKBRIDGE_DRY_RUN", "maybe", 'expected true or false, got "maybe"', ""),
    ("TRACKBRIDGE_LOG_FORMAT", "xml", 'expected auto, text or json, got "xml"', ""),
    (
        "TRACKBRIDGE_MAPPINGS",
        "/no/such/folder",
        'expected a folder that exists, got "/no/such/folder"',
        "there is no such folder",
    ),
    (
        "TRACKBRIDGE_PUBLIC_URL",
        "hooks.example.com",
        'expected an address such as https://hooks.example.com, got "hooks.example.com"',
        "",
    ),
    (
        "TRACKBRIDGE_PUBLIC_URL",
        "https://hooks.example.com/?a=1",
        'expected an address such as https://hooks.example.com, got "https://hooks.example.com/?a=1"',
        "a user, a password, a query or a fragment does not belong here",
    ),
    (
        "TRACKBRIDGE_PUBLIC_URL",
        "https://hooks.example.com/webhooks/square",
        'expected an address such as https://hooks.example.com, got "https://hooks.example.com/webhooks/square"',
        "/webhooks and the source's name are added to it: give what stands before them",
    ),
    (
        "CMS_BASE_URL",
        "http://tracker.example.com",
        'expected an https:// address (http:// only on this machine\'s loopback), got "http://tracker.example.com"',
        "plain http would show the token and customers' data to the network: use https "
        "(http is for localhost, 127.0.0.1 and [::1] only)",
    ),
    (
        "CMS_BASE_URL",
        "https://api.cme.sh/track/sale",
        'expected an https:// address (http:// only on this machine\'s loopback), got "https://api.cme.sh/track/sale"',
        "give only the base URL: /track/lead and /track/sale are added to it",
    ),
    (
        "CMS_BASE_URL",
        "https://user:hunter2@api.cme.sh",
        "expected an https:// address (http:// only on this machine's loopback), "
        "got something else (not shown: it may hold a secret)",
        "leave user name and password out of the base URL: the token has its own setting",
    ),
    (
        "CMS_BEARER_TOKEN",
        "Bearer hunter2",
        "expected one word of printable ASCII characters, got something else (not shown: it may hold a secret)",
        'leave "Bearer" out: it is added when sending',
    ),
    (
        "TRACKBRIDGE_ENCRYPTION_KEY",
        "hunter2",
        "expected keys of 32 random bytes in base64, one a line, got something else (not shown: it may hold a secret)",
        "line 1 is 5 bytes in base64, and a key is 32",
    ),
    (
        "TRACKBRIDGE_ADMIN_TOKEN",
        "hunter2\nhunter3",
        "expected one word of printable ASCII characters, got something else (not shown: it may hold a secret)",
        "it has a space, a line break or a character outside ASCII",
    ),
    (
        "TRACKBRIDGE_NOTIFY_URL",
        "http://hooks.example.com/hunter2",
        "expected an https:// address (http:// only on this machine's loopback), "
        "got something else (not shown: it may hold a secret)",
        "plain http shows what is told to the network: use https (http is for loopback only)",
    ),
    (
        "TRACKBRIDGE_NOTIFY_URL",
        "https://user:hunter2@hooks.example.com/",
        "expected an https:// address (http:// only on this machine's loopback), "
        "got something else (not shown: it may hold a secret)",
        "expected an https:// address of a webhook receiver, without a user name and a password",
    ),
    (
        "TRACKBRIDGE_NOTIFY_SECRET",
        "hunter2",
        "expected a secret such as whsec_…, got something else (not shown: it may hold a secret)",
        "expected whsec_ and 24 to 64 bytes in base64 (openssl rand -base64 32)",
    ),
    (
        "TRACKBRIDGE_DATABASE_URL",
        "mysql://user:hunter2@db/x",
        "expected sqlite:///file.db or postgresql://user:password@host/name, "
        "got something else (not shown: it may hold a secret)",
        "",
    ),
    (
        "TRACKBRIDGE_DATABASE_URL",
        "sqlite:///:memory:",
        "expected sqlite:///file.db or postgresql://user:password@host/name, "
        "got something else (not shown: it may hold a secret)",
        "a file is needed: nothing acknowledged may be lost",
    ),
]


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing lies around: neither a folder `mappings` nor a `.env`."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(environ: Mapping[str, str], *, flags: Mapping[str, str] | None = None, dotenv: Path | None = None) -> str:
    """What the operator is told about these settings."""
    with pytest.raises(ConfigError) as caught:
        load(flags or {}, environ, dotenv)
    return str(caught.value)


def written(folder: Path, text: str, name: str = ".env") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_every_setting_has_a_value_to_test_it_with() -> None:
    assert sorted(VALUES) == sorted(setting.env for setting in SETTINGS)


@pytest.mark.parametrize("entry", SETTINGS, ids=lambda entry: str(entry.env))
def test_a_setting_is_read_from_the_environment(entry: Setting) -> None:
    text, value = VALUES[entry.env]

    settings = load({}, {entry.env: text}, None)

    assert value == getattr(settings, entry.field)
    assert {entry.env: "environment"} == dict(settings.origins)
    assert value != getattr(Settings(), entry.field)


@pytest.mark.parametrize("entry", [item for item in SETTINGS if item.default], ids=lambda entry: str(entry.env))
def test_a_default_as_it_is_written_is_the_default(entry: Setting) -> None:
    if entry.env == "TRACKBRIDGE_MAPPINGS":
        assert getattr(load({}, {}, None), entry.field) is None
    else:
        assert getattr(load({}, {entry.env: entry.default}, None), entry.field) == getattr(Settings(), entry.field)


def test_without_a_word_everything_is_default() -> None:
    assert Settings() == load({}, {}, None)


@pytest.mark.parametrize(
    ("name", "text", "what", "why"), WRONG, ids=[f"{name}={text[:20]!r}" for name, text, *_ in WRONG]
)
def test_a_wrong_text_is_told_in_exactly_these_words(name: str, text: str, what: str, why: str) -> None:
    assert f"{name}: {what}" + (f"\n  why: {why}" if why else "") == said({name: text})


def test_every_problem_is_told_at_once_in_order() -> None:
    told = said({"TRACKBRIDGE_PORT": "x", "CMS_TIMEOUT": "y", "TRACKBRIDGE_PRT": "1"})

    assert ["CMS_TIMEOUT", "TRACKBRIDGE_PORT", "TRACKBRIDGE_PRT"] == [
        line.partition(":")[0] for line in told.splitlines() if not line.startswith(" ")
    ]


def test_a_flag_comes_before_the_environment_before_dotenv_before_the_default(empty_folder: Path) -> None:
    dotenv = written(empty_folder, "TRACKBRIDGE_PORT=1\nTRACKBRIDGE_HOST=10.0.0.1\nCMS_TIMEOUT=1s\n")
    environ = {"TRACKBRIDGE_PORT": "2", "TRACKBRIDGE_HOST": "10.0.0.2"}

    settings = load({"TRACKBRIDGE_PORT": "3"}, environ, dotenv)

    assert (3, "10.0.0.2", 1.0, "60/min") == (
        settings.port,
        settings.host,
        settings.timeout_seconds,
        str(settings.rate),
    )
    assert {
        "TRACKBRIDGE_PORT": "--port",
        "TRACKBRIDGE_HOST": "environment",
        "CMS_TIMEOUT": f"{dotenv}:3",
    } == dict(settings.origins)


def test_a_wrong_flag_is_named_as_it_was_given() -> None:
    assert '--port: expected a number from 1 to 65535, got "x"' == said(
        {"TRACKBRIDGE_PORT": "1"}, flags={"TRACKBRIDGE_PORT": "x"}
    )


def test_a_wrong_line_of_dotenv_is_named_with_its_number(empty_folder: Path) -> None:
    dotenv = written(empty_folder, "# settings\n\n\nexport TRACKBRIDGE_PORT='x'\n")

    assert f'TRACKBRIDGE_PORT: expected a number from 1 to 65535, got "x" ({dotenv}:4)' == said({}, dotenv=dotenv)


@pytest.mark.parametrize("text", ["", "   ", "\n"], ids=["empty", "blank", "line break"])
def test_empty_is_not_set(text: str, empty_folder: Path) -> None:
    dotenv = written(empty_folder, f'TRACKBRIDGE_PORT="{text}"\n')

    assert 8000 == load({"TRACKBRIDGE_PORT": text}, {"TRACKBRIDGE_PORT": text}, dotenv).port


def test_dotenv_interpolates_nothing_and_keeps_lines_and_comments(empty_folder: Path) -> None:
    text = "A='${HOME}x'\nB=\"one\ntwo\"  # rotating\nC=plain # comment\n"
    lookup = load({}, {"HOME": "/root"}, written(empty_folder, text)).secrets()

    assert ["${HOME}x", "one\ntwo", "plain", None] == [lookup(name) for name in "ABCD"]


@pytest.mark.parametrize(
    ("line", "number"),
    [("whsec_hunter2", 2), ("CMS_BEARER_TOKEN='hunter2", 2)],
    ids=["no name", "open quote"],
)
def test_a_line_of_dotenv_that_cannot_be_read_is_a_problem_and_is_not_shown(
    line: str, number: int, empty_folder: Path
) -> None:
    dotenv = written(empty_folder, f"A=1\n{line}\n")

    told = said({}, dotenv=dotenv)

    assert f"{dotenv}:{number}:1: expected NAME=value" == told.splitlines()[0]
    assert "hunter2" not in told


def test_a_dotenv_that_is_not_utf_8_is_a_problem(empty_folder: Path) -> None:
    dotenv = empty_folder / ".env"
    dotenv.write_bytes(b"A=\xff\n")

    assert f"{dotenv}: cannot be read: it is not UTF-8" == said({}, dotenv=dotenv)


def test_without_a_dotenv_there_is_no_problem(empty_folder: Path) -> None:
    assert Settings() == load({}, {}, empty_folder / ".env")


def test_x_file_reads_x_from_a_file_without_its_last_line_break(empty_folder: Path) -> None:
    path = written(empty_folder, "tok_1\n", "token")

    settings = load({}, {"CMS_BEARER_TOKEN_FILE": str(path)}, None)

    assert Secret("tok_1") == settings.token
    assert f"file {path}" == settings.origins["CMS_BEARER_TOKEN"]


def test_an_empty_file_is_not_set(empty_folder: Path) -> None:
    assert load({}, {"CMS_BEARER_TOKEN_FILE": str(written(empty_folder, "\n", "token"))}, None).token is None


def test_x_and_x_file_together_are_a_problem() -> None:
    assert "CMS_BEARER_TOKEN: CMS_BEARER_TOKEN and CMS_BEARER_TOKEN_FILE are both set\n  fix: keep one of them" == said(
        {"CMS_BEARER_TOKEN": "a", "CMS_BEARER_TOKEN_FILE": "/b"}
    )


def test_x_in_the_environment_comes_before_x_file_in_dotenv(empty_folder: Path) -> None:
    dotenv = written(empty_folder, "CMS_BEARER_TOKEN_FILE=/nowhere\n")

    assert Secret("a") == load({}, {"CMS_BEARER_TOKEN": "a"}, dotenv).token


@pytest.mark.parametrize(
    ("content", "why"),
    [(None, "No such file or directory"), (b"\xff", "it is not UTF-8"), (b"x" * 65_537, "it is larger than 64 KiB")],
    ids=["missing", "not utf-8", "huge"],
)
def test_a_file_that_cannot_be_read_is_a_problem(content: bytes | None, why: str, empty_folder: Path) -> None:
    path = empty_folder / "token"
    if content is not None:
        path.write_bytes(content)

    told = said({"CMS_BEARER_TOKEN_FILE": str(path)})

    assert f'CMS_BEARER_TOKEN_FILE: expected a file that can be read, got "{path}": {why}' == told


def test_an_unknown_setting_is_a_problem_with_a_suggestion(empty_folder: Path) -> None:
    dotenv = written(empty_folder, "TRACKBRIDGE_RETENTION=3\n")

    assert [
        "TRACKBRIDGE_DATABASE_URI_FILE: there is no such setting",
        '  fix: did you mean "TRACKBRIDGE_DATABASE_URL"?',
        f"TRACKBRIDGE_RETENTION: there is no such setting ({dotenv}:1)",
        '  fix: did you mean "TRACKBRIDGE_RETENTION_DAYS"?',
    ] == said({"TRACKBRIDGE_DATABASE_URI_FILE": "x"}, dotenv=dotenv).splitlines()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("TRACKBRIDGE_SERVICE_HOST", "10.0.0.1"),
        ("TRACKBRIDGE_SERVICE_PORT", "8000"),
        ("TRACKBRIDGE_SERVICE_PORT_HTTP", "8000"),
        ("TRACKBRIDGE_PORT", "tcp://10.0.0.1:8000"),
        ("TRACKBRIDGE_PORT_8000_TCP", "tcp://10.0.0.1:8000"),
        ("TRACKBRIDGE_PORT_8000_TCP_ADDR", "10.0.0.1"),
        ("TRACKBRIDGE_PORT_8000_TCP_PROTO", "tcp"),
        ("TRACKBRIDGE_WEB_SERVICE_HOST", "10.0.0.1"),
        ("TRACKBRIDGE_WEB_PORT", "udp://10.0.0.1:8000"),
        ("TRACKBRIDGE_WEB_PORT_8000_UDP_PORT", "8000"),
    ],
)
def test_what_kubernetes_adds_for_a_service_of_our_name_is_not_ours(name: str, text: str) -> None:
    assert Settings() == load({}, {name: text, "PATH": "/bin"}, None)


def test_keys_are_kept_at_least_as_long_as_bodies() -> None:
    assert (
        "TRACKBRIDGE_KEYS_DAYS: expected at least TRACKBRIDGE_RETENTION_DAYS (30), got 29\n"
        "  why: an event that is still kept must still be known when it is sent again"
    ) == said({"TRACKBRIDGE_KEYS_DAYS": "29"})


def test_a_folder_called_mappings_is_used_without_being_named(empty_folder: Path) -> None:
    (empty_folder / "mappings").mkdir()

    assert Path("mappings") == load({}, {}, None).mappings


@pytest.mark.parametrize(
    ("text", "pace"),
    [
        ("60/min", Pace(n=60, seconds=60.0)),
        ("5 / s", Pace(n=5, seconds=1.0)),
        ("1000/hour", Pace(n=1000, seconds=3600.0)),
        ("0", Pace(n=0)),
    ],
)
def test_a_rate_is_so_many_per_unit(text: str, pace: Pace) -> None:
    assert pace == load({}, {"CMS_RATE_LIMIT": text}, None).rate


@pytest.mark.parametrize(
    ("text", "seconds"), [("10", 10.0), ("10s", 10.0), ("0.5", 0.5), ("1.5s", 1.5), ("250 ms", 0.25), ("300", 300.0)]
)
def test_a_timeout_is_in_seconds_unless_it_says_ms(text: str, seconds: float) -> None:
    assert seconds == load({}, {"CMS_TIMEOUT": text}, None).timeout_seconds


@pytest.mark.parametrize(("text", "size"), [("1", 1), ("100b", 100), ("2 kib", 2048), ("64MiB", 67_108_864)])
def test_a_size_is_in_bytes_unless_it_says_more(text: str, size: int) -> None:
    assert size == load({}, {"TRACKBRIDGE_MAX_BODY": text}, None).max_body


@pytest.mark.parametrize(
    ("url", "mask"),
    [
        ("postgresql://bridge:hunter2@db/track", "postgresql://bridge:***@db/track"),
        ("postgresql://bridge:hun@ter2@db/track", "postgresql://bridge:***@db/track"),
        (
            "postgresql://db/track?user=b&password=hunter2&sslmode=require",
            "postgresql://db/track?user=b&password=***&sslmode=require",
        ),
        ("postgresql://db/track?sslpassword=hunter2", "postgresql://db/track?sslpassword=***"),
        ("sqlite:///trackbridge.db", "sqlite:///trackbridge.db"),
    ],
)
def test_a_password_in_the_database_url_is_masked_wherever_it_is_shown(url: str, mask: str) -> None:
    settings = load({}, {"TRACKBRIDGE_DATABASE_URL": url}, None)
    setting = next(item for item in SETTINGS if item.env == "TRACKBRIDGE_DATABASE_URL")

    assert url == settings.database_url.reveal()
    assert mask == shown(settings, setting)
    assert "hunter2" not in repr(settings)


def test_a_secret_hides_itself() -> None:
    secret = Secret("hunter2")

    assert "Secret(set)" == repr(secret)
    assert "set" == f"{secret}"
    assert "hunter2" == secret.reveal()
    assert secret == Secret("hunter2")
    assert hash(secret) == hash(Secret("hunter2"))
    assert secret != "hunter2"


def test_no_secret_is_in_the_repr_of_the_settings(empty_folder: Path) -> None:
    environ = dict.fromkeys(("CMS_BEARER_TOKEN", "TRACKBRIDGE_ADMIN_TOKEN"), "hunter2")

    assert "hunter2" not in repr(load({}, environ, None))


def test_a_secret_setting_cannot_be_an_option() -> None:
    hidden = {setting.env for setting in SETTINGS if not setting.has_flag}

    assert {
        "CMS_BEARER_TOKEN",
        "TRACKBRIDGE_ENCRYPTION_KEY",
        "TRACKBRIDGE_ADMIN_TOKEN",
        "TRACKBRIDGE_NOTIFY_URL",
        "TRACKBRIDGE_NOTIFY_SECRET",
        "STRIPE_API_KEY",
    } == hidden


def test_the_table_for_readme_names_every_setting_once() -> None:
    rows = as_markdown().splitlines()

    assert len(SETTINGS) + 2 == len(rows)
    assert [f"| `{setting.env}` " for setting in SETTINGS] == [
        row[: len(s.env) + 5] for row, s in zip(rows[2:], SETTINGS, strict=True)
    ]
    assert "| `TRACKBRIDGE_PORT` | `8000` | port to listen on; 0 takes a free one |" in rows


def test_secrets_are_looked_up_like_settings_and_what_cannot_be_read_counts_as_unset(empty_folder: Path) -> None:
    dotenv = written(empty_folder, "A_SECRET=from dotenv\nB_SECRET=from dotenv\n")
    path = written(empty_folder, "old\nnew\n", "secret")
    lookup = load(
        {},
        {"A_SECRET": "from the environment", "C_SECRET_FILE": str(path), "D_SECRET_FILE": "/nowhere"},
        dotenv,
    ).secrets()

    assert ["from the environment", "from dotenv", "old\nnew", None, None] == [
        lookup(f"{letter}_SECRET") for letter in "ABCDE"
    ]
    assert ['D_SECRET_FILE: expected a file that can be read, got "/nowhere": No such file or directory'] == [
        str(problem) for problem in lookup.problems
    ]
