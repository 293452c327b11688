"""What the writer says of itself."""

from collections import Counter as Tally

from prometheus_client import Counter, Histogram

from services.ledger.writer.calls import PendingCall
from shared.contracts.commands import Command, Outcome, Transfer

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
    tally = Tally(
        _labels(item.command, call.outcomes[item.position]) for call in calls for item in call.items
    )
    for (command, kind, status, outcome), number in tally.items():
        COMMANDS.labels(command, outcome or "accepted").inc(number)
        if kind:
            TRANSFERS.labels(kind, outcome or status).inc(number)


def _labels(command: Command, outcome: Outcome | None) -> tuple[str, str, str, str]:
    """The command's type; kind and status where it is a transfer; "" or why it is not accepted now."""
    assert outcome is not None
    told = ""
    if outcome.replayed:
        told = "replayed"
    elif outcome.refusal is not None:
        told = str(outcome.refusal["slug"])
    if type(command) is Transfer:
        return "transfer", command.kind, outcome.view["status"] if outcome.view else "", told
    return str(command.__struct_config__.tag), "", "", told
