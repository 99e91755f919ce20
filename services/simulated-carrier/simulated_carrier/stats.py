"""What is counted, once, for `/v1/stats` and `/metrics` alike."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, fields

from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector


@dataclass(slots=True)
class Stats:
    """Since the start of the process, or the last reset of the statistics."""

    max_live: int = 0
    requests: int = 0  # create requests with a valid key and body
    accepted: int = 0
    inbound: int = 0  # calls that came in
    inbound_answered: int = 0
    repeated: int = 0
    expired: int = 0
    rate_limited: int = 0
    unavailable: int = 0
    answers_lost: int = 0
    events_delivered: int = 0
    events_dropped: int = 0
    events_given_up: int = 0
    agent_reported: int = 0
    agent_refused: int = 0
    agent_given_up: int = 0

    def reset(self, *, live: int) -> None:
        for field in fields(self):
            setattr(self, field.name, 0)
        self.max_live = live


class StatsCollector(Collector):
    def __init__(self, stats: Stats, gauges: Callable[[], dict[str, int]]) -> None:
        self._stats = stats
        self._gauges = gauges

    def collect(self) -> Iterator[Metric]:
        for field in fields(self._stats):
            value = getattr(self._stats, field.name)
            family = GaugeMetricFamily if field.name == "max_live" else CounterMetricFamily
            yield family(f"carrier_{field.name}", field.name.replace("_", " "), value=value)
        for name, value in self._gauges().items():
            yield GaugeMetricFamily(f"carrier_{name}", name.replace("_", " "), value=value)
