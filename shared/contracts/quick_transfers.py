"""Plain transfers read quickly, many at once: the hot path of bulk uploads and of the writer's calls.

Most of what it takes a compiled schema to read a transfer goes into regular expressions, one for each id and
each text. Here the schemas have none, and what the expressions look for is looked for in all transfers
together.

What is read here is what the full schemas (`ledger_inputs.TransferInput`, `commands.WriteCall`) read, and
with the same result. Whatever has anything unusual about it, right or wrong, is left to them, and they say
what is wrong.
"""

import re
from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from shared.contracts.commands import WRITER_BATCH_LIMIT, Transfer, WriteItem
from shared.contracts.primitives import CODE_PATTERN, MEMO_MAX_LENGTH, Amount

UNREADABLE = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What decoding JSON raises for what is none, or does not fit the schema."""

_ID_LENGTH = 36
_ID_SHAPE = b"00000000-0000-0000-0000-000000000000"
_VERSION, _VARIANT = 14, 19
"""Where in an id the two digits stand that not every digit will do for."""
_SHAPES = bytes(
    ord("0") if byte in b"0123456789abcdef" else byte if byte == ord("-") else ord("?") for byte in range(256)
)
_is_code = re.compile(CODE_PATTERN).search

_Id = Annotated[str, Meta(min_length=_ID_LENGTH, max_length=_ID_LENGTH)]
_Memo = Annotated[str, Meta(max_length=MEMO_MAX_LENGTH)]
_Kind = Literal["issuance", "payment", "redemption"]


class _Money(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    amount: Amount
    currency: str


class _Input(msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False):
    """What most lines have of a `TransferInput`."""

    id: _Id
    kind: _Kind = "payment"
    payer: _Id | None = None
    payee: _Id | None = None
    amount: _Money
    memo: _Memo = ""


class _Command(
    msgspec.Struct, forbid_unknown_fields=True, kw_only=True, gc=False, tag_field="type", tag="transfer"
):
    """What most commands have of a `Transfer`."""

    id: _Id
    kind: _Kind
    currency: str
    amount: Amount
    payer: _Id | None = None
    payee: _Id | None = None
    memo: _Memo = ""


class _Item(msgspec.Struct, gc=False):
    token: int
    command: _Command


class _Call(msgspec.Struct):
    tokens: list[str]
    items: Annotated[list[_Item], Meta(min_length=1, max_length=WRITER_BATCH_LIMIT)]
    not_after: int


_read_input = msgspec.json.Decoder(_Input).decode
_read_call = msgspec.json.Decoder(_Call).decode


def read_lines(lines: Iterable[bytes]) -> list[Transfer | None]:
    """The transfer in each line; None where the full schema is to be asked."""
    read: list[Transfer | None] = []
    for line in lines:
        try:
            given = _read_input(line)
        except UNREADABLE:
            read.append(None)
            continue
        money = given.amount
        read.append(
            Transfer(
                id=given.id,
                kind=given.kind,
                currency=money.currency,
                amount=money.amount,
                payer=given.payer,
                payee=given.payee,
                memo=given.memo,
            )
        )
    transfers = [transfer for transfer in read if transfer is not None]
    return read if _are_well_formed(transfers) else [None] * len(read)


def read_call(raw: bytes | msgspec.Raw) -> tuple[list[str], list[WriteItem], int] | None:
    """Tokens, items and deadline of a `WriteCall` of plain transfers alone; None where the full schema is to
    be asked.
    """
    try:
        call = _read_call(raw)
    except UNREADABLE:
        return None
    if not _are_well_formed(item.command for item in call.items):
        return None
    items = [
        WriteItem(
            item.token,
            Transfer(
                id=command.id,
                kind=command.kind,
                currency=command.currency,
                amount=command.amount,
                payer=command.payer,
                payee=command.payee,
                memo=command.memo,
            ),
        )
        for item in call.items
        for command in (item.command,)
    ]
    return call.tokens, items, call.not_after


def _are_well_formed(transfers: Iterable[Transfer | _Command]) -> bool:
    """Whether all these have ids, codes and texts that are as the patterns of the full schema say."""
    ids: list[str] = []
    codes: set[str] = set()
    for transfer in transfers:
        ids.append(transfer.id)
        if transfer.payer is not None:
            ids.append(transfer.payer)
        if transfer.payee is not None:
            ids.append(transfer.payee)
        codes.add(transfer.currency)
        if "\0" in transfer.memo:
            return False
    return _are_ids(ids) and all(map(_is_code, codes))


def _are_ids(texts: Sequence[str]) -> bool:
    """Whether these, each of the length of an id, are ids: all of them looked at as one."""
    joined = "".join(texts)
    if not joined.isascii():
        return False
    raw = joined.encode()
    return (
        raw.translate(_SHAPES) == _ID_SHAPE * len(texts)
        and not raw[_VERSION::_ID_LENGTH].strip(b"78")
        and not raw[_VARIANT::_ID_LENGTH].strip(b"89ab")
    )
