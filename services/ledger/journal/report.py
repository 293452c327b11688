"""What a verification found."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


class Fault(Exception):
    """The first thing that is wrong, as one sentence."""


@dataclass(frozen=True, slots=True)
class Report:
    """What was verified. `fault` names the first thing that is wrong; None where everything is right."""

    partition: int
    records: int
    accounts: int
    entries: int
    things: int = 0
    sums: dict[str, int] = field(default_factory=dict)
    last_hash: str = ""
    fault: str | None = None
    warnings: Sequence[str] = ()
    """What could not be looked at, where the database is set up as it is."""

    @property
    def sound(self) -> bool:
        return self.fault is None

    def to_json(self) -> dict[str, Any]:
        return {
            "sound": self.sound,
            "partition": self.partition,
            "records": self.records,
            "accounts": self.accounts,
            "entries": self.entries,
            "things": self.things,
            "sums": self.sums,
            "last_hash": self.last_hash,
            "fault": self.fault,
            "warnings": list(self.warnings),
        }

    def __str__(self) -> str:
        return "\n".join([self._result(), *(f"warning: {warning}" for warning in self.warnings)])

    def _result(self) -> str:
        counted = f"{self.records:,} records, {self.accounts:,} accounts, {self.entries:,} entries"
        if self.fault is not None:
            return f"FAULT: {self.fault} ({counted} were right before); the partition is frozen to reading"
        return f"sound: {counted}; every currency sums to zero; last hash {self.last_hash}"
