"""Giving payments back, and mending mistakes."""

from flask import Response

from gateway.api.answers import blueprint
from gateway.api.proposals import address_of as proposal_address
from gateway.api.reading import Reader
from gateway.api.transfers import address_of
from gateway.api.writing import described, made
from shared.contracts import ledger
from shared.contracts.commands import Refund, Reverse
from shared.contracts.ledger_inputs import CorrectionInput, RefundInput, ReversalInput, command_of

part = blueprint("refunds and corrections", "Payments that go back, and transfers that mend a mistake.")

_refund, _reversal, _correction = Reader(RefundInput), Reader(ReversalInput), Reader(CorrectionInput)


@part.route("/transfers/<id:id>/refunds", methods=["POST"])
@part.response(201, ledger.TransferView)
@part.alt_response(200, schema=ledger.TransferView, description="Refunded before by the same request")
@part.doc(summary="Refund a payment", **described(RefundInput))
def refund(id: str) -> Response:
    """Give back all that is left of a payment, or `amount`; never more than was paid. For its payee."""
    command = command_of(Refund, _refund.body(), transfer=id)
    return made(command, address_of(command.id))


@part.route("/transfers/<id:id>/reversals", methods=["POST"])
@part.response(201, ledger.ProposalView)
@part.alt_response(200, schema=ledger.ProposalView, description="Proposed before by the same request")
@part.doc(summary="Propose to reverse a payment", **described(ReversalInput))
def reverse(id: str) -> Response:
    """One party proposes that all that is left of a payment goes back; the other one approves it."""
    command = command_of(Reverse, _reversal.body(), transfer=id)
    return made(command, proposal_address(command.id))


@part.route("/corrections", methods=["POST"])
@part.response(201, ledger.ProposalView)
@part.alt_response(200, schema=ledger.ProposalView, description="Proposed before by the same request")
@part.doc(summary="Propose a correction", **described(CorrectionInput))
def correct() -> Response:
    """An operator proposes a transfer that mends a mistake, with its reason; another operator approves it."""
    command = _correction.body().to_command()
    return made(command, proposal_address(command.id))
