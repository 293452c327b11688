"""A log replayed as commands: in its order, with its own times, and the same however often it is started.

Every id follows from the log alone, so the ledger itself knows what it has done already: a replay that was
killed is simply started again. Rows that break a rule are refused by the ledger like anybody's, and told as
exceptions.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from services.ledger.imports.ukds import AGENT_OUT, DISBURSEMENT, RECLAMATION, BadRow, Row
from shared.contracts import ids
from shared.contracts.commands import (
    WRITER_BATCH_LIMIT,
    Command,
    CreateCurrency,
    OpenAccount,
    Outcome,
    Transfer,
)
from shared.contracts.errors import PROBLEMS, Refusal

FORMAT = "ukds"
PASSING = frozenset({"late", "outcome-unknown", "writer-unavailable", "service-unavailable", "clock-behind"})
"""Refusals that say nothing of the row: the same commands are sent again."""


class Tags(NamedTuple):
    """What an account is opened with: its kind, and the opaque tags that indicators are split by."""

    kind: str
    territory: str | None = None
    category: str | None = None


class Rejected(NamedTuple):
    """A row that was not applied: `reason` is the refusal's slug, `detail` its sentence."""

    row: int
    id: str
    reason: str
    detail: str


@dataclass
class Summary:
    """What a replay came to. Volumes and supply are in minor units; `accounts` are those that it opened."""

    rows: int = 0
    applied: Counter[str] = field(default_factory=Counter)
    volumes: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    accounts: int = 0

    @property
    def supply(self) -> int:
        """Issued less redeemed, as this log says."""
        return self.volumes[DISBURSEMENT] - self.volumes[RECLAMATION]

    def to_json(self) -> dict[str, Any]:
        return {
            "rows": self.rows,
            "applied": dict(self.applied),
            "volumes": dict(self.volumes),
            "refused": dict(self.refused),
            "accounts": self.accounts,
            "supply": self.supply,
        }


@dataclass(frozen=True, slots=True)
class Target:
    """Where a log goes: the currency's code, its partition, and what is used where it must be created."""

    currency: str
    minor_units: int
    partition: int = 0
    exists: bool = False
    kind: str = "backed"
    names: dict[str, str] | None = None
    territory: str = "imported"
    simulated: bool = False
    tags: Callable[[str], Tags] | None = None


Send = Callable[[list[Command]], list[Outcome]]


def replay(
    rows: Iterable[Row | BadRow],
    target: Target,
    send: Send,
    *,
    reject: Callable[[Rejected], None],
    progress: Callable[[int], None],
) -> Summary:
    """Replay rows through `send`, which takes at most 500 commands and answers each.

    `reject` is told every row that is not applied, in file order; `progress` how many rows are done. Raises
    Refusal where the currency cannot be created.
    """
    replaying = _Replay(target, send, reject)
    for row in rows:
        replaying.add(row)
        if replaying.is_full():
            replaying.flush()
            progress(replaying.summary.rows)
    replaying.flush()
    return replaying.summary


def account_id(target: Target, address: str) -> str:
    """The id of the account that an address of the log becomes."""
    return ids.derived_account_id(target.partition, FORMAT, target.currency, "account", address)


def holder_id(currency: str, address: str) -> str:
    """The opaque holder of an address's account."""
    return ids.derived_id(FORMAT, currency, "holder", address)


class _Replay:
    """The commands that wait to be sent, each with its row, or None where it prepares for rows to come."""

    def __init__(self, target: Target, send: Send, reject: Callable[[Rejected], None]) -> None:
        self.summary = Summary()
        self._target = target
        self._send = send
        self._reject = reject
        self._waiting: list[tuple[Row | BadRow | None, Command | None]] = []
        self._addresses: set[str] = set()
        self._created = target.exists

    def is_full(self) -> bool:
        # A row may bring two accounts and, the first one, the currency with it.
        return len(self._waiting) > WRITER_BATCH_LIMIT - 4

    def add(self, row: Row | BadRow) -> None:
        self.summary.rows += 1
        if isinstance(row, BadRow):
            self._waiting.append((row, None))
            return
        if not self._created:
            self._waiting.append((None, self._currency(row)))
            self._created = True
        payer = None if row.subtype == DISBURSEMENT else self._account(row.source, row, "member")
        payee_kind = "organisation" if row.subtype == AGENT_OUT else "member"
        payee = None if row.subtype == RECLAMATION else self._account(row.target, row, payee_kind)
        self._waiting.append((row, self._transfer(row, payer, payee)))

    def flush(self) -> None:
        """Send what waits, and count what became of it."""
        commands = [command for _, command in self._waiting if command is not None]
        outcomes = iter(self._send(commands) if commands else [])
        for row, command in self._waiting:
            if isinstance(row, BadRow):
                self._refuse(*row)
                continue
            refusal = next(outcomes).refusal
            if refusal is None:
                self._count(row, command)
            elif isinstance(command, OpenAccount) and refusal["slug"] == "id-reused":
                # An earlier log of this currency opened it, at another time than this one would.
                continue
            elif row is None or not _is_about_the_row(refusal["slug"]):
                raise Refusal.from_wire(refusal)
            else:
                self._refuse(row.number, row.id, refusal["slug"], Refusal.from_wire(refusal).detail)
        self._waiting.clear()

    def _count(self, row: Row | None, command: Command | None) -> None:
        if row is not None:
            self.summary.applied[row.subtype] += 1
            self.summary.volumes[row.subtype] += row.amount
        elif isinstance(command, OpenAccount):
            self.summary.accounts += 1

    def _refuse(self, number: int, row_id: str, reason: str, detail: str) -> None:
        self.summary.refused[reason] += 1
        self._reject(Rejected(number, row_id, reason, detail))

    def _currency(self, row: Row) -> CreateCurrency:
        target = self._target
        return CreateCurrency(
            id=ids.derived_id(FORMAT, target.currency, "currency"),
            code=target.currency,
            names=target.names or {"en": row.token_name or target.currency},
            minor_units=target.minor_units,  # type: ignore[arg-type]  # the ledger refuses what is no scale
            kind=target.kind,  # type: ignore[arg-type]  # and what is no kind
            territory=target.territory,
            simulated=target.simulated,
            occurred_at=row.occurred_at,
        )

    def _account(self, address: str, row: Row, kind: str) -> str:
        account = account_id(self._target, address)
        if address not in self._addresses:
            self._addresses.add(address)
            tags = self._target.tags(address) if self._target.tags else Tags(kind)
            command = OpenAccount(
                id=account,
                currency=self._target.currency,
                kind=tags.kind,  # type: ignore[arg-type]  # the ledger refuses what is no kind
                holder=holder_id(self._target.currency, address),
                territory=tags.territory,
                category=tags.category,
                occurred_at=row.occurred_at,
            )
            self._waiting.append((None, command))
        return account

    def _transfer(self, row: Row, payer: str | None, payee: str | None) -> Transfer:
        kinds = {DISBURSEMENT: "issuance", RECLAMATION: "redemption"}
        return Transfer(
            id=ids.derived_id(FORMAT, self._target.currency, "row", str(row.number), row.id),
            kind=kinds.get(row.subtype, "payment"),  # type: ignore[arg-type]
            currency=self._target.currency,
            amount=row.amount,
            payer=payer,
            payee=payee,
            occurred_at=row.occurred_at,
        )


def _is_about_the_row(slug: str) -> bool:
    """Whether a refusal speaks of the row itself; any other, such as a frozen ledger, ends the replay."""
    return PROBLEMS[slug].final or slug in ("invalid-amount", "invalid-request", "id-reused")


def persistent(send: Send, pause: Callable[[int], None]) -> Send:
    """A `send` that repeats what got no answer, or no chance, until each command is decided.

    `pause` is called before the attempts after the first with how many there were. Commands behind one that
    must be repeated are sent again with it, so that all are decided in their order.
    """

    def send_until_decided(commands: list[Command]) -> list[Outcome]:
        decided: list[Outcome] = []
        attempts = 0
        while len(decided) < len(commands):
            if attempts:
                pause(attempts)
            attempts += 1
            decided += _decided_first(send(commands[len(decided) :]))
        return decided

    return send_until_decided


def _decided_first(outcomes: Iterable[Outcome]) -> Iterator[Outcome]:
    """The outcomes before the first that says nothing of its command."""
    for outcome in outcomes:
        if outcome.refusal is not None and outcome.refusal["slug"] in PASSING:
            return
        yield outcome
