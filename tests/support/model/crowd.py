"""Random commands by many callers at once, through the real writer; then the journal is followed, record by
record, and every answer must have been possible at its place.

An accepted command must do at its place in the journal what the model does there, after every record that had
been acknowledged before the call and before none that had. A refused one must be refused by the model, for
the same reason, at some place between call and answer. One that came too late must do nothing, and be told
so, unless it was decided before. In some rounds the writer's clock is set back while callers go on.
"""

import itertools
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import hypothesis.strategies as st
from hypothesis.stateful import initialize, rule
from sqlalchemy import select

from services.ledger.journal.verify import RECORDS
from services.ledger.kernel.apply import apply
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import whole_state
from services.ledger.tables import journal, partitions
from services.ledger.writer import rows
from services.ledger.writer.calls import authorise
from shared.auth.principal import Principal
from shared.contracts import clock
from shared.contracts.commands import (
    Command,
    Outcome,
    Settle,
    UnfreezeAccount,
    WriteCall,
    WriteItem,
)
from shared.contracts.errors import PROBLEMS
from tests.support import tally
from tests.support.model import cast, strategies
from tests.support.model.book import Book
from tests.support.model.dates import DAY_US
from tests.support.model.history import GIVERS, LEAF, MONEYS, PUMA, SECONDS, History
from tests.support.model.kernel import check_equal
from tests.support.model.ledger import Answer, Model
from tests.support.model.strategies import picks, small_amounts
from tests.support.writing import Ledger

CALLERS = 16
CALL_SECONDS = 30
DAYS_BACK = 3000
"""The writer's clock begins so long ago, since tokens are good until shortly after the real present."""
TOKEN_SECONDS = 4 * 3600


class Asked(NamedTuple):
    """A command to give, and within how many seconds it is to be done; it is too late for those below 0."""

    command: Command
    who: Principal
    seconds: int


@dataclass(frozen=True)
class Given:
    """A command that was given and what came of it: how many records were certainly there before it was given
    and when it was answered, and the times (Unix microseconds) between.
    """

    command: Command
    who: Principal
    late: bool
    outcome: Outcome
    before: int
    after: int
    times: tuple[int, int]


def is_first(outcome: Outcome) -> bool:
    """Whether a command was decided for good, and not before."""
    if outcome.refusal is not None and not PROBLEMS[outcome.refusal["slug"]].final:
        return False
    return not outcome.replayed


class World:
    """A ledger with its writer, and the model that follows its journal."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.ids = cast.Ids()
        self.model = Model()
        self.communities: dict[str, str] = {}
        self.given: list[tuple[Command, Principal]] = []
        self.begun = False
        self.books: list[Book] = [Book()]
        """How the model stood after each record."""
        self.first: dict[str, Given] = {}
        """The first final answer to each command."""
        self._state = whole_state(0, "")
        self._acknowledged = 0
        self._lock = threading.Lock()
        self._tokens = {
            who: ledger.signer.sign(who.subject, "ledger", who.roles, lifetime_seconds=TOKEN_SECONDS)
            for who in cast.ALL
        }
        self._ahead_us = -DAYS_BACK * DAY_US
        self.start()

    def start(self) -> None:
        """Have a writer that goes by the clock of this world."""
        self.ledger.writer = self.ledger.new_writer(now_us=self.now_us)
        self.ledger.start()

    def restart(self) -> None:
        self.ledger.writer.stop()
        self.start()

    def now_us(self) -> int:
        return clock.now_us() + self._ahead_us

    def leap(self, us: int) -> None:
        """Set the clock, ahead or back."""
        self._ahead_us = min(0, self._ahead_us + us)

    def round(self, commands: Sequence[Asked]) -> list[Given]:
        """Have callers give these commands, each caller one after the other; then see that all is well."""
        lines = [list(commands[start::CALLERS]) for start in range(min(CALLERS, len(commands)))]
        with ThreadPoolExecutor(CALLERS) as pool:
            found = [*itertools.chain.from_iterable(pool.map(self._call, lines))]
        self._follow(found)
        self.first.update({given.command.id: given for given in found if is_first(given.outcome)})
        for given in found:
            self._check_answer(given)
        tally.count("commands of concurrent callers", len(found))
        tally.count("commands of these that came too late", sum(given.late for given in found))
        return found

    def _call(self, line: list[Asked]) -> list[Given]:
        found = []
        for command, who, seconds in line:
            before, began = self._acknowledged, self.now_us()
            not_after = began + seconds * clock.MICROSECONDS
            outcome = self._outcome(WriteCall([self._tokens[who]], [WriteItem(0, command)], not_after))
            with self.ledger.database.read() as connection:
                after: int = connection.execute(select(partitions.c.last_sequence)).scalar_one()
            with self._lock:
                self._acknowledged = max(self._acknowledged, after)
            found.append(Given(command, who, seconds < 0, outcome, before, after, (began, self.now_us())))
        return found

    def _outcome(self, call: WriteCall) -> Outcome:
        if call.not_after > self.now_us():
            (outcome,) = self.ledger.writer.decide(call)
            return outcome
        # `decide` would take the call back before the writer has it; this caller gave up just afterwards.
        pending = authorise(call.tokens, call.items, call.not_after, self.ledger.verifier)
        assert self.ledger.writer._intake.put(pending)
        assert pending.wait(CALL_SECONDS)
        (outcome,) = pending.answers()
        return outcome

    def _follow(self, found: list[Given]) -> None:
        """Go through the journal's new records with the model."""
        accepted: dict[str, Given] = {}
        for given in found:
            if given.outcome.view is not None and not given.outcome.replayed:
                assert given.command.id not in accepted, f"accepted twice: {given.command}"
                accepted[given.command.id] = given
        for record in self._new_records():
            given = accepted.pop(record.command)
            assert not given.late
            assert given.before < record.sequence <= given.after
            self.model.is_unbooked = lambda account: True
            answer = self.model.decide(given.command, given.who, record.recorded_at)
            warned = frozenset(record.payload.get("warnings", ()))
            assert answer == Answer(None, warned), f"{given.command} was accepted, the model says {answer}"
            self._state.header.timeline = record.timeline
            apply(self._state, record)
            self.books.append(self.model.book)
        assert not accepted, f"accepted without a record: {accepted}"
        check_equal(self.model, self._state, self.model.book.now)

    def _new_records(self) -> list[Record]:
        query = RECORDS.where(journal.c.sequence >= len(self.books))
        with self.ledger.database.read() as connection:
            found = connection.execute(query).all()
        records: list[Record] = []
        for row in found:
            command, header, payload, salt, hash, *note = row[2:]
            before = records[-1].hash if records else self._state.header.hash
            records.append(rows.record(command, header, payload, salt, hash, before, *note))
        return records

    def _check_answer(self, given: Given) -> None:
        """Whether a refusal was right at some place between call and answer, and an old answer the first."""
        outcome = given.outcome
        if outcome.replayed:
            first = self.first[given.command.id].outcome
            assert (outcome.view, outcome.refusal) == (first.view, first.refusal)
        elif outcome.refusal is not None:
            slug = outcome.refusal["slug"]
            if slug == "id-reused" and self._is_used_otherwise(given):
                return
            if given.late:
                assert slug == "late", f"{slug} was decided too late: {given}"
                return
            reasons = {
                self._reason(given, place, now) for place in self._places(given) for now in given.times
            }
            assert slug in reasons, f"refused as {slug}, the model says {reasons}: {given}"

    def _places(self, given: Given) -> range:
        return range(given.before, given.after + 1)

    def _reason(self, given: Given, place: int, now: int) -> str | None:
        book = self.books[place]
        model = Model(book, is_unbooked=lambda account: not isinstance(given.command, Settle))
        return model.decide(given.command, given.who, max(now, book.now)).refused

    def _is_used_otherwise(self, given: Given) -> bool:
        """Whether somebody gave another command with this id, or the same as somebody else."""
        return any(
            command.id == given.command.id and (command != given.command or who != given.who)
            for command, who in self.given
        )


class Crowd(History):
    """Makes commands by what the model knows, which are given all at once when enough are there. Histories
    follow each other in the same world.
    """

    world: World

    def __init__(self) -> None:
        self.later = 0
        super().__init__()
        world = self.world
        self.model, self.ids = world.model, world.ids
        self.given, self.communities = world.given, world.communities
        self.waiting: list[Asked] = []
        self.restarting = False
        self.back_us = 0

    @property
    def clock(self) -> int:
        return self.world.now_us()

    @clock.setter
    def clock(self, us: int) -> None:
        """Time goes on after the commands have been given, else ids would be too old by then."""
        self.later = max(self.later, us - self.clock)

    def give(self, command: Command, who: Principal, seconds: int = CALL_SECONDS) -> Answer:
        self.given.append((command, who))
        if self.begun:
            self.waiting.append(Asked(command, who, seconds))
            return Answer("waiting")
        (given,) = self.world.round([Asked(command, who, seconds)])
        return Answer(None if given.outcome.refusal is None else given.outcome.refusal["slug"])

    @initialize(usual=strategies.criteria)
    def begin(self, usual: dict[str, strategies.Criterion]) -> None:
        """Two currencies without charters, which come later: draws may not depend on what there is."""
        self.usual = usual
        if not self.world.begun:
            self.create(PUMA, "backed", None)
            self.create(LEAF, "mutual_credit", None)
            self.hand_out()
        self.world.begun = self.begun = True

    @rule(leap=st.sampled_from([leap for leap in strategies.LEAPS if leap > 0]))
    def time_passes(self, leap: int) -> None:
        self.clock += leap

    @rule(payer=picks, payee=picks, amount=small_amounts, code=MONEYS)
    def pay_more(self, payer: int, payee: int, amount: int, code: str) -> None:
        self.pay_little(code=code, payer=payer, payee=payee, amount=amount, giver=0)

    @rule(payer=picks, payee=picks, amount=small_amounts, seconds=SECONDS)
    def reserve_more(self, payer: int, payee: int, amount: int, seconds: int) -> None:
        self.transfer(PUMA, payer, payee, amount, 0, pending_seconds=seconds)

    @rule(payee=picks, amount=small_amounts)
    def issue_more(self, payee: int, amount: int) -> None:
        self.issue(code=PUMA, payee=payee, amount=amount, giver=0, purpose=payee, case="A-7")

    @rule(code=MONEYS, pick=picks, giver=GIVERS, whole=st.booleans())
    def freeze(self, code: str, pick: int, giver: int, whole: bool) -> None:
        """For a moment only, else everything would be frozen sooner or later."""
        super().freeze(code=code, pick=pick, giver=giver, whole=whole)
        account = self.given[-1][0].account  # type: ignore[union-attr]
        self.give(UnfreezeAccount(id=self.new_id(), account=account), cast.OPERATORS[1])

    @rule()
    def restart(self) -> None:
        """Another writer takes over before the commands are given."""
        self.restarting = True

    @rule(seconds=st.integers(1, 59))
    def clock_is_set_back(self, seconds: int) -> None:
        """When half of the commands have been given, by no more than the writer puts up with."""
        self.back_us = seconds * clock.MICROSECONDS

    def teardown(self) -> None:
        if self.restarting:
            self.world.restart()
        half = len(self.waiting) // 2 if self.back_us else len(self.waiting)
        self._round(self.waiting[:half])
        if self.back_us:
            self.world.leap(-self.back_us)
            self._round(self.waiting[half:])
            tally.count("rounds of these with the clock set back")
        self.world.leap(self.back_us + self.later)

    def _round(self, commands: Sequence[Asked]) -> None:
        if commands:
            self.world.round(commands)
            tally.count("rounds of concurrent callers")
