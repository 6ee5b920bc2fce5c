"""A secret that stands in an address or a header is in no file of the database and in no line of the log.

Not even where the sender itself repeats it: Jotform puts the whole address it posts to into every body.
"""

import base64
import json
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.support import BridgeProcess, bridge_process, wait_until

#: With characters that addresses and JSON write in another way.
TOKENS = {
    "JOTFORM_WEBHOOK_SECRET": "jot+form/tok en-4711",
    "QUERY_SECRET": "query/secret+0815",
    "HEADER_SECRET": "header-secret-1234567",
    "BASIC_SECRET": "user:basic pass/word",
}

OWN = """
source: {name}
verify:
  {verify}
  secret: ${{{variable}}}
event:
  id: id
  type: type
rules:
  - name: signup
    types: [signup]
    track: lead
    event_name: signed_up
    fields:
      click_id: click
      customer_external_id: person
"""


def spelled(token: str) -> set[bytes]:
    """Every way in which a token may stand in a file."""
    texts = {token, quote(token), quote(token, safe=""), token.partition(":")[2] or token}
    texts |= {json.dumps(text)[1:-1].replace("/", "\\/") for text in texts}
    return {text.encode() for text in texts} | {base64.b64encode(token.encode())}


def a_submission(number: int, url: str, answers: dict[str, object]) -> dict[str, str]:
    return {
        "action": "",
        "webhookURL": url,
        "formID": "243231271343446",
        "formTitle": f"Form {url}",
        "submissionID": f"60842509825130184{number:02}",
        "rawRequest": json.dumps(answers | {"referer": url}).replace("/", "\\/"),
        "pretty": f"Address:{url}, E-Mail:ada@example.com",
    }


def multipart(fields: dict[str, str], **more: str) -> httpx.Request:
    return httpx.Request(
        "POST", "http://bridge", files=[(name, (None, value)) for name, value in (fields | more).items()]
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "mappings").mkdir()
    for name, verify, variable in (
        ("by-query", "scheme: token\n  query: key", "QUERY_SECRET"),
        ("by-header", "scheme: token\n  header: X-Key", "HEADER_SECRET"),
        ("by-basic", "scheme: basic", "BASIC_SECRET"),
    ):
        text = OWN.format(name=name, verify=verify, variable=variable)
        (tmp_path / "mappings" / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def post_everything(bridge: BridgeProcess) -> dict[str, list[str]]:
    """Every kind of webhook by every kind of token; the answers by source."""
    answered: dict[str, list[str]] = {}

    def post(path: str, content: bytes, **headers: str) -> None:
        answer = httpx.post(f"{bridge.url}/webhooks/{path}", content=content, headers=headers, timeout=10).json()
        answered.setdefault(path.partition("/")[0].partition("?")[0], []).append(
            answer.get("status") or answer["error"]
        )

    secret = TOKENS["JOTFORM_WEBHOOK_SECRET"]
    path = f"jotform/{quote(secret, safe='')}"
    answers: dict[str, object] = {"q3_name": {"first": "Ada", "last": "B"}, "q4_email": "ada@example.com"}
    form = multipart({})
    for number, url in enumerate((f"{bridge.url}/webhooks/{path}", f"https://x.example.com/{secret}", secret)):
        form = multipart(a_submission(number, url, answers | {"q5_clickId": "Zug6qD9qOC"}))
        post(path, form.read(), **{"Content-Type": form.headers["Content-Type"]})
    post(path, form.read()[:-20], **{"Content-Type": form.headers["Content-Type"]})
    post(path, json.dumps(a_submission(9, secret, {})).encode(), **{"Content-Type": "application/json"})
    post(path[:-1], b"{}")

    for number, (source, headers) in enumerate(ways().items()):
        token = [*TOKENS.values()][number + 1]
        event = {"type": "signup", "click": "c", "person": "p", "echo": token, "url": f"https://x/?k={quote(token)}"}
        post(source, json.dumps(event | {"id": f"evt_{number}"}).encode(), **headers)
        post(source, json.dumps(event | {"id": f"evt_{number}"}).encode(), **headers)
        post(source, json.dumps(event | {"id": token, "type": token}).encode(), **headers)
        post(source, json.dumps(event | {"person": {token: token}}).encode(), **headers)
        post(source, f"not JSON: {token}".encode(), **headers)
        post(source.partition("?")[0], token.encode(), **{"X-Key": "a wrong one"})
    return answered


def ways() -> dict[str, dict[str, str]]:
    basic = base64.b64encode(TOKENS["BASIC_SECRET"].encode()).decode()
    return {
        f"by-query?key={quote(TOKENS['QUERY_SECRET'], safe='')}&other=1": {},
        "by-header": {"X-Key": TOKENS["HEADER_SECRET"]},
        "by-basic": {"Authorization": f"Basic {basic}"},
    }


def test_no_token_is_in_any_file_or_log_line(folder: Path) -> None:
    with bridge_process(folder, **TOKENS, TRACKBRIDGE_LOG_FORMAT="json", CMS_BEARER_TOKEN="") as bridge:
        bridge.start()

        answered = post_everything(bridge)
        assert ["accepted"] * 3 + ["unmapped", "unproven"] == [*answered["jotform"][:4], answered["jotform"][-1]]
        for source in ("by-query", "by-header", "by-basic"):
            assert ["accepted", "duplicate", "unmapped", "unmapped", "unmapped", "unproven"] == answered[source]

        shown = bridge.run("events", "--json", "--limit", "100").stdout
        events = json.loads(shown)
        assert 5 + 3 * 4 == len(events)
        shown += "".join(bridge.run("events", "show", str(one["id"])).stdout for one in events)
        shown += "".join(bridge.run("events", "show", str(one["id"]), "--body").stdout for one in events)
        wait_until(lambda: bridge.log.count("event.recorded") >= len(events), what="the log")
        # beside the file there is its write-ahead log as long as it runs
        seen = {file.name: file.read_bytes() for file in folder.glob("trackbridge.db*")} | {"shown": shown.encode()}
        assert {"trackbridge.db", "trackbridge.db-wal"} < seen.keys()
        assert 0 == bridge.terminate()
        seen |= {f"{file.name} closed": file.read_bytes() for file in folder.glob("trackbridge.db*")}
        seen["log"] = bridge.log.encode()

    found = [
        (name, text)
        for name, data in seen.items()
        for token in TOKENS.values()
        for text in spelled(token)
        if text in data
    ]
    assert [] == found
    assert b"[redacted]" in seen["trackbridge.db closed"]
    assert b"6084250982513018400" in seen["trackbridge.db closed"]
