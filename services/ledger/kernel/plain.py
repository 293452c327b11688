"""The short way for what nearly every command is: the holder of an account pays plain units to somebody's.

`PlainPayments.decide` gives the very record that `decide` gives, in a fraction of the time, or None where
anything is not as simple as that: a fee, a limit of spending, a purpose, an account that is settled, tagged
with limits of its own, frozen or closed, words that go with the payment, or a refusal. Whoever gets None asks
`decide`. That both agree is held by a property test.
"""

from functools import lru_cache
from typing import NamedTuple

from services.ledger.kernel.access import ID_MAX_AGE_US, ID_MAX_AHEAD_US
from services.ledger.kernel.charters import version_at
from services.ledger.kernel.record import HEADER_VERSION, SALT_BYTES, Record, canonical, chain
from services.ledger.kernel.state import Account, State
from shared.auth.principal import Principal
from shared.contracts.commands import Command, Transfer
from shared.contracts.ids import first_id, is_timed
from shared.contracts.journal import TRANSFER_POSTED
from shared.contracts.money import MAX_AMOUNT
from shared.contracts.primitives import HOLDER_KINDS

_SPECIAL_TERMS = frozenset(("closed", "frozen", "own"))
"""What an account may have agreed that says how it may be paid from or to."""

_TIME = 13
"""So many characters of an id tell its time."""


class Moved(NamedTuple):
    """What a plain payment does: after it, payer and payee hold `left` and `held`."""

    payer: Account
    payee: Account
    amount: int
    left: int
    held: int
    principal: str


class PlainPayments:
    """Decides plain payments at one moment (Unix microseconds, never before the last record)."""

    def __init__(self, state: State, now: int) -> None:
        self._state = state
        self._now = now
        self._versions: dict[str, int] = {}
        """Of currencies whose rules neither keep anything back nor count what is spent: the charter in
        force.
        """
        self._parties: dict[str | None, Account] = {}
        """Accounts that have been looked at, of those that move plainly: payments by this way do not change
        that.
        """
        # Texts of the same length are in the order of the times that they tell.
        self._first_id = first_id(-((ID_MAX_AGE_US - now) // 1000))[:_TIME]
        self._last_id = first_id((now + ID_MAX_AHEAD_US) // 1000)[:_TIME]
        header = state.header
        start = canonical([HEADER_VERSION, header.partition, header.timeline])
        self._header_start = start[:-1].decode() + ","
        self._header_end = "," + canonical([TRANSFER_POSTED, now, now])[1:].decode()

    def covers(self, command: Command) -> bool:
        """Whether deciding the command looks at nothing but what is loaded already."""
        return (
            type(command) is Transfer
            and command.kind == "payment"
            and self._party(command.payer, command.currency) is not None
            and self._party(command.payee, command.currency) is not None
        )

    def decide(self, command: Command, principal: Principal, random_bytes: bytes) -> Record | None:
        """The record that the command leads to, where it is as simple as that. Its id must be new."""
        if type(command) is not Transfer or not _asks_plainly(command):
            return None
        code, amount, id, subject = command.currency, command.amount, command.id, principal.subject
        payer, payee = self._party(command.payer, code), self._party(command.payee, code)
        if payer is None or payee is None or payer is payee or payer.holder != subject:
            return None
        left, held = payer.total - amount, payee.total + amount
        if left < payer.floor or held > payee.ceiling or left < -MAX_AMOUNT or held > MAX_AMOUNT:
            return None
        if not self._first_id <= id[:_TIME] <= self._last_id or not is_timed(id):
            return None
        return self._record(id, code, Moved(payer, payee, amount, left, held, subject), random_bytes)

    def _party(self, id: str | None, code: str) -> Account | None:
        """An account of the currency that moves plainly, as far as it is loaded."""
        account = self._parties.get(id)
        if account is None:
            account = self._state.accounts.get(id or "")
            version = self._version(code)
            if account is None or not version or not _moves_plainly(account, code, version):
                return None
            self._parties[id] = account
        return account if account.currency == code else None

    def _version(self, code: str) -> int:
        """The charter in force of a currency whose payments are plain; 0 for others, and what is not
        loaded.
        """
        version = self._versions.get(code)
        if version is None:
            version = self._find_version(code)
            if version is None:
                return 0
            self._versions[code] = version
        return version

    def _find_version(self, code: str) -> int | None:
        state = self._state
        currency = state.currencies.get(code)
        if currency is None or currency.partition != state.header.partition:
            return None
        try:
            listed = state.things["charters", code]
        except KeyError:
            return None
        version = 1 if listed is None else version_at(listed.body["versions"], self._now)
        rules = state.rules.get((code, str(version)))
        if rules is None:
            return None
        return 0 if rules.fee is not None or rules.bounds_spending or rules.penalties else version

    def _record(self, id: str, code: str, moved: Moved, random_bytes: bytes) -> Record:
        header, now = self._state.header, self._now
        payer, payee, amount, left, held, principal = moved
        sequence, salt = header.sequence + 1, random_bytes[:SALT_BYTES]
        head = f"{self._header_start}{sequence}{self._header_end}".encode()
        body = plain_body(payer.id, payee.id, _quoted(principal), id, code, amount, left, held)
        return Record(
            *(header.partition, header.timeline, sequence, TRANSFER_POSTED, now, now, id),
            *(head, body, salt, header.hash, chain(header.hash, salt, head, body)),
            moved=moved,
        )


def plain_body(
    payer: str,
    payee: str,
    principal: str,
    id: str,
    currency: str,
    amount: int | str,
    left: int | str,
    held: int | str,
) -> bytes:
    """The canonical payload of a plain payment, after which payer and payee hold `left` and `held`. Texts are
    given as they stand between quotation marks, the principal's with them.

    Never to be changed: what is stored says these words no more (`writer/packing.py`).
    """
    return (
        f'{{"accounts":[],"entries":[["{payer}","",-{amount},{left}],["{payee}","",{amount},{held}]],'
        f'"principal":{principal},"transfer":{{"amount":{amount},"currency":"{currency}","id":"{id}",'
        f'"kind":"payment","payee":"{payee}","payer":"{payer}"}}}}'
    ).encode()


@lru_cache(maxsize=4096)
def _quoted(text: str) -> str:
    return canonical(text).decode()


def _asks_plainly(command: Transfer) -> bool:
    return (
        command.kind == "payment"
        and not command.memo
        and not command.case_reference
        and command.occurred_at is None
        and command.pending_seconds is None
        and not command.up_to
        and not command.goods
        and command.purpose is None
    )


def _moves_plainly(account: Account, code: str, version: int) -> bool:
    """Whether nothing but floor and ceiling bounds what the account gives or takes, and nothing can lapse."""
    if account.currency != code or account.kind not in HOLDER_KINDS or account.special:
        return False
    terms = account.terms
    if not terms:
        return version == 1
    return terms.get("charter", 1) == version and _SPECIAL_TERMS.isdisjoint(terms)
