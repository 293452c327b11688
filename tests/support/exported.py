"""An account's history as it is exported, to be compared with the same as it is shown."""

from typing import Any

from services.ledger.service import SERVICE
from shared.auth.principal import OPERATOR
from shared.contracts import clock
from tests.support.writing import Ledger

PAGE = 3


def exported(ledger: Ledger, account: str, page: int = PAGE) -> list[list[Any]]:
    """All rows of an account's export, a few at a time."""
    rows: list[list[Any]] = []
    cursor = None
    while True:
        answer = ledger.ask(
            SERVICE.calls["export_account_transfers"],
            "op",
            OPERATOR,
            account=account,
            limit=page,
            cursor=cursor,
        )
        assert len(answer["rows"]) <= page
        rows += answer["rows"]
        cursor = answer["next_cursor"]
        if not answer["has_more"]:
            return rows


def as_exported(row: dict[str, Any]) -> list[Any]:
    """The row of an export that says the same as a row of `list_account_transfers`."""
    return [
        *(row["id"], row["kind"], row["status"]),
        *(clock.from_text(row["recorded_at"]), clock.from_text(row["occurred_at"]), row["counterparty"]),
        *(row["change"]["amount"], row["balance"]["amount"], row["memo"], row["case_reference"]),
    ]
