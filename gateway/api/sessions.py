"""Signing in and out."""

from typing import Any

from flask import Response

from gateway.api.answers import blueprint
from gateway.api.answers import json as json_answer
from gateway.api.schemas import CurrentSessionView
from gateway.asking import ask_openly, secret, signed_in
from gateway.wiring import wiring
from shared.contracts import identity
from shared.contracts.errors import Refusal

part = blueprint("sessions", "Signing in and out. A session's secret is the bearer token of other requests.")


@part.route("/sessions", methods=["POST"])
@part.arguments(identity.SignIn)
@part.response(201, identity.SessionView)
@part.doc(summary="Sign in", security=[])
def create_session(given: dict[str, Any]) -> Response:
    """A new session for an e-mail address and its password."""
    return json_answer(ask_openly(identity.SERVICE, "sign_in", given), 201)


@part.route("/sessions/current", methods=["DELETE"])
@part.response(204, description="Signed out")
@part.doc(summary="Sign out")
def delete_session() -> Response:
    """End the session that the request carries."""
    end_session(secret())
    return Response(status=204)


@part.route("/sessions/current", methods=["GET"])
@part.response(200, CurrentSessionView)
@part.doc(summary="Read who is signed in")
def get_current_session() -> Response:
    """The person whose session the request carries."""
    return json_answer({"person": signed_in().person})


def end_session(session: str | None) -> None:
    """End a session and forget what is remembered of it. Raises Refusal `not-signed-in` where there is
    none.
    """
    if not session:
        raise Refusal("not-signed-in")
    wiring().sessions.forget(session)
    ask_openly(identity.SERVICE, "sign_out", {"session": session})
