"""Who may see what: members their own accounts and the transfers they are party to, operators everything."""

from typing import Any

from sqlalchemy import Connection, select

from services.ledger.tables import accounts
from shared.auth.principal import ADMINISTRATOR, IMPORTER, OPERATOR, Principal
from shared.contracts.errors import Refusal

SEEING_ALL = (OPERATOR, ADMINISTRATOR, IMPORTER)


def access_account(connection: Connection, principal: Principal, account: str) -> Any:
    """The row of an account that the principal may see.

    Raises Refusal `not-permitted` for another's account and, so that ids cannot be probed, for one that does
    not exist; who may see all is told `not-found`.
    """
    row = connection.execute(select(accounts).where(accounts.c.id == account)).first()
    if principal.has(*SEEING_ALL):
        if row is None:
            raise Refusal("not-found")
        return row
    if row is None or row.holder != principal.subject:
        raise Refusal("not-permitted", action=f"see account {account}")
    return row


def may_see_any(principal: Principal, connection: Connection, account_ids: tuple[str, ...]) -> bool:
    """Whether the principal sees everything, or holds at least one of the accounts."""
    if principal.has(*SEEING_ALL):
        return True
    held = select(accounts.c.id).where(accounts.c.id.in_(account_ids), accounts.c.holder == principal.subject)
    return connection.execute(held).first() is not None
