"""What /metrics tells in Prometheus' text format: what this process did, and what the ledger holds.

Every application has a registry of its own. docs/monitoring.md says what each series means.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, generate_latest
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_INTAKE = ("POST", "/api/cases")
_OUTCOMES = {200: "resent", 201: "created", 413: "refused", 422: "refused"}


class Metrics:
    """What one process counts itself, from its start on."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._requests = Counter(
            "triage_http_requests",
            "Requests answered, by route, method and status",
            ("method", "path", "status"),
            registry=self._registry,
        )
        self._seconds = Histogram(
            "triage_http_request_duration_seconds",
            "Seconds from a request's arrival to the end of its answer",
            ("method", "path"),
            buckets=SECONDS,
            registry=self._registry,
        )
        self._intakes = Counter(
            "triage_api_intakes",
            "Submissions handed in through POST /api/cases, by what became of them",
            ("outcome",),
            registry=self._registry,
        )
        for outcome in set(_OUTCOMES.values()):
            self._intakes.labels(outcome)  # a series that begins at 0 shows its first rise

    def count_request(self, method: str, path: str, status: int, seconds: float) -> None:
        """One request was answered. ``path`` is a route's, so that there are few."""
        self._requests.labels(method, path, str(status)).inc()
        self._seconds.labels(method, path).observe(seconds)
        if (method, path) == _INTAKE and status in _OUTCOMES:
            self._intakes.labels(_OUTCOMES[status]).inc()

    def text(self, ledger: Iterable[Metric]) -> bytes:
        """All series, those from the ledger at the end."""
        return generate_latest(self._registry) + generate_latest(_Read(ledger))


class _Read(Collector):
    """Series that were read just now, in the form in which prometheus_client writes them."""

    def __init__(self, series: Iterable[Metric]) -> None:
        self._series = series

    def collect(self) -> Iterator[Metric]:
        yield from self._series
