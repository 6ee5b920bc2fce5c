"""What a client's call came to: a dict of success, data, error and status_code, readable as attributes too."""

from typing import cast

from bridge.model import Json, Outcome, Sent
from bridge.tracking.wire import Exchange

_TOLD = {
    "dns": "the tracker's host name was not found",
    "refused": "the tracker's host refused the connection",
    "unreachable": "the tracker's host cannot be reached",
    "tls": "no secure connection to the tracker",
    "timeout": "no answer in time",
    "reset": "the connection broke",
    "closed": "the connection was closed without an answer",
    "unreadable": "the answer was not HTTP",
    "unsendable": "this cannot be sent",
    "stopped": "the client was closed meanwhile",
}


class TrackingResult(dict[str, Json]):
    """The tracker's answer, or why there is none. Never raised, always returned."""

    def __init__(self, *, success: bool, data: Json, error: str | None, status_code: int | None) -> None:
        super().__init__(success=success, data=data, error=error, status_code=status_code)

    @property
    def success(self) -> bool:
        """The tracker took it: any 2xx, whatever its body."""
        return cast("bool", self["success"])

    @property
    def data(self) -> Json:
        """The answer's `data` where it has one, else the whole answer, parsed if it is JSON."""
        return self["data"]

    @property
    def error(self) -> str | None:
        """What went wrong, in one line; None on success."""
        return cast("str | None", self["error"])

    @property
    def status_code(self) -> int | None:
        """The HTTP status; None when there was no answer."""
        return cast("int | None", self["status_code"])


def result_of(exchange: Exchange) -> TrackingResult:
    """Tell a caller what a try came to."""
    outcome = exchange.outcome
    return TrackingResult(
        success=outcome.succeeded,
        data=_data(exchange),
        error=None if outcome.succeeded else _error(outcome),
        status_code=outcome.status,
    )


def _data(exchange: Exchange) -> Json:
    if exchange.outcome.status is None:
        return None
    match exchange.value:
        case {"data": data}:
            return data
        case None if not exchange.outcome.is_json:
            return exchange.text
        case value:
            return value


def _error(outcome: Outcome) -> str:
    if outcome.status is not None:
        return outcome.message or f"the tracker answered {outcome.status}"
    told = f"{outcome.error}: {_TOLD.get(outcome.error, 'no answer')}"
    detail = f" ({outcome.message})" if outcome.message else ""
    known = "it was not sent" if outcome.sent is Sent.NO else "the tracker may have received it"
    return f"{told}{detail}; {known}"
