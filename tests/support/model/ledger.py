"""The model of the ledger: commands go in, answers come out, and everything is looked at every time."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from shared.auth.principal import ADMINISTRATOR, IMPORTER, OPERATOR, TIMEKEEPER, Principal
from shared.contracts import commands, ids
from shared.contracts.commands import Command
from shared.contracts.errors import PROBLEMS
from shared.contracts.money import MAX_AMOUNT
from tests.support.model import (
    amending,
    deciding,
    giving_back,
    keeping,
    opening,
    reserving,
    scheduling,
    time,
    transfers,
)
from tests.support.model.book import Book, No
from tests.support.model.dates import DAY_US, HOUR_US

BY_ROLE: dict[type, tuple[str, ...]] = {
    commands.CreateCurrency: (ADMINISTRATOR, IMPORTER),
    commands.OpenAccount: (OPERATOR, ADMINISTRATOR, IMPORTER),
    commands.AmendCharter: (OPERATOR, ADMINISTRATOR),
    commands.Correct: (OPERATOR,),
    commands.FreezeAccount: (OPERATOR,),
    commands.UnfreezeAccount: (OPERATOR,),
    commands.ChangeLimits: (OPERATOR,),
    commands.TagAccount: (OPERATOR,),
    commands.Settle: (TIMEKEEPER,),
    commands.ExecuteSchedule: (TIMEKEEPER,),
}

DOING: dict[type, Callable[[Book, Any, Principal], None]] = {
    commands.Transfer: transfers.transfer,
    commands.LinkedTransfers: transfers.linked,
    commands.PostPending: reserving.post,
    commands.VoidPending: reserving.void,
    commands.Refund: giving_back.refund,
    commands.Reverse: giving_back.reverse,
    commands.Correct: deciding.correct,
    commands.Approve: deciding.approve,
    commands.Reject: deciding.reject,
    commands.CreateSchedule: scheduling.create,
    commands.CancelSchedule: scheduling.cancel,
    commands.ExecuteSchedule: scheduling.execute,
    commands.OpenAccount: keeping.open_account,
    commands.ChangeLimits: keeping.change_limits,
    commands.TagAccount: keeping.tag,
    commands.SetDelegate: keeping.set_delegate,
    commands.FreezeAccount: keeping.freeze,
    commands.UnfreezeAccount: keeping.unfreeze,
    commands.CloseAccount: keeping.close,
    commands.Settle: keeping.settle,
    commands.CreateCurrency: opening.create_currency,
    commands.AmendCharter: amending.amend,
}


class Answer(NamedTuple):
    """What became of a command: `refused` is the slug. `warnings`: soft limits that it passed. `replayed`: it
    was answered before.
    """

    refused: str | None
    warnings: frozenset[str] = frozenset()
    replayed: bool = False

    @property
    def accepted(self) -> bool:
        return self.refused is None


@dataclass
class Model:
    """`answers`: of every command that was answered for good, who gave it, what it was, and the answer.

    `is_unbooked` is asked whether the kernel has something to book for an account: in the model everything is
    always booked.
    """

    book: Book = field(default_factory=Book)
    answers: dict[str, tuple[str, Command, Answer]] = field(default_factory=dict)

    is_unbooked: Callable[[str], bool] = lambda account: True

    def submit(self, command: Command, who: Principal, clock_us: int, not_after: int) -> Answer:
        """Decide a command when the clock says so (Unix microseconds), which may be a little behind the last
        record, and give no new answer when it is later than `not_after`.
        """
        last = self.book.now
        if clock_us < last - 60_000_000:
            return Answer("clock-behind")
        if command.id in self.answers:
            subject, first, answer = self.answers[command.id]
            same = subject == who.subject and first == command
            return answer._replace(warnings=frozenset(), replayed=True) if same else Answer("id-reused")
        if not_after < clock_us:
            return Answer("late")
        return self.decide(command, who, max(clock_us, last))

    def decide(self, command: Command, who: Principal, now: int) -> Answer:
        """Decide a new command at a moment."""
        trial = self.at(now)
        try:
            check_identifier(trial, command, who)
            check_occurred_at(trial, command, who)
            if type(command) in BY_ROLE and not who.has(*BY_ROLE[type(command)]):
                raise No("not-permitted")
            DOING[type(command)](trial, command, who)
            if isinstance(command, commands.Settle) and not self.is_unbooked(command.account):
                raise No("not-due")
            check_countable(trial)
        except No as no:
            answer = Answer(no.slug)
            if not PROBLEMS[no.slug].final:
                return answer
        else:
            time.settle(trial)
            self.book = trial
            answer = Answer(None, frozenset(trial.warnings))
        self.answers[command.id] = (who.subject, command, answer)
        return answer

    def at(self, now: int) -> Book:
        """A copy of the book at a moment, with all that time has done by then."""
        book = self.book.copy()
        book.now = now
        time.settle(book)
        return book


def check_identifier(book: Book, command: Command, who: Principal) -> None:
    if ids.is_derived(command.id):
        anybodys = (commands.OpenAccount, commands.CreateCurrency)
        if not isinstance(command, anybodys) and not who.has(IMPORTER, TIMEKEEPER):
            raise No("not-permitted")
        return
    made_at = ids.made_at_ms(command.id) * 1000
    if made_at < book.now - 7 * DAY_US or made_at > book.now + HOUR_US // 12:
        raise No("id-out-of-window")


def check_occurred_at(book: Book, command: Command, who: Principal) -> None:
    if command.occurred_at is None:
        return
    if not who.has(IMPORTER):
        raise No("not-permitted")
    if not 0 <= command.occurred_at <= book.now:
        raise No("invalid-request")


def check_countable(book: Book) -> None:
    for account in book.accounts:
        amounts = [*book.holdings(account).values(), book.total(account)]
        if any(abs(amount) > MAX_AMOUNT for amount in amounts):
            raise No("too-much-to-count")
