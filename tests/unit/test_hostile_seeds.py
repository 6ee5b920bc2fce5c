"""Every input that the fuzzers begin with, and every one they ever found, keeps the promises; and so do others."""

import logging
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.fuzz import inputs
from tests.fuzz.targets import edge


@pytest.fixture(autouse=True, scope="module")
def _silence() -> Iterator[None]:
    """Thousands of strangers would fill the log; and in the end nothing is left running."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(before)
    edge.close()


@pytest.mark.parametrize("target", inputs.TARGETS)
def test_every_known_input_keeps_the_promises(target: str) -> None:
    for data in inputs.seeds(target):
        inputs.check(target, data)


@pytest.mark.parametrize("target", [target for target in inputs.TARGETS if target != "edge"])
@settings(deadline=None)
@given(data=st.data())
def test_so_does_what_a_few_changes_make_of_one(target: str, data: st.DataObject) -> None:
    known = data.draw(st.sampled_from(inputs.seeds(target)))
    for _ in range(data.draw(st.integers(1, 4))):
        at, end = sorted((data.draw(st.integers(0, len(known))), data.draw(st.integers(0, len(known)))))
        known = known[:at] + data.draw(st.binary(max_size=8) | st.just(known[at:end] * 2)) + known[end:]

    inputs.check(target, known)


LINES = st.sampled_from(
    [
        b"GET /healthz HTTP/1.1\r\n",
        b"POST /webhooks/stripe HTTP/1.1\r\n",
        b"POST /webhooks/nobody HTTP/1.0\r\n",
        b"HEAD * HTTP/1.1\r\n",
        b"Host: x\r\n",
        b"Content-Length: 2\r\n",
        b"Content-Length: 0\r\n",
        b"Content-Length: 99999999\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Transfer-Encoding:\r\n chunked\r\n",
        b"Connection: close\r\n",
        b"Connection: keep-alive, Upgrade\r\nUpgrade: h2c\r\n",
        b"Expect: 100-continue\r\n",
        b"\r\n",
        b"\n",
        b"{}",
        b"2\r\n{}\r\n",
        b"0\r\n\r\n",
        b"0\r\nA: b\r\n\r\n",
        b"\0",
    ]
)


@settings(deadline=None, max_examples=60)
@given(size=st.integers(0, 63), lines=st.lists(LINES | st.binary(max_size=5), max_size=14))
def test_the_edge_reads_the_same_requests_however_they_were_cut(size: int, lines: list[bytes]) -> None:
    inputs.check("edge", bytes([size]) + b"".join(lines))
