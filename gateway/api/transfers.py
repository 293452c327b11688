"""Transfers, one by one and in bulk: the hot path, so they are decoded and encoded by compiled schemas
alone.
"""

from typing import Any

from flask import Response, request

from gateway import problems
from gateway.api.answers import NDJSON, NDJSON_ENDPOINTS, blueprint
from gateway.api.answers import json as json_answer
from gateway.api.bulk import ProblemWriter, Upload
from gateway.api.reading import Reader
from gateway.api.writing import described, made, with_address
from gateway.asking import BULK_SECONDS, ask, signed_in
from gateway.streaming import streamed
from gateway.wiring import public_url, wiring
from shared.contracts import clock, ledger
from shared.contracts.errors import Refusal
from shared.contracts.ledger_inputs import BULK_MAX_BYTES, BULK_MAX_LINES, TransferInput

part = blueprint("transfers", "Moving money. The client names each transfer by a UUIDv7: it happens once.")
NDJSON_ENDPOINTS.add("transfers.create_transfers")

_INPUT = {"$ref": "#/components/schemas/TransferInput"}
_BULK_DOC: dict[str, Any] = {
    "requestBody": {"required": True, "content": {NDJSON: {"schema": _INPUT}}},
    "responses": {
        "200": {
            "description": "One line for each line sent: `line`, `status` and `transfer` or `problem`",
            "content": {NDJSON: {"schema": {"type": "object"}}},
        }
    },
}

_reader = Reader(TransferInput)


@part.route("/transfers", methods=["POST"])
@part.response(201, ledger.TransferView)
@part.alt_response(200, schema=ledger.TransferView, description="Made before by the same request")
@part.doc(summary="Make a transfer", **described(TransferInput))
def create_transfer() -> Response:
    """Now, or reserved for later (`pending_seconds`), or as much as can be moved (`up_to`).

    The same id with the same content answers the first outcome again. When no answer comes in time, the
    outcome will stand at the transfer's own address.
    """
    command = _reader.body().to_command()
    return made(command, address_of(command.id))


@part.route("/transfers/bulk", methods=["POST"])
@part.doc(summary="Make many transfers", **_BULK_DOC)
def create_transfers() -> Response:
    """Make many transfers, in order, one a line; each line is answered by a line of its own.

    Each is decided by itself: a line that is refused does not stop the others.
    """
    request.max_content_length = BULK_MAX_BYTES
    person = signed_in()
    until = clock.deadline(BULK_SECONDS)
    lines = request.get_data(cache=False).split(b"\n")
    if lines and not lines[-1].strip():
        lines.pop()
    if len(lines) > BULK_MAX_LINES:
        raise Refusal("too-many-lines", limit=BULK_MAX_LINES)
    upload = Upload(lines, _problem_writer(until))
    outcomes = wiring().writer.submit_many(upload.commands(), person.tokens[ledger.AUDIENCE], until)
    return streamed(upload.answers(outcomes), NDJSON)


@part.route("/transfers/<id:id>", methods=["GET"])
@part.response(200, ledger.TransferView)
@part.doc(summary="Read a transfer")
def get_transfer(id: str) -> Response:
    """A transfer, for those who are party to it and for operators."""
    return json_answer(ask(ledger.SERVICE, "get_transfer", id=id))


def address_of(transfer: str) -> str:
    """Where a transfer stands, without the host."""
    return f"/api/v1/transfers/{transfer}"


def _problem_writer(until: int) -> ProblemWriter:
    instance, base = request.path, public_url()

    def write(refusal: Refusal, transfer: str | None) -> dict[str, Any]:
        told = with_address(refusal, address_of(transfer), until) if transfer else refusal
        return problems.body(told, instance, base)

    return write
