"""Columns of the ledger's tables that nothing proves, so that no verification finds another value; all others
are found. `docs/guarantees.md` says the same to everybody.
"""

from collections.abc import Mapping

REFUSAL = "a refusal leaves no record: nothing else tells to whom, when and to which command it was given"
FENCE = "the fence is its writer's own, who stops where it reads another"

UNPROVEN: Mapping[str, Mapping[str, str]] = {
    "refusals": dict.fromkeys(("recorded_at", "principal", "salt", "content", "parameters"), REFUSAL),
    "partitions": dict.fromkeys(("term", "last_batch"), FENCE) | {"frozen": "verification sets it itself"},
}
"""By table and column, why."""
