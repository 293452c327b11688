"""Registering people."""

from typing import Any

from flask import Response

from gateway.api.answers import blueprint, idempotency_key
from gateway.api.answers import json as json_answer
from gateway.asking import ask, signed_in
from shared.contracts import identity, ids
from shared.contracts.errors import Refusal

part = blueprint("people", "People and organisations.")


@part.route("/people", methods=["POST"])
@part.arguments(identity.CreatePerson)
@part.response(201, identity.PersonView)
@part.doc(summary="Register a person or an organisation")
def create_person(given: dict[str, Any]) -> Response:
    """For administrators. Repeating a request with the same id or Idempotency-Key registers nobody twice."""
    key = idempotency_key()
    if key is not None and given["id"] is None:
        given["id"] = ids.derived_id("person", signed_in().id, key)
    try:
        return json_answer(ask(identity.SERVICE, "create_person", **given), 201)
    except Refusal as refusal:
        if refusal.slug == "id-reused" and key is not None:
            raise Refusal("idempotency-conflict") from refusal
        raise
