"""Payloads of the journal as they are stored: a plain payment's in a quarter of its bytes, and the same bytes
again when read.

A plain payment names its parties twice and says the rest in words that never change. Stored of it are two
bytes that no JSON begins with, the 16 bytes of each id, and amount, balances and currency as they stand in
the payload. Every other payload is stored as it is; both lie beside each other.
"""

import re

from services.ledger.columns import to_bytes
from services.ledger.kernel.record import Record

_PAYMENT = b"\xff\x01"
_REST = len(_PAYMENT) + 4 * 16
"""Where what follows the ids of payer, payee, principal and transfer begins."""
_ID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

_are_ids = re.compile(f"{_ID}{_ID}").fullmatch


def pack(record: Record) -> bytes:
    """A record's payload as it is stored."""
    payload, body = record.payload, record.body
    if len(payload) != 4 or len(payload["entries"]) != 2 or "transfer" not in payload:
        return body
    (payer, _, _, left), (payee, _, amount, held) = payload["entries"]
    principal, currency, id = payload["principal"], payload["transfer"]["currency"], payload["transfer"]["id"]
    # Accounts are known by the canonical text of their ids; what comes with a command may be any text.
    if not _are_ids(principal + id):
        return body
    if not record.plain and _payload(payer, payee, principal, id, amount, left, held, currency) != body:
        return body
    return b"%b%b%d,%d,%d,%b" % (
        *(_PAYMENT, to_bytes(payer + payee + principal + id)),
        *(amount, left, held, currency.encode()),
    )


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
    return _payload(payer, payee, principal, id, *rest)


def _payload(
    payer: str, payee: str, principal: str, id: str, amount: object, left: object, held: object, currency: str
) -> bytes:
    """A plain payment's payload. Never to be changed: what is stored says these words no more."""
    return (
        f'{{"accounts":[],"entries":[["{payer}","",-{amount},{left}],["{payee}","",{amount},{held}]],'
        f'"principal":"{principal}","transfer":{{"amount":{amount},"currency":"{currency}","id":"{id}",'
        f'"kind":"payment","payee":"{payee}","payer":"{payer}"}}}}'
    ).encode()
