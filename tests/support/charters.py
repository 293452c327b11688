"""Charters as tests write them, and the two people that it takes to adopt one."""

from typing import Any

from services.ledger.kernel.record import Record
from shared.auth.principal import OPERATOR
from shared.contracts import clock, ids
from shared.contracts.charters import Charter, LimitClause
from shared.contracts.commands import AmendCharter, Approve
from tests.support.ledger import Books, principal

HOUR_US = 3600 * clock.MICROSECONDS
FIRST = principal("first-operator", OPERATOR)
SECOND = principal("second-operator", OPERATOR)


def rows(**more: Any) -> list[LimitClause]:
    """The same limits for members and organisations."""
    return [LimitClause(kind="member", **more), LimitClause(kind="organisation", **more)]


def charter(code: str = "PUMA", **more: Any) -> Charter:
    """A charter without anything but the limits that every one has, and what is given."""
    fields = {"names": {"en": code}, "kind": "backed", "minor_units": 100, "limits": rows(), **more}
    return Charter(**fields)


def amendment(
    version: int, valid_from: int, given: Charter, currency: str = "PUMA", *, now: int | None = None
) -> AmendCharter:
    return AmendCharter(
        id=id_at(now), currency=currency, version=version, valid_from=valid_from, charter=given
    )


def amend(books: Books, given: Charter, currency: str = "PUMA", *, now: int | None = None) -> Record:
    """Propose and adopt the next version of a charter, which holds an hour later; the record of its
    adoption.
    """
    now = max(clock.now_us() if now is None else now, books.state.header.recorded_at)
    listed = books.state.things["charters", currency]
    versions = [[1, 0]] if listed is None else listed.body["versions"]
    valid_from = max(now, versions[-1][1]) + HOUR_US
    proposed = amendment(versions[-1][0] + 1, valid_from, given, currency, now=now)
    books.accepted(proposed, FIRST, now)
    return books.accepted(Approve(id=id_at(now), proposal=proposed.id), SECOND, now)


def id_at(now: int | None) -> str:
    """A new id that was made at this time, or now."""
    return ids.new_id() if now is None else ids.new_id(now_ms=now // 1000)
