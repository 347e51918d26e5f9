"""What the server counts, for Jupyter's own ``/metrics``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

from ..records import Run, Version
from .answers import Health

_RUNS = Counter("tooinstance_runs", "Runs that ended, by status.", ["status"])
_BUILDS = Counter("tooinstance_builds", "Builds that ended, by status.", ["status"])
_SECONDS = Histogram(
    "tooinstance_run_duration_seconds",
    "How long runs took.",
    buckets=(0.1, 0.5, 1, 5, 15, 60, 300, 900, 3600),
)
_OPEN_RUNS = Gauge("tooinstance_open_runs", "Runs that wait or are under way.", ["state"])
_OPEN_BUILDS = Gauge("tooinstance_open_builds", "Builds that wait or are under way.", ["state"])
_STREAMS = Gauge("tooinstance_streams", "Streams of events that are open.")
_UPLOADED = Counter("tooinstance_uploaded_bytes", "Bytes of input files that were sent.")


class Metrics:
    """What happens at a server, counted."""

    def ended(self, record: Run | Version) -> None:
        """Count a run or a build that ended."""
        if isinstance(record, Version):
            _BUILDS.labels(record.status.value).inc()
            return
        _RUNS.labels(record.status.value).inc()
        if record.duration_s is not None:
            _SECONDS.observe(record.duration_s)

    def uploaded(self, size_bytes: int) -> None:
        """Count what was sent."""
        _UPLOADED.inc(size_bytes)

    def stand(self, health: Health) -> None:
        """Note how much there is to do; what cannot be told stays as it is."""
        for gauge, state, number in (
            (_OPEN_RUNS, "queued", health.queued),
            (_OPEN_RUNS, "running", health.running),
            (_OPEN_BUILDS, "waiting", health.waiting_builds),
            (_OPEN_BUILDS, "building", health.building),
        ):
            if number is not None:
                gauge.labels(state).set(number)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Count a stream as open for as long as the context lasts."""
        with _STREAMS.track_inprogress():
            yield
