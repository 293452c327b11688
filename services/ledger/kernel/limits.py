"""What may leave an account: each transfer, each day and each month; soft limits warn, hard ones refuse.

Counted is what its holder sends away (payments, reservations, redemptions), when it is decided; refunds,
voids and lapses give no room back.
"""

from typing import Any

from services.ledger.kernel.draft import Draft
from services.ledger.kernel.rules import Rules
from services.ledger.kernel.state import Account, Currency, Thing
from shared.contracts import money
from shared.contracts.charters import LimitClause
from shared.contracts.errors import Refusal
from shared.contracts.primitives import HOLDER_KINDS

_PERIODS = ("per_day", "per_month")
_NAMES = {"per_day": "day_amount", "per_month": "month_amount"}


def count_spending(draft: Draft, account: Account, currency: Currency, amount: int) -> None:
    """Refuse what is beyond a limit, warn of what is beyond a soft one, and count the amount."""
    if account.kind not in HOLDER_KINDS or not _is_bounded(draft, account):
        return
    row, own = _given(draft, account)
    allowed = own.get("per_transfer", row.per_transfer)
    if allowed is not None and amount > allowed:
        _refuse(currency, "per_transfer", allowed, allowed, amount)
    hard = {period: own.get(period, getattr(row, period)) for period in _PERIODS}
    soft = {"per_day": row.soft_per_day, "per_month": row.soft_per_month}
    if all(limit is None for limit in (*hard.values(), *soft.values())):
        return
    spent = _spent(draft, account)
    for period, name in _NAMES.items():
        limit, threshold = hard[period], soft[period]
        if limit is not None and spent[name] + amount > limit:
            _refuse(currency, period, limit, max(0, limit - spent[name]), amount)
        spent[name] += amount
        if threshold is not None and spent[name] > threshold:
            _warn(draft, f"soft-{period.replace('_', '-')}")
    draft.put("spent", account.id, Thing(account.id, None, spent))


def warn_of_credit(draft: Draft, account: Account) -> None:
    """Warn where what has been drawn takes an account beyond its soft limit of credit."""
    if account.kind in HOLDER_KINDS and _is_bounded(draft, account):
        soft = _given(draft, account)[0].soft_credit_limit
        if soft is not None and draft.balance(account) < -soft:
            _warn(draft, "soft-credit-limit")


def allowance(draft: Draft, account: Account) -> int | None:
    """How much may leave an account at once by now; None where nothing limits it."""
    if account.kind not in HOLDER_KINDS:
        return None
    row, own = _given(draft, account)
    left = [own.get("per_transfer", row.per_transfer)]
    for period, name in _NAMES.items():
        limit = own.get(period, getattr(row, period))
        left.append(None if limit is None else max(0, limit - _spent(draft, account)[name]))
    return min((each for each in left if each is not None), default=None)


def counts_by_rules(rules: Rules, account: Account) -> bool:
    """Whether deciding looks at what the account has spent."""
    if account.kind not in HOLDER_KINDS:
        return False
    row = rules.row(account.kind, account.terms.get("level", 0))
    own = account.terms.get("own", {})
    given = (row.per_day, row.per_month, row.soft_per_day, row.soft_per_month, *map(own.get, _PERIODS))
    return any(limit is not None for limit in given)


def _is_bounded(draft: Draft, account: Account) -> bool:
    """Whether anything bounds what leaves the account beside its balance."""
    return draft.rules(account.currency).bounds_spending or "own" in draft.terms(account)


def _given(draft: Draft, account: Account) -> tuple[LimitClause, dict[str, Any]]:
    """The charter's limits for an account, and those of its own, which go before them."""
    terms = draft.terms(account)
    row = draft.rules(account.currency).row(account.kind, terms.get("level", 0))
    own: dict[str, Any] = terms.get("own", {})
    return row, own


def _spent(draft: Draft, account: Account) -> dict[str, Any]:
    thing = draft.thing("spent", account.id)
    body = {} if thing is None else thing.body
    day, month = draft.today, draft.today[:7]
    return {
        "day": day,
        "day_amount": body["day_amount"] if body.get("day") == day else 0,
        "month": month,
        "month_amount": body["month_amount"] if body.get("month") == month else 0,
    }


def _warn(draft: Draft, warning: str) -> None:
    if warning not in draft.warnings:
        draft.warnings.append(warning)


def _refuse(currency: Currency, period: str, limit: int, left: int, amount: int) -> None:
    code, minor_units = currency.code, currency.minor_units
    raise Refusal(
        "spending-limit",
        period=period,
        limit=money.text(limit, code, minor_units),
        limit_amount=limit,
        left=money.text(left, code, minor_units),
        left_amount=left,
        amount=money.text(amount, code, minor_units),
        amount_minor=amount,
        currency=code,
    )
