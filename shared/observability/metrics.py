"""Metrics that several services share, and the helper that times what has an outcome.

Names: prefix of the concern, base units last, `_total`, `_seconds`, `_bytes`; never an id in a label.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram

RPC_DURATION = Histogram("rpc_request_duration_seconds", "Calls answered by a service", ["method", "outcome"])
AUTH_REFUSALS = Counter(
    "auth_refusals_total", "Internal tokens that were not believed", ["audience", "reason"]
)
AUTH_ROLES_WITHHELD = Counter(
    "auth_roles_withheld_total", "Tokens that claim roles which their issuer may not give", ["audience"]
)
CONSUMER_MESSAGES = Counter("consumer_messages_total", "Messages handled by a consumer", ["queue", "outcome"])
CONSUMER_DURATION = Histogram(
    "consumer_handle_duration_seconds", "Time to handle a message", ["queue", "outcome"]
)
CONSUMER_DEAD_LETTERED = Counter(
    "consumer_dead_lettered_total", "Messages parked after the last attempt", ["queue"]
)
OUTBOX_PENDING = Gauge(
    "outbox_pending_events", "Events in the outbox that are not yet published", ["service"]
)
OUTBOX_OLDEST = Gauge("outbox_oldest_pending_age_seconds", "Age of the oldest unpublished event", ["service"])
OUTBOX_UNROUTED = Counter(
    "outbox_unrouted_events_total", "Events published that nobody listens to", ["service"]
)


class Outcome:
    """What the timed work came to; "ok" unless set."""

    def __init__(self) -> None:
        self.value = "ok"

    def set(self, value: str) -> None:
        self.value = value


@contextmanager
def timed(histogram: Histogram, **labels: str) -> Iterator[Outcome]:
    """Observe how long the block took, labelled with the outcome that it set ("error" where it raised)."""
    outcome = Outcome()
    started = time.perf_counter()
    try:
        yield outcome
    except BaseException:
        outcome.set("error")
        raise
    finally:
        histogram.labels(**labels, outcome=outcome.value).observe(time.perf_counter() - started)
