"""Every number that the switch shows to Prometheus, in one place.

Health is progress: beside counts and times, each stage shows how old its oldest unprocessed item
is. Labels are few and bounded; no label ever carries an account, a name of a customer or an id of
a payment.
"""

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping
from itertools import accumulate
from socketserver import ThreadingMixIn
from threading import Thread
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, Counter, Gauge, make_wsgi_app
from prometheus_client.core import HistogramMetricFamily
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString

__all__ = ["STAGES", "Exposition", "Metrics"]

STAGES: Final = ("decode", "apply", "fsync", "reply")
"""What a batch passes through, in order; `fsync` is the journal's."""
DURATION_BUCKETS_S: Final = (
    *(0.000_05, 0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005),
    *(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)
STOP_S_MAX: Final = 0.05
"""How soon the HTTP server sees that it was asked to stop."""
BATCH_BUCKETS: Final = (1, 8, 32, 128, 512, 1024, 2048, 4096, 8190)


class Metrics:
    """The metrics of one switch, in the registry given to it."""

    def __init__(self, registry: CollectorRegistry) -> None:
        """Register every metric in *registry*, which must hold none of them yet."""
        self.registry = registry
        self._payments = Counter(
            "payvand_payments",
            "Payments by the state they came to and, where they failed, the reason.",
            ("state", "reason"),
            registry=registry,
        )
        self._durations = _Buckets(
            "payvand_stage_seconds", "How long a batch took in a stage.", DURATION_BUCKETS_S
        )
        self._sizes = _Buckets(
            "payvand_batch_payments",
            "How many payments the batches of a stage held.",
            BATCH_BUCKETS,
        )
        registry.register(self._durations)
        registry.register(self._sizes)
        self._oldest = Gauge(
            "payvand_stage_oldest_seconds",
            "How long the oldest item that a stage has not dealt with has waited.",
            ("stage",),
            registry=registry,
        )
        self.journal_sequence = Gauge(
            "payvand_journal_sequence",
            "Sequence number of the last frame on stable storage.",
            registry=registry,
        )
        self.projection_lag = Gauge(
            "payvand_projection_lag_frames",
            "Frames of the journal that the database has not taken in yet.",
            registry=registry,
        )
        self.connected_streams = Gauge(
            "payvand_connected_streams",
            "Open streams by method.",
            ("method",),
            registry=registry,
        )
        self._certificates = Gauge(
            "payvand_certificate_not_after_seconds",
            "Until when a registered certificate holds, in seconds since 1970.",
            ("participant", "fingerprint"),
            registry=registry,
        )
        self._counts: dict[tuple[str, str], Counter] = {}

    def count_payments(self, state: str, count: int = 1, *, reason: str = "") -> None:
        """Count payments that came to *state*, for example `settled`; once per batch and state.

        *reason* comes from a closed list: a rule's id, a reason code, a ledger status.
        """
        counter = self._counts.get((state, reason))
        if counter is None:
            counter = self._counts[state, reason] = self._payments.labels(state, reason)
        counter.inc(count)

    def show_certificates(self, ends: Mapping[tuple[str, str], float]) -> None:
        """Show until when certificates hold, in seconds since 1970, by participant and fingerprint.

        Those that are not among *ends* are shown no more.
        """
        self._certificates.clear()
        for (participant, fingerprint), end in ends.items():
            self._certificates.labels(participant, fingerprint[:16]).set(end)

    def observe(self, stage: str, seconds: float, payments: int) -> None:
        """Record that a batch of *payments* took *seconds* in *stage*, one of `STAGES`."""
        assert stage in STAGES, stage
        self._durations.observe(stage, seconds)
        self._sizes.observe(stage, payments)

    def watch_oldest(self, stage: str, age_s: Callable[[], float]) -> None:
        """Show what *age_s* returns, asked at each scrape, as the age of *stage*'s oldest item.

        *age_s* runs on the exposition's thread: it must only read, and return 0 when idle.
        A stage is any place where items wait, for example `projection` or `follow`.
        """
        self._oldest.labels(stage).set_function(age_s)

    def watch_journal(self, sequence: Callable[[], float], lag: Callable[[], float]) -> None:
        """Show the journal's sequence and the projection's lag, both asked at each scrape."""
        self.journal_sequence.set_function(sequence)
        self.projection_lag.set_function(lag)

    def expose(self, port: int, address: str = "127.0.0.1") -> "Exposition":
        """Serve the metrics over HTTP at *address* and *port* (0 for any free one).

        Raises:
            OSError: the port is taken.
        """
        server = make_server(address, port, make_wsgi_app(self.registry), _Server, _Quiet)
        return Exposition(server)


class _Buckets(Collector):
    """A histogram of each stage that costs a payment alone little: one search, two additions.

    Each series exists from the start, so that it can be alerted on.
    """

    def __init__(self, name: str, documentation: str, bounds: tuple[float, ...]) -> None:
        self._name = name
        self._documentation = documentation
        self._bounds = bounds
        self._counts = {stage: [0] * (len(bounds) + 1) for stage in STAGES}
        self._sums = dict.fromkeys(STAGES, 0.0)

    def observe(self, stage: str, value: float) -> None:
        """Count *value* in the first bucket whose bound isn't below it."""
        self._counts[stage][bisect_left(self._bounds, value)] += 1
        self._sums[stage] += value

    def collect(self) -> Iterator[HistogramMetricFamily]:
        """Yield the metric as it stands."""
        family = HistogramMetricFamily(self._name, self._documentation, labels=["stage"])
        names = [*map(floatToGoString, self._bounds), "+Inf"]
        for stage, counts in self._counts.items():
            buckets = list(zip(names, accumulate(counts), strict=True))
            family.add_metric([stage], buckets, self._sums[stage])
        yield family


class _Server(ThreadingMixIn, WSGIServer):
    """A scraper that hangs doesn't keep others from theirs."""

    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    """Scrapes come every few seconds and aren't worth a line each."""

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class Exposition:
    """The HTTP server of the metrics, on a thread of its own."""

    def __init__(self, server: WSGIServer) -> None:
        """Run *server*, which listens already."""
        self._server = server
        self._thread = Thread(
            target=server.serve_forever, args=(STOP_S_MAX,), name="metrics", daemon=True
        )
        self._thread.start()

    @property
    def port(self) -> int:
        """The port that it listens on."""
        return self._server.server_port

    def close(self) -> None:
        """Stop serving and wait for the thread to end."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
