"""What the writer says of itself."""

from collections import Counter as Tally

from prometheus_client import Counter, Histogram

from services.ledger.writer.calls import PendingCall
from shared.contracts.commands import Transfer

TRANSFERS = Counter("ledger_transfers_total", "Transfers decided", ["kind", "outcome"])
BATCH_SIZE = Histogram(
    "ledger_commit_batch_size",
    "Commands that one commit carried",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
)
COMMIT_DURATION = Histogram(
    "ledger_commit_duration_seconds",
    "Time to write and commit a batch",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)


def count(calls: list[PendingCall]) -> None:
    """Count the transfers of answered calls by what became of them: "posted", "replayed", or a refusal's
    slug.
    """
    tally: Tally[tuple[str, str]] = Tally()
    for call in calls:
        for item in call.items:
            if isinstance(item.command, Transfer):
                outcome = call.outcomes[item.position]
                assert outcome is not None
                told = "posted" if outcome.refusal is None else outcome.refusal["slug"]
                tally[item.command.kind, "replayed" if outcome.replayed else told] += 1
    for (kind, told), number in tally.items():
        TRANSFERS.labels(kind, told).inc(number)
