"""Payments to come."""

from dataclasses import replace

from shared.auth.principal import OPERATOR, Principal
from shared.contracts.commands import SCHEDULE_ATTEMPTS, CancelSchedule, CreateSchedule, ExecuteSchedule
from tests.support.model import dates, drawing, transfers
from tests.support.model.book import Account, Book, No, Schedule
from tests.support.model.dates import DAY_US, HOUR_US
from tests.support.model.transfers import may


def create(book: Book, command: CreateSchedule, who: Principal) -> None:
    if command.every == "once" and command.count != 1:
        raise No("invalid-request")
    if dates.day_of(command.first_at) < book.today:
        raise No("invalid-request")
    book.money(command.currency)
    payer = book.account(command.payer)
    book.account(command.payee)
    _check_authority(payer, who.subject, command.amount)
    transfers.payment_between(book, command.currency, command.payer, command.payee, command.amount)
    book.schedules[command.id] = Schedule(command.id, command, who.subject, due_at=command.first_at)


def cancel(book: Book, command: CancelSchedule, who: Principal) -> None:
    schedule = _schedule(book, command.schedule)
    payer = book.account(schedule.command.payer)
    made_it = schedule.by == who.subject and may(payer, who, "pay")
    if not who.has(OPERATOR) and not may(payer, who, "schedule") and not made_it:
        raise No("not-permitted")
    if schedule.status != "active":
        raise No("schedule-settled")
    book.schedules[schedule.id] = replace(schedule, status="cancelled")


def execute(book: Book, command: ExecuteSchedule, who: Principal) -> None:
    schedule = _schedule(book, command.schedule)
    next_one = (schedule.n, schedule.attempt)
    if schedule.status != "active" or (command.n, command.attempt) != next_one or book.now < schedule.due_at:
        raise No("not-due")
    trial = book.copy()
    try:
        _pay(trial, schedule, command.id)
    except No:
        book.schedules[schedule.id] = _failed(book, schedule)
        return
    book.become(trial)
    book.schedules[schedule.id] = _next(schedule)


def _schedule(book: Book, id: str) -> Schedule:
    if id not in book.schedules:
        raise No("unknown-schedule")
    return book.schedules[id]


def _check_authority(payer: Account, subject: str, amount: int) -> None:
    who = Principal(subject, frozenset(), 0)
    if not may(payer, who, "pay", amount) and not may(payer, who, "schedule", amount):
        raise No("not-permitted")


def _pay(book: Book, schedule: Schedule, id: str) -> None:
    asked = schedule.command
    _check_authority(book.account(asked.payer), schedule.by, asked.amount)
    wish = transfers.payment_between(book, asked.currency, asked.payer, asked.payee, asked.amount)
    drawn = drawing.draw(book, wish, asked.amount)
    if drawn is None:
        raise No("insufficient-balance")
    transfers.post(book, wish, drawn, id)


def _failed(book: Book, schedule: Schedule) -> Schedule:
    """Attempts follow the first one after an hour and after a day."""
    if schedule.attempt == SCHEDULE_ATTEMPTS:
        return _next(replace(schedule, skipped=(*schedule.skipped, schedule.n)))
    tried_at = book.now if schedule.attempt == 1 else schedule.tried_at
    due_at = tried_at + (HOUR_US if schedule.attempt == 1 else DAY_US)
    return replace(schedule, attempt=schedule.attempt + 1, tried_at=tried_at, due_at=due_at)


def _next(schedule: Schedule) -> Schedule:
    n, asked = schedule.n + 1, schedule.command
    if n == asked.count:
        return replace(schedule, n=n, attempt=1, status="done")
    return replace(schedule, n=n, attempt=1, due_at=dates.due_at(asked.first_at, asked.every, n))
