"""The short way for what nearly every command is: the holder of an account pays plain units to somebody's.

`PlainPayments.decide` gives the very record that `decide` gives, in a fraction of the time, or None where
anything is not as simple as that: a fee, a limit of spending, a purpose, an account that is settled, tagged
with limits of its own, frozen or closed, words that go with the payment, or a refusal. Whoever gets None asks
`decide`. That both agree is held by a property test.
"""

from services.ledger.kernel.access import ID_MAX_AGE_US, ID_MAX_AHEAD_US
from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.charters import version_at
from services.ledger.kernel.record import HEADER_VERSION, SALT_BYTES, Record, canonical, chain
from services.ledger.kernel.state import Account, State
from shared.auth.principal import Principal
from shared.contracts.commands import Command, Transfer
from shared.contracts.journal import TRANSFER_POSTED
from shared.contracts.money import MAX_AMOUNT
from shared.contracts.primitives import HOLDER_KINDS

PLAIN_BODY = (
    b'{"accounts":[],"entries":[["%b","",-%d,%d],["%b","",%d,%d]],"principal":"%b",'
    b'"transfer":{"amount":%d,"currency":"%b","id":"%b","kind":"payment","payee":"%b","payer":"%b"}}'
)
"""The payload of a plain payment as it is hashed; `plain_body` fills it."""

_SPECIAL_TERMS = frozenset(("closed", "frozen", "own"))
"""What an account may have agreed that says how it may be paid from or to."""


def plain_body(
    payer: bytes,
    payee: bytes,
    principal: bytes,
    id: bytes,
    currency: bytes,
    amount: int,
    left: int,
    held: int,
) -> bytes:
    """The canonical payload of a plain payment, after which payer and payee hold `left` and `held`. Texts are
    given as they stand between quotation marks.
    """
    return PLAIN_BODY % (
        *(payer, amount, left, payee, amount, held, principal),
        *(amount, currency, id, payee, payer),
    )


class PlainPayments:
    """Decides plain payments at one moment (Unix microseconds, never before the last record)."""

    def __init__(self, state: State, now: int) -> None:
        self._state = state
        self._now = now
        self._versions: dict[str, int] = {}
        """Of currencies whose rules neither keep anything back nor count what is spent: the charter in
        force.
        """
        # Texts of the same length are in the order of the times that they tell.
        self._first_id = _id_text(-((ID_MAX_AGE_US - now) // 1000))
        self._last_id = _id_text((now + ID_MAX_AHEAD_US) // 1000)
        header = state.header
        start = canonical([HEADER_VERSION, header.partition, header.timeline])
        self._header_start = start[:-1] + b","
        self._header_end = b"," + canonical([TRANSFER_POSTED, now, now])[1:]

    def covers(self, command: Command) -> bool:
        """Whether deciding the command looks at nothing but what is loaded already."""
        return (
            type(command) is Transfer
            and command.kind == "payment"
            and self._version(command.currency) != 0
            and self._is_plain(command.payer, command.currency)
            and self._is_plain(command.payee, command.currency)
        )

    def decide(self, command: Command, principal: Principal, random_bytes: bytes) -> Record | None:
        """The record that the command leads to, where it is as simple as that. Its id must be new."""
        if type(command) is not Transfer or not _asks_plainly(command):
            return None
        accounts, code, amount = self._state.accounts, command.currency, command.amount
        version = self._version(code)
        payer, payee = accounts.get(command.payer or ""), accounts.get(command.payee or "")
        if not version or payer is None or payee is None or payer is payee:
            return None
        if payer.holder != principal.subject or payer.holder is None:
            return None
        if not (_moves_plainly(payer, code, version) and _moves_plainly(payee, code, version)):
            return None
        left, held = payer.total - amount, payee.total + amount
        if left < payer.floor or held > payee.ceiling or left < -MAX_AMOUNT or held > MAX_AMOUNT:
            return None
        if not self._first_id <= command.id[:13] <= self._last_id or command.id[14] == "8":
            return None
        return self._record(
            command, payer.id, payee.id, principal.subject, left, held, random_bytes[:SALT_BYTES]
        )

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
        try:
            listed = state.things["charters", code]
        except KeyError:
            return None
        version = 1 if listed is None else version_at(listed.body["versions"], self._now)
        rules = state.rules.get((code, str(version)))
        if rules is None:
            return None
        return 0 if rules.fee is not None or rules.bounds_spending or rules.penalties else version

    def _is_plain(self, id: str | None, code: str) -> bool:
        account = self._state.accounts.get(id or "")
        return account is not None and _moves_plainly(account, code, self._versions[code])

    def _record(
        self, command: Transfer, payer: str, payee: str, principal: str, left: int, held: int, salt: bytes
    ) -> Record:
        state, now, amount = self._state.header, self._now, command.amount
        sequence = state.sequence + 1
        body = plain_body(
            payer.encode(),
            payee.encode(),
            canonical(principal)[1:-1],
            canonical(command.id)[1:-1],
            command.currency.encode(),
            *(amount, left, held),
        )
        header = self._header_start + b"%d" % sequence + self._header_end
        payload = {
            "accounts": [],
            "entries": [[payer, PLAIN, -amount, left], [payee, PLAIN, amount, held]],
            "principal": principal,
            "transfer": {
                "amount": amount,
                "currency": command.currency,
                "id": command.id,
                "kind": "payment",
                "payee": payee,
                "payer": payer,
            },
        }
        return Record(
            *(state.partition, state.timeline, sequence, TRANSFER_POSTED, now, now, command.id, payload),
            *(header, body, salt, state.hash, chain(state.hash, salt, header, body)),
            plain=True,
        )


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


def _id_text(milliseconds: int) -> str:
    """How a UUIDv7 of this time begins."""
    text = f"{max(0, milliseconds):012x}"
    return f"{text[:8]}-{text[8:]}"
