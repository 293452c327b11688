"""Accounts: opened, changed, frozen, closed."""

from dataclasses import replace
from typing import Any

from msgspec import UNSET

from shared.auth.principal import OPERATOR, Principal
from shared.contracts import ids
from shared.contracts.commands import (
    MAX_DELEGATES,
    ChangeLimits,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
    SetDelegate,
    Settle,
    TagAccount,
    UnfreezeAccount,
)
from tests.support.model import amending, moving, terms
from tests.support.model.book import PLAIN, Account, Book, No, Pot
from tests.support.model.opening import PARTITION
from tests.support.model.transfers import holds

OWN_LIMITS = ("credit_limit", "maximum_balance", "per_transfer", "per_day", "per_month")


def open_account(book: Book, command: OpenAccount, who: Principal) -> None:
    book.money(command.currency)
    if ids.partition_of(command.id) != PARTITION:
        raise No("invalid-request")
    if command.id in book.accounts:
        raise No("id-reused")
    own = {name: getattr(command, name) for name in OWN_LIMITS[:2]}
    book.accounts[command.id] = Account(
        command.id,
        command.currency,
        command.kind,
        command.holder,
        level=command.level,
        place=command.place,
        category=command.category,
        territory=command.territory,
        groups=frozenset(command.groups),
        own={name: value for name, value in own.items() if value is not None},
    )


def change_limits(book: Book, command: ChangeLimits, who: Principal) -> None:
    account = _living(book, command.account)
    own = dict(account.own)
    for name in OWN_LIMITS:
        given = getattr(command, name)
        if given is not UNSET:
            own[name] = given
    level = account.level if command.level is UNSET else command.level
    own = {name: value for name, value in own.items() if value is not None}
    _put(book, replace(account, own=own, level=level))


def tag(book: Book, command: TagAccount, who: Principal) -> None:
    account = _living(book, command.account)
    fields: dict[str, Any] = {
        name: getattr(command, name)
        for name in ("territory", "category", "place")
        if getattr(command, name) is not UNSET
    }
    if command.groups is not UNSET:
        fields["groups"] = frozenset(command.groups)
    _put(book, replace(account, **fields))


def set_delegate(book: Book, command: SetDelegate, who: Principal) -> None:
    account = _living(book, command.account)
    if not holds(account, who) and not who.has(OPERATOR):
        raise No("not-permitted")
    if not holds(account, who) and command.subject == who.subject and command.rights:
        raise No("not-permitted")
    if command.subject == account.holder:
        raise No("invalid-request")
    if command.per_transfer is not None and not {"pay", "schedule"} & set(command.rights):
        raise No("invalid-request")
    delegates = dict(account.delegates)
    delegates.pop(command.subject, None)
    if command.rights:
        delegates[command.subject] = (frozenset(command.rights), command.per_transfer)
    if len(delegates) > MAX_DELEGATES:
        raise No("too-many-delegates")
    _put(book, replace(account, delegates=delegates))


def freeze(book: Book, command: FreezeAccount, who: Principal) -> None:
    _put(book, replace(_living(book, command.account), frozen=command.direction))


def unfreeze(book: Book, command: UnfreezeAccount, who: Principal) -> None:
    _put(book, replace(_living(book, command.account), frozen=None))


def settle(book: Book, command: Settle, who: Principal) -> None:
    """Nothing is left to do: time has done it."""
    _held(book, command.account)


def close(book: Book, command: CloseAccount, who: Principal) -> None:
    account = _living(book, command.account)
    if not holds(account, who) and not who.has(OPERATOR):
        raise No("not-permitted")
    if account.frozen:
        raise No("account-frozen")
    for _, _, charter in _charters_from_now_on(book, account.currency):
        if account.id in amending.accounts_of(charter):
            raise No("account-in-charter")
    left = book.holdings(account.id)
    if any(kind.reservation for kind in left):
        raise No("reservations-open")
    if left:
        _leave(book, account, command.remainder_to, who)
    book.accounts[account.id] = replace(account, closed=True)


def _leave(book: Book, account: Account, to: str | None, who: Principal) -> None:
    """Everything that is left goes to another account as what it is, a debt too."""
    if to is None:
        raise No("remainder-needed")
    if to == account.id:
        raise No("same-account")
    heir = _living(book, to)
    if heir.currency != account.currency:
        raise No("wrong-currency")
    if heir.holder != account.holder and not holds(account, who):
        raise No("not-permitted")
    moving.check_can_take(heir)
    left, remainder = book.holdings(account.id), book.total(account.id)
    if left.get(PLAIN, 0) < 0 and heir.holder != account.holder:
        raise No("not-permitted")
    if remainder > 0 and holds(account, who):
        moving.count_spending(book, account, remainder)
    if remainder > 0:
        moving.check_room(book, heir, remainder)
    for kind, amount in left.items():
        book.move(amount, Pot(account.id, kind), Pot(heir.id, kind))
    if left.get(PLAIN, 0) < 0 and book.pots.get(Pot(heir.id), 0) < terms.lowest(book, heir):
        raise No("insufficient-balance")


def _charters_from_now_on(book: Book, code: str) -> list[Any]:
    versions = book.money(code).versions
    in_force = [version for version in versions if version[1] <= book.now][-1:] or list(versions[:1])
    return [*in_force, *(version for version in versions if version[1] > book.now)]


def _held(book: Book, id: str) -> Account:
    account = book.account(id)
    if not account.is_held:
        raise No("own-account")
    return account


def _living(book: Book, id: str) -> Account:
    account = _held(book, id)
    if account.closed:
        raise No("account-closed")
    return account


def _put(book: Book, account: Account) -> None:
    if account == book.accounts[account.id]:
        raise No("nothing-changes")
    book.accounts[account.id] = account
