"""Who may see what: members their own accounts, those that they were given the right to see, and the
transfers of these; operators everything.
"""

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import Connection, select

from services.ledger.kernel.access import SEEING_ALL, may_see
from services.ledger.tables import accounts
from shared.auth.principal import Principal
from shared.contracts.errors import Refusal


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
    if row is None or not _may_see(row, principal):
        raise Refusal("not-permitted", action=f"see account {account}")
    return row


def seen_of(principal: Principal, connection: Connection, ids: Collection[str]) -> set[str]:
    """Which of these accounts the principal may see."""
    if principal.has(*SEEING_ALL) or not ids:
        return set(ids)
    query = select(accounts.c.id, accounts.c.holder, accounts.c.terms).where(accounts.c.id.in_(ids))
    return {row.id for row in connection.execute(query) if _may_see(row, principal)}


def knows_delegates(principal: Principal, holder: str | None) -> bool:
    """Whether the principal may know who else operates an account of this holder."""
    return principal.has(*SEEING_ALL) or (holder is not None and holder == principal.subject)


def _may_see(row: Any, principal: Principal) -> bool:
    return may_see(row.holder, json.loads(row.terms), principal)
