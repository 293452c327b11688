"""Accounts, their transfers and balances."""

from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Any

from flask import Response

from gateway import tabular
from gateway.api.answers import CSV_ENDPOINTS, blueprint
from gateway.api.answers import json as json_answer
from gateway.api.schemas import (
    AccountListView,
    AccountsQuery,
    AccountTransferListView,
    BalanceQuery,
    CursorQuery,
    PageQuery,
)
from gateway.api.writing import made_by_key, new_command_id
from gateway.asking import REQUEST_SECONDS, ask, signed_in, start_again
from shared.contracts import clock, ledger, money
from shared.contracts.commands import OpenAccount
from shared.contracts.ledger_inputs import AccountInput

CSV_MAX_ROWS = 100_000
CUT_OFF = "cut-off"
"""The kind of a row that ends a table which does not have everything."""
CSV_COLUMNS = (
    "id",
    "kind",
    "status",
    "recorded_at",
    "occurred_at",
    "counterparty",
    "change_minor_units",
    "change",
    "balance_minor_units",
    "balance",
    "currency",
    "memo",
    "case_reference",
)

part = blueprint("accounts", "Accounts of people, organisations and of the currencies themselves.")
CSV_ENDPOINTS |= {"accounts.list_account_transfers", "accounts.list_account_transfers_csv"}


@part.route("/accounts", methods=["GET"])
@part.arguments(AccountsQuery, location="query")
@part.response(200, AccountListView)
@part.doc(summary="List accounts")
def list_accounts(query: dict[str, Any]) -> Response:
    """Members see their own accounts, operators all."""
    return json_answer(ask(ledger.SERVICE, "list_accounts", **query))


@part.route("/accounts", methods=["POST"])
@part.arguments(AccountInput)
@part.response(201, ledger.AccountView)
@part.doc(summary="Open an account")
def open_account(given: dict[str, Any]) -> Response:
    """For operators. With an Idempotency-Key, repeating the request opens nothing twice."""
    command = OpenAccount(id=new_command_id("account"), **given)
    return made_by_key(command, address_of(command.id))


@part.route("/accounts/<string:id>", methods=["GET"])
@part.response(200, ledger.AccountView)
@part.doc(summary="Read an account")
def get_account(id: str) -> Response:
    """An account with its balance and what of it is available."""
    return json_answer(ask(ledger.SERVICE, "get_account", id=id))


@part.route("/accounts/<string:id>/transfers", methods=["GET"])
@part.arguments(PageQuery, location="query")
@part.response(200, AccountTransferListView)
@part.doc(summary="List an account's transfers")
def list_account_transfers(query: dict[str, Any], id: str) -> Response:
    """Newest first, each with its change and the balance after it. CSV by the Accept header or at
    `transfers.csv`.
    """
    if tabular.wanted():
        return transfers_table(id, query.get("cursor"))
    return json_answer(ask(ledger.SERVICE, "list_account_transfers", account=id, **query))


@part.route("/accounts/<string:id>/transfers.csv", methods=["GET"])
@part.arguments(CursorQuery, location="query")
@part.doc(
    summary="List an account's transfers as CSV",
    responses={
        200: {"description": "One row a transfer", "content": {"text/csv": {"schema": {"type": "string"}}}}
    },
)
def list_account_transfers_csv(query: dict[str, Any], id: str) -> Response:
    """The same as a table, at most 100,000 rows from the cursor on. Where there are more, a last row of the
    kind `cut-off` says so in its memo, with the cursor to go on from.
    """
    return transfers_table(id, query.get("cursor"))


@part.route("/accounts/<string:id>/balance", methods=["GET"])
@part.arguments(BalanceQuery, location="query")
@part.response(200, ledger.BalanceView)
@part.doc(summary="Read a balance at a time")
def get_balance(query: dict[str, Any], id: str) -> Response:
    """As the books said at a time (`recorded`), or as it was by when things happened, told so far
    (`occurred`).
    """
    return json_answer(ask(ledger.SERVICE, "get_balance", account=id, **query))


def address_of(account: str) -> str:
    """Where an account stands, without the host."""
    return f"/api/v1/accounts/{account}"


def transfers_table(account: str, cursor: str | None) -> Response:
    """An account's transfers as CSV, newest first, at most CSV_MAX_ROWS and a word where there are more."""
    signed_in()
    first = _page(account, cursor)
    return tabular.response(f"transfers-{account}", CSV_COLUMNS, _rows(account, first))


def _page(account: str, cursor: str | None) -> dict[str, Any]:
    page: dict[str, Any] = ask(
        ledger.SERVICE, "export_account_transfers", account=account, cursor=cursor, limit=ledger.EXPORT_ROWS
    )
    return page


def _rows(account: str, page: dict[str, Any]) -> Iterator[tuple[object, ...]]:
    row = partial(
        _row, page["currency"], lru_cache(maxsize=4096)(_texts(page["minor_units"], page["currency"]))
    )
    for _number in range(CSV_MAX_ROWS // ledger.EXPORT_ROWS):
        yield from map(row, page["rows"])
        if not page["has_more"]:
            return
        cursor = page["next_cursor"]
        # Whoever reads slowly has the time of a request for every page.
        start_again(REQUEST_SECONDS)
        page = _page(account, cursor)
    yield _cut_off(cursor)


def _texts(minor_units: int, currency: str) -> Callable[[int], str]:
    return lambda amount: money.text(amount, currency, minor_units)


# The times of payments that were decided together are the same.
_time_text = lru_cache(maxsize=1024)(clock.to_text)


def _row(currency: str, text: Callable[[int], str], exported: list[Any]) -> tuple[object, ...]:
    id, kind, status, recorded_at, occurred_at, counterparty, change, balance, memo, case_reference = exported
    return (
        *(id, kind, status, _time_text(recorded_at), _time_text(occurred_at), counterparty),
        *(change, text(change), balance, text(balance), currency),
        *(tabular.text(memo), tabular.text(case_reference)),
    )


def _cut_off(cursor: str) -> tuple[object, ...]:
    told = f"There are more than these {CSV_MAX_ROWS:,} transfers: ask again with cursor={cursor}"
    return ("", CUT_OFF, *("" for _ in CSV_COLUMNS[2:-2]), told, "")
