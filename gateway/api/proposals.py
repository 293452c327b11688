"""What waits for a second person."""

from typing import Any

from flask import Response

from gateway.api.answers import blueprint
from gateway.api.answers import json as json_answer
from gateway.api.reading import Reader
from gateway.api.schemas import ProposalListView, ProposalsQuery
from gateway.api.writing import changed, described
from gateway.asking import ask
from shared.contracts import ledger
from shared.contracts.commands import Approve, Reject
from shared.contracts.ledger_inputs import Input, command_of

part = blueprint(
    "proposals", "Reversals, corrections and charters that one person has proposed and another approves."
)

_reader = Reader(Input)
_MADE = {"oneOf": [{"$ref": f"#/components/schemas/{name}"} for name in ("TransferView", "CharterView")]}
_APPROVED = {
    "200": {"description": "What came of it", "content": {"application/json": {"schema": _MADE}}},
}


@part.route("/proposals", methods=["GET"])
@part.arguments(ProposalsQuery, location="query")
@part.response(200, ProposalListView)
@part.doc(summary="List proposals")
def list_proposals(query: dict[str, Any]) -> Response:
    """Newest first: of the reader's own accounts; operators see all."""
    return json_answer(ask(ledger.SERVICE, "list_proposals", **query))


@part.route("/proposals/<id:id>", methods=["GET"])
@part.response(200, ledger.ProposalView)
@part.doc(summary="Read a proposal")
def get_proposal(id: str) -> Response:
    """What is proposed, by whom, and what has become of it."""
    return json_answer(ask(ledger.SERVICE, "get_proposal", id=id))


@part.route("/proposals/<id:id>/approvals", methods=["POST"])
@part.doc(summary="Approve a proposal", responses=_APPROVED, **described(Input))
def approve(id: str) -> Response:
    """It is done at once; the answer is what came of it. Never for who proposed it."""
    return changed(command_of(Approve, _reader.body(), proposal=id), address_of(id))


@part.route("/proposals/<id:id>/rejections", methods=["POST"])
@part.response(200, ledger.ProposalView)
@part.doc(summary="Reject a proposal", **described(Input))
def reject(id: str) -> Response:
    """For whoever could approve it, and for who proposed it to take it back."""
    return changed(command_of(Reject, _reader.body(), proposal=id), address_of(id))


def address_of(proposal: str) -> str:
    """Where a proposal stands, without the host."""
    return f"/api/v1/proposals/{proposal}"
