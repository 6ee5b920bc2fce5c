"""How a sample's headers say who sends and how that is proven; nothing secret of them gets into the draft."""

import pytest

from bridge.drafts.senders import sender_of

HEX = "5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd"
BASE64 = "V1eoaefs6+2jKv+mLNyj+lHK1+d6DlbyU20M6OEI2L0="


@pytest.mark.parametrize(
    ("headers", "lines"),
    [
        ({"x-shopify-hmac-sha256": BASE64}, ["scheme: shopify"]),
        ({"x-shopify-topic": "orders/paid"}, ["scheme: shopify"]),
        ({"typeform-signature": f"sha256={BASE64}"}, ["scheme: typeform"]),
        ({"stripe-signature": f"t=1,v1={HEX}"}, ["scheme: stripe"]),
        ({"x-hub-signature-256": f"sha256={HEX}", "x-github-event": "push"}, ["scheme: github"]),
        ({"webhook-signature": f"v1,{BASE64}", "webhook-id": "msg_2b7c51"}, ["scheme: standard-webhooks"]),
        ({"webhook-signature": HEX}, ["scheme: gocardless"]),
        ({"svix-signature": f"v1,{BASE64}"}, ["scheme: svix"]),
        ({"x-acme-signature": HEX}, ["scheme: hmac", "header: x-acme-signature"]),
        ({"x-acme-signature": BASE64}, ["scheme: hmac", "header: x-acme-signature", "encoding: base64"]),
        (
            {"x-acme-hmac": f"sha1={HEX[:40]}"},
            ["scheme: hmac", "header: x-acme-hmac", 'pattern: "sha1={signature}"', "algorithm: sha1"],
        ),
        (
            {"acme-signature": f"t=1770091506,v1={HEX}"},
            [
                "scheme: hmac",
                "header: acme-signature",
                'pattern: "t={timestamp},v1={signature}"',
                'signed: "{timestamp}.{body}"',
            ],
        ),
        ({"authorization": "Basic dXNlcjpwYXNz"}, ["scheme: basic"]),
        ({"authorization": "Bearer abc"}, ["scheme: token", "header: Authorization", 'prefix: "Bearer "']),
        ({"x-api-key": "abc"}, ["scheme: token", "header: x-api-key"]),
        ({"content-type": "application/json"}, ["scheme: token", "path: true"]),
        ({}, ["scheme: token", "path: true"]),
    ],
    ids=lambda value: next(iter(value), "nothing") if isinstance(value, dict) else "",
)
def test_headers_tell_the_scheme(headers: dict[str, str], lines: list[str]) -> None:
    sender = sender_of("acme", headers, ())

    assert lines == list(sender.lines)
    assert not any(value in " ".join((*sender.lines, sender.why)) for value in headers.values())


def test_a_parameter_of_the_address_can_be_the_token() -> None:
    assert ("scheme: token", "query: token") == sender_of("acme", {}, ["token", "click_id"]).lines


def test_a_known_name_needs_no_headers() -> None:
    assert ("scheme: typeform",) == sender_of("typeform", {}, ()).lines
