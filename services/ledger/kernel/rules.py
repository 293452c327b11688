"""A charter made ready for deciding: which limits an account has, what a fee is, when units lapse."""

from typing import Any

from services.ledger.kernel import calendar
from shared.contracts.charters import Charter, LimitClause, PurposeClause

WHOLE = 10_000
"""Basis points of the whole."""


class Rules:
    """One version of a charter, and the day on which it began. Amounts are minor units, days texts like
    2026-11-23.
    """

    def __init__(self, charter: Charter, version: int, since: str = "") -> None:
        self.charter = charter
        self.version = version
        self.since = since
        self.issuance = charter.issuance
        self.redemption = charter.redemption
        self.fee = charter.fee
        self.expiry = charter.expiry
        self.purposes = {purpose.code: purpose for purpose in charter.purposes}
        self.penalties = sorted(charter.redemption.penalties, key=lambda penalty: penalty.under_days)
        self.bounds_spending = any(_bounds_spending(row) for row in charter.limits)
        """Whether any account has limits of spending by the charter; nearly always, none has."""
        self._rows = sorted(charter.limits, key=lambda row: row.level, reverse=True)
        self._found: dict[tuple[str, int], LimitClause] = {}

    def row(self, kind: str, level: int) -> LimitClause:
        """The limits of accounts of a kind at a level: those of the highest level that it reaches."""
        row = self._found.get((kind, level))
        if row is None:
            row = next(row for row in self._rows if row.kind == kind and row.level <= level)
            self._found[kind, level] = row
        return row

    def limits(self, kind: str, terms: dict[str, Any]) -> tuple[int, int]:
        """The lowest and the highest balance of an account with these terms."""
        row = self.row(kind, terms.get("level", 0))
        own = terms.get("own", {})
        return -own.get("credit_limit", row.credit_limit), own.get("maximum_balance", row.maximum_balance)

    def fee_of(self, amount: int) -> int:
        """The fee on a payment: the fixed part and the share, which is rounded down; at most the amount."""
        if self.fee is None:
            return 0
        return min(amount, self.fee.fixed + amount * self.fee.basis_points // WHOLE)

    def expires_on(self, today: str, purpose: PurposeClause | None) -> str:
        """The last day of units issued today; empty where they do not lapse."""
        ends = [purpose.until] if purpose is not None and purpose.until else []
        if self.expiry is not None:
            ends.append(
                calendar.plus_days(calendar.last_of_lot(today, self.expiry.lot), self.expiry.after_days)
            )
        return min(ends, default="")

    def received_on(self, today: str) -> str:
        """The lot of units received today; empty where nobody asks how long they are held. No lot begins
        before the version does: what earlier ones say is not about these units.
        """
        return max(self.since, calendar.first_of_lot(today, self.redemption.lot)) if self.penalties else ""

    def penalty_points(self, received_on: str, today: str) -> int:
        """What share of units is kept back when they are redeemed today, in basis points."""
        if not received_on:
            return 0
        held = calendar.days_between(received_on, today)
        return next((each.basis_points for each in self.penalties if held < each.under_days), 0)


def _bounds_spending(row: LimitClause) -> bool:
    given = (row.per_transfer, row.per_day, row.per_month)
    soft = (row.soft_credit_limit, row.soft_per_day, row.soft_per_month)
    return any(limit is not None for limit in (*given, *soft))


def simple_charter(
    names: dict[str, str], kind: Any, minor_units: Any, credit_limit: int, maximum_balance: int
) -> Charter:
    """The charter of a currency that was created without one."""
    rows = [
        LimitClause(kind=holder, credit_limit=credit_limit, maximum_balance=maximum_balance)
        for holder in ("member", "organisation")
    ]
    return Charter(names=names, kind=kind, minor_units=minor_units, limits=rows)
