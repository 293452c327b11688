"""Making things by a command of the ledger, once per Idempotency-Key."""

from flask import Response

from gateway.api.answers import idempotency_key, json
from gateway.asking import not_after, signed_in
from gateway.wiring import public_url, wiring
from shared.contracts import clock, ids, ledger
from shared.contracts.commands import Command
from shared.contracts.errors import Refusal

SETTLED_SECONDS = 60
"""How long after a deadline it is sure that what was not recorded will never be."""
PARTITION = 0
"""The ledger partition that new currencies, and so their accounts, are put into."""


def new_command_id(kind: str) -> str:
    """The id of a command that makes something: of the request's own key where it has one, else a fresh
    one.
    """
    key = idempotency_key()
    if key is None:
        return ids.new_account_id(PARTITION)
    return ids.derived_account_id(PARTITION, kind, signed_in().id, key)


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


def made(command: Command, collection: str, name: str) -> Response:
    """The answer to a command that makes something, whose address is `collection`/<its field `name`>."""
    until = not_after()
    address = f"{collection}/{getattr(command, name)}"
    try:
        outcome = wiring().writer.submit(command, signed_in().tokens[ledger.AUDIENCE], until)
    except Refusal as failure:
        raise with_address(failure, address, until) from failure
    if outcome.refusal is not None or outcome.view is None:
        refusal = with_address(
            Refusal.from_wire(outcome.refusal or {"slug": "internal-error"}), address, until
        )
        if refusal.slug == "id-reused" and idempotency_key() is not None:
            raise Refusal("idempotency-conflict")
        raise refusal
    answer = json(outcome.view, 200 if outcome.replayed else 201)
    answer.headers["Location"] = address
    if outcome.replayed:
        answer.headers["Idempotency-Hit"] = "true"
    return answer
