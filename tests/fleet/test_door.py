"""Who gets in, asked of the running server."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from spark_control.app import boot as boots
from spark_control.app.wire_access import wire_owner
from spark_control.core.secret import digest
from tests.fleet.system import System, system

TOKEN = "sc_for_this_test_only"
SWAP = {"model": "qwen36"}


@pytest.fixture(params=["bearer", "x-api-key"])
def signed(request: pytest.FixtureRequest) -> dict[str, str]:
    if request.param == "bearer":
        return {"Authorization": f"Bearer {TOKEN}"}
    return {"X-Api-Key": TOKEN}


async def code(there: System, method: str, path: str, **more: object) -> tuple[int, str]:
    answer = await there.http.request(method, path, **more)  # type: ignore[arg-type]
    error = answer.json().get("error", {}) if answer.content else {}
    return answer.status_code, error.get("code", "")


async def test_a_token_is_asked_for_everywhere_but_the_shell(
    tmp_path: Path, signed: dict[str, str]
) -> None:
    async with system(tmp_path, sparks=1, AUTH_TOKEN=TOKEN) as there:
        for path in ("/api/status", "/api/settings", "/api/models", "/api/events", "/v1/models",
                     "/openapi.json", "/api/swap/x"):  # fmt: skip
            assert (await there.http.get(path)).status_code == 401, path
        assert await code(there, "POST", "/api/swap", json=SWAP) == (401, "not_signed_in")
        chat = await there.http.post("/v1/chat/completions", json={"messages": []})
        assert (chat.status_code, chat.json()["error"]["code"]) == (401, "not_signed_in")
        assert chat.headers["www-authenticate"] == "Bearer"
        for path in ("/", "/healthz", "/readyz", "/api/session"):
            assert (await there.http.get(path)).status_code == 200, path
        wrong = {"Authorization": "Bearer sc_wrong"}
        assert await code(there, "GET", "/api/status", headers=wrong) == (401, "wrong_token")
        assert await code(there, "GET", "/api/status", headers=signed) == (200, "")
        assert await code(there, "GET", "/v1/models", headers=signed) == (200, "")


async def test_signing_in_on_the_page(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1, AUTH_TOKEN=TOKEN) as there:
        own = {"Origin": there.url}
        bad = await code(there, "POST", "/api/session", json={"token": "no"}, headers=own)
        assert bad == (401, "wrong_token")
        good = await there.http.post("/api/session", json={"token": TOKEN}, headers=own)
        assert good.status_code == 204
        cookie = good.headers["set-cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=lax" in cookie
        assert (await there.get("/api/session")) == {"auth": "token", "signed_in": True}
        assert (await there.get("/api/status"))["version"]
        assert await code(there, "POST", "/api/swap", json=SWAP) == (403, "cross_origin")
        asked = await code(there, "POST", "/api/swap", json={"model": "x"}, headers=own)
        assert asked == (404, "model_unknown")
        await there.http.delete("/api/session", headers=own)
        assert await code(there, "GET", "/api/status") == (401, "not_signed_in")


async def test_guessing_is_slowed_down(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1, AUTH_TOKEN=TOKEN) as there:
        codes = [
            (await code(there, "POST", "/api/session", json={"token": "no"}))[0] for _ in range(7)
        ]
        assert codes == [401] * 5 + [429] * 2


async def test_guessing_with_headers_is_slowed_down_too(
    tmp_path: Path, signed: dict[str, str]
) -> None:
    async with system(tmp_path, sparks=1, AUTH_TOKEN=TOKEN) as there:
        wrong = dict.fromkeys(signed, "Bearer no")
        codes = [(await code(there, "GET", "/v1/models", headers=wrong))[0] for _ in range(7)]
        assert codes == [401] * 5 + [429] * 2
        answer = await there.http.get("/api/status", headers=signed)
        assert (answer.status_code, answer.headers["retry-after"]) == (429, "1")


async def test_an_origin_that_is_no_address(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        asked = await code(there, "POST", "/api/swap", json=SWAP, headers={"Origin": "http://["})
        assert asked == (403, "cross_origin")


async def test_a_page_of_another_site_changes_nothing(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1, ALLOWED_ORIGINS="https://apps.example.org") as there:
        for headers in ({"Origin": "http://evil.example.org"}, {"Sec-Fetch-Site": "cross-site"}):
            asked = await code(there, "POST", "/api/swap", json=SWAP, headers=headers)
            assert asked == (403, "cross_origin")
        form = await code(there, "POST", "/api/swap", data={"model": "qwen36"})
        assert form == (415, "wrong_media_type")
        friend = {"Origin": "https://apps.example.org"}
        answer = await there.http.post("/api/swap", json={"model": "x"}, headers=friend)
        assert answer.status_code == 404
        assert answer.headers["access-control-allow-origin"] == "https://apps.example.org"
        asked_first = await there.http.options(
            "/v1/models", headers={**friend, "Access-Control-Request-Method": "GET"}
        )
        assert asked_first.status_code == 204
        stranger = await there.http.get(
            "/v1/models", headers={"Origin": "http://evil.example.org"}
        )
        assert "access-control-allow-origin" not in stranger.headers


async def test_names_that_are_not_ours(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        evil = {"Host": "rebound.example.org"}
        assert await code(there, "GET", "/api/status", headers=evil) == (403, "host_not_allowed")
        assert await code(there, "GET", "/api/status", headers={"Host": "localhost"}) == (200, "")


async def test_every_answer_has_the_security_headers(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        for path in ("/", "/api/status", "/nope"):
            headers = (await there.http.get(path)).headers
            assert "default-src 'self'" in headers["content-security-policy"]
            assert headers["x-content-type-options"] == "nosniff"


async def test_bodies_have_a_limit_with_and_without_a_length(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1, MAX_BODY_MB="1") as there:
        large = b'{"model": "' + b"x" * 1_100_000 + b'"}'

        async def pieces() -> AsyncIterator[bytes]:
            for at in range(0, len(large), 100_000):
                yield large[at : at + 100_000]

        for body in (large, pieces()):
            answer = await there.http.post(
                "/api/swap", content=body, headers={"Content-Type": "application/json"}
            )
            assert (answer.status_code, answer.json()["error"]["code"]) == (413, "too_large")


async def test_an_install_taken_over_keeps_its_apps(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    (data / "app_settings.json").write_text('{"VLLM_PORT": "8888"}')

    boot = boots.read({"DATA_DIR": str(data), "AUTH": "token"})
    owner = wire_owner(boot)
    assert (boot.taken_over, owner.keys.keyless_outside) == (True, True)
    fresh = boots.read({"DATA_DIR": str(tmp_path / "new"), "AUTH": "token"})
    assert wire_owner(fresh).keys.keyless_outside is False


@pytest.mark.parametrize(
    ("files", "taken_over"),
    [
        (("app_settings.json",), True),
        (("connectivity.json", "models-overrides.yaml"), True),
        (("models-overrides.yaml",), False),
        (("app_settings.json", "access.json"), False),
        (("app_settings.json", "instance.lock"), False),
        (("app_settings.json", "known_hosts"), False),
        (("app_settings.json", "spark-control.db"), False),
    ],
)
def test_nothing_is_taken_over_by_accident(
    tmp_path: Path,
    files: tuple[str, ...],
    taken_over: bool,  # noqa: FBT001 - a column of the table
) -> None:
    for name in files:
        (tmp_path / name).write_text("{}")
    assert boots.read({"DATA_DIR": str(tmp_path)}).taken_over is taken_over


def test_a_given_token_is_not_kept(tmp_path: Path) -> None:
    boot = boots.read({"DATA_DIR": str(tmp_path), "AUTH_TOKEN": TOKEN})
    assert wire_owner(boot).keys.owner_sha256 == digest(TOKEN)
    assert digest(TOKEN) not in (tmp_path / "access.json").read_text()
    later = wire_owner(boots.read({"DATA_DIR": str(tmp_path), "AUTH": "token"}))
    assert later.fresh is not None


@pytest.mark.parametrize("variables", [{"AUTH": "tokn"}, {"AUTH_TOKEN": "a\tb"}])
def test_what_cannot_be_read_opens_no_door(tmp_path: Path, variables: dict[str, str]) -> None:
    boot = boots.read({"DATA_DIR": str(tmp_path), **variables})
    assert wire_owner(boot).required
    assert [problem.name for problem in boot.started.problems] == list(variables)


async def test_outside_routes_stay_keyless_there(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    keys = '{"owner_sha256": "0", "session_key": "k", "keyless_outside": true}'
    (data / "access.json").write_text(keys)
    async with system(tmp_path, sparks=1, AUTH="token") as there:
        assert (await there.http.get("/v1/models")).status_code == 200
        strange = {"Authorization": "Bearer whatever-the-app-sends"}
        assert (await there.http.get("/v1/models", headers=strange)).status_code == 200
        assert (await there.http.get("/api/status")).status_code == 401
