"""Transfers that are reserved first and moved later."""

from typing import Any

from flask import Response

from gateway.api.answers import blueprint
from gateway.api.answers import json as json_answer
from gateway.api.reading import Reader
from gateway.api.schemas import PageQuery, TransferListView
from gateway.api.transfers import address_of
from gateway.api.writing import changed, described, made
from gateway.asking import ask
from shared.contracts import ledger
from shared.contracts.commands import PostPending, VoidPending
from shared.contracts.ledger_inputs import Input, PostingInput, command_of

part = blueprint(
    "pending transfers", "What is reserved for a payee until it is posted or voided, or lapses by itself."
)

_posting, _void = Reader(PostingInput), Reader(Input)


@part.route("/transfers/<id:id>/postings", methods=["POST"])
@part.response(201, ledger.TransferView)
@part.alt_response(200, schema=ledger.TransferView, description="Posted before by the same request")
@part.doc(summary="Post a pending transfer", **described(PostingInput))
def post_pending(id: str) -> Response:
    """Move what is reserved, all of it or `amount`; the rest is free again. For the payee."""
    command = command_of(PostPending, _posting.body(), pending=id)
    return made(command, address_of(command.id))


@part.route("/transfers/<id:id>/voids", methods=["POST"])
@part.response(200, ledger.TransferView)
@part.doc(summary="Void a pending transfer", **described(Input))
def void_pending(id: str) -> Response:
    """Set free what is reserved. For the payee."""
    return changed(command_of(VoidPending, _void.body(), pending=id), address_of(id))


@part.route("/accounts/<id:id>/pending-transfers", methods=["GET"])
@part.arguments(PageQuery, location="query")
@part.response(200, TransferListView)
@part.doc(summary="List an account's pending transfers")
def list_pending(query: dict[str, Any], id: str) -> Response:
    """What is reserved in the account, or in others' for it."""
    return json_answer(ask(ledger.SERVICE, "list_pending", account=id, **query))
