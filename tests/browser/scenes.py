"""What the page is shown in the tests: Sparks, a menu, and swaps in every stage."""

from spark_control import __version__
from spark_control.dashboard.status import (
    LoadedShape,
    NoticeShape,
    SparkStatusShape,
    StatusShape,
)
from spark_control.engines.shapes import EngineShape
from spark_control.fleet.shapes import (
    DiskShape,
    ErrorShape,
    GpuShape,
    LoadShape,
    MemoryShape,
    SparkShape,
)
from spark_control.models.shapes import (
    KnobsShape,
    MenuShape,
    ModelShape,
    ProblemShape,
    RecipeShape,
)
from spark_control.requests.domain import Slot, millis
from spark_control.requests.series import span_of
from spark_control.requests.shapes import RequestShape, StatsShape, render, render_stats
from spark_control.swap.domain import Phase
from spark_control.swap.shapes import PhaseShape, SwapShape
from tests.unit.requests.samples import T0, record

AT = "2026-01-01T12:00:00.000Z"
LATER = "2026-01-01T12:30:00.000Z"
GIB = 2**30
GB = 10**9
KNOBS = KnobsShape(
    max_model_len=None, gpu_memory_utilization=None, fastsafetensors=None, prefix_caching=None,
    kv_cache_fp8=None,
)  # fmt: skip
HOSTS = {"spark1": "10.88.0.11", "spark2": "10.88.0.12", "spark3": "10.88.0.13"}
GONE = ErrorShape(
    code="host_unreachable", message="spark2 did not answer within 6 s.",
    hint="Check that the Spark is on and on the network, then try `ssh USER@HOST` by hand.",
)  # fmt: skip
NOTES = ("Here they share one address.",)
USUAL = {"checking": 2.0, "draining": 3.0, "stopping": 9.0, "launching": 14.0, "loading": 95.0,
         "verifying": 4.0}  # fmt: skip
"""What each phase usually takes, in seconds."""


def spark(name: str, *, gpu: float | None = 34, held_gib: float | None = 52.1) -> SparkShape:
    """Return a Spark that answers; None is what it does not know."""
    held = None if held_gib is None else int(held_gib * GIB)
    used = int(((held_gib or 58.1) + 9.8) * GIB)
    known: dict[str, object] = {
        "name": name, "host": HOSTS.get(name, "10.88.0.99"), "reachable": True,
        "checked_at": AT, "read_at": AT, "age_s": 0.5, "hostname": name, "uptime_s": 1_051_200,
        "cores": 20, "load": LoadShape(one=2.4, five=2.0, fifteen=1.5),
        "memory": MemoryShape(total_bytes=int(119.7 * GIB), used_bytes=used,
                              available_bytes=int(119.7 * GIB) - used),
        "disks": [DiskShape(path="/home", uses=["system", "home", "models"],
                            total_bytes=3_700 * GB,
                            free_bytes=(1_900 if name != "spark2" else 210) * GB)],
        "gpus": [GpuShape(name="NVIDIA GB10", uuid=None, driver="580.95", utilisation_percent=gpu,
                          temperature_c=58, power_w=41.3, clock_mhz=2418, performance_state="P0",
                          memory_used_bytes=None, memory_total_bytes=None)],
        "gpu_unified_memory": True, "gpu_memory_used_bytes": held,
        "gpu_memory_total_bytes": int(119.7 * GIB), "problems": [],
    }  # fmt: skip
    return SparkShape.model_validate({**dict.fromkeys(SparkShape.model_fields), **known})


def gone(card: SparkShape, *, age_s: float = 840) -> SparkShape:
    """Return the same Spark when it does not answer any more."""
    update = {"reachable": False, "error": GONE, "age_s": age_s, "checked_at": LATER}
    return card.model_copy(update=update)


def status_of(name: str) -> SparkStatusShape:
    """Return the row of a Spark in the status."""
    return SparkStatusShape(
        name=name, host=HOSTS[name], port=22, user="ubuntu", reachable=True, checked_at=AT,
        error=None, engine=engine_of(name, HOSTS[name], None, None), part=None,
    )  # fmt: skip


def engine_of(spark: str, host: str, model: str | None, played: str | None) -> EngineShape:
    """Return what is seen in the engine slot of a Spark."""
    return EngineShape(
        spark=spark, host=host, port=8888, state="serving" if model else "absent",
        served=[model] if model else [], owner="vllm", played=played, detail="", seen_at=AT,
    )  # fmt: skip


def loaded(model: str, spark: str, played: str | None = None) -> LoadedShape:
    """Return a model that is served."""
    return LoadedShape(model=model, names=[model], spark=spark, sparks=[spark], played=played)


STATUS = StatusShape(
    version=__version__, demo=True, started_at=AT, base_url="",
    sparks=[status_of("spark1"), status_of("spark2")], loaded=[], swap=None,
    notices=[NoticeShape(code="demo", message=note) for note in NOTES],
)  # fmt: skip


def model(key: str, name: str, *, gb: float, hosts: list[str], **changes: object) -> ModelShape:
    """Return a line of the menu: solo, whole on all its hosts, unless `changes` says otherwise."""
    plain = ModelShape(
        key=key, name=name, repo=f"example/{key}", local_path=None,
        url=f"https://huggingface.co/example/{key}", mode="solo", hosts=hosts, complete_on=hosts,
        size_bytes=int(gb * GB), size_by_host=dict.fromkeys(hosts, int(gb * GB)), loaded=False,
        loaded_on=[], needs_setup=False, effective_knobs=KNOBS, origin="bundled", kind="chat",
        architecture=None, quantization=None, context=None, problems=[], notes="",
    )  # fmt: skip
    return plain.model_copy(update=changes)


def recipe(key: str, name: str, notes: str, mode: str = "solo") -> RecipeShape:
    """Return a recipe whose weights are nowhere."""
    return RecipeShape(
        key=key, name=name, repo=f"example/{key}", local_path=None,
        url=f"https://huggingface.co/example/{key}", mode=mode, vllm_args=[], env={}, image=None,
        mods=[], notes=notes, origin="bundled", effective_knobs=KNOBS,
    )  # fmt: skip


def menu() -> MenuShape:
    """Return a menu with one model of every sort."""
    both = ["spark1", "spark2"]
    return MenuShape(
        models=[
            model("gemma3-270m", "Gemma 3 270M", gb=0.24, hosts=["spark1"], origin="custom"),
            model("gpt-oss-120b", "gpt-oss 120B", gb=65.2, hosts=both),
            model("qwen3-235b", "Qwen3 235B-A22B NVFP4", gb=125, hosts=both, mode="cluster"),
            model("house-style", "House style", gb=31, hosts=["spark1"], repo=None, url=None,
                  local_path="/home/user/models/house-style", origin="custom"),
            model("smollm2", "SmolLM2 135M Instruct", gb=0.1, hosts=both, origin="custom"),
            model("llama-4-scout", "llama-4-scout", gb=58, hosts=["spark2"], needs_setup=True,
                  origin="inferred"),
            model("qwen3-coder", "Qwen3 Coder 30B-A3B", gb=31, hosts=["spark2"], complete_on=[],
                  problems=["3 of 16 files are missing on spark2"]),
            model("bge-m3", "bge-m3", gb=2.3, hosts=["spark1"], kind="embedding",
                  needs_setup=True, origin="inferred"),
        ],
        recipes=[
            recipe("qwen36", "Qwen3.6 35B-A3B FP8", "Text, images, tools. 35 GB of weights."),
            recipe("minimax-m2", "MiniMax M2", "Two Sparks. About 120 GB of weights.", "cluster"),
        ],
        problems=[ProblemShape(source="models-overrides.yaml", entry="old-one",
                               reason="has no repo and no local_path")],
        read_at=AT,
    )  # fmt: skip


def swap(
    target: str, *, spark: str = "spark1", replaces: list[str] | None = None,
    phase: str | None = "checking", state: str = "running", done_s: float = 4.0,
    in_phase_s: float = 1.0, usual: bool = True, **changes: object,
) -> SwapShape:  # fmt: skip
    """Return a swap that is in `phase`; the phases before it took `done_s` each."""
    order = [one.value for one in Phase]
    ended = state in {"ready", "failed", "cancelled"}
    at = len(order) if state == "ready" else order.index(phase) if phase else -1
    phases = []
    for number, name in enumerate(order):
        known = USUAL[name] if usual else None
        if number < at:
            phases.append(PhaseShape(phase=name, state="done", seconds=done_s, usual_s=known))
        elif number == at:
            now = "stopped" if ended else "current"
            phases.append(PhaseShape(phase=name, state=now, seconds=in_phase_s, usual_s=known))
        else:
            phases.append(PhaseShape(phase=name, state="coming", seconds=None, usual_s=known))
    elapsed = max(at, 0) * done_s + in_phase_s
    left = sum(USUAL[name] for name in order[max(at, 0) :]) - in_phase_s
    shape = SwapShape(
        id="sw_1", model=target, state=state, phase=phase, spark=spark, sparks=[spark],
        replaces=replaces or [],
        progress=None, activity=None, eta_s=left if usual and not ended else None,
        elapsed_s=elapsed, phases=phases, log_tail=[], error=None, started_at=AT,
        ended_at=AT if ended else None, at=AT,
    )  # fmt: skip
    return shape.model_copy(update=changes)


def request(n: int, **changes: object) -> RequestShape:
    """Return the record of second `n`."""
    return render(record(n, **changes))


def requests_stats(by_minute: dict[int, tuple[int, int]]) -> StatsShape:
    """Return the last hour: requests and errors by minute of it."""
    span = span_of(millis(T0), 3600, 60)
    slots = [
        Slot(minute, count, errors, 0, 0, {58: count}, {})
        for minute, (count, errors) in by_minute.items()
    ]
    return render_stats(3600, span, slots, {"spark1": [0.5] * span.count})
