"""Having the ledger do something: one command, one answer, however often it is sent."""

from typing import Any

from flask import Response

from gateway import problems
from gateway.api.answers import idempotency_key, json
from gateway.asking import not_after, signed_in
from gateway.wiring import public_url, wiring
from shared.contracts import clock, ids, ledger
from shared.contracts.commands import Command, SentOutcome
from shared.contracts.errors import Fault, Refusal

SETTLED_SECONDS = 60
"""How long after a deadline it is sure that what was not recorded will never be."""
PARTITION = 0
"""The ledger partition that new currencies, and so their accounts, are put into."""


def described(kind: type[Any]) -> dict[str, Any]:
    """The OpenAPI description of a body that a compiled schema reads; `openapi.py` adds the schema itself."""
    schema = {"$ref": f"#/components/schemas/{kind.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def made(command: Command, address: str) -> Response:
    """The answer to a command that makes something, which stands at `address` from then on."""
    answer = changed(command, address, 201)
    if answer.status_code in (200, 201):
        answer.headers["Location"] = address
    return answer


def changed(command: Command, address: str, status: int = 200) -> Response:
    """The answer to a command that carries its client's own id. `address` is where it shows what was done."""
    until = not_after()
    outcome = _submitted(command, address, until)
    if outcome.refusal is not None:
        refusal = with_address(Refusal.from_wire(outcome.refusal), address, until)
        answer = problems.response(pointing(refusal))
    else:
        answer = json(outcome.view, 200 if outcome.replayed else status)
    return _told(answer, outcome)


def new_command_id(kind: str) -> str:
    """The id of a command that makes something: of the request's own key where it has one, else a fresh
    one.
    """
    key = idempotency_key()
    if key is None:
        return ids.new_account_id(PARTITION)
    return ids.derived_account_id(PARTITION, kind, signed_in().id, key)


def made_by_key(command: Command, address: str) -> Response:
    """The answer to a command whose id is `new_command_id`'s: an id used for something else is a conflict of
    keys.
    """
    until = not_after()
    outcome = _submitted(command, address, until)
    if outcome.refusal is not None:
        refusal = with_address(Refusal.from_wire(outcome.refusal), address, until)
        if refusal.slug == "id-reused" and idempotency_key() is not None:
            raise Refusal("idempotency-conflict")
        raise pointing(refusal)
    answer = json(outcome.view, 200 if outcome.replayed else 201)
    answer.headers["Location"] = address
    return _told(answer, outcome)


def with_address(refusal: Refusal, path: str, until: int) -> Refusal:
    """A refusal that says where the outcome will stand, if it is not known yet. `until` is the deadline, in
    Unix microseconds.
    """
    if refusal.slug != "outcome-unknown":
        return refusal
    # The call that the command travelled in may have lived longer than the request.
    lived = clock.from_text(refusal.parameters["after"]) if "after" in refusal.parameters else until
    after = clock.to_text(lived + SETTLED_SECONDS * clock.MICROSECONDS)
    return Refusal("outcome-unknown", address=public_url() + path, after=after)


def pointing(refusal: Refusal) -> Refusal:
    """A refusal by the rules that concerns one part of the body, pointing at it."""
    pointer = None
    if refusal.slug == "charter-contradicts":
        pointer = f"/charter{refusal.parameters['clause']}"
    elif "leg" in refusal.parameters:
        pointer = f"/legs/{refusal.parameters['leg']}"
    if pointer is None or refusal.faults:
        return refusal
    fault = Fault(pointer, refusal.slug, refusal.detail)
    return Refusal(refusal.slug, (fault,), **refusal.parameters)


def _submitted(command: Command, address: str, until: int) -> SentOutcome:
    try:
        return wiring().writer.submit(command, signed_in().tokens[ledger.AUDIENCE], until)
    except Refusal as refusal:
        raise with_address(refusal, address, until) from refusal


def _told(answer: Response, outcome: SentOutcome) -> Response:
    if outcome.replayed:
        answer.headers["Idempotency-Hit"] = "true"
    return answer
