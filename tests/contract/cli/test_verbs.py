"""Every verb against a real HTTP server: what is asked, what is printed, how it ends."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from spark_control.cli.main import app, globals_first
from tests.contract.cli.server import CUT, Canned, error, log_frame, swap_frame
from tests.unit.cli import samples

CHECKING = samples.swap(
    phase="checking", progress=None, eta_s=None, elapsed_s=0.1, phases=samples.phases("checking")
)


def run(canned: Canned, words: str, *, stdin: str | None = None) -> Result:
    return CliRunner().invoke(
        app, globals_first(words.split()), input=stdin, env={"SPARK_CONTROL_URL": canned.url}
    )


def answering(canned: Canned) -> Canned:
    canned.on("GET /api/status", samples.status()).on("GET /api/hardware", samples.hardware())
    canned.on("GET /api/models", samples.menu()).on("GET /api/settings", samples.settings())
    canned.on("GET /api/jobs", samples.jobs(samples.job()))
    canned.on("GET /api/jobs/sw_1", samples.job()).on("GET /api/jobs/sw_1/log", "one\ntwo\n")
    return canned.on("POST /api/swap", CHECKING, status=202)


@pytest.mark.parametrize(
    ("words", "shown"),
    [
        ("status", "Loaded: smollm2 on spark1"),
        ("status --fresh", "Not reachable"),
        ("models", "Ready to switch"),
        ("models --recipes --fresh", "openai/gpt-oss-120b"),
        ("jobs --limit 5 --kind swap", "Done"),
        ("logs", "one\ntwo\n"),
        ("logs sw_1 --tail 2", "one\ntwo\n"),
        ("logs sw_1 --follow", "one\ntwo\n"),
        ("settings", "VLLM_PORT"),
        ("settings vllm_port", "Default  8888"),
        ("swap smollm2 --no-follow", "`spark-control swap smollm2 --follow` follows it."),
        ("swap smollm2 --host spark1", "smollm2 --host spark1 --follow` follows it."),
    ],
)
def test_for_a_person(canned: Canned, words: str, shown: str) -> None:
    result = run(answering(canned), words)
    assert result.exit_code == 0, result.output
    assert shown in result.stdout
    assert result.stderr == ""


@pytest.mark.parametrize(
    "words",
    ["status", "models", "jobs", "settings", "settings VLLM_PORT", "swap smollm2", "logs sw_1"],
)
def test_for_a_program(canned: Canned, words: str) -> None:
    result = run(answering(canned), f"{words} --json")
    assert result.exit_code == 0
    texts = result.stdout.splitlines() if words.startswith("logs") else [result.stdout]
    assert all(json.loads(text) for text in texts)


@pytest.mark.parametrize(
    "words", ["status", "models", "jobs", "logs", "logs sw_1 --follow", "settings", "swap m",
              "swap --cancel"],
)  # fmt: skip
@pytest.mark.parametrize(("status", "code"), [(401, 4), (404, 5), (409, 6), (500, 1)])
def test_what_the_server_refuses(canned: Canned, words: str, status: int, code: int) -> None:
    refused = error("some_code", "It is refused.", "Do this.")
    for path in ("status", "models", "hardware", "jobs", "jobs/sw_1", "settings"):
        canned.on(f"GET /api/{path}", refused, status=status)
    canned.on("POST /api/swap", refused, status=status)
    result = run(canned, words)
    assert (result.exit_code, result.stdout) == (code, "")
    assert result.stderr.startswith("It is refused.\n")
    again = run(canned, f"{words} --json")
    assert (again.exit_code, again.stderr) == (code, "")
    assert json.loads(again.stdout)["error"]["code"] == "some_code"


def test_the_lock_is_taken_and_its_token_kept_in_a_file(canned: Canned, tmp_path: Path) -> None:
    file = tmp_path / "token"
    canned.on("POST /api/swap/lock", samples.lock(token="sc_abc"), status=201)
    canned.on("GET /api/swap/lock", samples.lock()).on("DELETE /api/swap/lock", {"holder": None})
    printed = run(canned, "lock acquire --holder bench --ttl 60 --reason measuring")
    assert "Taken for bench until 2026-01-02 13:00:00 UTC" in printed.stdout
    assert "  sc_abc\n" in printed.stdout
    wish = {"holder": "bench", "ttl_s": 60, "reason": "measuring"}
    assert canned.asked("POST /api/swap/lock")[0].body == wish
    kept = run(canned, f"lock acquire --holder bench --token-file {file}")
    assert (kept.exit_code, "sc_abc" in kept.output) == (0, False)
    assert (file.read_text(), file.stat().st_mode & 0o777) == ("sc_abc\n", 0o600)
    said = run(canned, f"lock acquire --holder bench --token-file {file} --json")
    assert "token" not in json.loads(said.stdout)
    assert "held by bench until" in run(canned, "lock show").stdout
    renewed = run(canned, f"lock renew --ttl 90 --token-file {file}")
    assert "Renewed for bench" in renewed.stdout
    seen = canned.asked("POST /api/swap/lock")[-1]
    assert (seen.headers["x-lock-token"], seen.body) == ("sc_abc", {"ttl_s": 90})
    run(answering(canned), f"swap smollm2 --token-file {file}")
    run(canned, "swap smollm2 --lock-token sc_def")
    run(canned, "swap smollm2")
    tokens = [one.headers.get("x-lock-token") for one in canned.asked("POST /api/swap")]
    assert tokens == ["sc_abc", "sc_def", None]
    assert run(canned, f"lock release --token-file {file}").stdout == "The swap lock is free.\n"
    assert canned.asked("DELETE /api/swap/lock")[0].headers["x-lock-token"] == "sc_abc"
    assert not file.exists()


def test_a_token_that_cannot_be_kept_gives_the_lock_back(canned: Canned, tmp_path: Path) -> None:
    canned.on("POST /api/swap/lock", samples.lock(token="sc_abc"), status=201)
    canned.on("DELETE /api/swap/lock", {"holder": None})
    (tmp_path / "folder").mkdir()
    result = run(canned, f"lock acquire --holder bench --token-file {tmp_path / 'folder'}")
    assert result.exit_code == 1
    assert "the lock was given back" in result.stderr
    assert canned.asked("DELETE /api/swap/lock")[0].headers["x-lock-token"] == "sc_abc"


def test_renewing_and_releasing_want_the_token(canned: Canned, tmp_path: Path) -> None:
    for words in ("lock renew", "lock release"):
        assert run(canned, words).exit_code == 2
        missing = run(canned, f"{words} --token-file {tmp_path / 'none'}")
        assert (missing.exit_code, "holds no token" in missing.stderr) == (1, True)
    assert canned.seen == []


def test_breaking_is_asked_first(canned: Canned) -> None:
    canned.on("GET /api/swap/lock", samples.lock())
    canned.on("POST /api/swap/lock/break", {"holder": None})
    no = run(canned, "lock break --reason holiday", stdin="n\n")
    assert (no.exit_code, canned.asked("POST /api/swap/lock/break")) == (1, [])
    assert "held by bench" in no.stderr
    yes = run(canned, "lock break --reason holiday", stdin="y\n")
    assert yes.stdout.endswith("The swap lock is free.\n")
    assert run(canned, "lock break --reason holiday --yes").exit_code == 0
    assert canned.asked("POST /api/swap/lock/break")[0].body == {"reason": "holiday"}


def test_a_locked_swap(canned: Canned) -> None:
    refused = error("swap_locked", "bench holds the swap lock.", "Wait for its end.")
    canned.on("POST /api/swap", refused, status=423)
    result = run(canned, "swap smollm2")
    assert (result.exit_code, result.stderr.splitlines()[0]) == (6, "bench holds the swap lock.")


def test_the_wish_is_sent_as_it_is(canned: Canned) -> None:
    run(answering(canned), "swap smollm2 --host spark2")
    run(canned, "swap gemma3-270m")
    bodies = [seen.body for seen in canned.asked("POST /api/swap")]
    assert bodies == [{"model": "smollm2", "host": "spark2"}, {"model": "gemma3-270m"}]


def test_a_swap_is_followed_to_its_end_through_a_cut(canned: Canned) -> None:
    answering(canned).streams = [
        [log_frame(1, "first"), swap_frame(samples.swap()), CUT],
        [log_frame(2, "second"), swap_frame(samples.ready())],
    ]
    result = run(canned, "swap smollm2 --follow")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[:6] == [
        "Switching to smollm2 on spark1, in place of gemma3-270m",
        "       0.1 s  Checking",
        "        17 s  Loading",
        "Ready: smollm2 on spark1 in 12 s",
        "",
        "Try it:",
    ]
    assert f"curl -N {samples.status()['base_url']}/chat/completions" in result.stdout
    assert result.stderr == "Connection lost, trying again\n"
    asked = [seen.headers.get("last-event-id") for seen in canned.asked(STREAM)]
    assert asked == [None, "1"]


STREAM = "GET /api/swap/sw_1/stream"


def test_the_demo_says_who_answered(canned: Canned) -> None:
    played = [
        {
            "model": "smollm2",
            "names": [],
            "spark": "spark1",
            "sparks": ["spark1"],
            "played": "scripted",
        }
    ]
    answering(canned).on("GET /api/status", samples.status(loaded=played))
    canned.streams = [[swap_frame(samples.ready())]]
    assert "scripted answers" in run(canned, "swap smollm2 --follow").stdout


def test_ready_stays_ready_when_the_status_is_gone(canned: Canned) -> None:
    answering(canned).on("GET /api/status", error("internal", "Broken."), status=500)
    canned.streams = [[swap_frame(samples.ready())]]
    result = run(canned, "swap smollm2 --follow --token sc_x")
    assert result.exit_code == 0
    assert f"curl -N {canned.url}/v1/chat/completions" in result.stdout
    assert "Bearer $SPARK_CONTROL_TOKEN" in result.stdout
    assert "sc_x" not in result.output


def test_a_failed_swap(canned: Canned) -> None:
    lines = [log_frame(2, "loading", "\x1b[31mCUDA out of memory"), swap_frame(samples.failed())]
    answering(canned).streams = [lines]
    result = run(canned, "swap smollm2 --follow")
    assert result.exit_code == 1
    assert "Failed: smollm2 on spark1 after 12 s, while loading" in result.stdout
    assert "The engine ended before it was ready. (engine_died)" in result.stdout
    assert "\n  CUDA out of memory\n" in result.stdout
    assert "Try it" not in result.stdout


def test_following_for_a_program_is_one_object_a_change(canned: Canned) -> None:
    loading, more = samples.swap(), samples.swap(progress=80.0)
    answering(canned).streams = [
        [swap_frame(loading), log_frame(1, "x"), swap_frame(loading), swap_frame(more),
         swap_frame(samples.failed())],
    ]  # fmt: skip
    result = run(canned, "swap smollm2 --follow --json")
    found = [json.loads(line) for line in result.stdout.splitlines()]
    assert [one["state"] for one in found] == ["running", "running", "running", "failed"]
    assert [one["progress"] for one in found] == [None, 58.0, 80.0, None]
    assert result.exit_code == 1


def test_a_log_is_followed(canned: Canned) -> None:
    running = samples.job(state="running", phase="loading", ended_at=None)
    answering(canned).on("GET /api/jobs", samples.jobs(running))
    canned.on("GET /api/jobs/sw_1", running).on("GET /api/swap/sw_1", samples.swap())
    frames = [log_frame(3, "a", "b", "\x1b[1mc"), log_frame(4, "d"), swap_frame(samples.ready())]
    canned.streams = [frames, frames]
    assert run(canned, "logs --follow --tail 2").stdout == "b\nc\nd\n"
    asked = run(canned, "logs -f --json").stdout.splitlines()
    assert [json.loads(line)["line"] for line in asked] == ["a", "b", "c", "d"]


def test_no_swap_yet(canned: Canned) -> None:
    canned.on("GET /api/jobs", samples.jobs())
    result = run(canned, "logs")
    assert result.exit_code == 5
    assert result.stderr.startswith("There was no swap yet.")


def test_cancel(canned: Canned) -> None:
    cancelled = samples.failed(state="cancelled", error=None)
    canned.on("GET /api/status", samples.status(swap=samples.swap().model_dump()))
    canned.on("DELETE /api/swap/sw_1", cancelled)
    result = run(canned, "swap --cancel")
    assert result.exit_code == 0
    assert result.stdout == "Cancelled: smollm2 on spark1 after 12 s\n"
    assert json.loads(run(canned, "swap smollm2 --cancel --json").stdout)["state"] == "cancelled"


def test_cancel_does_not_hit_another_swap(canned: Canned) -> None:
    canned.on("GET /api/status", samples.status(swap=samples.swap().model_dump()))
    result = run(canned, "swap gemma3-270m --cancel")
    assert result.exit_code == 6
    assert "The swap that runs is to smollm2." in result.stderr
    assert canned.asked("DELETE /api/swap/sw_1") == []


def test_cancel_comes_too_late(canned: Canned) -> None:
    canned.on("GET /api/status", samples.status(swap=samples.ready().model_dump()))
    assert run(canned, "swap --cancel").exit_code == 5
    canned.on("GET /api/status", samples.status(swap=samples.swap().model_dump()))
    canned.on("DELETE /api/swap/sw_1", samples.ready())
    result = run(canned, "swap --cancel")
    assert (result.exit_code, result.stdout) == (1, "Ready: smollm2 on spark1 in 12 s\n")


def test_settings_are_saved_with_their_version(canned: Canned) -> None:
    answering(canned).on("PUT /api/settings", samples.settings())
    result = run(canned, "settings vllm_port=9000 --unset ALIASES")
    assert result.exit_code == 0
    body = canned.asked("PUT /api/settings")[0].body
    assert body == {"version": "v1", "values": {"ALIASES": None, "VLLM_PORT": "9000"}}
    assert "VLLM_PORT" in result.stdout
    assert "MAX_BODY_MB" not in result.stdout


def test_a_secret_comes_from_the_input(canned: Canned) -> None:
    answering(canned).on("PUT /api/settings", samples.settings())
    result = run(canned, "settings HF_TOKEN=-", stdin="hf_secret\n")
    body = canned.asked("PUT /api/settings")[0].body
    assert body == {"version": "v1", "values": {"HF_TOKEN": "hf_secret"}}
    assert "hf_secret" not in result.output


def test_settings_that_somebody_else_changed(canned: Canned) -> None:
    refused = error("settings_changed", "Somebody saved settings.", "Load them again.")
    answering(canned).on("PUT /api/settings", refused, status=409)
    assert run(canned, "settings VLLM_PORT=1").exit_code == 6


def test_a_setting_that_is_none(canned: Canned) -> None:
    result = run(answering(canned), "settings NONSENSE VLLM_PORT=1")
    assert result.exit_code == 2
    assert "There is no setting 'NONSENSE'." in result.stderr
    assert canned.asked("PUT /api/settings") == []


def test_an_older_server_that_leaves_things_out(canned: Canned) -> None:
    for path in ("status", "hardware", "models", "jobs", "settings"):
        canned.on(f"GET /api/{path}", {})
    for words in ("status", "models --recipes", "jobs", "settings"):
        assert run(canned, words).exit_code == 0


def test_another_swap_runs(canned: Canned) -> None:
    refused = error("swap_running", "A swap to qwen36 runs now.", "Wait for it.", model="qwen36")
    canned.on("POST /api/swap", refused, status=409)
    result = run(canned, "swap smollm2")
    assert result.exit_code == 6
    assert "`spark-control swap --cancel` cancels it." in result.stderr


SUGGESTED = {
    "recipe": {"key": "fresh", "repo": "org/fresh", "vllm_args": ["--max-model-len", "4096"]},
    "values": [
        {"name": "context", "value": "4096", "source": "config.json: max_position_embeddings",
         "words": ["--max-model-len", "4096"], "confirm": False},
        {"name": "code of the model", "value": "runs only when you agree",
         "source": "config.json: auto_map", "words": ["--trust-remote-code"], "confirm": True},
    ],
    "fit": {"verdict": "tight", "reason": "Only 2.0 GiB of the KV cache stay free."},
}  # fmt: skip
FIT = {
    "model": "fresh", "spark": "spark1", "verdict": "no", "reason": "It is 5.0 GiB short.",
    "context": 4096, "max_context": 1024, "max_sequences": 0,
    "terms": [
        {"name": "weights", "bytes": 2**35, "basis": "measured", "note": "files on disk"},
        {"name": "kv_per_token", "bytes": 98304, "basis": "estimated", "note": ""},
        {"name": "new", "bytes": None, "basis": "estimated", "note": ""},
    ],
}  # fmt: skip


def test_a_proposal_is_shown_and_kept(canned: Canned) -> None:
    saved = samples.menu().recipes[0]
    canned.on("GET /api/models/suggest", SUGGESTED).on("POST /api/models", saved, status=201)
    shown = run(canned, "models suggest fresh").stdout
    assert "max_position_embeddings" in shown
    assert "Tight. Only 2.0 GiB" in shown
    assert "add --trust-remote-code only if you trust" in shown
    assert canned.asked("GET /api/models/suggest")[0].query == {"key": "fresh"}
    kept = run(canned, "models suggest fresh --save")
    assert f"Saved the recipe {saved.key}." in kept.stdout
    trusted = run(canned, "models suggest fresh --save --trust-remote-code --json")
    assert json.loads(trusted.stdout)["key"] == saved.key
    plain, agreed = (seen.body for seen in canned.asked("POST /api/models"))
    assert plain == SUGGESTED["recipe"]
    assert isinstance(agreed, dict)
    assert agreed["vllm_args"] == ["--max-model-len", "4096", "--trust-remote-code"]
    assert json.loads(run(canned, "models suggest fresh --json").stdout) == SUGGESTED


def test_the_arithmetic(canned: Canned) -> None:
    canned.on("GET /api/models/fresh/fit", FIT)
    shown = run(canned, "models fit fresh --spark spark1 --context 4096 --sequences 2").stdout
    assert "fresh on spark1: Does not fit. It is 5.0 GiB short." in shown
    assert "32.00 GiB" in shown
    assert "98304 B" in shown
    asked = canned.asked("GET /api/models/fresh/fit")[0].query
    assert asked == {"spark": "spark1", "context": "4096", "sequences": "2"}
    assert json.loads(run(canned, "models fit fresh --json").stdout) == FIT
    answering(canned)
    assert "Longest context" in run(canned, "models --fit").stdout


def test_recipes_are_added_and_removed(canned: Canned, tmp_path: Path) -> None:
    saved = samples.menu().recipes[0]
    canned.on("POST /api/models", saved, status=201).on("DELETE /api/models/mine", "", status=204)
    (tmp_path / "a.yaml").write_text("key: mine\nrepo: org/mine\n")
    (tmp_path / "a.json").write_text('{"key": "mine", "repo": "org/mine"}')
    for name in ("a.yaml", "a.json --replace"):
        assert run(canned, f"models add {tmp_path}/{name}").exit_code == 0
    first, second = canned.asked("POST /api/models")
    assert first.body == second.body == {"key": "mine", "repo": "org/mine"}
    assert (first.query, second.query) == ({}, {"replace": "true"})
    for text in ("- a list", "{[", "key: \x01"):
        (tmp_path / "bad.yaml").write_text(text)
        assert run(canned, f"models add {tmp_path}/bad.yaml").exit_code == 2
    assert run(canned, "models remove mine").stdout == "Removed the recipe mine.\n"
    assert json.loads(run(canned, "models remove mine --json").stdout) == {"removed": "mine"}


def test_validate_says_what_was_found(canned: Canned) -> None:
    found = {"ok": True, "spark": "spark1", "errors": [], "warnings": ["odd"], "note": "n"}
    canned.on("POST /api/swap/smollm2/validate", found)
    result = run(canned, "validate smollm2 --host spark1")
    assert (result.exit_code, result.stderr) == (0, "")
    assert "Nothing against it: smollm2" in result.stdout
    assert canned.asked("POST /api/swap/smollm2/validate")[0].body == {"host": "spark1"}
    canned.on("POST /api/swap/smollm2/validate", {**found, "ok": False, "errors": ["no"]})
    refused = run(canned, "validate smollm2")
    assert (refused.exit_code, "✗ no" in refused.stdout) == (1, True)
    assert json.loads(run(canned, "validate smollm2 --json").stdout)["errors"] == ["no"]


def test_a_dry_run_shows_the_commands(canned: Canned) -> None:
    step = {"does": "Launch", "command": "./launch-cluster.sh --solo", "stdin": None}
    canned.on("POST /api/swap", {"hosts": [{"spark": "spark1", "steps": [step]}]})
    result = run(canned, "swap smollm2 --dry-run")
    assert (result.exit_code, "./launch-cluster.sh --solo" in result.stdout) == (0, True)
    assert canned.asked("POST /api/swap")[0].body == {"model": "smollm2", "dry_run": True}
    assert json.loads(run(canned, "swap smollm2 --dry-run --json").stdout)["hosts"]
