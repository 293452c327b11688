"""What the writer says of itself."""

from collections import Counter as Tally

from prometheus_client import Counter, Histogram

from services.ledger.writer.calls import PendingCall
from shared.contracts.commands import Outcome, Transfer

TRANSFERS = Counter("ledger_transfers_total", "Transfers decided", ["kind", "outcome"])
COMMANDS = Counter("ledger_commands_total", "Commands of every type decided", ["type", "outcome"])
BATCH_SIZE = Histogram(
    "ledger_commit_batch_size",
    "Commands that one commit carried",
    buckets=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000),
)
COMMIT_DURATION = Histogram(
    "ledger_commit_duration_seconds",
    "Time that a decided batch waits until it is committed",
    buckets=(0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
)


def count(calls: list[PendingCall]) -> None:
    """Count the commands of answered calls by what became of them: "accepted" (of a transfer, its status),
    "replayed", or a refusal's slug.
    """
    transfers: Tally[tuple[str, str]] = Tally()
    commands: Tally[tuple[str, str]] = Tally()
    for call in calls:
        for item in call.items:
            outcome = call.outcomes[item.position]
            assert outcome is not None
            commands[str(item.command.__struct_config__.tag), _told(outcome, "accepted")] += 1
            if isinstance(item.command, Transfer):
                status = outcome.view["status"] if outcome.view is not None else ""
                transfers[item.command.kind, _told(outcome, status)] += 1
    for counter, tally in ((TRANSFERS, transfers), (COMMANDS, commands)):
        for labels, number in tally.items():
            counter.labels(*labels).inc(number)


def _told(outcome: Outcome, accepted: str) -> str:
    if outcome.replayed:
        return "replayed"
    return accepted if outcome.refusal is None else str(outcome.refusal["slug"])
