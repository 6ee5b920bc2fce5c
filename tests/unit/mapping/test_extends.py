"""`extends`: what a mapping of one's own keeps of the shipped one's `verify`, and what it does not."""

import pytest

from bridge.mapping import parse
from bridge.model import Node

SHIPPED = """\
source: shop
verify:
  scheme: hmac
  header: X-Shop
  encoding: base64
  secret: ${SHOP_WEBHOOK_SECRET}
event:
  id: id
rules:
  - name: signed up
    track: lead
    event_name: signed_up
    fields: {click_id: click, customer_external_id: customer}
"""


def verify_of(own: str) -> dict[str, str]:
    """The `verify` section of a mapping that extends the shipped one."""
    mapping = parse(f"extends: shop\n{own}", file="own.yaml", base={"shop": SHIPPED}.get).mapping
    assert mapping is not None
    return {key.text: written(value) for key, value in mapping.verify.entries}


def written(value: Node) -> str:
    return value.text or ", ".join(item.text for item in value.items)


@pytest.mark.parametrize(
    ("own", "verify"),
    [
        ("", {"scheme": "hmac", "header": "X-Shop", "encoding": "base64", "secret": "${SHOP_WEBHOOK_SECRET}"}),
        (
            "verify: {secret: '${MY_SECRET}'}",
            {"scheme": "hmac", "header": "X-Shop", "encoding": "base64", "secret": "${MY_SECRET}"},
        ),
        (
            "verify: {header: [X-Mine, X-Shop]}",
            {
                "scheme": "hmac",
                "header": "X-Mine, X-Shop",
                "encoding": "base64",
                "secret": "${SHOP_WEBHOOK_SECRET}",
            },
        ),
        (
            "verify: {scheme: token, query: key, secret: '${MY_SECRET}'}",
            {"scheme": "token", "query": "key", "secret": "${MY_SECRET}"},
        ),
        ("verify: {scheme: hmac, header: X-Mine}", {"scheme": "hmac", "header": "X-Mine"}),
    ],
)
def test_keys_of_verify_merge_unless_a_scheme_is_said(own: str, verify: dict[str, str]) -> None:
    assert verify == verify_of(own)
