"""Two replicas on one PostgreSQL behind a balancer: either one answers, knows the session, and does what is asked."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx
import pytest
import pytest_asyncio

from bridge.assembly import Running
from bridge.model import DeliveryState
from tests.integration.admin.hand import ADMIN, Browser, an_admin, fill, words
from tests.integration.web_hand import a_bridge
from tests.postgres import Server

#: one database for all: they share the session's loop
pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def replicas(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[list[Running]]:
    folder = tmp_path_factory.mktemp("replicas")
    with Server.start(folder) as server:
        url = server.fresh_database()
        async with AsyncExitStack() as stack:
            settings = {"TRACKBRIDGE_DATABASE_URL": url, "TRACKBRIDGE_ADMIN_TOKEN": ADMIN}
            running = [await stack.enter_async_context(a_bridge(folder, **settings)) for _ in range(2)]
            await fill(running[0])
            yield running


async def at(replica: Running, browser: Browser) -> httpx.AsyncClient:
    """The same browser, led to another replica."""
    transport = httpx.ASGITransport(app=replica.app)
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", cookies=browser.client.cookies)


async def test_a_session_and_its_forms_are_good_at_every_replica(replicas: list[Running]) -> None:
    async with an_admin(replicas[0]) as browser, await at(replicas[1], browser) as other:
        data = {"proof": await browser.proof(), "verb": "replay", "id": "2"}
        preview = await other.post("/admin/deliveries/preview", data=data)
        done = await other.post("/admin/deliveries/change", data=data)
        browser.client.cookies.update(other.cookies)
        told = await browser.get(done.headers["location"])
        (replayed,) = await replicas[0].store.deliveries_by_id([2])

    assert [200, 303] == [preview.status_code, done.status_code]
    assert "delivery 2 will be sent again" in words(told)
    assert DeliveryState.PENDING is replayed.state


@pytest.mark.parametrize(
    "path",
    ["", "/events", "/events?text=ada", "/events/1", "/deliveries?state=any", "/sources", "/tracker", "/find?ref=zz"],
)
async def test_every_page_is_shown_on_postgresql(replicas: list[Running], path: str) -> None:
    async with an_admin(replicas[1]) as browser:
        page = await browser.get(f"/admin{path}")

    assert (404 if "find" in path else 200) == page.status_code
    assert "does not answer" not in words(page)


async def test_the_overview_lists_the_replicas(replicas: list[Running]) -> None:
    for replica in replicas:
        await replica.membership.beat()
    async with an_admin(replicas[0]) as browser:
        said = words(await browser.get("/admin"))

    assert f"{replicas[0].membership.name}, this one live" in said
    assert f"{replicas[1].membership.name} live" in said
