"""Payments to come."""

from typing import Any

from flask import Response

from gateway.api.answers import blueprint
from gateway.api.answers import json as json_answer
from gateway.api.reading import Reader
from gateway.api.schemas import ScheduleListView, SchedulesQuery
from gateway.api.writing import changed, described, made
from gateway.asking import ask
from shared.contracts import ledger
from shared.contracts.commands import CancelSchedule
from shared.contracts.ledger_inputs import Input, ScheduleInput, command_of

part = blueprint("schedules", "Payments that are made later, once or again and again.")

_schedule, _cancellation = Reader(ScheduleInput), Reader(Input)


@part.route("/schedules", methods=["POST"])
@part.response(201, ledger.ScheduleView)
@part.alt_response(200, schema=ledger.ScheduleView, description="Made before by the same request")
@part.doc(summary="Make a schedule", **described(ScheduleInput))
def create_schedule() -> Response:
    """For whoever may pay from the account. A payment that fails is tried again after an hour and after a
    day, then skipped.
    """
    command = _schedule.body().to_command()
    return made(command, address_of(command.id))


@part.route("/schedules", methods=["GET"])
@part.arguments(SchedulesQuery, location="query")
@part.response(200, ScheduleListView)
@part.doc(summary="List an account's schedules")
def list_schedules(query: dict[str, Any]) -> Response:
    """Those that pay from the account."""
    return json_answer(ask(ledger.SERVICE, "list_schedules", **query))


@part.route("/schedules/<id:id>", methods=["GET"])
@part.response(200, ledger.ScheduleView)
@part.doc(summary="Read a schedule")
def get_schedule(id: str) -> Response:
    """Which payment is next, and why the last attempt failed, if it did."""
    return json_answer(ask(ledger.SERVICE, "get_schedule", id=id))


@part.route("/schedules/<id:id>/cancellations", methods=["POST"])
@part.response(200, ledger.ScheduleView)
@part.doc(summary="Cancel a schedule", **described(Input))
def cancel_schedule(id: str) -> Response:
    """Pay no more of it."""
    return changed(command_of(CancelSchedule, _cancellation.body(), schedule=id), address_of(id))


def address_of(schedule: str) -> str:
    """Where a schedule stands, without the host."""
    return f"/api/v1/schedules/{schedule}"
