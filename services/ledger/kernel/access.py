"""Who may have a command decided. A caller who may not is told so, and nothing is stored."""

from services.ledger.kernel.state import Account
from shared.auth.principal import ADMINISTRATOR, IMPORTER, OPERATOR, Principal
from shared.contracts import clock
from shared.contracts.commands import Command, CreateCurrency, Transfer
from shared.contracts.errors import Fault, Refusal

ID_MAX_AGE_US = 7 * 24 * 3600 * clock.MICROSECONDS
ID_MAX_AHEAD_US = 5 * 60 * clock.MICROSECONDS


def check_identifier(command: Command, principal: Principal, now: int) -> None:
    """A UUIDv7 must be of these days. Derived ids name what happened before; of transfers, importers alone
    give them.
    """
    if command.id[14] == "8":
        if isinstance(command, Transfer):
            principal.require("give a transfer a derived id", IMPORTER)
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


def may_transfer(command: Transfer, payer: Account, principal: Principal) -> None:
    """Payments are the payer's holder's; issuing and redeeming the operator's; redeeming also the own
    holder's.
    """
    if principal.has(IMPORTER):
        return
    holds = payer.holder is not None and payer.holder == principal.subject
    if command.kind == "payment":
        allowed = holds
    elif command.kind == "issuance":
        allowed = principal.has(OPERATOR)
    else:
        allowed = holds or principal.has(OPERATOR)
    if not allowed:
        raise Refusal("not-permitted", action=f"{command.kind} from account {payer.id}")


def may_open(command: Command, principal: Principal) -> None:
    """Operators and administrators open accounts, administrators create currencies, importers do both."""
    if isinstance(command, CreateCurrency):
        principal.require("create a currency", ADMINISTRATOR, IMPORTER)
    else:
        principal.require("open an account", OPERATOR, ADMINISTRATOR, IMPORTER)


def _moment_text(us: int) -> str:
    """A UUIDv7 may name any of 8,900 years, of which our calendar's library writes 8,000."""
    try:
        return clock.to_text(us)
    except OverflowError:
        return "a time after the year 9999"
