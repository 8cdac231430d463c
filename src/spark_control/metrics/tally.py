"""Counts requests. Thousands may end in a second, so a record must cost next to nothing here."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from spark_control.requests.domain import OTHER, Record

# The boundaries that OpenTelemetry gives for generative models.
DURATION_S = (
    0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92,
)  # fmt: skip
FIRST_TOKEN_S = (
    0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0,
)  # fmt: skip
TOKEN_S = (0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1.0, 2.5)
MOST_MODELS = 100
NONE = "none"
PREFIX = "spark_control_gateway_"


class Spread:
    """How many values lie between the boundaries, and their sum."""

    __slots__ = ("_bounds", "_counts", "_sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._counts = [0] * (len(bounds) + 1)
        self._sum = 0.0

    def add(self, value: float) -> None:
        self._counts[bisect_left(self._bounds, value)] += 1
        self._sum += value

    def put(self, labels: Sequence[str], family: HistogramMetricFamily) -> None:
        """Add the values as one sample of `family`; nothing when there were none."""
        bounds = [*(str(bound) for bound in self._bounds), "+Inf"]
        below = list(accumulate(self._counts))
        if below[-1]:
            family.add_metric(labels, list(zip(bounds, below, strict=True)), self._sum)


class Model:
    """What the requests to one model added up to."""

    __slots__ = ("between", "duration", "first", "into", "out")

    def __init__(self) -> None:
        self.duration: dict[str, Spread] = {}
        self.first = Spread(FIRST_TOKEN_S)
        self.between = Spread(TOKEN_S)
        self.into = 0
        self.out = 0

    def add(self, record: Record) -> None:
        """Count one request."""
        spread = self.duration.get(record.path)
        if spread is None:
            spread = self.duration[record.path] = Spread(DURATION_S)
        spread.add(record.duration_ms / 1000)
        made = record.tokens_out or 0
        self.into += record.tokens_in or 0
        self.out += made
        if record.streamed and record.ttft_ms is not None:
            self.first.add(record.ttft_ms / 1000)
            if made > 1:
                self.between.add((record.duration_ms - record.ttft_ms) / 1000 / (made - 1))


class Tally(Collector):
    """The numbers of all requests since the start."""

    def __init__(self) -> None:
        self._ended: dict[tuple[str, str, int], int] = {}
        self._models: dict[str, Model] = {}

    def take(self, records: Iterable[Record]) -> None:
        """Count requests that have ended."""
        ended = self._ended
        for record in records:
            model = NONE
            if record.model is not None:
                model = self._add(record.model, record)
            key = (model, record.path, record.status)
            ended[key] = ended.get(key, 0) + 1

    def _add(self, name: str, record: Record) -> str:
        """Count it under its model; return the label: there are only so many."""
        found = self._models.get(name)
        if found is None:
            name = name if len(self._models) < MOST_MODELS else OTHER
            found = self._models.setdefault(name, Model())
        found.add(record)
        return name

    @override
    def collect(self) -> Iterator[Metric]:
        ended = CounterMetricFamily(
            f"{PREFIX}requests", "Requests that have ended.", labels=("model", "route", "status")
        )
        for (model, route, status), count in self._ended.items():
            ended.add_metric((model, route, str(status)), count)
        yield ended
        yield self._tokens()
        took = _histogram("request_duration", "To the end of the answer.", "model", "route")
        first = _histogram("time_to_first_token", "To the first byte of a stream.", "model")
        between = _histogram("inter_token_latency", "Mean time between tokens.", "model")
        for name, found in self._models.items():
            for route, spread in found.duration.items():
                spread.put((name, route), took)
            found.first.put((name,), first)
            found.between.put((name,), between)
        yield from (took, first, between)

    def _tokens(self) -> Metric:
        tokens = CounterMetricFamily(f"{PREFIX}tokens", "Tokens.", labels=("model", "type"))
        for name, found in self._models.items():
            tokens.add_metric((name, "input"), found.into)
            tokens.add_metric((name, "output"), found.out)
        return tokens


def _histogram(name: str, text: str, *labels: str) -> HistogramMetricFamily:
    return HistogramMetricFamily(f"{PREFIX}{name}_seconds", text, labels=labels)
