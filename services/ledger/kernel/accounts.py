"""Accounts: opening them, changing what is agreed of them, freezing, settling and closing them."""

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET

from services.ledger.kernel import access
from services.ledger.kernel.buckets import PLAIN, parse
from services.ledger.kernel.case import Case, Decision
from services.ledger.kernel.charters import rules_of, version_at, versions_of
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.limits import count_spending
from services.ledger.kernel.payload import account_fields
from services.ledger.kernel.state import Account, Currency, State
from services.ledger.kernel.words import check_says_something
from shared.auth.principal import OPERATOR
from shared.contracts import ids, money
from shared.contracts.charters import accounts_named
from shared.contracts.commands import (
    MAX_DELEGATES,
    RIGHTS,
    ChangeLimits,
    CloseAccount,
    FreezeAccount,
    OpenAccount,
    SetDelegate,
    Settle,
    TagAccount,
    UnfreezeAccount,
)
from shared.contracts.errors import Fault, Refusal
from shared.contracts.journal import (
    ACCOUNT_CHANGED,
    ACCOUNT_CLOSED,
    ACCOUNT_FROZEN,
    ACCOUNT_OPENED,
    ACCOUNT_SETTLED,
    ACCOUNT_UNFROZEN,
)
from shared.contracts.primitives import HOLDER_KINDS

_OWN = ("credit_limit", "maximum_balance", "per_transfer", "per_day", "per_month")
_LIMITED_RIGHTS = ("pay", "schedule")
"""The rights that a delegate's limit for each transfer is about."""


def open_account(case: Case[OpenAccount]) -> Decision:
    """Open an account with the limits of the charter in force, or with those of its own."""
    command, draft = case.command, case.draft
    rules = draft.rules(command.currency)
    if ids.partition_of(command.id) != case.state.header.partition:
        detail = f"an account of {command.currency} has an id of partition {case.state.header.partition}"
        raise Refusal("invalid-request", (Fault("/id", "wrong-partition", detail),))
    if case.state.accounts[command.id] is not None:
        raise Refusal("id-reused", id=command.id)
    terms = _terms(command, rules.version)
    floor, ceiling = rules.limits(command.kind, terms)
    draft.opened.append(
        account_fields(
            *(command.id, command.currency, command.kind, command.holder, floor, ceiling),
            *(command.territory, command.category, terms),
        )
    )
    return Decision(ACCOUNT_OPENED)


def change_limits(case: Case[ChangeLimits]) -> Decision:
    """Give an account limits of its own or take them away, or say how far its holder is verified.

    An account that its new limits leave outside of them keeps what it has, and may come nearer to them.
    """
    command, draft = case.command, case.draft
    account = _open_account(draft, command.account)
    terms = draft.terms(account)
    own = dict(terms.get("own", {}))
    for name in _OWN:
        given = getattr(command, name)
        if given is None:
            own.pop(name, None)
        elif given is not UNSET:
            own[name] = given
    changed = terms | {"own": own}
    if command.level is not UNSET:
        changed["level"] = command.level
    _agree(draft, account, changed)
    floor, ceiling = draft.rules(account.currency).limits(account.kind, changed)
    draft.change(account, floor=floor, ceiling=ceiling)
    return Decision(ACCOUNT_CHANGED, {"account": account.id})


def tag(case: Case[TagAccount]) -> Decision:
    """Change what an account is sorted by, and what purposes look at."""
    command, draft = case.command, case.draft
    account = _open_account(draft, command.account)
    fields: dict[str, Any] = {
        name: given
        for name in ("territory", "category")
        if (given := getattr(command, name)) is not UNSET and given != draft.field(account, name)
    }
    terms = dict(draft.terms(account))
    if command.place is not UNSET:
        terms["place"] = command.place
    if command.groups is not UNSET:
        terms["groups"] = sorted(set(command.groups))
    if fields:
        draft.change(account, **fields, terms=terms)
    else:
        _agree(draft, account, terms)
    return Decision(ACCOUNT_CHANGED, {"account": account.id})


def set_delegate(case: Case[SetDelegate]) -> Decision:
    """Say what somebody beside the holder may do with an account. Operators do so for holders who cannot, but
    never give themselves a right.
    """
    command, draft = case.command, case.draft
    account = _open_account(draft, command.account)
    if not access.holds(account, case.principal):
        case.principal.require(f"say who operates account {account.id}", OPERATOR)
        if command.subject == case.principal.subject and command.rights:
            raise Refusal("not-permitted", action=f"give oneself rights to account {account.id}")
    if command.subject == account.holder:
        _invalid("/subject", "somebody else than the holder, who has every right")
    rights = [right for right in RIGHTS if right in command.rights]
    if command.per_transfer is not None and not set(rights) & set(_LIMITED_RIGHTS):
        _invalid("/per_transfer", f"nothing, where none of the rights is {' or '.join(_LIMITED_RIGHTS)}")
    terms = draft.terms(account)
    delegates = dict(terms.get("delegates", {}))
    delegates.pop(command.subject, None)
    if rights:
        limit = {} if command.per_transfer is None else {"per_transfer": command.per_transfer}
        delegates[command.subject] = {"rights": rights, **limit}
    if len(delegates) > MAX_DELEGATES:
        raise Refusal("too-many-delegates", account=account.id, limit=MAX_DELEGATES)
    _agree(draft, account, terms | {"delegates": delegates})
    return Decision(ACCOUNT_CHANGED, {"account": account.id})


def freeze(case: Case[FreezeAccount]) -> Decision:
    """Let nothing go out of an account, or neither out nor in."""
    command, draft = case.command, case.draft
    check_says_something("/reason", command.reason)
    account = _open_account(draft, command.account)
    terms = draft.terms(account)
    if terms.get("frozen") == command.direction:
        raise Refusal("nothing-changes")
    # The reason is a note of the command's, which may be erased.
    _agree(draft, account, terms | {"frozen": command.direction, "freeze": command.id})
    content = {"account": account.id, "direction": command.direction}
    return Decision(ACCOUNT_FROZEN, content, memo=command.reason)


def unfreeze(case: Case[UnfreezeAccount]) -> Decision:
    """Let an account be used again."""
    draft = case.draft
    account = _open_account(draft, case.command.account)
    _agree(draft, account, draft.terms(account) | {"frozen": None, "freeze": None})
    return Decision(ACCOUNT_UNFROZEN, {"account": account.id})


def settle(case: Case[Settle]) -> Decision:
    """Book what time has done to an account. Asking the draft for it has done so."""
    draft = case.draft
    account = _holders(draft, case.command.account)
    content = draft.content()
    if not (content["entries"] or content.keys() & {"changes", "sets"}):
        raise Refusal("not-due")
    return Decision(ACCOUNT_SETTLED, {"account": account.id})


def close(case: Case[CloseAccount]) -> Decision:
    """End an account for good. What is left in it goes to another one as it is: to be spent for the same
    purposes, until the same days.

    For its holder this is spending like any other, within the same limits, and a debt goes to nobody else.
    What an operator closes stays with its holder: taking it to somebody else is a correction, by two people.
    """
    command, draft = case.command, case.draft
    account = _open_account(draft, command.account)
    if not access.holds(account, case.principal):
        case.principal.require(f"close account {account.id}", OPERATOR)
    if draft.terms(account).get("frozen"):
        raise Refusal("account-frozen", account=account.id)
    currency = draft.currency(account.currency)
    _check_unnamed(draft, account, currency)
    left = draft.buckets(account)
    if any(parse(bucket).reservation for bucket in left):
        raise Refusal("reservations-open", account=account.id)
    content: dict[str, Any] = {"account": account.id}
    if left:
        heir = _heir(case, account, currency)
        _hand_over(case, account, heir, left, currency)
        content |= {"remainder": sum(left.values()), "remainder_to": heir.id}
    draft.change(account, floor=0, ceiling=0, terms=draft.terms(account) | {"closed": True})
    return Decision(ACCOUNT_CLOSED, content)


def named_by(state: State, currency: Currency, now: int) -> Iterator[str]:
    """The accounts that the charter in force, and those to come, pay into."""
    versions = versions_of(state, currency)
    in_force = version_at(versions, now)
    for version, _ in versions:
        if version >= in_force:
            yield from accounts_named(rules_of(state, currency, version).charter).values()


def _terms(command: OpenAccount, version: int) -> dict[str, Any]:
    own = {"credit_limit": command.credit_limit, "maximum_balance": command.maximum_balance}
    terms = {
        "level": command.level,
        "place": command.place,
        "groups": sorted(set(command.groups)),
        "own": {name: value for name, value in own.items() if value is not None},
        "charter": version if version > 1 else None,
    }
    return {name: value for name, value in terms.items() if value}


def _holders(draft: Draft, id: str) -> Account:
    """An account that somebody holds; what is done to them is not done to the currency's own."""
    account = draft.account(id)
    if account.kind not in HOLDER_KINDS:
        raise Refusal("own-account", account=id)
    return account


def _open_account(draft: Draft, id: str) -> Account:
    account = _holders(draft, id)
    if draft.terms(account).get("closed"):
        raise Refusal("account-closed", account=id)
    return account


def _agree(draft: Draft, account: Account, terms: dict[str, Any]) -> None:
    """Let other terms hold for an account. Raises Refusal `nothing-changes` where they say nothing new."""
    if {name: value for name, value in terms.items() if value} == draft.terms(account):
        raise Refusal("nothing-changes")
    draft.change(account, terms=terms)


def _check_unnamed(draft: Draft, account: Account, currency: Currency) -> None:
    """Fees and penalties could not be paid into an account that is closed."""
    if account.id in named_by(draft.state, currency, draft.now):
        raise Refusal("account-in-charter", account=account.id, currency=currency.code)


def _heir(case: Case[CloseAccount], account: Account, currency: Currency) -> Account:
    """The account that takes over what is left of another one."""
    draft, remainder_to = case.draft, case.command.remainder_to
    if remainder_to is None:
        balance = draft.total(account)
        raise Refusal("remainder-needed", account=account.id, **_amounts(currency, balance=balance))
    if remainder_to == account.id:
        raise Refusal("same-account", account=account.id)
    heir = _open_account(draft, remainder_to)
    if heir.currency != currency.code:
        raise Refusal("wrong-currency", account=heir.id, held=heir.currency, currency=currency.code)
    if heir.holder != account.holder and not access.holds(account, case.principal):
        raise Refusal("not-permitted", action=f"give what is left in account {account.id} to somebody else")
    if draft.terms(heir).get("frozen") == "all":
        raise Refusal("account-frozen", account=heir.id)
    return heir


def _hand_over(
    case: Case[CloseAccount], account: Account, heir: Account, left: dict[str, int], currency: Currency
) -> None:
    draft, remainder = case.draft, sum(left.values())
    if heir.holder != account.holder and left.get(PLAIN, 0) < 0:
        raise Refusal("not-permitted", action=f"have a debt of account {account.id} taken over")
    if remainder > 0 and access.holds(account, case.principal):
        count_spending(draft, account, currency, remainder)
    for bucket, amount in left.items():
        draft.move(account, bucket, -amount)
        draft.move(heir, bucket, amount)
    _check_limits(draft, heir, remainder, left.get(PLAIN, 0), currency)


def _check_limits(draft: Draft, heir: Account, remainder: int, plain: int, currency: Currency) -> None:
    """Refuse what an account cannot take over: more than it may hold, or more debt than it may owe."""
    floor, ceiling = draft.field(heir, "floor"), draft.field(heir, "ceiling")
    over, short = draft.total(heir) - ceiling, floor - draft.balance(heir)
    if remainder > 0 and over > 0:
        room = max(0, remainder - over)
        raise Refusal("maximum-balance", account=heir.id, **_amounts(currency, room=room, amount=remainder))
    if plain < 0 and short > 0:
        available = max(0, -plain - short)
        raise Refusal(
            "insufficient-balance", account=heir.id, **_amounts(currency, available=available, amount=-plain)
        )


def _amounts(currency: Currency, **amounts: int) -> dict[str, Any]:
    """Amounts as refusals tell them: the text, and the integer beside it."""
    told: dict[str, Any] = {"currency": currency.code}
    for name, amount in amounts.items():
        told[name] = money.text(amount, currency.code, currency.minor_units)
        told["amount_minor" if name == "amount" else f"{name}_amount"] = amount
    return told


def _invalid(pointer: str, right: str) -> None:
    raise Refusal("invalid-request", (Fault(pointer, "invalid", right),))
