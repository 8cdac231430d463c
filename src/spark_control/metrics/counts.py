"""What is counted as it happens: requests, jobs, how late the loops are."""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector

from spark_control.jobs.domain import Job
from spark_control.metrics.tally import PREFIX, Tally
from spark_control.requests.domain import Record

LAG_S = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
PHASE_S = (1, 2, 5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560)


class Counts:
    """The counters and histograms of one process."""

    def __init__(self, version: str) -> None:
        self.registry = registry = CollectorRegistry(auto_describe=False)
        self._requests = Tally()
        registry.register(self._requests)
        self._retries = Counter(
            f"{PREFIX}upstream_retries", "Requests that were sent again, before any answer.",
            registry=registry,
        )  # fmt: skip
        self._lag = Histogram(
            "spark_control_loop_lag_seconds", "How late the loop of a process was.", ("process",),
            buckets=LAG_S, registry=registry,
        )  # fmt: skip
        self._phases = Histogram(
            "spark_control_swap_duration_seconds", "Phases of swaps; `all` is the whole.",
            ("phase", "result"), buckets=PHASE_S, registry=registry,
        )  # fmt: skip
        self._jobs = Counter(
            "spark_control_jobs_ended", "Jobs that have ended.", ("kind", "state"),
            registry=registry,
        )  # fmt: skip
        built = Gauge("spark_control_build_info", "1.", ("version",), registry=registry)
        built.labels(version).set(1)
        ProcessCollector(registry=registry)

    def take(self, records: Sequence[Record]) -> None:
        """Count requests that have ended."""
        self._requests.take(records)

    def late(self, process: str, seconds: float) -> None:
        """Note how late a loop was."""
        self._lag.labels(process).observe(max(0.0, seconds))

    def retried(self, count: int) -> None:
        """Count requests that were sent again."""
        self._retries.inc(count)

    def ended(self, job: Job) -> None:
        """Count a job that has ended, and how long the phases of a swap took."""
        self._jobs.labels(job.kind, job.state.value).inc()
        if job.kind != "swap" or job.ended_at is None:
            return
        for phase in job.phases:
            took = phase.seconds(job.ended_at)
            self._phases.labels(phase.phase, job.state.value).observe(took)
        whole = (job.ended_at - (job.started_at or job.created_at)).total_seconds()
        self._phases.labels("all", job.state.value).observe(max(0.0, whole))
