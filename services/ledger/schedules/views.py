"""Schedules in the form of `shared.contracts.ledger.ScheduleView`."""

from collections.abc import Callable
from typing import Any

from services.ledger.kernel.state import Thing
from shared.contracts import clock, money


def schedule_view(id: str, thing: Thing, memo: str, minor_units: Callable[[str], int]) -> dict[str, Any]:
    """A schedule as it stands: which payment is next, and when."""
    body = thing.body
    view = {
        "id": id,
        "status": body["status"],
        "payer": body["payer"],
        "payee": body["payee"],
        "amount": money.view(body["amount"], body["currency"], minor_units(body["currency"])),
        "memo": memo,
        "first_at": clock.to_text(body["first_at"]),
        "every": body["every"],
        "count": body["count"],
        "n": body["n"],
        "attempt": body["attempt"],
        "next_at": None if thing.due_at is None else clock.to_text(thing.due_at),
    }
    if body.get("failure"):
        view["failure"] = body["failure"]
    if body.get("skipped"):
        view["skipped"] = [{"n": n, "failure": failure} for n, failure in body["skipped"]]
    return view
