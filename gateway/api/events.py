"""The ledger's journal as a feed."""

from typing import Any

from flask import Response

from gateway.api.answers import blueprint
from gateway.api.answers import json as json_answer
from gateway.api.schemas import EventListView, EventsQuery
from gateway.asking import ask
from shared.contracts import ledger

part = blueprint("events", "What happened, as CloudEvents in the order of the journal.")


@part.route("/events", methods=["GET"])
@part.arguments(EventsQuery, location="query")
@part.response(200, EventListView)
@part.doc(summary="Read events after a sequence number")
def list_events(query: dict[str, Any]) -> Response:
    """For operators. Ask again with the answer's `up_to` as `after`."""
    return json_answer(ask(ledger.SERVICE, "list_events", **query))
