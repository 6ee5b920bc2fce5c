"""What a call came to, for callers: a dict with attributes."""

import json
from datetime import UTC, datetime

import pytest

from bridge.model import Json, Outcome, Sent
from bridge.tracking import TrackingResult
from bridge.tracking.answer import Answer, outcome, read
from bridge.tracking.result import result_of
from bridge.tracking.wire import Exchange

NOW = datetime(2026, 4, 10, 12, 0, 0, tzinfo=UTC)


def answered(status: int, body: bytes) -> TrackingResult:
    answer = Answer(status=status, headers={"content-type": "application/json"}, body=body)
    seen = read(answer)
    told = outcome(answer, seen, started_at=NOW, duration_ms=1.0, now=NOW)
    return result_of(Exchange(outcome=told, text=seen.text, value=seen.value))


def unanswered(error: str, sent: Sent = Sent.NO, message: str = "") -> TrackingResult:
    return result_of(
        Exchange(outcome=Outcome(sent=sent, started_at=NOW, duration_ms=1.0, error=error, message=message))
    )


def test_a_result_is_read_as_a_dict_or_by_attributes() -> None:
    """The vendor's README says `response.get("success")`; others say `response.success`."""
    result = answered(200, b'{"status": true, "data": "lead tracked"}')

    assert result == {"success": True, "data": "lead tracked", "error": None, "status_code": 200}
    assert (True, "lead tracked", None, 200) == (result.success, result.data, result.error, result.status_code)
    assert result.get("success")
    assert "lead tracked" == result["data"]
    assert result == json.loads(json.dumps(result))


@pytest.mark.parametrize(
    ("expected", "body"),
    [
        pytest.param("x", b'{"status": true, "data": "x"}', id="data"),
        pytest.param({"id": 1}, b'{"success": true, "data": {"id": 1}}', id="a data object"),
        pytest.param(None, b'{"data": null}', id="data of null"),
        pytest.param({"status": "ok"}, b'{"status": "ok"}', id="an object without data"),
        pytest.param([], b"[]", id="a list"),
        pytest.param(None, b"null", id="null"),
        pytest.param("thanks", b"thanks", id="text"),
        pytest.param("", b"", id="nothing"),
        pytest.param("{oops", b"{oops", id="broken JSON"),
    ],
)
def test_data_is_the_answers_data_or_the_whole_answer(expected: Json, body: bytes) -> None:
    result = answered(200, body)

    assert expected == result.data
    assert result.success
    assert result.error is None


@pytest.mark.parametrize(
    ("expected", "result"),
    [
        pytest.param("no such click", answered(404, b'{"error": "no such click"}'), id="what the answer says"),
        pytest.param("the tracker answered 500", answered(500, b""), id="an answer that says nothing"),
        pytest.param(
            "refused: the tracker's host refused the connection; it was not sent", unanswered("refused"), id="not sent"
        ),
        pytest.param(
            "timeout: no answer in time; the tracker may have received it",
            unanswered("timeout", Sent.MAYBE),
            id="perhaps sent",
        ),
        pytest.param(
            "tls: no secure connection to the tracker (certificate refused: expired); it was not sent",
            unanswered("tls", message="certificate refused: expired"),
            id="with what is known",
        ),
    ],
)
def test_the_error_is_one_line_that_says_whether_it_was_sent(expected: str, result: TrackingResult) -> None:
    assert expected == result.error
    assert not result.success
    assert (result.status_code is None) == ("sent" in expected or "received" in expected)
