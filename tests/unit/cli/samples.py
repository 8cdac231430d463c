"""Answers of the API, built from its own shapes, so that they cannot drift from it."""

from datetime import UTC, datetime

from pydantic import BaseModel

from spark_control.cli.answer import Answer
from spark_control.dashboard.status import StatusShape
from spark_control.engines.shapes import EngineShape
from spark_control.fleet.shapes import (
    DiskShape,
    ErrorShape,
    GpuShape,
    HardwareAnswer,
    MemoryShape,
    SparkShape,
)
from spark_control.gateway.overview import Kind, Standing
from spark_control.gateway.overview_api import (
    AliasShape,
    GatewayShape,
    LimitsShape,
    PlaceShape,
    WorkerShape,
)
from spark_control.jobs.shapes import ErrorShape as JobErrorShape
from spark_control.jobs.shapes import JobShape, JobsShape
from spark_control.models.shapes import (
    KnobsShape,
    MenuShape,
    ModelShape,
    ProblemShape,
    RecipeShape,
)
from spark_control.settings.shapes import ProblemShape as SettingProblem
from spark_control.settings.shapes import SettingShape, SettingsShape
from spark_control.swap.lock_shapes import LockShape
from spark_control.swap.shapes import PhaseShape, SwapShape

NOW = datetime(2026, 1, 2, 12, 0, 0, tzinfo=UTC)
PHASES = ("checking", "draining", "stopping", "launching", "loading", "verifying")
FAILED = JobErrorShape(
    code="engine_died",
    message="The engine ended before it was ready.",
    hint="The detail and the log hold its last words.",
)


def answer(shape: BaseModel) -> Answer:
    """Return the shape as it comes out of the wire."""
    return Answer(shape.model_dump(mode="json"))


def swap(**changes: object) -> SwapShape:
    """Return a swap that loads, changed as asked."""
    base: dict[str, object] = {
        "id": "sw_1", "model": "smollm2", "state": "running", "phase": "loading",
        "spark": "spark1", "sparks": ["spark1"], "replaces": ["gemma3-270m"], "progress": 58.0,
        "activity": "Weights 3 of 5", "eta_s": 8.0, "elapsed_s": 17.0,
        "phases": phases("loading"), "log_tail": [], "error": None,
        "started_at": "2026-01-02T11:59:43.000Z", "ended_at": None,
        "at": "2026-01-02T12:00:00.000Z",
    }  # fmt: skip
    return SwapShape.model_validate({**base, **changes})


def phases(current: str, state: str = "current") -> list[PhaseShape]:
    """Return the six phases, those before `current` done and those behind it coming."""
    place = PHASES.index(current)
    states = ["done"] * place + [state] + ["coming"] * (len(PHASES) - place - 1)
    return [
        PhaseShape(
            phase=name,
            state=how,
            seconds=None if how == "coming" else 1.5,
            usual_s=2.0 if how == "coming" else None,
        )
        for name, how in zip(PHASES, states, strict=True)
    ]


def ready(**changes: object) -> SwapShape:
    """Return a swap that ended well."""
    done = {"state": "ready", "phase": "verifying", "progress": None, "eta_s": None,
            "elapsed_s": 12.0, "phases": phases("verifying", "done")}  # fmt: skip
    return swap(**{**done, **changes})


def failed(**changes: object) -> SwapShape:
    """Return a swap that failed while loading."""
    ended = {"state": "failed", "progress": None, "eta_s": None, "elapsed_s": 12.0,
             "phases": phases("loading", "stopped"), "error": FAILED}  # fmt: skip
    return swap(**{**ended, **changes})


def job(**changes: object) -> JobShape:
    """Return a finished job, changed as asked."""
    base: dict[str, object] = {
        "id": "sw_1", "kind": "swap", "target": "smollm2", "state": "done", "phase": "verifying",
        "error": None, "created_at": "2026-01-02T11:57:00.000Z",
        "started_at": "2026-01-02T11:57:00.000Z", "ended_at": "2026-01-02T11:57:12.000Z",
        "steps": [],
    }  # fmt: skip
    return JobShape.model_validate({**base, **changes})


def jobs(*found: JobShape) -> JobsShape:
    """Return a list of jobs."""
    return JobsShape(jobs=list(found))


KNOBS = KnobsShape(
    max_model_len=None,
    gpu_memory_utilization=None,
    fastsafetensors=None,
    prefix_caching=None,
    kv_cache_fp8=None,
)


def model(key: str, **changes: object) -> ModelShape:
    """Return a chat model that can be switched to, changed as asked."""
    base: dict[str, object] = {
        "key": key, "name": key.title(), "repo": f"example/{key}", "local_path": None,
        "url": None, "mode": "solo", "hosts": ["spark1"], "complete_on": ["spark1"],
        "size_bytes": 65_300_000_000, "size_by_host": {}, "loaded": False, "loaded_on": [],
        "needs_setup": False, "effective_knobs": KNOBS, "origin": "bundled", "kind": "chat",
        "architecture": None, "quantization": None, "context": None, "problems": [], "notes": "",
    }  # fmt: skip
    return ModelShape.model_validate({**base, **changes})


def menu() -> MenuShape:
    """Return a menu with a model of each state."""
    return MenuShape(
        models=[
            model("smollm2", name="SmolLM2 135M", size_bytes=270_000_000, loaded=True,
                  hosts=["spark1", "spark2"], complete_on=["spark1", "spark2"],
                  loaded_on=["spark1"]),
            model("gemma3-270m", name="Gemma 3 270M", size_bytes=550_000_000),
            model("qwen3-235b", name="Qwen3 235B A22B", mode="cluster",
                  size_bytes=125_000_000_000, hosts=["spark1", "spark2"],
                  complete_on=["spark1", "spark2"]),
            model("half", name="Half a download", complete_on=[],
                  problems=["spark1: 2 files are missing.", "spark1: 1 file is cut."]),
            model("fresh", name="example/fresh", needs_setup=True, origin="inferred"),
            model("bge", name="example/bge", kind="embedding", size_bytes=1_200_000_000),
        ],
        recipes=[
            RecipeShape(
                key="gpt-oss-120b", name="GPT OSS 120B", repo="openai/gpt-oss-120b",
                local_path=None, url=None, mode="solo", vllm_args=[], env={}, image=None, mods=[],
                notes="MXFP4, fits one Spark.", origin="bundled", effective_knobs=KNOBS,
            )
        ],
        problems=[
            ProblemShape(source="models-overrides.yaml", entry="old", reason="has no repo.")
        ],
        read_at="2026-01-02T12:00:00.000Z",
    )  # fmt: skip


def spark(name: str, **changes: object) -> SparkShape:
    """Return a Spark with all its numbers, changed as asked."""
    base: dict[str, object] = dict.fromkeys(SparkShape.model_fields)
    base |= {
        "name": name, "host": "10.88.0.11", "reachable": True, "problems": [], "age_s": 1.0,
        "memory": MemoryShape(total_bytes=128_500_000_000, available_bytes=None,
                              used_bytes=73_300_000_000),
        "disks": [DiskShape(path="/", uses=["system", "models"], total_bytes=3_700_000_000_000,
                            free_bytes=1_900_000_000_000)],
        "gpus": [GpuShape.model_validate({
            **dict.fromkeys(GpuShape.model_fields), "name": "NVIDIA GB10",
            "utilisation_percent": 34.0, "temperature_c": 58.0, "power_w": 97.2})],
    }  # fmt: skip
    return SparkShape.model_validate({**base, **changes})


def unreachable(name: str) -> SparkShape:
    """Return a Spark that went away a while ago."""
    error = ErrorShape(
        code="host_unreachable",
        message=f"{name} does not answer.",
        hint="Check that the Spark is on.",
    )
    return spark(name, reachable=False, age_s=840.0, error=error)


def hardware() -> HardwareAnswer:
    """Return two Sparks, the second one gone."""
    return HardwareAnswer(sparks=[spark("spark1"), unreachable("spark2")])


def engine(**changes: object) -> dict[str, object]:
    """Return an engine that serves, changed as asked."""
    base: dict[str, object] = {
        "spark": "spark1", "host": "10.88.0.11", "port": 8888, "state": "serving",
        "served": ["smollm2"], "owner": "", "played": None, "detail": "",
        "seen_at": "2026-01-02T12:00:00.000Z",
    }  # fmt: skip
    return EngineShape.model_validate({**base, **changes}).model_dump()


def status(**changes: object) -> dict[str, object]:
    """Return the status of two Sparks with one loaded model, changed as asked."""
    base: dict[str, object] = {
        "version": "0.1.0", "demo": False, "started_at": "2026-01-02T11:00:00.000Z",
        "base_url": "http://127.0.0.1:9999/v1",
        "sparks": [
            {"name": "spark1", "host": "10.88.0.11", "port": 22, "user": "me", "reachable": True,
             "checked_at": None, "error": None, "engine": engine(), "part": None},
            {"name": "spark2", "host": "10.88.0.12", "port": 22, "user": "me", "reachable": None,
             "checked_at": None, "error": None, "engine": engine(spark="spark2", state="absent"),
             "part": None},
        ],
        "loaded": [{"model": "smollm2", "names": ["smollm2"], "spark": "spark1",
                    "sparks": ["spark1"], "played": None}],
        "swap": None, "notices": [],
    }  # fmt: skip
    return StatusShape.model_validate({**base, **changes}).model_dump(mode="json")


def lock(**changes: object) -> dict[str, object]:
    """Return a lock that is held for another hour, changed as asked."""
    base = LockShape(
        holder="bench", reason="measuring", acquired_at="2026-01-02T12:00:00.000Z",
        expires_at="2026-01-02T13:00:00.000Z", expires_in_s=3600.0, fence=1,
    )  # fmt: skip
    return {**base.model_dump(), **changes}


def setting(name: str, value: str | None, **changes: object) -> SettingShape:
    """Return a setting, changed as asked."""
    base: dict[str, object] = {
        "name": name, "value": value, "set": bool(value), "default": "", "source": "default",
        "unit": "", "secret": False, "live": True, "used": True, "group": "engine",
        "help": "What it is for.",
    }  # fmt: skip
    return SettingShape.model_validate({**base, **changes})


def settings() -> SettingsShape:
    """Return settings of several kinds, and one that was not taken."""
    return SettingsShape(
        version="v1",
        settings=[
            setting("SPARK1_HOST", "10.88.0.11", group="sparks", source="environment"),
            setting("VLLM_PORT", "8888", default="8888"),
            setting("ALIASES", ""),
            setting("MAX_BODY_MB", "64", group="limits", unit="MB", source="file"),
            setting("AUTH_TOKEN", None, set=True, secret=True, group="access", live=False),
            setting("HF_TOKEN", None, secret=True, used=False, group="services"),
        ],
        problems=[
            SettingProblem(name="PORT", source="environment", reason="'x' is no whole number.")
        ],
        unknown=["OLD_NAME"],
    )


def _place(
    name: str, kind: Kind, state: Standing, *models: str, running: int = 0, does: str = "chat"
) -> PlaceShape:
    return PlaceShape(
        name=name, kind=kind, capability=does, base_url="http://10.88.0.11:8888/v1",
        models=list(models), state=state, since="2026-01-01T12:00:00.000Z", running=running,
    )  # fmt: skip


def gateway() -> GatewayShape:
    """Return a gateway with a bit of everything."""
    return GatewayShape(
        base_url="http://10.88.0.1:9999/v1", running=3, waiting=1,
        places=[
            _place("spark1", Kind.ENGINE, Standing.SERVING, "qwen36", "Q/qwen", running=3),
            _place("spark2", Kind.ENGINE, Standing.IDLE),
            _place("magpie", Kind.SERVICE, Standing.SILENT, does="speak"),
            _place("big", Kind.OUTSIDE, Standing.UNKNOWN, *(f"m{n}" for n in range(10))),
        ],
        aliases=[
            AliasShape(name="fast", model="qwen36", to=["spark1"], shadowed=False),
            AliasShape(name="old", model="gone", to=[], shadowed=False),
            AliasShape(name="qwen36", model="gone", to=[], shadowed=True),
        ],
        limits=LimitsShape(
            engine_in_flight=256, audio_in_flight=2, queue_length=256, queue_wait_s=60,
            queue_share_percent=50, max_body_mb=64, max_upload_mb=512,
        ),
        workers=[WorkerShape(pid=4711, connections=12, waiting=1, lag_ms=4.5)],
    )  # fmt: skip
