"""Payloads of the journal as they are stored: a plain payment's in a quarter of its bytes, and the same bytes
again when read.

A plain payment names its parties twice and says the rest in words that never change. Stored of it are two
bytes that no JSON begins with, the 16 bytes of each id, and amount, balances and currency as they stand in
the payload. Every other payload is stored as it is; both lie beside each other.
"""

import re
from functools import lru_cache

from services.ledger.columns import to_bytes
from services.ledger.kernel.plain import plain_body
from services.ledger.kernel.record import Record

_PAYMENT = b"\xff\x01"
_REST = len(_PAYMENT) + 4 * 16
"""Where what follows the ids of payer, payee, principal and transfer begins."""

_matches_id = re.compile("[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}").fullmatch


@lru_cache(maxsize=4096)
def _is_id(text: str) -> bool:
    return _matches_id(text) is not None


def pack(record: Record) -> bytes:
    """A record's payload as it is stored."""
    if record.moved is not None:
        payer, payee, amount, left, held, principal = record.moved
        if not _is_id(principal):
            return record.body
        return _packed(payer.id, payee.id, principal, record.command, amount, left, held, payer.currency)
    payload, body = record.payload, record.body
    if len(payload) != 4 or len(payload["entries"]) != 2 or "transfer" not in payload:
        return body
    (payer_id, _, _, left), (payee_id, _, amount, held) = payload["entries"]
    principal, currency, id = payload["principal"], payload["transfer"]["currency"], payload["transfer"]["id"]
    # Accounts are known by the canonical text of their ids; what comes with a command may be any text.
    if not _is_id(principal) or not _is_id(id):
        return body
    if plain_body(payer_id, payee_id, f'"{principal}"', id, currency, amount, left, held) != body:
        return body
    return _packed(payer_id, payee_id, principal, id, amount, left, held, currency)


def unpack(stored: bytes) -> bytes:
    """The payload that was given to `pack`. Bytes that were damaged lead to others, and to no error here."""
    rest = stored[_REST:].decode(errors="replace").split(",", 3)
    if not stored.startswith(_PAYMENT) or len(rest) != 4:
        return stored
    digits = stored[len(_PAYMENT) : _REST].hex()
    payer, payee, principal, id = (
        f"{digits[at : at + 8]}-{digits[at + 8 : at + 12]}-{digits[at + 12 : at + 16]}"
        f"-{digits[at + 16 : at + 20]}-{digits[at + 20 : at + 32]}"
        for at in range(0, 128, 32)
    )
    amount, left, held, currency = rest
    return plain_body(payer, payee, f'"{principal}"', id, currency, amount, left, held)


def _packed(
    payer: str, payee: str, principal: str, id: str, amount: int, left: int, held: int, currency: str
) -> bytes:
    numbers = f"{amount},{left},{held},{currency}".encode()
    return b"".join((_PAYMENT, to_bytes(f"{payer}{payee}{principal}{id}"), numbers))
