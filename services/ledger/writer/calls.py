"""Calls of the writer: from what arrived to commands with their principals, each refused by itself where it
must be.
"""

import re
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from shared.auth.principal import Principal
from shared.auth.tokens import Verifier
from shared.contracts import clock, commands, quick_transfers
from shared.contracts.commands import WRITER_BATCH_LIMIT, Command, Outcome, WriteCall, WriteItem
from shared.contracts.errors import Fault, Refusal

SETTLED_AFTER_US = 60 * clock.MICROSECONDS
"""How long after its deadline it is sure that a command without a record was never done."""

_PLACES: dict[type, tuple[str, str]] = {
    commands.Transfer: ("transfers", "id"),
    commands.LinkedTransfers: ("transfers", "id"),
    commands.PostPending: ("transfers", "pending"),
    commands.VoidPending: ("transfers", "pending"),
    commands.Refund: ("transfers", "id"),
    commands.Reverse: ("proposals", "id"),
    commands.Correct: ("proposals", "id"),
    commands.AmendCharter: ("proposals", "id"),
    commands.Approve: ("proposals", "proposal"),
    commands.Reject: ("proposals", "proposal"),
    commands.CreateSchedule: ("schedules", "id"),
    commands.CancelSchedule: ("schedules", "schedule"),
    commands.ExecuteSchedule: ("schedules", "schedule"),
    commands.OpenAccount: ("accounts", "id"),
    commands.ChangeLimits: ("accounts", "account"),
    commands.TagAccount: ("accounts", "account"),
    commands.SetDelegate: ("accounts", "account"),
    commands.FreezeAccount: ("accounts", "account"),
    commands.UnfreezeAccount: ("accounts", "account"),
    commands.CloseAccount: ("accounts", "account"),
    commands.Settle: ("accounts", "account"),
    commands.CreateCurrency: ("currencies", "code"),
}
"""Where it shows what has become of a command: the resource, and the field that names it."""

_PATH = re.compile(r"^(?P<fault>.*?)(?: - at `\$(?P<path>[^`]*)`)?$", re.DOTALL)


class Item(msgspec.Struct, frozen=True):
    """A command to decide: its position in its call, who gives it, and until when (Unix microseconds)."""

    position: int
    command: Command
    principal: Principal
    not_after: int


class PendingCall:
    """A call that waits for its outcomes. What is settled before it is queued is no item.

    It holds a lock until they are here: the cheapest signal that threads and green threads have.
    """

    __slots__ = ("_undecided", "items", "outcomes", "taken")

    def __init__(self, items: list[Item], outcomes: list[Outcome | None]) -> None:
        self.items = items
        self.outcomes = outcomes
        self.taken = False
        self._undecided = threading.Lock()
        self._undecided.acquire()

    def finish(self) -> None:
        """The outcomes are here; wakes who waits. Once for each call."""
        self._undecided.release()

    def wait(self, seconds: float) -> bool:
        """Whether the outcomes come within this time. By one thread, until it says yes."""
        return self._undecided.acquire(timeout=seconds) if seconds > 0 else self._undecided.acquire(False)

    def refuse(self, refusal: Refusal) -> None:
        """Give every item of the call the same answer."""
        outcome = refused(refusal)
        for item in self.items:
            self.outcomes[item.position] = outcome

    def is_late_by(self, moment_us: int) -> bool:
        """Whether anything was decided to be done whose deadline has passed by then."""
        return any(
            item.not_after < moment_us
            and (outcome := self.outcomes[item.position]) is not None
            and outcome.view is not None
            and not outcome.replayed
            for item in self.items
        )

    def answers(self) -> list[Outcome]:
        """The outcomes of a call that is done, in order."""
        return [outcome for outcome in self.outcomes if outcome is not None]

    def all_refused(self, refusal: Refusal) -> list[Outcome]:
        """The outcomes of a call that the writer never had."""
        self.refuse(refusal)
        return self.answers()

    def all_unknown(self, not_after: int) -> list[Outcome]:
        """Outcomes for a caller who waits no longer, while the writer has the call; it goes on with its own
        list.
        """
        outcomes = list(self.outcomes)
        for item in self.items:
            outcomes[item.position] = refused(_outcome_unknown(item.command, not_after))
        return [outcome for outcome in outcomes if outcome is not None]


class LooseCall(msgspec.Struct, frozen=True):
    """A call whose commands are not looked at yet."""

    tokens: list[str]
    items: list[Any]
    not_after: int


def refused(refusal: Refusal, *, replayed: bool = False) -> Outcome:
    return Outcome(refusal=refusal.to_wire(), replayed=replayed)


def read(
    arguments: Mapping[str, Any] | msgspec.Raw,
) -> tuple[list[str], Sequence[WriteItem | Refusal], int]:
    """Tokens, items and deadline of a call as it came, as plain data or as JSON. A command that cannot be
    read is its own refusal.

    Raises Refusal `invalid-request` where the call itself cannot be read.
    """
    if isinstance(arguments, msgspec.Raw):
        return _read_encoded(arguments)
    try:
        call = msgspec.convert(arguments, WriteCall)
        return call.tokens, call.items, call.not_after
    except msgspec.ValidationError:
        return _read_loosely(arguments)


def authorise(
    tokens: Sequence[str], items: Sequence[WriteItem | Refusal], not_after: int, verifier: Verifier
) -> PendingCall:
    """The call with the principals that its tokens speak for; nothing is decided after its token's end."""
    speakers = {number: _speaker(token, not_after, verifier) for number, token in enumerate(tokens)}
    outcomes: list[Outcome | None] = [None] * len(items)
    authorised: list[Item] = []
    for position, item in enumerate(items):
        if isinstance(item, Refusal):
            outcomes[position] = refused(item)
            continue
        principal, until = speakers.get(item.token, _NOBODY)
        if isinstance(principal, Refusal):
            outcomes[position] = refused(principal)
        else:
            authorised.append(Item(position, item.command, principal, until))
    return PendingCall(authorised, outcomes)


def _outcome_unknown(command: Command, not_after: int) -> Refusal:
    place, name = _PLACES[type(command)]
    address = f"/api/v1/{place}/{getattr(command, name)}"
    return Refusal("outcome-unknown", address=address, after=clock.to_text(not_after + SETTLED_AFTER_US))


_NOBODY = (Refusal("not-signed-in"), 0)


def _speaker(token: str, not_after: int, verifier: Verifier) -> tuple[Principal | Refusal, int]:
    """Who a token speaks for, and until when its commands may be decided."""
    try:
        principal = verifier.verify(token)
    except Refusal as refusal:
        return refusal, 0
    return principal, max(0, min(not_after, principal.expires_at))


def _read_encoded(raw: msgspec.Raw) -> tuple[list[str], Sequence[WriteItem | Refusal], int]:
    quick = quick_transfers.read_call(raw)
    if quick is not None:
        return quick
    try:
        return read(msgspec.json.decode(raw))
    except quick_transfers.UNREADABLE as error:
        raise Refusal("invalid-request", (Fault("", "invalid", "JSON"),)) from error


def _read_loosely(arguments: object) -> tuple[list[str], Sequence[WriteItem | Refusal], int]:
    try:
        call = msgspec.convert(arguments, LooseCall)
    except msgspec.ValidationError as error:
        raise Refusal("invalid-request", (_fault(error),)) from error
    if not 1 <= len(call.items) <= WRITER_BATCH_LIMIT:
        detail = f"a call carries 1 to {WRITER_BATCH_LIMIT} commands"
        raise Refusal("invalid-request", (Fault("/items", "length", detail),))
    return call.tokens, [_read_item(item) for item in call.items], call.not_after


def _read_item(item: Any) -> WriteItem | Refusal:
    try:
        return msgspec.convert(item, WriteItem)
    except msgspec.ValidationError as error:
        fault = _fault(error)
        pointer = fault.pointer.removeprefix("/command")
        if pointer == "/amount":
            return Refusal("invalid-amount", (fault._replace(pointer=pointer),), amount=_amount_of(item))
        return Refusal("invalid-request", (fault._replace(pointer=pointer),))


def _fault(error: msgspec.ValidationError) -> Fault:
    match = _PATH.match(str(error))
    assert match is not None
    steps = re.findall(r"[^.\[\]]+", match["path"] or "")
    return Fault("".join(f"/{step}" for step in steps), "invalid", match["fault"])


def _amount_of(item: Any) -> str:
    return str(item["command"].get("amount"))[:40]
