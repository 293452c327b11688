"""What becomes of a command: a record to apply, or a refusal. Nothing is changed here."""

from typing import Any

from services.ledger.kernel import access, payload
from services.ledger.kernel.record import SALT_BYTES, Note, Record, note_hash, seal
from services.ledger.kernel.state import Account, Currency, State
from shared.auth.principal import Principal
from shared.contracts import ids, money
from shared.contracts.commands import Command, CreateCurrency, OpenAccount, Transfer
from shared.contracts.errors import Fault, Refusal
from shared.contracts.journal import ACCOUNT_OPENED, CURRENCY_CREATED, TRANSFER_POSTED
from shared.contracts.primitives import HOLDER_KINDS

RANDOM_BYTES = 2 * SALT_BYTES
"""How many random bytes a decision takes: the salt of the record and that of its note."""

_ROUTES = {
    "payment": (HOLDER_KINDS, HOLDER_KINDS, ("mutual_credit", "backed", "time")),
    "issuance": (("issuance",), HOLDER_KINDS, ("backed", "time")),
    "redemption": (HOLDER_KINDS, ("redemption",), ("backed", "time")),
}
"""Of each kind of transfer: which accounts it goes from and to, and in which currencies."""


def decide(
    state: State, command: Command, principal: Principal, now: int, random_bytes: bytes
) -> Record | Refusal:
    """The record that the command leads to, or why it is refused; its id must not be known yet (`recall`).

    `now` is Unix microseconds, never before the last record; `random_bytes` are `RANDOM_BYTES` that nobody
    can guess.
    """
    try:
        access.check_identifier(command, principal, now)
        access.check_occurred_at(command, principal, now)
        if isinstance(command, Transfer):
            return _transfer(state, command, principal, now, random_bytes)
        access.may_open(command, principal)
        if isinstance(command, OpenAccount):
            return _open_account(state, command, principal, now, random_bytes)
        return _create_currency(state, command, principal, now, random_bytes)
    except Refusal as refusal:
        return refusal


def _transfer(state: State, command: Transfer, principal: Principal, now: int, random_bytes: bytes) -> Record:
    currency = _currency(state, command.currency)
    transfer = payload.transfer_fields(command, currency)
    payer = _account(state, transfer["payer"])
    payee = _account(state, transfer["payee"])
    access.may_transfer(command, payer, principal)
    _check_route(command, currency, payer, payee)
    amount = command.amount
    _check_balances(currency, payer, payee, amount)
    note = None
    if command.memo or command.case_reference:
        note = Note(random_bytes[SALT_BYTES:], command.memo, command.case_reference)
        transfer["note"] = note_hash(note)
    entries = [
        [payer.id, PLAIN, -amount, payer.balance_of(PLAIN) - amount],
        [payee.id, PLAIN, amount, payee.balance_of(PLAIN) + amount],
    ]
    content = {"accounts": [], "entries": entries, "principal": principal.subject, "transfer": transfer}
    return _record(state, command, TRANSFER_POSTED, content, now, random_bytes, note)


def _check_route(command: Transfer, currency: Currency, payer: Account, payee: Account) -> None:
    if payer.id == payee.id:
        raise Refusal("same-account", account=payer.id)
    for account in (payer, payee):
        if account.currency != currency.code:
            raise Refusal("wrong-currency", account=account.id, held=account.currency, currency=currency.code)
    payer_kinds, payee_kinds, currency_kinds = _ROUTES[command.kind]
    if payer.kind in payer_kinds and payee.kind in payee_kinds and currency.kind in currency_kinds:
        return
    raise Refusal(
        "wrong-kind",
        kind=command.kind,
        payer_kinds=" or ".join(payer_kinds),
        payee_kinds=" or ".join(payee_kinds),
        currency_kinds=" or ".join(currency_kinds),
    )


def _check_balances(currency: Currency, payer: Account, payee: Account, amount: int) -> None:
    available = payer.total - payer.floor
    if amount > available:
        raise Refusal(
            "insufficient-balance",
            available=money.text(available, currency.code, currency.minor_units),
            available_amount=available,
            **_offered(currency, amount),
        )
    room = payee.ceiling - payee.total
    if amount > room:
        raise Refusal(
            "maximum-balance",
            room=money.text(room, currency.code, currency.minor_units),
            room_amount=room,
            **_offered(currency, amount),
        )


def _offered(currency: Currency, amount: int) -> dict[str, Any]:
    return {
        "amount": money.text(amount, currency.code, currency.minor_units),
        "amount_minor": amount,
        "currency": currency.code,
    }


def _open_account(
    state: State, command: OpenAccount, principal: Principal, now: int, random_bytes: bytes
) -> Record:
    currency = _currency(state, command.currency)
    if ids.partition_of(command.id) != state.header.partition:
        detail = f"an account of {currency.code} has an id of partition {state.header.partition}"
        raise Refusal("invalid-request", (Fault("/id", "wrong-partition", detail),))
    _check_unused(state, command.id)
    content = {
        "accounts": [payload.account_fields(command, currency)],
        "entries": [],
        "principal": principal.subject,
    }
    return _record(state, command, ACCOUNT_OPENED, content, now, random_bytes)


def _create_currency(
    state: State, command: CreateCurrency, principal: Principal, now: int, random_bytes: bytes
) -> Record:
    if "en" not in command.names:
        raise Refusal("invalid-request", (Fault("/names", "required", "the English name is compulsory"),))
    if state.currencies[command.code] is not None:
        raise Refusal("currency-exists", currency=command.code)
    currency = payload.currency_fields(command, state.header.partition)
    accounts = payload.own_accounts(currency)
    for account in accounts:
        _check_unused(state, account["id"])
    content = {"accounts": accounts, "currency": currency, "entries": [], "principal": principal.subject}
    return _record(state, command, CURRENCY_CREATED, content, now, random_bytes)


def _currency(state: State, code: str) -> Currency:
    currency = state.currencies[code]
    if currency is None:
        raise Refusal("unknown-currency", currency=code)
    return currency


def _account(state: State, id: str) -> Account:
    account = state.accounts[id]
    if account is None:
        raise Refusal("unknown-account", account=id)
    return account


def _check_unused(state: State, account: str) -> None:
    if state.accounts[account] is not None:
        raise Refusal("id-reused", id=account)


def _record(
    state: State,
    command: Command,
    type: str,
    content: dict[str, Any],
    now: int,
    random_bytes: bytes,
    note: Note | None = None,
) -> Record:
    header = state.header
    return seal(
        partition=header.partition,
        timeline=header.timeline,
        sequence=header.sequence + 1,
        prev_hash=header.hash,
        type=type,
        recorded_at=now,
        occurred_at=now if command.occurred_at is None else command.occurred_at,
        command=command.id,
        payload=content,
        salt=random_bytes[:SALT_BYTES],
        note=note,
    )
