"""Payments to come: when they are due, three attempts, and whose authority they have."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ledger.kernel import calendar
from services.ledger.kernel.calendar import occurrence
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import Thing
from shared.contracts import clock, ids
from shared.contracts.charters import FeeClause
from shared.contracts.commands import (
    CancelSchedule,
    CloseAccount,
    CreateSchedule,
    ExecuteSchedule,
    Refund,
)
from tests.support.ledger import OPERATOR_PRINCIPAL
from tests.unit.services.ledger.kernel.books import CLOCK_WORK, DAY, SECOND, START, Books, rows, transfer

HOUR = 3600 * SECOND


@pytest.fixture
def books() -> Books:
    return Books("PUMA")


def schedule(books: Books, payer: str, payee: str, amount: int = 10, **more: Any) -> CreateSchedule:
    fields = {"currency": "PUMA", "first_at": books.now + DAY, **more}
    return CreateSchedule(id=books.id(), payer=payer, payee=payee, amount=amount, **fields)


def execute(books: Books, id: str, n: int = 0, attempt: int = 1) -> ExecuteSchedule:
    return ExecuteSchedule(id=books.id(), schedule=id, n=n, attempt=attempt)


def _made(books: Books, payer: str, payee: str, amount: int = 10, **more: Any) -> str:
    command = schedule(books, payer, payee, amount, **more)
    books.accept(command, books.holder(payer))
    return command.id


def _thing(books: Books, id: str) -> Thing:
    thing = books.state.things["schedule", id]
    assert thing is not None
    return thing


def _run(books: Books, id: str) -> list[Record]:
    """Do all that becomes due of a schedule, at its time."""
    records = []
    while (thing := _thing(books, id)).due_at is not None:
        books.now = max(books.now, thing.due_at)
        command = execute(books, id, thing.body["n"], thing.body["attempt"])
        records.append(books.accept(command, CLOCK_WORK))
    return records


def test_a_payment_is_made_when_it_is_due_with_its_fee_and_limits_and_can_be_refunded(books: Books) -> None:
    till = books.account()
    books.amend(limits=rows(per_day=15), fee=FeeClause(to=till, fixed=1))
    payer, payee = books.account(100), books.account()
    command = schedule(books, payer, payee, memo="rent")
    record = books.accept(command, books.holder(payer))
    assert (record.type, record.payload["schedule"]) == ("schedule.created", {"id": command.id})
    assert record.note is not None
    assert record.note.memo == "rent"
    books.later(DAY - 1)
    books.refuse("not-due", execute(books, command.id), CLOCK_WORK)
    books.later(1)
    for n, attempt in ((1, 1), (0, 2)):
        books.refuse("not-due", execute(books, command.id, n, attempt), CLOCK_WORK)
    record = books.accept(execute(books, command.id), CLOCK_WORK)
    assert record.type == "transfer.posted"
    assert transfer(record)["schedule"] == {"id": command.id, "n": 0}
    assert [books.total(each) for each in (payer, payee, till)] == [90, 9, 1]
    books.refuse("not-due", execute(books, command.id), CLOCK_WORK)
    assert (_thing(books, command.id).body["status"], _thing(books, command.id).due_at) == ("done", None)
    books.refuse("spending-limit", books.pay(payer, payee, 6))
    books.accept(Refund(id=books.id(), transfer=transfer(record)["id"], amount=9), books.holder(payee))


def test_payments_at_the_end_of_the_month(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    id = _made(books, payer, payee, first_at=clock.from_text("2027-01-31T08:00:00Z"), every="month", count=4)
    days = [clock.to_text(record.recorded_at)[:16] for record in _run(books, id)]
    assert days == ["2027-01-31T08:00", "2027-02-28T08:00", "2027-03-31T08:00", "2027-04-30T08:00"]
    assert books.total(payee) == 40


@given(
    st.integers(START, clock.LAST_US), st.sampled_from(["once", "day", "week", "month"]), st.integers(0, 365)
)
def test_dates_come_again_in_their_order_at_their_time_of_day(first_at: int, every: str, n: int) -> None:
    try:
        moment = occurrence(first_at, every, n)
    except OverflowError:
        days = {"once": 0, "day": 1, "week": 7, "month": 31}[every]
        assert first_at + n * days * DAY > clock.LAST_US
        return
    first, then = clock.to_text(first_at), clock.to_text(moment)
    assert first[10:] == then[10:]
    assert occurrence(first_at, every, 0) == first_at
    if every == "month":
        months = [int(text[:4]) * 12 + int(text[5:7]) for text in (first, then)]
        assert months[1] - months[0] == n
        assert then[8:10] == min(first[8:10], calendar.last_of_lot(then[:10], "month")[8:10])
    else:
        assert moment - first_at == n * {"once": 0, "day": 1, "week": 7}[every] * DAY


def test_three_attempts_then_it_is_skipped_and_the_next_one_comes(books: Books) -> None:
    payer, payee = books.account(), books.account()
    id = _made(books, payer, payee, every="week", count=2, first_at=START + DAY)
    records = []
    for _ in range(3):
        thing = _thing(books, id)
        assert thing.due_at is not None
        books.now = thing.due_at
        records.append(books.accept(execute(books, id, 0, thing.body["attempt"]), CLOCK_WORK))
    assert [record.recorded_at - START - DAY for record in records] == [0, HOUR, 24 * HOUR]
    assert [record.type for record in records] == ["schedule.failed"] * 2 + ["schedule.skipped"]
    assert records[1].payload["schedule"] == {
        "id": id,
        "n": 0,
        "attempt": 2,
        "refusal": "insufficient-balance",
    }
    assert [record.payload["entries"] for record in records] == [[], [], []]
    thing = _thing(books, id)
    assert (thing.due_at, thing.body["n"], thing.body["attempt"]) == (START + 8 * DAY, 1, 1)
    assert thing.body["failure"] == "insufficient-balance"
    books.accept(books.issue(payer, 10))
    assert [record.type for record in _run(books, id)] == ["transfer.posted"]
    body = _thing(books, id).body
    assert (body["failure"], body["skipped"]) == (None, [[0, "insufficient-balance"]])
    assert books.total(payee) == 10


def test_an_attempt_that_succeeds_ends_the_failing(books: Books) -> None:
    payer, payee = books.account(), books.account()
    id = _made(books, payer, payee, every="day", count=2)
    books.later(DAY)
    books.accept(execute(books, id), CLOCK_WORK)
    books.refuse("not-due", execute(books, id, 0, 2), CLOCK_WORK)
    books.accept(books.issue(payer, 20))
    assert [transfer(record)["schedule"]["n"] for record in _run(books, id)] == [0, 1]


def test_attempts_that_come_late_still_lie_an_hour_and_a_day_apart(books: Books) -> None:
    payer, payee = books.account(), books.account()
    id = _made(books, payer, payee, every="day", count=2)
    books.later(5 * DAY)
    late = books.now
    assert [record.recorded_at - late for record in _run(books, id)] == [
        *(0, HOUR, DAY),
        *(DAY, DAY + HOUR, 2 * DAY),
    ]


def test_what_a_refused_attempt_would_have_booked_is_not_in_its_record() -> None:
    books = Books("PUMA")
    till = books.account(maximum_balance=0)
    books.amend(fee=FeeClause(to=till, fixed=1))
    payer, payee = books.account(100), books.account()
    id = _made(books, payer, payee)
    pending = books.reserve(payer, payee, 50)
    books.accept(pending)
    books.later(DAY)
    record = books.accept(execute(books, id), CLOCK_WORK)
    assert record.payload["schedule"]["refusal"] == "maximum-balance"
    assert record.payload["entries"] == []
    assert [each[0] for each in record.payload["sets"]] == ["schedule"]
    assert books.thing("pending", pending.id)["status"] == "pending"


@pytest.mark.parametrize("slug", ["account-frozen", "account-closed", "not-permitted", "spending-limit"])
def test_reasons_to_fail(books: Books, slug: str) -> None:
    payer, payee = books.account(100), books.account()
    clerk = books.allow(payer, "schedule")
    command = schedule(books, payer, payee)
    books.accept(command, clerk)
    if slug == "account-frozen":
        books.freeze(payer, "out")
    elif slug == "account-closed":
        books.accept(CloseAccount(id=books.id(), account=payee), books.holder(payee))
    elif slug == "not-permitted":
        books.allow(payer, "view", who=clerk)
    else:
        books.amend(limits=rows(per_transfer=9))
    assert {record.payload["schedule"]["refusal"] for record in _run(books, command.id)} == {slug}
    assert (books.total(payer), books.total(payee)) == (100, 0)


def test_who_may_make_one_and_end_one(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    clerk, payer_only = books.allow(payer, "schedule", limit=20), books.allow(payer, "pay")
    viewer = books.allow(payer, "view", "receive")
    for stranger in (viewer, books.holder(payee), OPERATOR_PRINCIPAL):
        books.refuse("not-permitted", schedule(books, payer, payee), stranger)
    books.refuse("not-permitted", schedule(books, payer, payee, 21), clerk)
    made = [schedule(books, payer, payee) for _ in range(3)]
    for command, who in zip(made, (clerk, payer_only, books.holder(payer)), strict=True):
        books.accept(command, who)
    for stranger in (viewer, payer_only, books.holder(payee)):
        books.refuse("not-permitted", CancelSchedule(id=books.id(), schedule=made[0].id), stranger)
    for command, who in zip(made, (clerk, payer_only, books.holder(payer)), strict=True):
        record = books.accept(CancelSchedule(id=books.id(), schedule=command.id), who)
        assert (record.type, record.payload["schedule"]) == ("schedule.cancelled", {"id": command.id})
    books.later(DAY)
    books.refuse("not-due", execute(books, made[0].id), CLOCK_WORK)
    refusal = books.refuse("schedule-settled", CancelSchedule(id=books.id(), schedule=made[0].id), clerk)
    assert refusal.parameters == {"schedule": made[0].id, "status": "cancelled"}


def test_operators_end_any_schedule(books: Books) -> None:
    made = _made(books, books.account(100), books.account())
    books.accept(CancelSchedule(id=books.id(), schedule=made), OPERATOR_PRINCIPAL)


def test_who_may_pay_no_more_ends_nothing(books: Books) -> None:
    payer = books.account(100)
    clerk = books.allow(payer, "pay")
    made = schedule(books, payer, books.account())
    books.accept(made, clerk)
    books.allow(payer, "view", who=clerk)
    books.refuse("not-permitted", CancelSchedule(id=books.id(), schedule=made.id), clerk)


def test_only_the_ledgers_jobs_execute(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    id = _made(books, payer, payee)
    books.later(DAY)
    for who in (books.holder(payer), OPERATOR_PRINCIPAL):
        books.refuse("not-permitted", execute(books, id), who)


def test_nobody_else_takes_the_id_of_an_attempt_beforehand(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    id = _made(books, payer, payee)
    attempt = ids.derived_id("schedule", id, "0", "1")
    taking = CancelSchedule(id=attempt, schedule=_made(books, payer, payee))
    for who in (books.holder(payer), OPERATOR_PRINCIPAL):
        books.refuse("not-permitted", taking, who)
    books.later(DAY)
    books.accept(ExecuteSchedule(id=attempt, schedule=id, n=0, attempt=1), CLOCK_WORK)


def test_unknown_ones(books: Books) -> None:
    id = books.account()
    books.refuse("unknown-schedule", CancelSchedule(id=books.id(), schedule=id))
    books.refuse("unknown-schedule", execute(books, id), CLOCK_WORK)


def test_times_that_cannot_be(books: Books) -> None:
    payer, payee = books.account(100), books.account()
    holder = books.holder(payer)
    today = START - START % DAY
    for more, pointer in (
        ({"count": 2}, "/count"),
        ({"first_at": today - 1}, "/first_at"),
        ({"first_at": clock.LAST_US + 1}, "/first_at"),
        ({"first_at": 2**80}, "/first_at"),
        ({"first_at": 2**80, "every": "month"}, "/first_at"),
        ({"first_at": clock.LAST_US, "every": "month", "count": 2}, "/first_at"),
        ({"first_at": clock.LAST_US - 5 * DAY, "every": "week", "count": 2}, "/first_at"),
    ):
        refusal = books.refuse("invalid-request", schedule(books, payer, payee, **more), holder)
        assert [fault.pointer for fault in refusal.faults] == [pointer]
    books.accept(schedule(books, payer, payee, first_at=today), holder)
    books.accept(schedule(books, payer, payee, first_at=clock.LAST_US), holder)


def test_payments_that_could_never_be_are_not_scheduled(books: Books) -> None:
    books.currency("LEAF")
    payer, payee, leaf = books.account(100), books.account(), books.account(currency="LEAF")
    holder = books.holder(payer)
    books.refuse("same-account", schedule(books, payer, payer), holder)
    books.refuse("wrong-currency", schedule(books, payer, leaf), holder)
    books.refuse("unknown-account", schedule(books, payer, ids.new_id()), holder)
    books.refuse("unknown-currency", schedule(books, payer, payee, currency="NONE"), holder)
    books.freeze(payee)
    books.refuse("account-frozen", schedule(books, payer, payee), holder)
