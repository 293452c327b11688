"""The dashboard's own metrics."""

from prometheus_client import Counter, Gauge

PROJECTION_LAG = Gauge(
    "projection_lag_seconds",
    "Age of the latest journal record when it was applied; 0 once there is nothing left to apply",
    ["partition"],
)
PROJECTION_STALLED = Gauge(
    "projection_stalled", "1 while the next journal record cannot be applied, else 0", ["partition"]
)
PROJECTION_RECORDS = Counter("projection_records_total", "Journal records applied", ["partition"])
PROJECTION_DIVERGED = Counter(
    "projection_diverged_total",
    "Times the projection was discarded because the journal did not know its position",
    ["partition"],
)
PROJECTION_FOREIGN = Counter(
    "projection_foreign_batches_total",
    "Batches of the bus that bear the next number and go on from another record than ours; none is applied",
    ["partition"],
)
CIRCULATION_RUNS = Counter(
    "circulation_runs_total", "Times the figures of closed periods were worked out", ["outcome"]
)
CIRCULATION_SECONDS = Gauge(
    "circulation_seconds", "How long it took the last time to work out the figures of closed periods"
)
