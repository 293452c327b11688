"""One example of each message, the same every time."""

from typing import Any

from marshmallow import Schema, fields, validate

from shared.contracts import clock, events, journal
from shared.contracts.events import EventType
from shared.contracts.journal import JournalRecord

ID = "01990a3c-5d2e-7b4f-8c61-3e9f2a7d5b10"
PAYER = "01990a3c-5d2e-7b4f-8c61-000000000001"
PAYEE = "01990a3c-5d2e-7b4f-8c61-000000000002"
HAPPENED_AT = clock.from_text("2026-05-04T09:30:00.000000Z")


def event(kind: EventType) -> dict[str, Any]:
    """An event of a registered kind."""
    return {
        "id": ID,
        "source": f"/medtown/{kind.key.partition('.')[0]}",
        "type": events.TYPE_PREFIX + kind.key,
        "subject": ID,
        "time": clock.to_text(HAPPENED_AT),
        "data": _data(kind.schema),
        "specversion": events.SPEC_VERSION,
        "datacontenttype": "application/json",
        "traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
    }


def batch() -> list[dict[str, Any]]:
    """A batch of the journal with the record of a payment."""
    transfer = {
        "id": ID,
        "kind": "payment",
        "currency": "PUMA",
        "amount": 250,
        "payer": PAYER,
        "payee": PAYEE,
    }
    entries = [[PAYER, "", -250, 750], [PAYEE, "", 250, 250]]
    record = JournalRecord(
        partition=0,
        timeline="01990a00-0000-7000-8000-000000000000",
        sequence=42,
        type=journal.TRANSFER_POSTED,
        recorded_at=HAPPENED_AT,
        occurred_at=HAPPENED_AT,
        prev_hash="a" * 64,
        hash="b" * 64,
        payload={"accounts": [], "entries": entries, "principal": PAYER, "transfer": transfer},
    )
    return [journal.to_cloud_event(record)]


def _data(schema: type[Schema]) -> dict[str, Any]:
    return {name: _value(field) for name, field in schema().fields.items()}


def _value(field: fields.Field[Any]) -> Any:
    for rule in field.validators:
        if isinstance(rule, validate.OneOf):
            return next(iter(rule.choices))
    if isinstance(field, fields.Boolean):
        return True
    if isinstance(field, fields.Integer):
        return 1
    return [] if isinstance(field, fields.List) else ID
