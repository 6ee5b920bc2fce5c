"""The keys of encryption at rest: lines of the operator's, of which none is ever shown."""

import base64
import re
import subprocess

import pytest

from bridge.encryption import NO_KEYS, EncryptionKeys, keys_of, number_of, text_of

ONE, TWO = bytes(range(32)), bytes(range(100, 132))
A, B = text_of(ONE), text_of(TWO)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("", NO_KEYS, id="nothing"),
        pytest.param(A, EncryptionKeys(writes=ONE, reads=(ONE,)), id="one"),
        pytest.param(f"{A}\n{B}", EncryptionKeys(writes=ONE, reads=(ONE, TWO)), id="the first encrypts"),
        pytest.param(f"\n  {B}  \r\n\n{A}\n", EncryptionKeys(writes=TWO, reads=(TWO, ONE)), id="blanks"),
        pytest.param(f"none\n{A}\n{B}", EncryptionKeys(writes=None, reads=(ONE, TWO)), id="none encrypts"),
        pytest.param(f"None\n{A}", EncryptionKeys(writes=None, reads=(ONE,)), id="in any case"),
        pytest.param(base64.urlsafe_b64encode(TWO).decode(), EncryptionKeys(writes=TWO, reads=(TWO,)), id="for URLs"),
        pytest.param(A.rstrip("="), EncryptionKeys(writes=ONE, reads=(ONE,)), id="without padding"),
    ],
)
def test_each_line_is_a_key_and_the_first_encrypts(text: str, expected: EncryptionKeys) -> None:
    assert expected == keys_of(text)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        pytest.param("correct horse", "line 1 is not base64", id="a sentence"),
        pytest.param("hunter2", "line 1 is 5 bytes in base64, and a key is 32", id="a password"),
        pytest.param(A[:-5], "line 1 is 29 bytes in base64, and a key is 32", id="cut off"),
        pytest.param(f"{A}\n{B[:-1]}xxxx", "line 2 is 35 bytes in base64, and a key is 32", id="one letter more"),
        pytest.param(f"{A}\nnone", "line 2 is 3 bytes in base64, and a key is 32", id="none in the end"),
        pytest.param(text_of(b"abcd" * 8), "line 1 is not random", id="made up"),
        pytest.param("A" * 43, "line 1 is not random", id="zeros"),
        pytest.param(f"{A}\n{A}", "the same key stands there twice", id="twice"),
        pytest.param("none", 'after "none" there are the keys that decrypt; without any, leave it unset', id="none"),
        pytest.param("ключ", "line 1 is not base64", id="no ASCII"),
    ],
)
def test_what_is_no_key_is_said_without_showing_it(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)) as refused:
        keys_of(text)

    assert why == str(refused.value)


def test_the_documented_one_liner_makes_a_key() -> None:
    made = subprocess.run(["openssl", "rand", "-base64", "32"], capture_output=True, text=True, check=True).stdout

    assert 32 == len(keys_of(made).writes or b"")


def test_keys_show_their_numbers_and_nothing_else() -> None:
    keys = keys_of(f"{A}\n{B}")

    assert f"encrypts with {number_of(ONE)}, decrypts {number_of(TWO)}" == str(keys)
    assert f"EncryptionKeys({keys})" == repr(keys)
    assert f"encrypts nothing, decrypts {number_of(ONE)}" == str(keys_of(f"none\n{A}"))
    assert "not set" == str(NO_KEYS)
    assert 8 == len(number_of(ONE))
    assert number_of(ONE) != number_of(TWO)
