"""The page and its files over HTTP."""

import re

import httpx
import pytest
from fastapi import FastAPI

from spark_control.app.errors import install
from spark_control.dashboard.api import router
from spark_control.dashboard.pages import Page, read


@pytest.fixture(scope="module")
def page() -> Page:
    return read()


@pytest.fixture
def client(page: Page) -> httpx.AsyncClient:
    app = FastAPI()
    app.include_router(router(page))
    install(app)
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1")


async def test_the_page_is_asked_for_each_time_and_sent_once(client: httpx.AsyncClient) -> None:
    first = await client.get("/")
    assert first.status_code == 200
    assert first.headers["content-type"] == "text/html; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    again = await client.get("/", headers={"If-None-Match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]


async def test_every_file_the_page_links_is_there_and_kept(client: httpx.AsyncClient) -> None:
    links = re.findall(r'(?:src|href)="(assets/[^"]+)"', (await client.get("/")).text)
    assert {link.rpartition("/")[2] for link in links} >= {"app.css", "app.js", "theme.js"}
    for link in links:
        answer = await client.get(f"/{link}")
        assert answer.status_code == 200, link
        assert "immutable" in answer.headers["cache-control"]


@pytest.mark.parametrize(
    ("name", "kind"),
    [("app.css", "text/css"), ("app.js", "text/javascript"), ("icon.svg", "image/svg+xml")],
)
async def test_files_have_their_type(
    client: httpx.AsyncClient, page: Page, name: str, kind: str
) -> None:
    answer = await client.get(f"/assets/{page.version}/{name}")
    assert answer.headers["content-type"].partition(";")[0] == kind


async def test_head_tells_the_same_without_the_body(client: httpx.AsyncClient, page: Page) -> None:
    for path in ("/", f"/assets/{page.version}/app.js"):
        get, head = await client.get(path), await client.head(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]


@pytest.mark.parametrize(
    "path", ["{}/nothing.js", "0123456789abcdef/app.js", "{}/..%2Findex.html"]
)
async def test_an_unknown_file_is_an_error_of_ours(
    client: httpx.AsyncClient, page: Page, path: str
) -> None:
    answer = await client.get("/assets/" + path.format(page.version))
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] in {"asset_unknown", "route_unknown"}
