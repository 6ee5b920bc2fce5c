"""What a fake tracker says to a request: like the real one, or whatever a test wants the bridge to survive.

Values only; `tracker` puts them on the wire.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from enum import Enum
from http import HTTPStatus
from typing import TypeAlias

from bridge.model import Json


class Act(Enum):
    """What is done with a request, or with a new connection."""

    ANSWER = "answer"
    LEAVE = "leave"  # answer, promise to keep the connection, and close it
    CLOSE = "close"  # close without an answer
    RESET = "reset"  # break the connection
    NEVER = "never"  # say nothing for ever
    RAW = "raw"  # send the body alone, as if it were a whole answer, and close


def _usual() -> Json:
    return {"status": True, "data": "tracked"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """How to meet one request. A 2xx counts as accepted even when `act` keeps it from arriving."""

    status: int = 200
    #: bytes go out as they are, anything else as JSON
    body: Json | bytes = field(default_factory=_usual)
    headers: tuple[tuple[str, str], ...] = ()
    act: Act = Act.ANSWER
    delay_seconds: float = 0.0
    #: with a pause after every byte
    drip_seconds: float = 0.0
    #: let the head go at once and drip the body only
    drips_body_only: bool = False
    #: close after this many bytes
    cut_after: int | None = None

    def as_bytes(self) -> tuple[bytes, bytes]:
        """Head and body as they go out."""
        body = self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()
        if self.act is Act.RAW:
            return b"", body
        headers = {"Content-Length": str(len(body)), "Date": format_datetime(datetime.now(UTC), usegmt=True)}
        if not isinstance(self.body, bytes):
            headers["Content-Type"] = "application/json"
        if self.status in (204, 304):
            del headers["Content-Length"]
        lines = [*(headers | dict(self.headers)).items()]
        phrase = HTTPStatus(self.status).phrase if self.status in set(HTTPStatus) else "Unknown"
        head = "".join(f"{name}: {value}\r\n" for name, value in lines)
        return f"HTTP/1.1 {self.status} {phrase}\r\n{head}\r\n".encode("latin-1"), body


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request as it came."""

    method: str
    path: str
    #: lower-case names
    headers: dict[str, str]
    body: bytes
    #: which connection it came over, counted from 1
    connection: int
    at: datetime

    @property
    def json(self) -> Json:
        """The body parsed; None when it is not JSON."""
        try:
            value: Json = json.loads(self.body)
        except ValueError:
            return None
        return value


Script: TypeAlias = Callable[[Received], Answer]

_NEEDED = {
    "/track/lead": ("eventName", "customerExternalId"),
    "/track/sale": ("eventName", "customerExternalId", "invoiceId", "amount", "currency"),
}


def judge(received: Received) -> Answer:
    """Answer as the tracker does: 200 for what is complete, else its kind of error."""
    if received.path not in _NEEDED:
        return error(404, "Not found")
    if received.method != "POST":
        return error(405, "Method not allowed")
    if not received.headers.get("authorization", "").startswith("Bearer "):
        return error(401, "Missing or invalid API key")
    body = received.json
    if not isinstance(body, dict):
        return error(400, "Invalid payload format")
    missing = [key for key in _NEEDED[received.path] if body.get(key) in (None, "")]
    if missing:
        return error(422, f"Validation failed: {', '.join(missing)} required")
    return Answer(body={"status": True, "data": f"{received.path.removeprefix('/track/')} tracked"})


def error(status: int, why: str) -> Answer:
    """An error as the tracker's Python package describes it."""
    return Answer(status=status, body={"success": False, "error": why, "statusCode": status})
