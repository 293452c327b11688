"""What was reserved is posted or set free."""

from shared.auth.principal import OPERATOR, Principal
from shared.contracts.commands import PostPending, VoidPending
from tests.support.model import drawing, moving, terms, time, transfers
from tests.support.model.book import Book, No, Reserved
from tests.support.model.drawing import Drawn
from tests.support.model.transfers import may


def post(book: Book, command: PostPending, who: Principal) -> None:
    """Move the units that were drawn first; the rest is free again."""
    reserved = _pending(book, command.pending, who)
    amount = reserved.amount if command.amount is None else command.amount
    if amount > reserved.amount:
        raise No("more-than-reserved")
    wish = transfers.payment_between(book, reserved.currency, reserved.payer, reserved.payee, amount)
    # The fee is that of today, but never more than what was told when it was reserved.
    fee = min(reserved.fee, terms.fee_on(wish.charter, amount)) if wish.fee else 0
    drawn = Drawn(drawing.first(reserved.parts, amount), fee, drawing.first(reserved.fee_parts, fee))
    moving.hand_over(book, wish, drawn, command.id, reservation=reserved.id)
    time.set_free(book, reserved.id, "posted")


def void(book: Book, command: VoidPending, who: Principal) -> None:
    time.set_free(book, _pending(book, command.pending, who).id, "voided")


def _pending(book: Book, id: str, who: Principal) -> Reserved:
    if id not in book.reserved:
        raise No("unknown-transfer")
    reserved = book.reserved[id]
    if not who.has(OPERATOR) and not may(book.account(reserved.payee), who, "receive"):
        raise No("not-permitted")
    if reserved.status != "pending":
        raise No("not-pending")
    return reserved
