"""Base URLs: what is taken, what is refused and how helpfully."""

import pytest

from bridge.address import fingerprint
from bridge.tracking import check_base_url


@pytest.mark.parametrize(
    ("expected", "text"),
    [
        pytest.param("https://api.cme.sh", "https://api.cme.sh", id="as it is"),
        pytest.param("https://api.cme.sh", "  https://api.cme.sh/ \n", id="spaces and slash around it"),
        pytest.param("https://api.cme.sh", "https://api.cme.sh///", id="several slashes"),
        pytest.param("https://api.cme.sh", "HTTPS://API.CME.SH", id="upper case"),
        pytest.param("https://api.cme.sh:8443", "https://api.cme.sh:8443", id="port"),
        pytest.param("https://a.example/api/v2", "https://a.example/api/v2/", id="path prefix"),
        pytest.param("https://a.example/Track", "https://a.example/Track", id="path keeps its case"),
        pytest.param("https://10.1.2.3", "https://10.1.2.3", id="address"),
        pytest.param("https://[2001:db8::1]:8443", "https://[2001:DB8::1]:8443", id="IPv6"),
        pytest.param("http://127.0.0.1:9000", "http://127.0.0.1:9000", id="http on loopback"),
        pytest.param("http://127.9.9.9", "http://127.9.9.9", id="all of 127/8 is loopback"),
        pytest.param("http://[::1]:9000", "http://[::1]:9000/", id="http on IPv6 loopback"),
        pytest.param("http://localhost:9000/x", "http://localhost:9000/x", id="http on localhost"),
        pytest.param("http://tracker.localhost", "http://tracker.localhost", id="http below localhost"),
    ],
)
def test_a_base_url_is_taken_in_its_plain_form(expected: str, text: str) -> None:
    assert expected == check_base_url(text)


@pytest.mark.parametrize(
    ("why", "text"),
    [
        pytest.param("begins with https://", "", id="empty"),
        pytest.param("begins with https://", "api.cme.sh", id="no scheme"),
        pytest.param("begins with https://", "ftp://api.cme.sh", id="another scheme"),
        pytest.param("begins with https://", "https://", id="no host"),
        pytest.param("begins with https://", "https:///track", id="no host, a path"),
        pytest.param("begins with https://", "https://[::1", id="bracket left open"),
        pytest.param("without spaces", "https://api.cme.sh/a b", id="space"),
        pytest.param("without spaces", "https://api.cme.sh/\x00", id="control character"),
        pytest.param("without spaces", "https://api.cme.sh\nHost: x", id="line break"),
        pytest.param("without spaces", "https://bücher.example", id="not ASCII"),
        pytest.param("without spaces", "https://api.cme.sh\\@evil.example", id="backslash"),
        pytest.param("user name and password", "https://me:secret@api.cme.sh", id="credentials"),
        pytest.param("user name and password", "https://@api.cme.sh", id="empty credentials"),
        pytest.param("leave ? and #", "https://api.cme.sh/?token=secret", id="query"),
        pytest.param("leave ? and #", "https://api.cme.sh?", id="empty query"),
        pytest.param("leave ? and #", "https://api.cme.sh#x", id="fragment"),
        pytest.param("not a host name", "https://a..b", id="empty label"),
        pytest.param("not a host name", f"https://{'a' * 64}.example", id="label too long"),
        pytest.param("not a host name", f"https://{'.'.join(['a' * 60] * 5)}", id="name too long"),
        pytest.param("not a host name", "https://-a.example", id="label begins with a dash"),
        pytest.param("not a host name", "https://a%41.example", id="escape in the host"),
        pytest.param("plain http", "http://api.cme.sh", id="http elsewhere"),
        pytest.param("plain http", "http://10.0.0.1:9000", id="http on a private address"),
        pytest.param("plain http", "http://0.0.0.0:9000", id="any address is not loopback"),
        pytest.param("plain http", "http://localhost.evil.example", id="a name that begins like localhost"),
        pytest.param("port", "https://api.cme.sh:99999", id="port too large"),
        pytest.param("port", "https://api.cme.sh:0", id="port 0"),
        pytest.param("port", "https://api.cme.sh:x", id="port not a number"),
        pytest.param("/track/lead and /track/sale are added", "https://api.cme.sh/track/lead", id="an endpoint"),
        pytest.param(
            "/track/lead and /track/sale are added", "https://api.cme.sh/v1/track/", id="the endpoints' folder"
        ),
        pytest.param("segments", "https://api.cme.sh/a/../b", id="dotted path"),
        pytest.param("segments", "https://api.cme.sh//b", id="empty segment"),
        pytest.param("segments", 'https://api.cme.sh/"', id="a character to escape"),
    ],
)
def test_a_base_url_is_refused_with_the_reason_and_without_the_text(why: str, text: str) -> None:
    with pytest.raises(ValueError, match=r".") as refused:
        check_base_url(text)

    assert why in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_fingerprint_changes_with_base_url_and_token_and_shows_neither() -> None:
    prints = {fingerprint(url, token) for url in ("https://a.example", "https://b.example") for token in ("t1", "t2")}

    assert 4 == len(prints)
    assert fingerprint("https://a.example", "t1") in prints
    assert not any("t1" in each or "example" in each for each in prints)


def test_a_fingerprint_keeps_base_url_and_token_apart() -> None:
    assert fingerprint("https://a.example", "xt") != fingerprint("https://a.examplex", "t")
