"""What a charter may not say: for each clause at fault its place in the document, and why.

A place is a JSON pointer (RFC 6901). Whether the accounts that a charter names exist is not looked at here.
`docs/charters.md` tells these rules to people.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

from services.ledger.kernel import calendar
from shared.contracts.charters import (
    MAX_BUCKETS,
    Charter,
    LimitClause,
    Lot,
    Penalty,
    PurposeClause,
    RedemptionClause,
)
from shared.contracts.commands import MAX_OPEN_RESERVATIONS
from shared.contracts.primitives import HOLDER_KINDS

MAX_FREE_BUCKETS = MAX_BUCKETS - MAX_OPEN_RESERVATIONS
"""In how many buckets the units of an account that are not reserved may lie, by any charter. The others are
for what its reservations split off.
"""

_LOT_DAYS = {"day": 1, "week": 7, "month": 31}
_CRITERIA = ("categories", "places", "groups", "goods")
_AT_MOST = (
    ("per_transfer", "per_day"),
    ("per_transfer", "per_month"),
    ("per_day", "per_month"),
    ("soft_per_day", "per_day"),
    ("soft_per_day", "per_month"),
    ("soft_per_month", "per_month"),
    ("soft_per_day", "soft_per_month"),
    ("soft_credit_limit", "credit_limit"),
)
"""Limits of which the first may not be above the second."""


class Contradiction(NamedTuple):
    """A clause at fault and why, in English."""

    clause: str
    reason: str


Found = Iterator[Contradiction]


def contradictions(
    charter: Charter, kind: str, minor_units: int, earlier: Sequence[Charter], first_day: str
) -> Found:
    """What contradicts itself in a charter of a currency of this kind and scale, which follows these versions
    (the last one last) and holds from a day on. Nothing, where the charter can be adopted.
    """
    yield from _fixed(charter, kind, minor_units)
    yield from _words(charter)
    yield from _limits(charter.limits)
    yield from _mutual_credit(charter) if charter.kind == "mutual_credit" else _units(charter)
    yield from _fee(charter)
    yield from _purposes(charter, earlier, first_day)
    if charter.kind != "mutual_credit":
        yield from _too_many_kinds(charter)


def _fixed(charter: Charter, kind: str, minor_units: int) -> Found:
    if charter.kind != kind:
        yield Contradiction("/kind", f"the currency was created as {kind}, which stays")
    if charter.minor_units != minor_units:
        yield Contradiction("/minor_units", f"the currency was created with {minor_units}, which stays")


def _words(charter: Charter) -> Found:
    given = [
        ("/names", charter.names),
        *((f"/purposes/{n}/names", p.names) for n, p in _purposes_of(charter)),
    ]
    given += [("/symbols", charter.symbols)] if charter.symbols else []
    given += [("/description", charter.description)] if charter.description else []
    for place, words in given:
        if "en" not in words:
            yield Contradiction(place, "the English one is compulsory")


def _limits(rows: Sequence[LimitClause]) -> Found:
    for kind in HOLDER_KINDS:
        if not any(row.kind == kind and row.level == 0 for row in rows):
            yield Contradiction("/limits", f"nothing is said of accounts of kind {kind} at level 0")
    seen: set[tuple[str, int]] = set()
    for number, row in enumerate(rows):
        place = f"/limits/{number}"
        if (row.kind, row.level) in seen:
            yield Contradiction(place, f"kind {row.kind} at level {row.level} has a row already")
        seen.add((row.kind, row.level))
        if row.maximum_balance == 0 and row.credit_limit == 0:
            yield Contradiction(f"{place}/maximum_balance", "these accounts could never hold or owe anything")
        for low, high in _AT_MOST:
            below, above = getattr(row, low), getattr(row, high)
            if below is not None and above is not None and below > above:
                yield Contradiction(f"{place}/{low}", f"{below} is more than {high}, {above}")


def _mutual_credit(charter: Charter) -> Found:
    """There units are neither issued nor redeemed, and all alike, since nothing but debts stands behind
    them. `allowed` is not looked at.
    """
    redemption = charter.redemption
    for place, given in (
        ("/issuance/case_reference_required", charter.issuance.case_reference_required),
        ("/redemption/case_reference_required", redemption.case_reference_required),
        ("/redemption/minimum", redemption.minimum is not None),
        ("/redemption/penalties", redemption.penalties),
        ("/redemption/penalty_to", redemption.penalty_to),
        ("/expiry", charter.expiry),
        ("/purposes", charter.purposes),
    ):
        if given:
            yield Contradiction(place, "in mutual credit no units are issued or redeemed")


def _units(charter: Charter) -> Found:
    yield from _redemption(charter.redemption, charter.limits)
    expiry = charter.expiry
    if expiry is not None and expiry.notice_days >= expiry.after_days:
        yield Contradiction(
            "/expiry/notice_days",
            f"{expiry.notice_days} days of notice do not fit into {expiry.after_days} days of validity",
        )


def _redemption(clause: RedemptionClause, rows: Sequence[LimitClause]) -> Found:
    if len(set(clause.kinds)) < len(clause.kinds):
        yield Contradiction("/redemption/kinds", "the same kind is named twice")
    yield from _minimum(clause, [row for row in rows if row.kind in clause.kinds])
    if clause.penalties and clause.penalty_to is None:
        yield Contradiction("/redemption/penalty_to", "nothing is said of where penalties go")
    if clause.penalty_to is not None and not clause.penalties:
        yield Contradiction("/redemption/penalty_to", "there are no penalties that could go there")
    yield from _penalties(clause.penalties)
    shortest = min((penalty.under_days for penalty in clause.penalties), default=None)
    if shortest is not None and shortest < _LOT_DAYS[clause.lot]:
        yield Contradiction(
            "/redemption/lot",
            f"lots of a {clause.lot} cannot tell whether units were held for {shortest} days",
        )


def _minimum(clause: RedemptionClause, rows: Sequence[LimitClause]) -> Found:
    if clause.minimum is None or not rows:
        return
    most = max(
        min((row.maximum_balance, *_given(row.per_transfer, row.per_day, row.per_month))) for row in rows
    )
    if clause.minimum > most:
        yield Contradiction("/redemption/minimum", f"nobody could redeem more than {most} at a time")


def _penalties(penalties: Sequence[Penalty]) -> Found:
    """Who holds units longer must lose less, else waiting would be punished."""
    places = {id(penalty): f"/redemption/penalties/{number}" for number, penalty in enumerate(penalties)}
    for shorter, longer in pairwise(sorted(penalties, key=lambda penalty: penalty.under_days)):
        place = places[id(longer)]
        if longer.under_days == shorter.under_days:
            yield Contradiction(f"{place}/under_days", f"{longer.under_days} days have a penalty already")
        elif longer.basis_points >= shorter.basis_points:
            yield Contradiction(
                f"{place}/basis_points",
                f"units held longer must lose less than the {shorter.basis_points} before",
            )


def _fee(charter: Charter) -> Found:
    fee = charter.fee
    if fee is None:
        return
    if not fee.fixed and not fee.basis_points:
        yield Contradiction("/fee", "the fee is nothing; leave the clause out")
    if fee.paid_by == "payer":
        return
    if fee.basis_points == 10_000:
        yield Contradiction("/fee/basis_points", "nothing of a payment would reach the payee")
    largest = [row.per_transfer for row in charter.limits]
    if fee.fixed and all(limit is not None and limit <= fee.fixed for limit in largest):
        yield Contradiction("/fee/fixed", "nothing of any payment allowed would reach the payee")


def _purposes(charter: Charter, earlier: Sequence[Charter], first_day: str) -> Found:
    before = {purpose.code: purpose for purpose in earlier[-1].purposes} if earlier else {}
    used = {purpose.code for version in earlier for purpose in version.purposes}
    seen: set[str] = set()
    for number, purpose in _purposes_of(charter):
        place = f"/purposes/{number}"
        if purpose.code in seen:
            yield Contradiction(f"{place}/code", f"{purpose.code} has a clause already")
        seen.add(purpose.code)
        yield from _criteria(purpose, place)
        yield from _dates(purpose, place)
        former = before.get(purpose.code)
        if former is not None:
            yield from _promise(purpose, former, place, first_day)
        elif purpose.code in used:
            yield Contradiction(
                f"{place}/code",
                f"units of {purpose.code} became free earlier; make a purpose with another code",
            )
        elif purpose.until and purpose.until < first_day:
            yield Contradiction(f"{place}/until", f"this is over before the charter holds, on {first_day}")


def _criteria(purpose: PurposeClause, place: str) -> Found:
    if not any(getattr(purpose, name) for name in _CRITERIA):
        yield Contradiction(place, "nothing is said of what these units may be spent for")
    for name in _CRITERIA:
        tags = getattr(purpose, name)
        if len(set(tags)) < len(tags):
            yield Contradiction(f"{place}/{name}", "the same word stands here twice")


def _dates(purpose: PurposeClause, place: str) -> Found:
    wrong = False
    for name in ("since", "until"):
        day = getattr(purpose, name)
        if day is not None and not calendar.is_day(day):
            wrong = True
            yield Contradiction(f"{place}/{name}", f"there is no day {day}")
    if not wrong and purpose.since and purpose.until and purpose.since > purpose.until:
        yield Contradiction(f"{place}/since", f"{purpose.since} is later than until, {purpose.until}")


def _promise(purpose: PurposeClause, former: PurposeClause, place: str, first_day: str) -> Found:
    """Units issued before lapse when they were to, so a purpose that ended earlier, began later or suited
    fewer payees would lock them up.
    """
    if purpose.until and (former.until is None or purpose.until < former.until):
        promised = f"until {former.until}" if former.until else "without end"
        yield Contradiction(
            f"{place}/until",
            f"units of {purpose.code} were issued to be spent {promised}; make a purpose with another code",
        )
    if purpose.since and purpose.since > max(first_day, former.since or ""):
        yield Contradiction(
            f"{place}/since",
            f"units of {purpose.code} would have to wait; make a purpose with another code",
        )
    for name in _CRITERIA:
        now, before = set(getattr(purpose, name)), set(getattr(former, name))
        if now and not (before and before <= now):
            yield Contradiction(
                f"{place}/{name}",
                f"units of {purpose.code} could be spent more widely; make a purpose with another code",
            )


def _too_many_kinds(charter: Charter) -> Found:
    bound = bucket_bound(charter)
    if bound <= MAX_FREE_BUCKETS:
        return
    place = (
        "/expiry" if charter.expiry else "/redemption/lot" if charter.redemption.penalties else "/purposes"
    )
    yield Contradiction(
        place,
        f"units could be told apart in up to {bound} ways in an account, of at most {MAX_FREE_BUCKETS}; "
        "take longer lots, shorter times or fewer purposes",
    )


def bucket_bound(charter: Charter) -> int:
    """In how many buckets the unreserved units of a settled account can lie at most, where all have been
    issued and received under this version.

    Days fall into lots by expiry and into lots by receipt. Where the day of expiry goes with the units, each
    of one kind meets each of the other; where it does not, both follow from one day, that of the issuance,
    and n lots cut the line of days that m lots cut into at most n + m - 1 pieces.
    """
    penalties, expiry = charter.redemption.penalties, charter.expiry
    received = 1
    if penalties:
        received += _boundaries(max(each.under_days for each in penalties), charter.redemption.lot)
    lots = 0 if expiry is None else 1 + _boundaries(expiry.after_days, expiry.lot)
    carried = expiry is not None and expiry.carries
    ends = {purpose.until for purpose in charter.purposes if purpose.until}
    # Units without purpose: for good, by lots of expiry, and of purposes that ended while their day went on.
    ways = received + _ways(lots, received, carried=carried) + (len(ends) * received if carried else 0)
    for purpose in charter.purposes:
        own = max(1, lots + (1 if purpose.until else 0))
        ways += _ways(own, received, carried=carried or purpose.carries)
    return ways


def _ways(lots: int, received: int, *, carried: bool) -> int:
    if lots == 0:
        return 0
    return lots * received if carried else lots + received - 1


def _boundaries(days: int, lot: Lot) -> int:
    """How many lots at most begin (or end) within so many days in a row."""
    if lot == "day":
        return days
    if lot == "week":
        return -(-days // 7)
    # n months in a row are never shorter than 365 * n / 12 - 3 days.
    return 1 + (days + 2) * 12 // 365


def _purposes_of(charter: Charter) -> Iterable[tuple[int, PurposeClause]]:
    return enumerate(charter.purposes)


def _given(*limits: int | None) -> tuple[int, ...]:
    return tuple(limit for limit in limits if limit is not None)
