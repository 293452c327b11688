"""Giving payments back: refunds by their payee, reversals that both parties agree to."""

from typing import Any

from services.ledger.kernel import access, moving, transfers
from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.case import Case, Decision
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.moving import Order
from services.ledger.kernel.payload import posted_transfer
from services.ledger.kernel.proposing import propose
from services.ledger.kernel.state import Thing
from shared.auth.principal import OPERATOR, Principal
from shared.contracts import money
from shared.contracts.commands import Refund, Reverse
from shared.contracts.errors import Refusal
from shared.contracts.journal import REVERSAL_PROPOSED, TRANSFER_POSTED


def refund(case: Case[Refund]) -> Decision:
    """Give back a payment in full or in part; its fee stays where it is."""
    command, draft = case.command, case.draft
    paid = posted(draft, command.transfer, "payment")
    amount = left_of(draft, paid) if command.amount is None else command.amount
    if not _refunds_by_office(draft, paid, case.principal):
        payee = draft.account(paid["payee"])
        access.require(draft, payee, case.principal, "refund from account", "receive", amount=amount)
    fields = give_back(draft, "refund", paid, amount, command.id)
    return Decision(TRANSFER_POSTED, {"transfer": fields}, command.memo)


def propose_reversal(case: Case[Reverse]) -> Decision:
    """Propose, as one of a payment's parties, that all that is left of it goes back."""
    command, draft = case.command, case.draft
    paid = posted(draft, command.transfer, "payment")
    other = _other_party(draft, paid, case.principal)
    if not left_of(draft, paid):
        raise _more_than_paid(draft, paid, paid["amount"])
    propose(case, "reverse", other, transfer=command.transfer)
    return Decision(REVERSAL_PROPOSED, {"of": command.transfer, "proposal": command.id}, command.memo)


def posted(draft: Draft, id: str, *kinds: str) -> dict[str, Any]:
    """What the journal says of a posted transfer, of these kinds if any are named. Raises Refusal
    `unknown-transfer`.
    """
    leg = draft.thing("leg", id)
    transfer = posted_transfer(draft.state.commands[id if leg is None else leg.body["command"]], leg)
    if transfer is None or (kinds and transfer["kind"] not in kinds):
        raise Refusal("unknown-transfer", transfer=id)
    return transfer


def left_of(draft: Draft, paid: dict[str, Any]) -> int:
    """How much of a payment has not gone back yet."""
    refunded = draft.thing("refunded", paid["id"])
    left: int = paid["amount"] - (0 if refunded is None else refunded.body["amount"])
    return left


def give_back(draft: Draft, kind: str, paid: dict[str, Any], amount: int, id: str) -> dict[str, Any]:
    """Book that a part of a payment goes back, as a transfer of this kind and id; says its fields.

    Units return to the payer's buckets that they came from, those drawn last first; the payee gives of what
    it can spend.
    """
    left = check_left(draft, paid, amount)
    payer, payee = draft.account(paid["payer"]), draft.account(paid["payee"])
    moving.check_open(draft, payee, gives=True)
    moving.check_open(draft, payer, gives=False)
    drawn = [(bucket, part) for bucket, part in paid.get("drawn", [(PLAIN, paid["amount"])])]
    back = moving.last(moving.first(drawn, left), amount)
    currency = draft.currency(paid["currency"])
    order = Order(currency, draft.rules(currency.code), kind, payee, payer, amount, back=back)
    planned = moving.plan(draft, order)
    fields = transfers.transfer_fields(order, planned, id) | {"of": paid["id"]}
    transfers.hand_over(draft, order, planned, fields)
    draft.book_expired(payer)
    count_back(draft, paid, amount)
    return fields


def check_left(draft: Draft, paid: dict[str, Any], amount: int) -> int:
    """How much of a transfer can go back. Raises Refusal `more-than-paid` where the amount is more."""
    left = left_of(draft, paid)
    if not 0 < amount <= left:
        raise _more_than_paid(draft, paid, amount)
    return left


def count_back(draft: Draft, paid: dict[str, Any], amount: int) -> None:
    """Remember that so much more of a transfer has gone back."""
    gone = paid["amount"] - left_of(draft, paid) + amount
    draft.put("refunded", paid["id"], Thing(paid["payee"], None, {"amount": gone}))


def _refunds_by_office(draft: Draft, paid: dict[str, Any], principal: Principal) -> bool:
    """Operators refund what others have paid, never to themselves: that is for the payee or a colleague."""
    payer = draft.account(paid["payer"])
    return principal.has(OPERATOR) and not access.may(draft, payer, principal, "pay")


def _other_party(draft: Draft, paid: dict[str, Any], principal: Principal) -> str:
    """The account of the party that the principal does not speak for; who holds an account speaks for it
    rather than for one where somebody else lets them.
    """
    payer, payee = draft.account(paid["payer"]), draft.account(paid["payee"])
    if access.holds(payer, principal):
        return payee.id
    if access.holds(payee, principal) or access.may(draft, payee, principal, "receive", paid["amount"]):
        return payer.id
    access.require(
        draft, payer, principal, "ask back what was paid from account", "pay", amount=paid["amount"]
    )
    return payee.id


def _more_than_paid(draft: Draft, paid: dict[str, Any], amount: int) -> Refusal:
    currency, left = draft.currency(paid["currency"]), left_of(draft, paid)
    return Refusal(
        "more-than-paid",
        left=money.text(left, currency.code, currency.minor_units),
        left_amount=left,
        amount=money.text(amount, currency.code, currency.minor_units),
        amount_minor=amount,
        currency=currency.code,
    )
