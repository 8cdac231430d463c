"""Sparks added, tested, trusted and removed while everything runs."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from spark_control.app import boot as boots
from spark_control.app.compose import compose
from spark_control.core.clock import RealClock
from spark_control.core.errors import Conflict
from spark_control.fleet.adapters.ssh_key import ensure_key
from spark_control.jobs.exclusion import wants
from spark_control.lab.faults import Fault
from spark_control.lab.world import Lab
from spark_control.settings.domain import merge
from tests.contract.host import sites
from tests.contract.host.waiting import eventually
from tests.fleet.process import SERVE, serving, start
from tests.fleet.system import QUICK, System, served, system
from tests.fleet.test_input import NAUGHTY, written

ADDED = "SPARK1_HOST"


async def post(there: System, path: str, body: object, status: int = 200) -> Any:
    answer = await there.http.post(path, json=body)
    assert answer.status_code == status, answer.text
    return answer.json()


async def refused(there: System, method: str, path: str, body: object = None) -> dict[str, Any]:
    answer = await there.http.request(method, path, json=body)
    assert 400 <= answer.status_code < 600, answer.text
    error: dict[str, Any] = answer.json()["error"]
    return {"status": answer.status_code, **error}


def spark_of(there: System, number: int = 0) -> dict[str, object]:
    spark = there.lab.sparks[number]
    return {"host": spark.host, "port": spark.port, "user": spark.user}


@asynccontextmanager
async def bare(tmp: Path, *, sparks: int = 1) -> AsyncIterator[System]:
    """Run everything with no Spark in the fleet; the lab's are there to be added."""
    data = tmp / "data"
    key = ensure_key(data / "ssh" / "key")
    async with Lab(
        tmp / "lab", authorized_keys=[key], sparks=sparks, models=[], clock=RealClock()
    ) as lab:
        variables = {"DATA_DIR": str(data), "SSH_KEY_PATH": str(data / "ssh" / "key")}
        parts = compose(boots.read(variables, demo=boots.Demo(())), limits=QUICK)
        async with (
            served(parts) as url,
            httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http,
        ):
            yield System(lab, parts, http, url)


async def test_from_nothing_to_a_fleet_and_back(tmp_path: Path) -> None:
    async with bare(tmp_path) as there:
        assert (await there.get("/api/hosts"))["hosts"] == []
        wish = spark_of(there)
        test = await post(there, "/api/hosts/test", wish)
        assert test["ok"], test
        assert [line["check"] for line in test["lines"]] == [
            "name", "port", "host_key", "login", "python3", "docker", "launch_scripts",
            "nvidia_smi", "disk",
        ]  # fmt: skip
        assert test["key"]["state"] == "new"
        unconfirmed = await refused(there, "POST", "/api/hosts", wish)
        assert (unconfirmed["status"], unconfirmed["code"]) == (409, "host_key_unconfirmed")
        assert unconfirmed["detail"]["shown"] == test["key"]["fingerprint"]
        wish["fingerprint"] = test["key"]["fingerprint"]
        added = await post(there, "/api/hosts", {**wish, "name": "box"}, 201)
        assert (added["name"], added["number"], added["source"]) == ("box", 1, "file")
        assert [key["fingerprint"] for key in added["keys"]] == [wish["fingerprint"]]
        saved = json.loads((tmp_path / "data" / "app_settings.json").read_text())
        assert saved[ADDED] == there.lab.sparks[0].host
        (card,) = (await there.get("/api/hardware?fresh=1"))["sparks"]
        assert (card["name"], card["reachable"]) == ("box", True)
        assert (await post(there, "/api/hosts/test", {"name": "box"}))["key"]["state"] == "known"
        assert (await there.http.delete("/api/hosts/box")).status_code == 204
        assert (await there.get("/api/hosts"))["hosts"] == []
        assert (await there.get("/api/status"))["sparks"] == []
        assert not (tmp_path / "data" / "known_hosts").read_text()


async def test_a_key_that_changed_is_refused_until_it_is_trusted_anew(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        (before,) = (await there.get("/api/hosts"))["hosts"]
        assert (before["name"], before["source"], before["here"]) == (
            "spark1",
            "environment",
            False,
        )
        await there.get("/api/hardware?fresh=1")
        await there.lab.set_fault("spark1", Fault.KEY_CHANGED)
        # What was under way is told as a lost connection first.
        async with asyncio.timeout(20):
            error: dict[str, Any] = {"code": ""}
            while error["code"] != "host_key_changed":
                (card,) = (await there.get("/api/hardware?fresh=1"))["sparks"]
                error = card["error"] or error
        test = await post(there, "/api/hosts/test", {"name": "spark1"})
        assert (test["ok"], test["key"]["state"]) == (False, "changed")
        path = "/api/hosts/spark1/trust"
        (old,) = (await there.get("/api/hosts"))["hosts"][0]["keys"]
        wrong = await refused(there, "POST", path, {"fingerprint": old["fingerprint"]})
        assert (wrong["status"], wrong["code"]) == (409, "host_key_differs")
        shown = test["key"]["fingerprint"]
        assert wrong["detail"]["shown"] == shown == error["detail"]["shown"]
        trusted = await post(there, path, {"fingerprint": test["key"]["fingerprint"]})
        assert (trusted["reachable"], trusted["error"]) == (True, None)
        assert [key["fingerprint"] for key in trusted["keys"]] == [test["key"]["fingerprint"]]
        assert (await post(there, path, {"fingerprint": test["key"]["fingerprint"]}))["reachable"]


async def test_a_handshake_that_is_cut_is_a_failed_check(tmp_path: Path) -> None:
    async with bare(tmp_path) as there:
        await there.lab.set_fault("spark1", Fault.HANDSHAKE_CUT)
        test = await post(there, "/api/hosts/test", spark_of(there))
        states = {line["check"]: line["state"] for line in test["lines"]}
        assert (states["port"], states["host_key"], states["login"]) == ("ok", "failed", "skipped")
        body = spark_of(there) | {"fingerprint": "SHA256:x"}
        error = await refused(there, "POST", "/api/hosts", body)
        assert (error["status"], error["code"]) == (502, "host_unreachable")
        assert (await there.get("/api/hosts"))["hosts"] == []


async def test_lines_come_one_by_one_to_those_who_ask(tmp_path: Path) -> None:
    async with bare(tmp_path) as there:
        headers = {"Accept": "application/x-ndjson"}
        answer = await there.http.post("/api/hosts/test", json=spark_of(there), headers=headers)
        assert answer.headers["content-type"].startswith("application/x-ndjson")
        lines = [json.loads(line) for line in answer.text.splitlines()]
        assert [line["check"] for line in lines][:3] == ["name", "port", "host_key"]
        assert lines[2]["key"]["fingerprint"].startswith("SHA256:")


async def test_faults_of_a_spark_show_in_its_test(tmp_path: Path) -> None:
    async with bare(tmp_path) as there:
        await there.lab.set_fault("spark1", Fault.DISK_FULL)
        (there.lab.sparks[0].home / "spark-vllm-docker" / "launch-cluster.sh").unlink()
        test = await post(there, "/api/hosts/test", spark_of(there))
        failed = {line["check"]: line for line in test["lines"] if line["state"] == "failed"}
        assert set(failed) >= {"launch_scripts", "disk"}
        assert all(line["hint"] for line in failed.values())
        await there.lab.set_fault("spark1", Fault.OFFLINE)
        test = await post(there, "/api/hosts/test", spark_of(there))
        assert [line["state"] for line in test["lines"]][:3] == ["ok", "failed", "skipped"]


async def test_what_cannot_be_added_or_removed(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=2) as there:
        again = await refused(there, "POST", "/api/hosts", spark_of(there))
        assert (again["status"], again["code"]) == (409, "host_address_taken")
        named = {"host": "10.88.0.99", "name": "spark1"}
        taken = await refused(there, "POST", "/api/hosts", named)
        assert (taken["status"], taken["code"]) == (409, "host_name_taken")
        kept = await refused(there, "DELETE", "/api/hosts/spark1")
        assert (kept["status"], kept["code"]) == (409, "host_in_environment")
        assert "SPARK1_" in kept["hint"]
        gone = await refused(there, "DELETE", "/api/hosts/nobody")
        assert (gone["status"], gone["code"]) == (404, "host_unknown")
        here = await refused(there, "POST", "/api/hosts/test", {"host": "localhost"})
        assert (here["status"], here["code"]) == (409, "host_played")
        for body in ({}, {"name": "spark1", "host": "10.88.0.11"}):
            both = await refused(there, "POST", "/api/hosts/test", body)
            assert (both["status"], both["code"]) == (400, "bad_input")


async def test_a_spark_with_a_swap_on_it_stays_as_it_is(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        await there.lab.set_fault("spark1", Fault.LAUNCHER_HANGS)
        job = await there.swap("qwen36")
        version = (await there.get("/api/settings"))["version"]
        body = {"version": version, "values": {"SPARK1_USER": "other"}}
        error = await refused(there, "PUT", "/api/settings", body)
        assert (error["status"], error["code"]) == (409, "host_in_use")
        body["values"] = {"ALIASES": '{"x": "qwen36"}'}
        assert (await there.http.put("/api/settings", json=body)).status_code == 200
        assert (await there.http.delete(f"/api/swap/{job['id']}")).status_code == 200


async def test_a_spark_with_any_job_on_it_stays_as_it_is(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        jobs = there.parts.jobs
        job = await jobs.create(
            kind="download", prefix="dl", target="org/one", args={},
            wants=wants("download", ["spark1"]),
        )  # fmt: skip
        version = (await there.get("/api/settings"))["version"]
        body = {"version": version, "values": {"SPARK1_NAME": "desk"}}
        error = await refused(there, "PUT", "/api/settings", body)
        assert (error["status"], error["code"]) == (409, "host_in_use")
        assert error["message"] == f"spark1 is busy: download of org/one ({job.id})."
        await jobs.fail(job, Conflict("It ended."))
        assert (await there.http.put("/api/settings", json=body)).status_code == 200


async def test_a_swap_and_a_change_of_its_spark_at_once(tmp_path: Path) -> None:
    """Whoever comes second sees the other one."""
    async with system(tmp_path, sparks=1) as there:
        await there.lab.set_fault("spark1", Fault.LAUNCHER_HANGS)
        await there.get("/api/models")
        version = (await there.get("/api/settings"))["version"]
        body = {"version": version, "values": {"SPARK1_USER": "other"}}
        answers = await asyncio.gather(
            there.http.post("/api/swap", json={"model": "qwen36"}),
            there.http.put("/api/settings", json=body),
        )
        codes = [answer.status_code for answer in answers]
        assert codes in ([202, 409], [409, 200]), [answer.text for answer in answers]


async def test_a_spark_that_goes_while_the_list_is_made(tmp_path: Path) -> None:
    async with system(tmp_path) as there:
        # The settings have lost them, and the fleet is about to.
        there.parts.configuration.current = merge({}, {})
        assert (await there.get("/api/hosts"))["hosts"] == []


async def test_keys_of_an_address_stay_while_another_spark_has_it(tmp_path: Path) -> None:
    async with bare(tmp_path) as there:
        spark = there.lab.sparks[0]
        at = {"_HOST": spark.host, "_PORT": str(spark.port), "_USER": spark.user}
        first, second = ({f"SPARK{n}{k}": v for k, v in at.items()} for n in (1, 2))
        version = (await there.get("/api/settings"))["version"]
        body = {"version": version, "values": first | second}
        assert (await there.http.put("/api/settings", json=body)).status_code == 200
        known = tmp_path / "data" / "known_hosts"
        shown = await refused(there, "POST", "/api/hosts/spark1/trust", {"fingerprint": "x"})
        trust = {"fingerprint": shown["detail"]["shown"]}
        assert (await there.http.post("/api/hosts/spark1/trust", json=trust)).status_code == 200
        assert (await there.http.delete("/api/hosts/spark2")).status_code == 204
        assert known.read_text()
        assert (await there.http.delete("/api/hosts/spark1")).status_code == 204
        assert known.read_text() == ""


async def test_our_key_and_the_line_that_lets_it_in(tmp_path: Path) -> None:
    async with bare(tmp_path) as there:
        key = await there.get("/api/ssh-key")
        assert key["public_key"] == (tmp_path / "data" / "ssh" / "key.pub").read_text().strip()
        home = tmp_path / "new home"
        home.mkdir()
        list_of_keys = home / ".ssh" / "authorized_keys"
        for _ in range(2):
            shell = await asyncio.create_subprocess_exec("sh", "-c", key["command"], env={
                "HOME": str(home), "PATH": "/usr/bin:/bin"})  # fmt: skip
            assert await shell.wait() == 0
            with list_of_keys.open("a") as file:
                file.write("no line feed behind this")
        assert list_of_keys.read_text().splitlines().count(key["public_key"]) == 2
        assert list_of_keys.stat().st_mode & 0o777 == 0o600


async def test_naughty_texts(tmp_path: Path) -> None:
    async with system(tmp_path, sparks=1) as there:
        for text in NAUGHTY:
            word = quote(text, safe="", errors="surrogatepass")
            for method, path, body in (
                ("POST", "/api/hosts", {"host": f"{text}/"}),
                ("POST", "/api/hosts", {"host": f"..{text}"}),
                ("POST", "/api/hosts", {"host": "10.88.0.99", "user": text + ";"}),
                ("POST", "/api/hosts", {"host": "10.88.0.99", "name": text + ";"}),
                ("POST", "/api/hosts", {**spark_of(there), "port": 1, "fingerprint": text}),
                ("POST", "/api/hosts/test", {"host": f"{text}/"}),
                ("POST", "/api/hosts/test", {"host": "10.88.0.99", "user": text + ";"}),
                ("POST", "/api/hosts/test", {"name": text}),
                ("POST", f"/api/hosts/{word}/trust", {"fingerprint": "SHA256:x"}),
                ("POST", "/api/hosts/spark1/trust", {"fingerprint": text}),
                ("DELETE", f"/api/hosts/{word}", None),
            ):
                content = json.dumps(body).encode() if body else b""
                answer = await there.http.request(
                    method, path, content=content, headers={"Content-Type": "application/json"}
                )
                # 502: nothing listens on port 1, and the text came no further.
                assert 400 <= answer.status_code < 500 or answer.status_code == 502, (path, text)
                assert answer.json()["error"]["code"], (path, text)
        assert [row["name"] for row in (await there.get("/api/hosts"))["hosts"]] == ["spark1"]
    assert written(tmp_path) == []


async def test_an_address_of_the_settings_needs_a_yes_too(tmp_path: Path) -> None:
    async with bare(tmp_path) as there:
        spark = spark_of(there)
        values = {f"SPARK1_{name.upper()}": str(value) for name, value in spark.items()}
        version = (await there.get("/api/settings"))["version"]
        saved = {"version": version, "values": values}
        assert (await there.http.put("/api/settings", json=saved)).status_code == 200
        await eventually(lambda: bool(there.parts.fleet.sparks))
        (card,) = (await there.get("/api/hardware?fresh=1"))["sparks"]
        assert (card["reachable"], card["error"]["code"]) == (False, "host_key_new")
        body = {"fingerprint": card["error"]["detail"]["shown"]}
        assert (await post(there, "/api/hosts/spark1/trust", body))["reachable"]


async def test_two_who_add_the_same_spark(tmp_path: Path) -> None:
    async with bare(tmp_path) as there:
        test = await post(there, "/api/hosts/test", spark_of(there))
        body = spark_of(there) | {"fingerprint": test["key"]["fingerprint"]}
        answers = await asyncio.gather(
            *(there.http.post("/api/hosts", json=body) for _ in range(3))
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
        assert len((await there.get("/api/hosts"))["hosts"]) == 1
        assert len((tmp_path / "data" / "known_hosts").read_text().splitlines()) == 1


async def test_this_machine_as_a_spark(tmp_path: Path) -> None:
    parts = compose(boots.read({"DATA_DIR": str(tmp_path / "data")}), limits=QUICK)
    async with (
        served(parts) as url,
        httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as http,
    ):
        answer = await http.post("/api/hosts", json={"host": "localhost"})
        assert answer.status_code == 201, answer.text
        assert (answer.json()["here"], answer.json()["keys"]) == (True, [])
        (card,) = (await http.get("/api/hardware?fresh=1")).json()["sparks"]
        assert (card["name"], card["reachable"]) == ("spark1", True)
        assert (await http.delete("/api/hosts/spark1")).status_code == 204


async def test_a_spark_added_by_the_program_over_openssh(tmp_path: Path) -> None:
    """The real process, the real command line and Debian's `sshd`."""
    async with sites.openssh(tmp_path) as site:
        data, key = str(tmp_path / "data"), str(site.key_path)
        async with serving(*SERVE, DATA_DIR=data, SSH_KEY_PATH=key) as (_, url):
            spark = site.spark
            words = ("hosts", "add", spark.host, "--user", spark.user, "--port", str(spark.port))
            refusal = await program(url, *words, "--json")
            assert refusal[0] == 6
            shown = json.loads(refusal[1])["error"]["detail"]["shown"]
            assert (await program(url, *words, "--name", "desk", "--yes", shown))[0] == 0
            tested = await program(url, "hosts", "test", "desk", "--json")
            keys = json.loads(tested[1])["key"]
            assert (keys["state"], keys["fingerprint"]) == ("known", shown)
            assert "desk" in (await program(url, "hosts"))[1]
            assert (await program(url, "hosts", "trust", "desk", "--yes", "SHA256:x"))[0] == 6
            assert (await program(url, "hosts", "remove", "desk", "--yes"))[0] == 0


async def program(url: str, *words: str) -> tuple[int, str]:
    """Run the command line and return its exit code and output."""
    process = await start("-m", "spark_control", *words, SPARK_CONTROL_URL=url)
    out, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode()
