"""What senders and the tracker wrote cannot act on the terminal that shows it, and stays the same for scripts."""

import io
import json
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.cli.output import printable, say_bytes, say_json

#: Clears the screen, sets the title, turns the text around, begins a sequence in eight bits, rings, deletes.
ACTING = "\x1b[2J\x1b]0;x\x07\u202e\x9b31m\x7f\u2028\x85\r"


class Terminal(io.TextIOWrapper):
    """A stream that says it is one."""

    def __init__(self, *, is_terminal: bool) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", newline="")
        self._is_terminal = is_terminal

    def isatty(self) -> bool:
        return self._is_terminal

    def shown(self) -> bytes:
        self.flush()
        buffer = self.buffer
        assert isinstance(buffer, io.BytesIO)
        return buffer.getvalue()


@given(st.text())
def test_what_is_shown_acts_on_no_terminal(text: str) -> None:
    assert printable(text).isprintable()


@given(st.dictionaries(st.text(max_size=10), st.text(max_size=30) | st.just(ACTING), max_size=4))
def test_json_for_scripts_is_the_same_value_and_acts_on_no_terminal(value: dict[str, str]) -> None:
    stream = Terminal(is_terminal=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", stream)
        say_json(value)
    shown = stream.shown().decode()

    assert value == json.loads(shown)
    assert all(char.isprintable() or char == "\n" for char in shown)


@pytest.mark.parametrize(
    ("is_terminal", "shown"),
    [
        (False, b'{"a":\n"\x1b[2J\xc2\x9b\xff"}'),
        (True, '{"a":\n"\\u001b[2J\\u009b\ufffd"}\n'.encode()),
    ],
    ids=["a file", "a terminal"],
)
def test_a_body_is_shown_as_it_came_but_not_on_a_terminal(
    is_terminal: bool, shown: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream = Terminal(is_terminal=is_terminal)
    monkeypatch.setattr(sys, "stdout", stream)

    say_bytes(b'{"a":\n"\x1b[2J\xc2\x9b\xff"}')

    assert shown == stream.shown()
