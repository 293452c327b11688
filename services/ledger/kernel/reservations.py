"""Reservations: posting a pending transfer, in full or in part, and voiding it."""

from typing import Any

from services.ledger.kernel import access, moving, transfers
from services.ledger.kernel.buckets import reserved
from services.ledger.kernel.case import Case, Decision
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.moving import Plan
from services.ledger.kernel.state import Account, Thing
from shared.auth.principal import OPERATOR
from shared.contracts import money
from shared.contracts.commands import PostPending, VoidPending
from shared.contracts.errors import Refusal
from shared.contracts.journal import TRANSFER_POSTED, TRANSFER_VOIDED


def post(case: Case[PostPending]) -> Decision:
    """Move what was drawn first for a pending transfer, and set the rest of it free."""
    command, draft = case.command, case.draft
    body, payer, payee = _pending(case, command.pending, "post what is reserved for account")
    amount = body["amount"] if command.amount is None else command.amount
    currency = draft.currency(body["currency"])
    if amount > body["amount"]:
        raise Refusal(
            "more-than-reserved",
            reserved=money.text(body["amount"], currency.code, currency.minor_units),
            reserved_amount=body["amount"],
            amount=money.text(amount, currency.code, currency.minor_units),
            amount_minor=amount,
            currency=currency.code,
        )
    order = transfers.order_between(draft, "payment", currency, payer, payee, amount)
    planned = moving.part(order, _held(body), amount)
    fields = transfers.transfer_fields(order, planned, command.id) | {"pending": command.pending}
    _set_free(draft, payer, command.pending, body)
    transfers.hand_over(draft, order, planned, fields)
    for account in (payer, payee):
        draft.book_expired(account)
    _end(draft, command.pending, {"status": "posted", "posted": amount, "transfer": command.id})
    return Decision(TRANSFER_POSTED, {"transfer": fields})


def void(case: Case[VoidPending]) -> Decision:
    """Set free what a pending transfer reserved; also where accounts are frozen or closed."""
    command, draft = case.command, case.draft
    body, payer, _ = _pending(case, command.pending, "void what is reserved for account")
    _set_free(draft, payer, command.pending, body)
    draft.book_expired(payer)
    _end(draft, command.pending, {"status": "voided"})
    return Decision(TRANSFER_VOIDED, {"pending": command.pending})


def _pending(
    case: Case[PostPending] | Case[VoidPending], id: str, action: str
) -> tuple[dict[str, Any], Account, Account]:
    """What is reserved, by whom and for whom. Raises Refusal where that is not pending (any more)."""
    draft, principal = case.draft, case.principal
    thing = draft.thing("pending", id)
    if thing is None:
        raise Refusal("unknown-transfer", transfer=id)
    payer, payee = draft.account(thing.body["payer"]), draft.account(thing.body["payee"])
    if not principal.has(OPERATOR):
        access.require(draft, payee, principal, action, "receive")
    # Asked again: settling the payer lets lapse what is due.
    settled = draft.thing("pending", id)
    assert settled is not None
    if settled.body["status"] != "pending":
        raise Refusal("not-pending", transfer=id, status=settled.body["status"])
    return settled.body, payer, payee


def _held(body: dict[str, Any]) -> Plan:
    draws, fee_draws = (
        [(bucket, amount) for bucket, amount in body[name]] for name in ("draws", "fee_draws")
    )
    return Plan(body["amount"], draws, body["fee"], fee_draws)


def _set_free(draft: Draft, payer: Account, id: str, body: dict[str, Any]) -> None:
    for bucket, amount in (*body["draws"], *body["fee_draws"]):
        draft.move(payer, reserved(bucket, id), -amount)
        draft.move(payer, bucket, amount)


def _end(draft: Draft, id: str, news: dict[str, Any]) -> None:
    thing = draft.thing("pending", id)
    assert thing is not None
    draft.put("pending", id, Thing(thing.owner, None, thing.body | news))
