"""What a charter says in a case."""

from datetime import date, timedelta
from itertools import pairwise

from shared.contracts.charters import Charter, LimitClause, PurposeClause
from shared.contracts.money import MAX_AMOUNT
from tests.support.model import dates
from tests.support.model.book import Account, Book, Kind
from tests.support.model.dates import NEVER


def row_of(charter: Charter, account: Account) -> LimitClause:
    """The row of the highest level that the account reaches."""
    fitting = [row for row in charter.limits if row.kind == account.kind and row.level <= account.level]
    return max(fitting, key=lambda row: row.level)


def limit(book: Book, account: Account, name: str) -> int | None:
    """A limit of the account: its own, else that of the charter in force."""
    if name in account.own:
        return account.own[name]
    value: int | None = getattr(row_of(book.charter(account.currency), account), name)
    return value


def lowest(book: Book, account: Account) -> int:
    """How far the account's plain units may go down."""
    if account.kind == "issuance":
        return -MAX_AMOUNT
    if account.closed or not account.is_held:
        return 0
    return -(limit(book, account, "credit_limit") or 0)


def highest(book: Book, account: Account) -> int:
    """How much the account may hold."""
    if account.closed or account.kind == "issuance":
        return 0
    return limit(book, account, "maximum_balance") or 0 if account.is_held else MAX_AMOUNT


def fee_on(charter: Charter, amount: int) -> int:
    """The fee, rounded down; never more than the amount."""
    if charter.fee is None:
        return 0
    return min(amount, charter.fee.fixed + amount * charter.fee.basis_points // 10_000)


def purpose_of(charter: Charter, kind: Kind) -> PurposeClause | None:
    """The purpose that units are for; None where they are free."""
    return next((purpose for purpose in charter.purposes if purpose.code == kind.purpose), None)


def last_day(charter: Charter, today: date, purpose: str) -> date | None:
    """The last day of units issued today."""
    ends = [NEVER]
    if charter.expiry is not None:
        ends.append(dates.last_of_lot(today, charter.expiry.lot) + timedelta(days=charter.expiry.after_days))
    ends += [
        date.fromisoformat(each.until) for each in charter.purposes if each.code == purpose and each.until
    ]
    return None if min(ends) == NEVER else min(ends)


def lot_of(book: Book, code: str) -> date | None:
    """The lot of units received today: told only where a penalty depends on it. Lots begin anew with a
    charter.
    """
    charter = book.charter(code)
    if not charter.redemption.penalties:
        return None
    began = [valid_from for _, valid_from, each in book.money(code).versions if each is charter]
    return max(dates.first_of_lot(book.today, charter.redemption.lot), dates.day_of(began[-1]))


def penalty_points(charter: Charter, received_on: date | None, today: date) -> int:
    """Of the penalties whose time is not over, that with the shortest time."""
    if received_on is None:
        return 0
    held = (today - received_on).days
    still = [each for each in charter.redemption.penalties if held < each.under_days]
    return min(still, key=lambda each: each.under_days).basis_points if still else 0


def was_free_of_penalty(book: Book, code: str, received_on: date) -> bool:
    """Whether units could be redeemed in full at any time after the day on which they were received: by the
    charter of today, or by an earlier one, on the last day on which it was in force.
    """
    versions = [each for each in book.money(code).versions if each[1] <= book.now]
    days = [(versions[-1][2], book.today)] if dates.day_of(book.now + 1) > received_on else []
    for (_, _, charter), (_, over_at, _) in pairwise(versions):
        if dates.day_of(over_at) > received_on:
            days.append((charter, dates.day_of(over_at - 1)))
    return any(not penalty_points(charter, received_on, day) for charter, day in days)
