"""Who may have a command decided. A caller who may not is told so, and nothing is stored."""

from collections.abc import Mapping
from typing import Any

from services.ledger.kernel.draft import Draft
from services.ledger.kernel.state import Account
from shared.auth.principal import ADMINISTRATOR, IMPORTER, OPERATOR, TIMEKEEPER, Principal
from shared.contracts import clock
from shared.contracts.commands import (
    AmendCharter,
    ChangeLimits,
    Command,
    Correct,
    CreateCurrency,
    ExecuteSchedule,
    FreezeAccount,
    OpenAccount,
    Settle,
    TagAccount,
    UnfreezeAccount,
)
from shared.contracts.errors import Fault, Refusal

ID_MAX_AGE_US = 7 * 24 * 3600 * clock.MICROSECONDS
ID_MAX_AHEAD_US = 5 * 60 * clock.MICROSECONDS

SEEING_ALL = (OPERATOR, ADMINISTRATOR, IMPORTER)
"""Whoever has one of these roles may see every account."""

ROLES: dict[type, tuple[str, tuple[str, ...]]] = {
    CreateCurrency: ("create a currency", (ADMINISTRATOR, IMPORTER)),
    OpenAccount: ("open an account", (OPERATOR, ADMINISTRATOR, IMPORTER)),
    AmendCharter: ("amend a charter", (OPERATOR, ADMINISTRATOR)),
    ChangeLimits: ("change an account's limits", (OPERATOR,)),
    TagAccount: ("change an account's tags", (OPERATOR,)),
    Correct: ("correct the books", (OPERATOR,)),
    FreezeAccount: ("freeze an account", (OPERATOR,)),
    UnfreezeAccount: ("unfreeze an account", (OPERATOR,)),
    Settle: ("settle an account", (TIMEKEEPER,)),
    ExecuteSchedule: ("execute a schedule", (TIMEKEEPER,)),
}
"""Commands that go by the role alone: what is asked for, in words, and who may."""


def check_role(command: Command, principal: Principal) -> None:
    """Refuse what the principal's role does not allow, where the role alone says so."""
    if (rule := ROLES.get(type(command))) is not None:
        principal.require(rule[0], *rule[1])


def check_identifier(command: Command, principal: Principal, now: int) -> None:
    """A UUIDv7 must be of these days. Derived ids name what can come again: accounts and currencies by a
    request's key, what is imported, and what is due; others would take such an id away beforehand.
    """
    if command.id[14] == "8":
        if not isinstance(command, OpenAccount | CreateCurrency):
            principal.require("give a derived id", IMPORTER, TIMEKEEPER)
        return
    made_at = int(command.id[:8] + command.id[9:13], 16) * 1000
    if not now - ID_MAX_AGE_US <= made_at <= now + ID_MAX_AHEAD_US:
        raise Refusal(
            "id-out-of-window", id=command.id, made_at=_moment_text(made_at), now=clock.to_text(now)
        )


def check_occurred_at(command: Command, principal: Principal, now: int) -> None:
    """Only importers say when something happened, and only of the past."""
    if command.occurred_at is None:
        return
    principal.require("give the time at which it happened", IMPORTER)
    if command.occurred_at > now or command.occurred_at < 0:
        fault = Fault("/occurred_at", "not-in-the-past", "a time from 1970 until now, in microseconds")
        raise Refusal("invalid-request", (fault,))


def may_transfer(draft: Draft, kind: str, amount: int, payer: Account, principal: Principal) -> None:
    """Payments are for those who may pay from the account, issuing for operators, redeeming for both."""
    if principal.has(IMPORTER):
        return
    if kind == "payment":
        allowed = may(draft, payer, principal, "pay", amount)
    elif kind == "issuance":
        allowed = principal.has(OPERATOR)
    else:
        allowed = principal.has(OPERATOR) or may(draft, payer, principal, "pay", amount)
    if not allowed:
        raise Refusal("not-permitted", action=f"{kind} from account {payer.id}")


def require(
    draft: Draft, account: Account, principal: Principal, action: str, *rights: str, amount: int = 0
) -> None:
    """Refuse, naming the action, whoever neither holds the account nor has one of these rights for it."""
    if not any(may(draft, account, principal, right, amount) for right in rights):
        raise Refusal("not-permitted", action=f"{action} {account.id}")


def may(draft: Draft, account: Account, principal: Principal, right: str, amount: int = 0) -> bool:
    """Whether the principal holds the account, or has the right to do this with it, up to such an amount."""
    if holds(account, principal):
        return True
    delegate = draft.terms(account).get("delegates", {}).get(principal.subject)
    if delegate is None or right not in delegate["rights"]:
        return False
    allowed = delegate.get("per_transfer")
    return allowed is None or amount <= allowed


def holds(account: Account, principal: Principal) -> bool:
    return account.holder is not None and account.holder == principal.subject


def may_see(holder: str | None, terms: Mapping[str, Any], principal: Principal) -> bool:
    """Whether the principal may know what is in an account of this holder, of which this is agreed."""
    if principal.has(*SEEING_ALL) or (holder is not None and holder == principal.subject):
        return True
    delegate = terms.get("delegates", {}).get(principal.subject)
    return delegate is not None and "view" in delegate["rights"]


def _moment_text(us: int) -> str:
    """A UUIDv7 may name any of 8,900 years, of which our calendar's library writes 8,000."""
    try:
        return clock.to_text(us)
    except OverflowError:
        return "a time after the year 9999"
