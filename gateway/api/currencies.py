"""Currencies."""

from typing import Any

from flask import Response

from gateway.api.answers import blueprint, takes
from gateway.api.answers import json as json_answer
from gateway.api.reading import convert
from gateway.api.schemas import CurrencyListView, PageQuery
from gateway.api.writing import made_by_key, new_command_id
from gateway.asking import ask_openly
from shared.contracts import ledger
from shared.contracts.charters import Charter
from shared.contracts.commands import CreateCurrency
from shared.contracts.ledger_inputs import CHARTER_MAX_BYTES, CurrencyInput

part = blueprint("currencies", "Currencies and their rules, which everybody may read.")


@part.route("/currencies", methods=["GET"])
@part.arguments(PageQuery, location="query")
@part.response(200, CurrencyListView)
@part.doc(summary="List currencies", security=[])
def list_currencies(query: dict[str, Any]) -> Response:
    """All currencies; those with simulated data say so."""
    return json_answer(ask_openly(ledger.SERVICE, "list_currencies", query))


@part.route("/currencies", methods=["POST"])
@takes(CHARTER_MAX_BYTES)
@part.arguments(CurrencyInput)
@part.response(201, ledger.CurrencyView)
@part.doc(summary="Create a currency")
def create_currency(given: dict[str, Any]) -> Response:
    """For administrators. With an Idempotency-Key, repeating the request answers the first outcome again."""
    if "charter" in given:
        given["charter"] = convert(given["charter"], Charter, "/charter")
    command = CreateCurrency(id=new_command_id("currency"), **given)
    return made_by_key(command, f"/api/v1/currencies/{command.code}")


@part.route("/currencies/<string:code>", methods=["GET"])
@part.response(200, ledger.CurrencyView)
@part.doc(summary="Read a currency", security=[])
def get_currency(code: str) -> Response:
    """A currency and its rules."""
    return json_answer(ask_openly(ledger.SERVICE, "get_currency", {"id": code}))
