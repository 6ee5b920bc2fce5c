"""Where the tracker lives: the base URL an operator gave, checked, and a hash that tells when it or the token changed.

What is refused is refused with the reason and the remedy. The text itself is never shown: it may hold credentials.
"""

import hashlib
import ipaddress
import re
from urllib.parse import SplitResult, urlsplit

_LABEL = r"[a-z0-9]([a-z0-9_-]{0,61}[a-z0-9])?"
_NAME = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(\.{_LABEL})*\Z")
_PATH = re.compile(r"[A-Za-z0-9._~!$&'()*+,;=:@%/-]*\Z")
#: what people paste along with the base
_ENDPOINTS = ("/track", "/track/lead", "/track/sale")


def check_base_url(text: str) -> str:
    """Return the base URL as the wire uses it: lower-case scheme and host, path prefix kept, no trailing slash.

    Raises ValueError with a text for the operator. Plain http is for loopback hosts only.
    """
    parts = _split(text.strip())
    host = parts.hostname or ""
    if "@" in parts.netloc:
        raise ValueError("leave user name and password out of the base URL: the token has its own setting")
    if "?" in text or "#" in text:
        raise ValueError("leave ? and # out of the base URL: expected only https://, a host and perhaps a path")
    if not _is_address(host) and not _NAME.match(host):
        raise ValueError("the host of the base URL is not a host name (write an international one in its xn-- form)")
    if parts.scheme == "http" and not _is_loopback(host):
        raise ValueError(
            "plain http would show the token and customers' data to the network: use https "
            "(http is for localhost, 127.0.0.1 and [::1] only)"
        )
    shown = f"[{host}]" if ":" in host else host
    port = f":{_port(parts)}" if _port(parts) else ""
    return f"{parts.scheme}://{shown}{port}{_prefix(parts.path)}"


def check_hook_url(text: str) -> str:
    """Return the address of somebody's webhook receiver, path and query kept as they are: they may hold a token.

    Raises ValueError with a text for the operator that shows nothing of it. Plain http is for loopback hosts only.
    """
    address = text.strip()
    expected = "expected an https:// address of a webhook receiver"
    if not address.isascii() or not address.isprintable() or " " in address or "\\" in address or "#" in address:
        raise ValueError(f"{expected}, in plain characters")
    try:
        parts = urlsplit(address)
        has_port = parts.port != 0
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in ("https", "http") or not parts.hostname or not has_port:
        raise ValueError(expected)
    if "@" in parts.netloc:
        raise ValueError(f"{expected}, without a user name and a password")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ValueError("plain http shows what is told to the network: use https (http is for loopback only)")
    return address


def fingerprint(base_url: str, token: str) -> str:
    """Hash base URL and token: equal hashes mean that neither changed, and neither can be read out of it."""
    return hashlib.sha256(f"trackbridge\0{base_url}\0{token}".encode()).hexdigest()[:32]


def _split(text: str) -> SplitResult:
    expected = "expected a base URL that begins with https://, such as https://api.cme.sh"
    if not text.isascii() or not text.isprintable() or " " in text or "\\" in text:
        raise ValueError(f"{expected}, in plain characters without spaces")
    try:
        parts = urlsplit(text)
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in ("https", "http") or not parts.hostname:
        raise ValueError(expected)
    return parts


def _port(parts: SplitResult) -> int | None:
    try:
        port = parts.port
    except ValueError:
        port = 0
    if port == 0:
        raise ValueError("the port of the base URL is not a number from 1 to 65535")
    return port


def _prefix(path: str) -> str:
    prefix = path.rstrip("/")
    if prefix.endswith(_ENDPOINTS):
        raise ValueError("give only the base URL: /track/lead and /track/sale are added to it")
    if not _PATH.match(prefix) or {".", "..", ""} & set(prefix.split("/")[1:]):
        raise ValueError("the path of the base URL has empty or dotted segments, or characters that need escaping")
    return prefix


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return "%" not in host


def _is_loopback(host: str) -> bool:
    if _is_address(host):
        return ipaddress.ip_address(host).is_loopback
    return host == "localhost" or host.endswith(".localhost")
