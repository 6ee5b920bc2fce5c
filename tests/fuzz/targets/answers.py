"""Whatever the tracker answers: one Outcome with short, plain words, and a decision for it."""

from datetime import UTC, datetime

from bridge.model import Tracker
from bridge.retry import Policy, judge
from bridge.tracking.answer import MOST_KEPT_BYTES, Answer, outcome, read
from tests.fuzz.feed import Feed
from tests.unit.test_retry import a_delivery

_NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
_STATUSES = (200, 201, 204, 301, 302, 400, 401, 402, 403, 404, 405, 408, 409, 413, 422, 425, 429, 500, 503, 599, 999)
_TYPES = ("application/json", "text/html", "", "application/json; charset=\xff")
_CODINGS = ("", "gzip", "deflate", "br")
_STOPPED = ("", "too long", "timeout", "reset")
_NAMES = ("retry-after", "date", "location")
_SEEDS = (
    b'\x00\x00\x00\x00\x00\x00\x00{"status": true, "data": "tracked"}',
    b"\x00\x01\x00\x00\x00\x00\x00<!doctype html><title>a &amp; b</title>",
    b'\x0e\x00\x00\x00\x00\x00\x00{"success": false, "error": {"message": ["no", {"a": "b"}]}, "statusCode": 422}',
    b"\x10\x00\x00\x00\x1dWed, 21 Oct 2026 07:28:00 GMT\x1dWed, 21 Oct 2026 07:27:00 GMT\x00slow down",
    b"\x03\x00\x00\x00\x00\x00\x1bhttps://user:p@example.com/x",
    b"\x00\x00\x01\x00\x00\x00\x00\x1f\x8b\x08\x00",
)


def seeds() -> list[bytes]:
    """Answers as the tracker, a proxy and a stranger give them."""
    return [*_SEEDS]


def check(data: bytes) -> None:
    """Read it, describe it, decide."""
    feed = Feed(data)
    status, kind = feed.pick(_STATUSES), feed.pick(_TYPES)
    headers = {"content-type": kind, "content-encoding": feed.pick(_CODINGS)}
    stopped = feed.pick(_STOPPED)
    headers |= {name: feed.short(60).decode("latin-1") for name in _NAMES}
    answer = Answer(status=status, headers=headers, body=feed.rest(), stopped=stopped)
    told = outcome(answer, read(answer), started_at=_NOW, duration_ms=1.0, now=_NOW)
    assert told.status == status
    assert len(told.text.encode("utf-8", "surrogatepass")) <= MOST_KEPT_BYTES
    assert len(told.message) <= 1000
    assert "\n" not in told.message
    assert told.retry_after_seconds is None or told.retry_after_seconds >= 0
    decision, tracker = judge(a_delivery(), told, Tracker(), now=_NOW, jitter=0.5, policy=Policy())
    assert decision is not None
    assert isinstance(tracker, Tracker)
