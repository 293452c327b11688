"""Research logs for tests: written in a line each, and replayed by a second, simple reading of the same
rules.
"""

import csv
import io
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

HEADER = "id,timeset,transfer_subtype,source,target,weight,token_name,token_address"
TOKEN = "0xtoken"


def line(
    id: object = 1,
    subtype: str = "STANDARD",
    source: str = "ana",
    target: str = "bea",
    weight: object = "1.00",
    timeset: str = "2024-03-04 10:00:00.000000",
    token: str = TOKEN,
) -> str:
    """A row of a log, without its end."""
    return f"{id},{timeset},{subtype},{source},{target},{weight},Puma,{token}"


def log_of(*lines: str) -> str:
    """The text of a log."""
    return "\n".join([HEADER, *lines]) + "\n"


@dataclass
class Expected:
    """What a log leads to, in minor units. `refused` are the numbers of the rows that are not applied."""

    rows: int = 0
    applied: Counter[str] = field(default_factory=Counter)
    volumes: Counter[str] = field(default_factory=Counter)
    refused: list[int] = field(default_factory=list)
    balances: defaultdict[str, int] = field(default_factory=lambda: defaultdict(int))
    payments: list[tuple[str, str, str, int]] = field(default_factory=list)
    """(day, payer, payee, amount) of what counts as volume."""

    @property
    def supply(self) -> int:
        return self.volumes["DISBURSEMENT"] - self.volumes["RECLAMATION"]

    @property
    def volume_by_day(self) -> dict[str, int]:
        by_day: Counter[str] = Counter()
        for day, _, _, amount in self.payments:
            by_day[day] += amount
        return dict(by_day)

    @property
    def active(self) -> set[str]:
        return {party for _, payer, payee, _ in self.payments for party in (payer, payee)}


def expect(path: Path, minor_units: int = 100) -> Expected:
    """What a simulated log leads to in an empty currency, told without any code of the importer's."""
    expected = Expected()
    with path.open(newline="", encoding="utf-8") as file:
        for number, row in enumerate(csv.DictReader(file), 1):
            expected.rows += 1
            amount = _amount(row, minor_units)
            if amount is None or not _book(expected, row, amount):
                expected.refused.append(number)
    return expected


def _amount(row: dict[str, str], minor_units: int) -> int | None:
    """The amount of a row, None where one of its fields is spoilt in one of the simulation's ways."""
    readable = (
        re.fullmatch(r"[0-9]+(\.[0-9]+)?", row["weight"])
        and re.fullmatch(r"[-0-9]{10} [:.0-9]{15}", row["timeset"])
        and not row["timeset"].startswith("2020-02-30")
        and row["transfer_subtype"] != "GIFT"
        and row["source"]
        and row["target"]
    )
    if not readable:
        return None
    return round(Fraction(row["weight"]) * minor_units) or None  # Python rounds a Fraction half to even


def _book(expected: Expected, row: dict[str, str], amount: int) -> bool:
    subtype, source, target = row["transfer_subtype"], row["source"], row["target"]
    balances = expected.balances
    if subtype != "DISBURSEMENT":
        if balances[source] < amount:
            return False
        balances[source] -= amount
    if subtype != "RECLAMATION":
        balances[target] += amount
    expected.applied[subtype] += 1
    expected.volumes[subtype] += amount
    if subtype in ("STANDARD", "AGENT_OUT"):
        expected.payments.append((row["timeset"][:10], source, target, amount))
    return True


def exceptions(path: Path) -> list[dict[str, Any]]:
    """The rows of an exceptions CSV."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def stream(lines: Iterable[str]) -> io.StringIO:
    """A log as an open file."""
    return io.StringIO(log_of(*lines), newline="")
