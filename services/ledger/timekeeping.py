"""What time has made due is told to the writer: payments to come, reservations and units that have lapsed,
limits of a new charter.

Nothing is decided here, and nothing depends on when it is done: what is due is found in the tables, the
writer looks for itself, and says `not-due` to what has been done already. An attempt of a scheduled payment
has an id of its own, so that sending it again repeats nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from prometheus_client import Counter
from sqlalchemy import Select, and_, select

from services.ledger.kernel.calendar import day_of
from services.ledger.kernel.charters import version_at
from services.ledger.kernel.state import first_account
from services.ledger.resources import Resources
from services.ledger.tables import accounts, balances, lapsing_before, things
from services.ledger.writer import rows
from shared.contracts import clock, ids
from shared.contracts.commands import (
    WRITER_BATCH_LIMIT,
    Command,
    ExecuteSchedule,
    Outcome,
    Settle,
    WriteCall,
    WriteItem,
)
from shared.contracts.errors import Refusal
from shared.contracts.ledger import AUDIENCE, writer_service
from shared.contracts.primitives import HOLDER_KINDS
from shared.observability.logs import get_logger

SEND_SECONDS = 20.0

DONE = Counter(
    "ledger_timekeeping_commands_total", "What was due, by what became of it", ["command", "outcome"]
)

log = get_logger(__name__)


class Timekeeper:
    """Finds what is due in a partition and has it done. Each `step_` is a job's: it does at most one call's
    worth of commands, and says whether more is waiting.
    """

    def __init__(self, resources: Resources) -> None:
        assert resources.client is not None
        assert resources.tokens is not None
        self._database = resources.database
        self._partition = resources.partition
        self._client = resources.client
        self._tokens = resources.tokens()
        self._current: dict[str, int] = {}
        """The version of each currency's charter whose limits all accounts have."""
        self._passed: dict[str, int] = {}
        """Of currencies whose accounts are being gone through: the number of the last one."""

    def step_due(self) -> bool:
        """Payments to come that are due, and accounts with reservations that have lapsed."""
        query = (
            select(things.c.kind, things.c.id, things.c.owner, things.c.due_at, things.c.body)
            .where(
                things.c.due_at <= clock.now_us(),
                things.c.partition == self._partition,
                things.c.kind.in_(("pending", "schedule")),
            )
            .order_by(things.c.due_at, things.c.id)
            .limit(WRITER_BATCH_LIMIT)
        )
        with self._database.read() as connection:
            found = [rows.thing(row) for row in connection.execute(query)]
        payments: list[Command] = [
            execution(id, thing.body["n"], thing.body["attempt"])
            for (kind, id), thing in found
            if kind == "schedule"
        ]
        payers = {str(thing.owner): None for (kind, _), thing in found if kind == "pending"}
        return self._send([*payments, *_settling(payers)]) and len(found) == WRITER_BATCH_LIMIT

    def step_expired(self) -> bool:
        """Accounts with units that have lapsed, but for those reserved."""
        query = (
            select(accounts.c.id)
            .distinct()
            .join(balances, balances.c.account == accounts.c.number)
            .where(
                lapsing_before(day_of(clock.now_us())),
                balances.c.bucket.like("%|"),
                balances.c.balance != 0,
                self._own(),
            )
            .limit(WRITER_BATCH_LIMIT)
        )
        found = self._accounts(query)
        return self._send(_settling(found)) and len(found) == WRITER_BATCH_LIMIT

    def step_limits(self) -> bool:
        """Accounts that have not the limits of the charter in force, currency by currency; each currency's
        accounts are gone through once a version, and once after a start.
        """
        for code, version in sorted(self._versions().items()):
            if self._current.get(code) != version:
                self._take_over_limits(code, version)
                return True
        return False

    def _take_over_limits(self, code: str, version: int) -> None:
        """Settle the next accounts of a currency whose limits are those of another version."""
        last = self._passed.get(code, 0)
        query = (
            select(accounts.c.number, accounts.c.id, accounts.c.terms)
            .where(accounts.c.currency == code, accounts.c.kind.in_(HOLDER_KINDS), accounts.c.number > last)
            .order_by(accounts.c.number)
            .limit(WRITER_BATCH_LIMIT)
        )
        with self._database.read() as connection:
            found = connection.execute(query).all()
        behind = [row.id for row in found if msgspec.json.decode(row.terms).get("charter", 1) != version]
        if behind:
            self._send(_settling(behind))
        if len(found) == WRITER_BATCH_LIMIT:
            self._passed[code] = found[-1].number
            return
        # Whatever the writer would not do now, each account's next command does.
        self._passed.pop(code, None)
        self._current[code] = version

    def _versions(self) -> dict[str, int]:
        """The version in force of each charter that is no longer at its first."""
        query = select(things.c.id, things.c.body).where(
            things.c.kind == "charters", things.c.partition == self._partition
        )
        with self._database.read() as connection:
            listed = {row.id: msgspec.json.decode(row.body)["versions"] for row in connection.execute(query)}
        in_force = {code: version_at(versions, clock.now_us()) for code, versions in listed.items()}
        return {code: version for code, version in in_force.items() if version != listed[code][0][0]}

    def _own(self) -> Any:
        first, beyond = first_account(self._partition), first_account(self._partition + 1)
        return and_(balances.c.account >= first, balances.c.account < beyond)

    def _accounts(self, query: Select[Any]) -> list[str]:
        with self._database.read() as connection:
            return list(connection.execute(query).scalars())

    def _send(self, commands: Sequence[Command]) -> bool:
        """Have commands decided; says whether any of them did something. Raises the Refusal of a call that
        got no answer: the job tries again.
        """
        if not commands:
            return False
        service, token = writer_service(self._partition), self._tokens.token(AUDIENCE)
        until = clock.deadline(SEND_SECONDS)
        items = [WriteItem(0, command) for command in commands]
        answer = self._client.call(
            service, "decide", msgspec.to_builtins(WriteCall([token], items, until)), not_after=until
        )
        outcomes = msgspec.convert(answer["outcomes"], list[Outcome])
        done = 0
        for command, outcome in zip(commands, outcomes, strict=True):
            slug = "done" if outcome.refusal is None else outcome.refusal["slug"]
            DONE.labels(type(command).__name__, slug).inc()
            if outcome.refusal is None and not outcome.replayed:
                done += 1
            elif outcome.refusal is not None and slug != "not-due":
                refusal = Refusal.from_wire(outcome.refusal)
                log.warning("due_command_refused", command=command.id, slug=slug, detail=refusal.detail)
        log.info("due_commands_sent", commands=len(commands), done=done, partition=self._partition)
        return done > 0


def execution(schedule: str, n: int, attempt: int) -> ExecuteSchedule:
    """The command of one attempt of one payment: always under the same id."""
    id = ids.derived_id("schedule", schedule, str(n), str(attempt))
    return ExecuteSchedule(id=id, schedule=schedule, n=n, attempt=attempt)


def _settling(account_ids: Iterable[str]) -> list[Command]:
    return [Settle(id=ids.new_id(), account=account) for account in account_ids]
