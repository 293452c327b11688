"""Making things by a command of the ledger, once per Idempotency-Key."""

from flask import Response

from gateway.api.answers import idempotency_key, json
from gateway.asking import not_after, signed_in
from gateway.wiring import wiring
from shared.contracts import ids, ledger
from shared.contracts.errors import Refusal
from shared.contracts.ledger import Command

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


def made(command: Command, collection: str, name: str) -> Response:
    """The answer to a command that makes something, whose address is `collection`/<the view's `name`>."""
    outcome = wiring().writer.submit(command, signed_in().tokens[ledger.AUDIENCE], not_after())
    if outcome.refusal is not None or outcome.view is None:
        refusal = Refusal.from_wire(outcome.refusal or {"slug": "internal-error"})
        if refusal.slug == "id-reused" and idempotency_key() is not None:
            raise Refusal("idempotency-conflict")
        raise refusal
    answer = json(outcome.view, 200 if outcome.replayed else 201)
    answer.headers["Location"] = f"{collection}/{outcome.view[name]}"
    if outcome.replayed:
        answer.headers["Idempotency-Hit"] = "true"
    return answer
