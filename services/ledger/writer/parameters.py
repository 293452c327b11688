"""A batch as parameters of the statements that write it on PostgreSQL: arrays, one a column."""

from collections.abc import Sequence
from typing import Any

from services.ledger.kernel.record import Record
from services.ledger.writer import rows
from services.ledger.writer.binary import BinaryArray, bigints, byteas, texts, uuids
from services.ledger.writer.packing import pack
from services.ledger.writer.store import Batch, BooksBroken, Changes, Lines


def fence_values(batch: Batch) -> dict[str, Any]:
    return {
        "id": batch.id,
        "partition": batch.partition,
        "term": batch.term,
        "before": batch.before,
        "sequence": batch.sequence,
        "hash": batch.hash,
        "recorded_at": batch.recorded_at,
    }


def small_values(batch: Batch) -> dict[str, Any]:
    changes = batch.changes.plain()
    return (
        fence_values(batch)
        | record_values(batch.records)
        | line_values(batch.lines)
        | changed_values(changes)
        | {"hits": len(changes)}
    )


def record_values(records: Sequence[Record]) -> dict[str, Any]:
    first, last = records[0], records[-1]
    if last.sequence - first.sequence + 1 != len(records) or first.recorded_at != last.recorded_at:
        raise BooksBroken(f"records {first.sequence} to {last.sequence} are not {len(records)} of one time")
    return {
        "first": first.sequence,
        "at": first.recorded_at,
        "commands": uuids([record.command for record in records]),
        "headers": byteas([record.header for record in records]),
        "payloads": byteas([pack(record) for record in records]),
        "salts": byteas([record.salt for record in records]),
        "hashes": byteas([record.hash for record in records]),
    }


def line_values(lines: Lines) -> dict[str, BinaryArray]:
    return {
        "line_accounts": bigints(lines.accounts),
        "line_sequences": bigints(lines.sequences),
        "line_amounts": bigints(lines.amounts),
        "line_balances": bigints(lines.balances),
        "line_totals": bigints(lines.totals),
        "line_buckets": texts(lines.buckets),
    }


def changed_values(changes: Changes) -> dict[str, BinaryArray]:
    return {
        "accounts": bigints(changes.accounts),
        "balances": bigints(changes.balances),
        "totals": bigints(changes.totals),
    }


def more_values(batch: Batch) -> dict[str, Any] | None:
    """What a small batch writes beside transfers of plain units; None for nothing."""
    notes = rows.NOTES.values(batch)
    held, emptied = (changes.rows() for changes in batch.changes.special())
    altered, remembered, forgotten = rows.altered(batch), rows.remembered(batch), rows.forgotten(batch)
    if not (notes or held or emptied or altered or remembered or forgotten):
        return None
    columns: dict[tuple[str, ...], Sequence[tuple[Any, ...]]] = {
        ("", "note_sequences", "note_salts", "memos", "cases"): notes,
        ("held_accounts", "held_balances", "", "held_buckets"): held,
        ("emptied_accounts", "", "", "emptied_buckets"): emptied,
        ("numbers", "floors", "ceilings", "territories", "categories", "terms"): altered,
        ("kinds", "ids", "owners", "dues", "bodies", ""): remembered,
        ("gone_kinds", "gone_ids"): forgotten,
    }
    values = {
        name: [row[position] for row in listed]
        for names, listed in columns.items()
        for position, name in enumerate(names)
        if name
    }
    return values | {"hits": len(batch.changes.plain()) + len(altered)}
