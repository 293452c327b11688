"""Several transfers, all or nothing."""

from flask import Response

from gateway.api.answers import blueprint
from gateway.api.answers import json as json_answer
from gateway.api.reading import Reader
from gateway.api.writing import described, made
from gateway.asking import ask
from shared.contracts import ledger
from shared.contracts.ledger_inputs import LinkedTransfersInput

part = blueprint("linked transfers", "Several transfers that are all posted together, or none of them.")

_reader = Reader(LinkedTransfersInput)


@part.route("/linked-transfers", methods=["POST"])
@part.response(201, ledger.LinkedTransfersView)
@part.alt_response(200, schema=ledger.LinkedTransfersView, description="Made before by the same request")
@part.doc(summary="Make linked transfers", **described(LinkedTransfersInput))
def create_linked_transfers() -> Response:
    """In their order, each on top of those before it, also across currencies. Each transfer has an id of its
    own; a refusal points at the leg that it comes from.
    """
    command = _reader.body().to_command()
    return made(command, f"/api/v1/linked-transfers/{command.id}")


@part.route("/linked-transfers/<id:id>", methods=["GET"])
@part.response(200, ledger.LinkedTransfersView)
@part.doc(summary="Read linked transfers")
def get_linked_transfers(id: str) -> Response:
    """What was posted together, for those who are party to each of the transfers, and for operators."""
    return json_answer(ask(ledger.SERVICE, "get_linked_transfers", id=id))
