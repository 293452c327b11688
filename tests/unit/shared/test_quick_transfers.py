"""Transfers read quickly are those that the full schemas read, and nothing else."""

import json
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.contracts import ids
from shared.contracts.commands import WRITER_BATCH_LIMIT, Transfer, VoidPending, WriteCall, WriteItem
from shared.contracts.ledger_inputs import TransferInput
from shared.contracts.quick_transfers import UNREADABLE, read_call, read_lines

ALMOST_IDS = (
    "0198a3f0-1111-7222-8333-444455556666",
    "0198a3f0-1111-8222-b333-444455556666",
    "0198a3f0-1111-4222-8333-444455556666",
    "0198a3f0-1111-7222-c333-444455556666",
    "0198A3F0-1111-7222-8333-444455556666",
    "0198a3f01-111-7222-8333-444455556666",
    "0198a3f0-1111-7222-8333-44445555666",
    "0198a3f0-1111-7222-8333-44445555666\n",
    "0198a3f0-1111-7222-8333-4444555566667",
    "0198a3f0-1111-7222-8333-44445555666٣",
    "",
)
"""The first two are ids."""

almost_ids = st.sampled_from(ALMOST_IDS) | st.builds(ids.new_id) | st.builds(ids.new_id)
texts = st.text(max_size=5) | st.sampled_from(["\0", "x" * 140, "x" * 141, "maïs", "\ud800"])
amounts = st.sampled_from([1, 2**53 - 1, 0, -1, 2**53, 1.0, "1", True, None])
codes = st.sampled_from(["PUMA", "P2", "P", "puma", "PUMA\n", "", "TOOLONGACODE", 1])
ODD: dict[str, Any] = {
    "purpose": "food",
    "goods": [],
    "up_to": True,
    "pending_seconds": 60,
    "case_reference": "7",
}
odd = st.dictionaries(st.sampled_from([*ODD, "occurred_at", "unheard_of"]), st.none(), max_size=2).map(
    lambda names: {name: ODD.get(name, 1) for name in names}
)


@st.composite
def fields(draw: st.DrawFn) -> dict[str, Any]:
    """What a transfer may have, most of it right."""
    made: dict[str, Any] = {"id": draw(almost_ids)}
    for name, values in (
        ("payer", almost_ids | st.none()),
        ("payee", almost_ids),
        ("memo", texts),
        ("kind", st.sampled_from(["payment", "issuance", "gift", None])),
    ):
        if draw(st.booleans()):
            made[name] = draw(values)
    return made | draw(odd)


def plain(**changes: Any) -> dict[str, Any]:
    return {"id": ids.new_id(), "payer": ids.new_id(), "payee": ids.new_id(), "memo": "Pan"} | changes


def as_line(made: dict[str, Any], amount: Any, currency: Any) -> bytes:
    return json.dumps(made | {"amount": {"amount": amount, "currency": currency}}).encode()


def as_command(made: dict[str, Any], amount: Any, currency: Any) -> dict[str, Any]:
    return {"type": "transfer", "kind": "payment"} | made | {"amount": amount, "currency": currency}


def strictly(line: bytes) -> Transfer | None:
    try:
        return msgspec.json.decode(line, type=TransferInput).to_command()
    except UNREADABLE:
        return None


@given(made=st.lists(st.tuples(fields(), amounts, codes), max_size=4), cut=st.integers(0, 3))
def test_a_line_is_read_as_the_full_schema_reads_it_or_left_to_it(
    made: list[tuple[dict[str, Any], Any, Any]], cut: int
) -> None:
    lines = [as_line(*each) for each in made] + [as_line(plain(), 1, "PUMA")[cut:], b"", b"\xff", b"[" * 5000]
    read = read_lines(lines)
    assert len(read) == len(lines)
    for line, transfer in zip(lines, read, strict=True):
        assert transfer is None or transfer == strictly(line)


@given(made=st.lists(st.tuples(fields(), amounts, codes), min_size=1, max_size=4))
def test_a_call_is_read_as_the_full_schema_reads_it_or_left_to_it(
    made: list[tuple[dict[str, Any], Any, Any]],
) -> None:
    items = [{"token": place, "command": as_command(*each)} for place, each in enumerate(made)]
    raw = json.dumps({"tokens": ["one"], "items": items, "not_after": 7}).encode()
    read = read_call(raw)
    if read is not None:
        assert WriteCall(*read) == msgspec.json.decode(raw, type=WriteCall)


@settings(max_examples=20)
@given(st.integers(1, WRITER_BATCH_LIMIT))
def test_plain_payments_are_read_quickly(size: int) -> None:
    lines = [as_line(plain(), 1, "PUMA") for _ in range(size)]
    read = read_lines(lines)
    assert read == [strictly(line) for line in lines]
    commands = [command for command in read if command is not None]
    call = WriteCall(["one", "two"], [WriteItem(n % 2, command) for n, command in enumerate(commands)], 7)
    assert read_call(msgspec.json.encode(call)) == (call.tokens, call.items, call.not_after)


def test_each_almost_right_id_is_left_to_the_full_schema_wherever_it_stands() -> None:
    for field in ("id", "payer", "payee"):
        for text in ALMOST_IDS:
            lines = [as_line(plain(), 1, "PUMA"), as_line(plain(**{field: text}), 1, "PUMA")]
            assert (read_lines(lines)[1] is not None) == (text in ALMOST_IDS[:2])


def test_calls_with_other_commands_and_calls_of_the_wrong_size_are_left_to_the_full_schema() -> None:
    void = VoidPending(id=ids.new_id(), pending=ids.new_id())
    assert read_call(msgspec.json.encode(WriteCall(["one"], [WriteItem(0, void)], 7))) is None
    [transfer] = read_lines([as_line(plain(), 1, "PUMA")])
    assert transfer is not None
    for size in (0, WRITER_BATCH_LIMIT + 1):
        call = WriteCall(["one"], [WriteItem(0, transfer)] * size, 7)
        assert read_call(msgspec.json.encode(call)) is None
    for raw in (b"", b"{}", b"null", b'{"tokens": ["\xff"]}'):
        assert read_call(raw) is None
