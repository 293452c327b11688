"""Currencies and their charters in the form of `shared.contracts.ledger`'s views."""

from collections.abc import Mapping, Sequence
from typing import Any

from services.ledger.kernel.charters import version_at
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import Currency
from shared.contracts import clock


def currency_view(currency: Currency, names: Mapping[str, str] | None = None) -> dict[str, Any]:
    """A currency; `names` are those of its charter in force, where they may differ from the first ones."""
    return {
        "code": currency.code,
        "names": dict(currency.names if names is None else names),
        "minor_units": currency.minor_units,
        "kind": currency.kind,
        "default_credit_limit": currency.default_credit_limit,
        "maximum_balance": currency.maximum_balance,
        "territory": currency.territory,
        "simulated": currency.simulated,
        "issuance_account": currency.issuance_account,
        "redemption_account": currency.redemption_account,
        "partition": currency.partition,
        "created_at": clock.to_text(currency.created_at),
    }


def charter_view(
    code: str, version: int, versions: Sequence[Sequence[int]], document: dict[str, Any], now: int
) -> dict[str, Any]:
    """One version of a charter; `versions` are all that are adopted, [version, valid from]."""
    valid_from = {each[0]: each[1] for each in versions}
    return {
        "currency": code,
        "version": version,
        "valid_from": clock.to_text(valid_from[version]),
        "in_force": version == version_at([list(each) for each in versions], now),
        "versions": [{"version": number, "valid_from": clock.to_text(begins)} for number, begins in versions],
        "charter": document,
    }


def adopted_view(record: Record) -> dict[str, Any]:
    """The version that a record adopts."""
    things = {kind: (id, body) for kind, id, _, _, body in record.payload["sets"]}
    code, listed = things["charters"]
    id, body = things["charter"]
    version = int(id.rpartition("/")[2])
    return charter_view(code, version, listed["versions"], body["document"], record.recorded_at)
