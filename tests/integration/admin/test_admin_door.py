"""Who may see the admin pages: the token, sessions, forms, headers, and what strangers learn."""

import re
from dataclasses import replace
from http.cookies import SimpleCookie
from typing import Any

import httpx
import pytest

from bridge.assembly import Running
from bridge.config.kinds import Secret
from bridge.model import DeliveryState
from bridge.web.attempts import BURST, MOST_WAITING
from tests.contract.store_hand import Hand
from tests.integration.admin.hand import ADMIN, Browser, an_admin, bury, words

#: one bridge for all: they share the session's loop
pytestmark = pytest.mark.asyncio(loop_scope="session")

PAGES = ["", "/events", "/events/1", "/events/1/body", "/deliveries", "/sources", "/tracker", "/find?ref=1"]
DEEDS = ["/deliveries/preview", "/deliveries/change", "/tracker/pause", "/tracker/resume", "/sign-out"]
TLS = {"x-forwarded-proto": "https"}


def cookie_of(answer: httpx.Response, name: str = "trackbridge_admin") -> Any:
    """The cookie that an answer sets, with its attributes."""
    for header in answer.headers.get_list("set-cookie"):
        jar = SimpleCookie(header)
        for key, morsel in jar.items():
            if key.endswith(name):
                return morsel
    return None


@pytest.mark.parametrize("path", ["/admin", "/admin/", "/admin/events", "/admin/sign-in", "/admin/style.css"])
async def test_without_a_token_there_are_no_pages(bridge: Running, path: str) -> None:
    async with an_admin(bridge, sign_in=False, token="") as browser:
        answer = await browser.get(path)

    assert (404, {"error": "not found"}) == (answer.status_code, answer.json())


async def test_who_is_not_signed_in_sees_the_sign_in_and_nothing_else(bridge: Running, stranger: Browser) -> None:
    seen = [await stranger.get(f"/admin{path}") for path in [*PAGES, "/nothing", "/events/99999"]]
    done = [await stranger.client.post(f"/admin{path}", data={"id": "2", "verb": "replay"}) for path in DEEDS]
    sign_in = await stranger.get("/admin/sign-in")

    assert {303} == {answer.status_code for answer in seen}
    assert all(answer.headers["location"].startswith("/admin/sign-in") for answer in seen)
    assert {401} == {answer.status_code for answer in done}
    assert "ada@example.com" not in "".join(answer.text for answer in [*seen, *done, sign_in])


async def test_the_token_lets_in_and_goes_on_to_what_was_wanted(stranger: Browser) -> None:
    away = await stranger.get("/admin/events?state=unmapped&since=7d")
    form = await stranger.get(away.headers["location"])
    wanted = re.search(r'name="next" value="([^"]+)"', form.text)
    assert wanted
    answer = await stranger.sign_in(next=wanted[1].replace("&amp;", "&"))
    page = await stranger.get(answer.headers["location"])

    assert (303, "/admin/events?state=unmapped&since=7d") == (answer.status_code, answer.headers["location"])
    assert 200 == page.status_code


@pytest.mark.parametrize("token", ["", "adm", ADMIN + "x", ADMIN.upper(), "\ud83d", "x" * 60_000], ids=len)
async def test_another_token_does_not(stranger: Browser, token: str) -> None:
    answer = await stranger.client.post("/admin/sign-in", content=b"token=" + token.encode("utf-8", "replace"))

    assert 403 == answer.status_code
    assert None is cookie_of(answer)
    assert "That is not the admin token" in words(answer)


async def test_the_cookie_is_for_this_host_alone_and_for_no_script(stranger: Browser) -> None:
    plain = cookie_of(await stranger.sign_in())
    secure = cookie_of(await stranger.client.post("/admin/sign-in", data={"token": ADMIN}, headers=TLS))

    assert ("trackbridge_admin", "/admin", "") == (plain.key, plain["path"], plain["secure"])
    assert ("__Host-trackbridge_admin", "/", True) == (secure.key, secure["path"], secure["secure"])
    for one in (plain, secure):
        assert (True, "strict", "") == (one["httponly"], one["samesite"], one["domain"])


@pytest.mark.parametrize(
    ("headers", "is_secure"),
    [
        ({"host": "hooks.example.com"}, True),
        ({"host": "HOOKS.example.com"}, True),
        ({"host": "127.0.0.1:8000"}, False),
        ({"host": "hooks.example.com", "x-forwarded-proto": "http"}, False),
        ({"host": "127.0.0.1:8000", "x-forwarded-proto": "https, http"}, True),
    ],
    ids=["the public host", "in capitals", "a tunnel", "a proxy that says http", "a proxy that says https"],
)
async def test_behind_tls_the_cookie_is_secure(bridge: Running, headers: dict[str, str], is_secure: bool) -> None:
    async with an_admin(bridge, sign_in=False, public_url="https://hooks.example.com") as browser:
        answer = await browser.client.post("/admin/sign-in", data={"token": ADMIN}, headers=headers)

    assert is_secure == bool(cookie_of(answer)["secure"])


async def test_a_cookie_of_plain_http_is_no_cookie_behind_tls(admin: Browser) -> None:
    """A neighbouring host can set cookies by that name, but none that begins with __Host-."""
    assert [200, 303] == [(await admin.get("/admin", **headers)).status_code for headers in ({}, TLS)]


async def test_signing_out_ends_it_in_this_browser(admin: Browser) -> None:
    answer = await admin.post("/admin/sign-out")
    after = await admin.get("/admin")

    assert (303, "/admin/sign-in") == (answer.status_code, answer.headers["location"])
    assert 303 == after.status_code


async def test_another_token_after_a_reload_ends_every_session(admin: Browser) -> None:
    before = (await admin.get("/admin")).status_code
    admin.inforce.settings = replace(admin.inforce.settings, admin_token=Secret("another_token_of_some_length"))
    after = (await admin.get("/admin")).status_code
    old = (await admin.sign_in()).status_code
    new = (await admin.sign_in("another_token_of_some_length")).status_code

    assert [200, 303, 403, 303] == [before, after, old, new]


async def test_every_answer_forbids_what_pages_can_do_to_each_other(bridge: Running, stranger: Browser) -> None:
    answers = [await stranger.get("/admin"), await stranger.get("/admin/sign-in"), await stranger.sign_in("no")]
    answers += [await stranger.sign_in()]
    answers += [await stranger.get(f"/admin{path}") for path in [*PAGES, "/nothing"]]
    answers += [await stranger.client.post("/admin/tracker/pause", data={"proof": "x"})]

    for answer in answers:
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert all(f"{name} 'none'" in policy for name in ("frame-ancestors", "base-uri"))
        assert "script" not in policy
        assert "unsafe" not in policy
        assert "nosniff" == answer.headers["x-content-type-options"]
        assert "no-referrer" == answer.headers["referrer-policy"]
        assert "same-origin" == answer.headers["cross-origin-opener-policy"]
        assert "no-store" == answer.headers["cache-control"]


async def test_pages_have_no_script_and_no_style_of_their_own_and_name_no_other_host(
    bridge: Running, admin: Browser
) -> None:
    texts = [(await admin.get(f"/admin{path}")).text for path in PAGES if not path.endswith(("/body", "?ref=1"))]

    for text in texts:
        assert [] == re.findall(r"<script|<style|\sstyle=|\son[a-z]+=|javascript:|<iframe|<base|<object", text)
        named = re.findall(r'(?:href|src|action)="([^"]*)"', text)
        assert named
        assert [] == [address for address in named if not address.startswith(("/admin", "#"))]


async def test_the_style_sheet_and_the_icon_are_for_everybody_and_may_be_kept(stranger: Browser) -> None:
    answers = [await stranger.get(f"/admin/{name}") for name in ("style.css", "icon.svg")]

    assert [200, 200] == [answer.status_code for answer in answers]
    assert ["text/css; charset=utf-8", "image/svg+xml"] == [answer.headers["content-type"] for answer in answers]
    assert all("immutable" in answer.headers["cache-control"] for answer in answers)


@pytest.mark.parametrize("proof", [None, "", "x", "é", "of another session"], ids=repr)
async def test_a_form_without_this_sessions_proof_does_nothing(
    bridge: Running, admin: Browser, proof: str | None
) -> None:
    if proof == "of another session":
        proof = await admin.proof()
        await admin.post("/admin/sign-out")
        await admin.sign_in()
    data = {"verb": "replay", "id": "2"} | ({} if proof is None else {"proof": proof})
    answers = [await admin.client.post(f"/admin{path}", data=data) for path in DEEDS]
    (dead,) = await bridge.store.deliveries_by_id([2])
    tracker = await bridge.store.tracker()
    still = await admin.get("/admin")

    assert {403} == {answer.status_code for answer in answers}
    assert DeliveryState.DEAD is dead.state
    assert not tracker.is_paused
    assert 200 == still.status_code


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_a_form_that_another_site_sends_does_nothing(bridge: Running, admin: Browser, site: str) -> None:
    answer = await admin.post("/admin/tracker/pause", {"reason": "x"}, **{"sec-fetch-site": site})
    tracker = await bridge.store.tracker()
    sign_in = await admin.client.post("/admin/sign-in", data={"token": ADMIN}, headers={"sec-fetch-site": site})

    assert [403, 403] == [answer.status_code, sign_in.status_code]
    assert not tracker.is_paused


async def test_nothing_is_changed_by_looking(bridge: Running, admin: Browser) -> None:
    answers = [await admin.get(f"/admin{path}?verb=replay&id=2") for path in DEEDS]
    (dead,) = await bridge.store.deliveries_by_id([2])

    assert {405} == {answer.status_code for answer in answers}
    assert {"POST"} == {answer.headers["allow"] for answer in answers}
    assert DeliveryState.DEAD is dead.state


async def test_a_script_shows_the_token_itself_and_needs_no_form(
    bridge: Running, hand: Hand, stranger: Browser
) -> None:
    number = (await bury(hand, 1))[0]
    bearer = {"authorization": f"Bearer {ADMIN}"}
    page = await stranger.get("/admin/events", **bearer)
    data = {"verb": "replay", "id": str(number)}
    done = await stranger.client.post("/admin/deliveries/change", data=data, headers=bearer)
    (replayed,) = await bridge.store.deliveries_by_id([number])

    assert 200 == page.status_code
    assert None is cookie_of(page)
    assert (200, f"delivery {number} will be sent again\n") == (done.status_code, done.text)
    assert DeliveryState.PENDING is replayed.state


@pytest.mark.parametrize("value", ["Bearer x", "Bearer ", f"Basic {ADMIN}", f"Bearer {ADMIN[:-1]}"])
async def test_another_authorization_is_none(stranger: Browser, value: str) -> None:
    answer = await stranger.get("/admin/events", authorization=value)

    assert (303 if value.startswith("Basic") else 403) == answer.status_code


async def test_a_flood_of_wrong_tokens_is_bounded_and_who_is_signed_in_goes_on(admin: Browser) -> None:
    app = httpx.ASGITransport(app=admin.app)
    async with httpx.AsyncClient(transport=app, base_url="http://127.0.0.1:8000") as stranger:
        wrong = {"authorization": "Bearer wrong"}
        statuses = [(await stranger.get("/admin", headers=wrong)).status_code for _ in range(BURST + 5)]
        detail = await stranger.get("/readyz", headers={"authorization": f"Bearer {ADMIN}"})
    page = await admin.get("/admin")
    again = await admin.sign_in()

    assert ([403] * BURST, {429}) == (statuses[:BURST], set(statuses[BURST:]))
    assert (200, {"status"}) == (detail.status_code, set(detail.json()))
    assert [200, 303] == [page.status_code, again.status_code]
    assert MOST_WAITING < BURST


@pytest.mark.parametrize(
    "wanted", ["https://evil.example/", "//evil.example", "/\\evil.example", "/admin@evil.example", "javascript:x"]
)
async def test_the_sign_in_leads_nowhere_else(stranger: Browser, wanted: str) -> None:
    form = await stranger.client.get("/admin/sign-in", params={"next": wanted})
    answer = await stranger.sign_in(next=wanted)

    assert "evil" not in form.text
    assert "/admin" == answer.headers["location"]


@pytest.mark.parametrize("host", ["evil.example", "evil.example:80", "a b", "a@b", "<script>", "a/b", "x" * 300])
async def test_a_host_that_somebody_made_up_is_in_no_answer(admin: Browser, host: str) -> None:
    answers = [
        await admin.get(path, host=host)
        for path in ("/admin", "/admin/", "/admin/sources", "/admin/sources/", "/healthz/", "/nothing")
    ]

    for answer in answers:
        assert host not in answer.text
        assert host not in answer.headers.get("location", "")


async def test_what_is_too_large_or_no_form_does_nothing(bridge: Running, admin: Browser) -> None:
    proof = await admin.proof()
    large = await admin.client.post("/admin/tracker/pause", data={"proof": proof, "reason": "x" * 70_000})
    odd = [
        await admin.client.post("/admin/tracker/pause", content=content)
        for content in (b"\xff\xfe", b"proof=%FF", b"&".join(b"a=b" for _ in range(5_000)), b"{}", b"")
    ]
    tracker = await bridge.store.tracker()

    assert 413 == large.status_code
    assert {400, 403} == {answer.status_code for answer in odd}
    assert not tracker.is_paused


async def test_the_detail_of_readiness_is_open_to_the_token(stranger: Browser) -> None:
    answers = [
        (await stranger.get("/readyz", authorization=value)).json() for value in (f"Bearer {ADMIN}", "Bearer x", "")
    ]

    assert [True, False, False] == ["sources" in answer for answer in answers]
