"""Each source as it is set up and as it was heard: the same for `trackbridge sources` and the pages."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bridge import sources
from bridge.library import Library, Source
from bridge.model import EventState
from bridge.sources.scheme import Token
from bridge.store.reports import Activity

SECRET = "<its secret>"  # noqa: S105  # that it stands there, not which


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """One source."""

    name: str
    #: None: its mapping is gone, but events of it are there
    source: Source | None
    activity: Activity | None
    #: what to paste at the sender
    url: str
    scheme: str

    @property
    def is_on(self) -> bool:
        """Whether its webhooks are taken."""
        return self.source is not None and self.source.is_on

    @property
    def is_of_interest(self) -> bool:
        """Whether somebody uses it, or meant to."""
        return self.activity is not None or (self.source is not None and not self.source.is_idle)

    @property
    def why(self) -> str:
        """Why it is off; empty when it is on."""
        if self.source is None:
            return "there is no mapping for it any more: its webhooks are answered 503"
        return "" if self.is_on else f"{' and '.join(self.source.missing)} not set"


def base_url(public_url: str | None, host: str, port: int) -> str:
    """Where senders reach the bridge, as far as anybody said; else where this machine does."""
    return public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"


def joined(library: Library, activity: Mapping[str, Activity], base: str) -> Iterator[Seen]:
    """Everything that is set up or was ever heard, by name; `base` is the bridge's own URL."""
    for name in sorted({*library.sources, *activity}):
        source = library.sources.get(name)
        yield Seen(
            name=name,
            source=source,
            activity=activity.get(name),
            url=_url(f"{base.rstrip('/')}/webhooks/{name}", source),
            scheme=_scheme(source),
        )


def _scheme(source: Source | None) -> str:
    written = source.mapping.verify.get("scheme") if source is not None else None
    return written.text if written is not None else ""


def _url(url: str, source: Source | None) -> str:
    """What to paste at the sender; a secret that belongs into it is named, not shown."""
    scheme, _ = sources.parse(source.mapping.verify) if source is not None else (None, [])
    match scheme.proof if scheme is not None else None:
        case Token(at="path"):
            return f"{url}/{SECRET}"
        case Token(at="query", name=parameter):
            return f"{url}?{parameter.decode()}={SECRET}"
        case _:
            return url


def numbers(by_state: Mapping[EventState, int]) -> str:
    """How many events, by state."""
    parts = [f"{number:,} {state.value}" for state, number in by_state.items() if number]
    return ", ".join(parts) or "nothing"
