"""The rows of the verdict table: what the tracker says, and what a test needs to know of it."""

import json
from collections.abc import Callable
from urllib.parse import quote_plus

from bridge.demo.tracker import Act, Answer
from tests.e2e.stage import failing, page

#: What the tracker says of one delivery, and how many of these are delivered.
DELIVERED: dict[str, Answer] = {
    "200 JSON": Answer(),
    "201": Answer(status=201, body=b"thanks", headers=(("Content-Type", "text/plain"),)),
    "204": Answer(status=204, body=b""),
    "200 status false": Answer(body={"status": False, "data": "Duplicate"}),
    "409": failing(409, "resource already exists"),
}
DEAD: dict[str, Answer] = {
    str(status): failing(status, why)
    for status, why in [
        (400, "currency is odd"),
        (413, "too large"),
        (422, "clickId: unknown"),
        (418, "a teapot"),
        (410, "gone"),
    ]
}
PERSON = {"email": "zoe.brandt+shop@post.example", "name": "Zoë Brandt", "customer": "cus_QX81"}
ECHOES: dict[str, Callable[[str], str]] = {
    "as it is": str,
    "JSON in JSON": lambda body: json.dumps(json.dumps(body)),
    "upper case": str.upper,
    "URL-encoded": quote_plus,
    "escapes": lambda body: body.replace("@", "\\u0040").replace("_", "%5F"),
}

#: What the tracker says of us: everything pauses.
REFUSALS: dict[str, Answer] = {
    "401": failing(401, "Missing or invalid API key"),
    "402": failing(402, "plan"),
    "403": failing(403, "forbidden"),
    "405": failing(405, "method"),
    "404 HTML": page(404),
    "404 text": Answer(status=404, body=b"404 page not found", headers=(("Content-Type", "text/plain"),)),
    "200 HTML": page(200),
    **{str(status): Answer(status=status, body=b"") for status in (301, 302, 307, 308)},
}

_CLOCK_OF_2001 = {"Date": "Mon, 01 Jan 2001 00:00:00 GMT"}
#: What is asked for, and how many seconds of patience that is.
PATIENCE: dict[str, tuple[Answer, float]] = {
    "429 seconds": (failing(429, Retry_After="120"), 120),
    "503 seconds": (failing(503, Retry_After="7"), 7),
    "429 a date by the tracker's own clock": (
        failing(429, Retry_After="Mon, 01 Jan 2001 00:01:30 GMT", **_CLOCK_OF_2001),
        90,
    ),
    "503 a date that is past": (failing(503, Retry_After="Sun, 31 Dec 2000 23:59:00 GMT", **_CLOCK_OF_2001), 5),
    "429 nothing": (failing(429), 5),
    "503 nothing": (failing(503), 5),
    "429 unreadable": (failing(429, Retry_After="soon"), 5),
    "503 longer than a day": (failing(503, Retry_After="9999999"), 86_400),
}

#: What a try may come to that says nothing: status or word, and whether the tracker may have it.
FAILURES: dict[str, tuple[Answer, int | str, str]] = {
    **{str(status): (failing(status), status, "yes") for status in (408, 425, 500, 502, 504)},
    "reset before an answer": (Answer(act=Act.RESET), "reset", "maybe"),
    "closed before an answer": (Answer(act=Act.CLOSE), "closed", "maybe"),
    "cut in the head of the answer": (Answer(cut_after=9), "closed", "maybe"),
    "garbage": (Answer(act=Act.RAW, body=b"\0\1 no HTTP at all\r\n\r\n"), "unreadable", "maybe"),
    "no answer": (Answer(act=Act.NEVER), "timeout", "maybe"),
    "an answer in drips": (Answer(drip_seconds=0.4), "timeout", "maybe"),
}
