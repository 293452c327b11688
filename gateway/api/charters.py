"""Charters: the rules of currencies, in versions."""

from typing import Any

from flask import Response, request

from gateway.api.answers import blueprint, takes
from gateway.api.answers import json as json_answer
from gateway.api.proposals import address_of
from gateway.api.reading import Reader
from gateway.api.schemas import CharterQuery
from gateway.api.writing import described, made
from gateway.asking import ask_openly
from shared.contracts import ledger
from shared.contracts.ledger_inputs import CHARTER_MAX_BYTES, CharterInput

part = blueprint("charters", "A currency's rules, which everybody may read, and how they are amended.")

_reader = Reader(CharterInput)


@part.route("/currencies/<code:code>/charter", methods=["GET"])
@part.arguments(CharterQuery, location="query")
@part.response(200, ledger.CharterView)
@part.doc(summary="Read a charter", security=[])
def get_charter(query: dict[str, Any], code: str) -> Response:
    """The version in force now, or at a time, or one by its number; and which versions there are."""
    answer = json_answer(ask_openly(ledger.SERVICE, "get_charter", {"currency": code, **query}))
    answer.add_etag()
    answer.make_conditional(request)
    return answer


@part.route("/currencies/<code:code>/charters", methods=["POST"])
@takes(CHARTER_MAX_BYTES)
@part.response(201, ledger.ProposalView)
@part.alt_response(200, schema=ledger.ProposalView, description="Proposed before by the same request")
@part.doc(summary="Propose the next version of a charter", **described(CharterInput))
def amend_charter(code: str) -> Response:
    """One operator or administrator proposes it, another one approves it; it holds from `valid_from` on. A
    charter that contradicts itself is refused with the clause named.
    """
    command = _reader.body().to_command(code)
    return made(command, address_of(command.id))
