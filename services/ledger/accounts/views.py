"""Accounts in the form of `shared.contracts.ledger.AccountView`."""

from collections.abc import Iterable, Mapping
from typing import Any

from services.ledger.kernel import calendar, moving
from services.ledger.kernel.buckets import Bucket, parse
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.record import Record
from services.ledger.kernel.rules import Rules
from services.ledger.kernel.state import Account
from shared.contracts import clock, money
from shared.contracts.charters import ExpiryClause
from shared.contracts.primitives import HOLDER_KINDS

NOTICE_DAYS: int = ExpiryClause(after_days=1).notice_days
"""How long before units of a purpose lapse it is told, where the charter says nothing of expiry."""


def opened_view(account: Account, minor_units: int) -> dict[str, Any]:
    """An account that has just been opened, by its record alone."""
    fields = {name: getattr(account, name) for name in ("floor", "ceiling", "territory", "category")}
    return _view(account, fields, account.terms, {}, -account.floor, minor_units)


def account_view(
    draft: Draft, account: Account, minor_units: int, *, frozen_reason: str, with_delegates: bool
) -> dict[str, Any]:
    """An account as settling it would leave it by the draft's time. `account` is one that the draft gave;
    what it has spent must be loaded. `frozen_reason` is empty where none is known.
    """
    names = ("floor", "ceiling", "territory", "category")
    fields = {name: draft.field(account, name) for name in names}
    terms, buckets = draft.terms(account), draft.buckets(account)
    view = _view(account, fields, terms, buckets, moving.available(draft, account), minor_units)
    view["frozen_reason"] = frozen_reason or None
    if account.kind in HOLDER_KINDS:
        rules = draft.rules(account.currency)
        view["expires_soon"] = _expiring(buckets, rules, draft.today, account.currency, minor_units)
        view["limits"] = _limits(draft, account, rules, terms)
    if with_delegates:
        view["delegates"] = [
            {"subject": subject, "rights": given["rights"], "per_transfer": given.get("per_transfer")}
            for subject, given in sorted(terms.get("delegates", {}).items())
        ]
    return view


def change_view(record: Record) -> dict[str, Any]:
    """What a command changed of the account that it names: fields with their new values."""
    account, changes = changed_by(record)
    told = {name: record.payload[name] for name in ("remainder", "remainder_to") if name in record.payload}
    return told | {
        "id": record.command,
        "type": record.type,
        "account": account,
        "changes": changes,
        "memo": record.note.memo if record.note else "",
        "recorded_at": clock.to_text(record.recorded_at),
        "partition": record.partition,
        "sequence": record.sequence,
        "hash": record.hash.hex(),
    }


def changed_by(record: Record) -> tuple[str, dict[str, Any]]:
    """The account that a record is about, and what it changes of it. Others may be changed beside it, where
    settling them was due.
    """
    account: str = record.payload["account"]
    for id, fields in record.payload.get("changes", ()):
        if id == account:
            return account, fields
    return account, {}


def units_views(buckets: Iterable[tuple[str, int]], code: str, minor_units: int) -> list[dict[str, Any]]:
    """Units by what they may be spent for and until when, the free ones first."""
    sums: dict[tuple[str, str], int] = {}
    for text, amount in buckets:
        bucket = parse(text)
        key = (bucket.purpose, bucket.expires_on)
        sums[key] = sums.get(key, 0) + amount
    return [
        {
            "purpose": purpose or None,
            "expires_on": expires_on or None,
            "amount": money.view(amount, code, minor_units),
        }
        for (purpose, expires_on), amount in sorted(sums.items())
        if amount
    ]


def _view(
    account: Account,
    fields: Mapping[str, Any],
    terms: Mapping[str, Any],
    buckets: Mapping[str, int],
    available: int,
    minor_units: int,
) -> dict[str, Any]:
    """The currency's own accounts have no limits that anybody set."""
    code, held = account.currency, account.kind in HOLDER_KINDS
    reserved = sum(amount for text, amount in buckets.items() if parse(text).reservation)
    return {
        "id": account.id,
        "currency": code,
        "kind": account.kind,
        "holder": account.holder,
        "balance": money.view(sum(buckets.values()), code, minor_units),
        "available": money.view(available, code, minor_units),
        "reserved": money.view(reserved, code, minor_units),
        "units": units_views(_at_hand(buckets), code, minor_units),
        "expires_soon": [],
        "credit_limit": -fields["floor"] if held else None,
        "maximum_balance": fields["ceiling"] if held else None,
        "level": terms.get("level", 0),
        "territory": fields["territory"],
        "category": fields["category"],
        "place": terms.get("place"),
        "groups": list(terms.get("groups", ())),
        "frozen": terms.get("frozen"),
        "frozen_reason": None,
        "closed": bool(terms.get("closed")),
        "opened_at": clock.to_text(account.opened_at),
    }


def _at_hand(buckets: Mapping[str, int]) -> list[tuple[str, int]]:
    return [(text, amount) for text, amount in buckets.items() if not parse(text).reservation]


def _expiring(
    buckets: Mapping[str, int], rules: Rules, today: str, code: str, minor_units: int
) -> list[dict[str, Any]]:
    notice = NOTICE_DAYS if rules.expiry is None else rules.expiry.notice_days
    until = calendar.plus_days(today, notice)
    soon = [(text, amount) for text, amount in _at_hand(buckets) if _lapses_by(parse(text), until)]
    return units_views(soon, code, minor_units)


def _lapses_by(bucket: Bucket, day: str) -> bool:
    return bool(bucket.expires_on) and bucket.expires_on <= day


def _limits(draft: Draft, account: Account, rules: Rules, terms: Mapping[str, Any]) -> dict[str, Any]:
    """An account's own limits go before the charter's."""
    row, own = rules.row(account.kind, terms.get("level", 0)), terms.get("own", {})
    thing = draft.thing("spent", account.id)
    spent = {} if thing is None else thing.body
    day, month = draft.today, draft.today[:7]
    return {
        **{name: own.get(name, getattr(row, name)) for name in ("per_transfer", "per_day", "per_month")},
        "soft_credit_limit": row.soft_credit_limit,
        "soft_per_day": row.soft_per_day,
        "soft_per_month": row.soft_per_month,
        "spent_today": spent["day_amount"] if spent.get("day") == day else 0,
        "spent_this_month": spent["month_amount"] if spent.get("month") == month else 0,
    }
