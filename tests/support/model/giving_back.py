"""Payments go back: by their payee, or because both agree."""

from dataclasses import replace

from shared.auth.principal import OPERATOR, Principal
from shared.contracts.commands import PROPOSAL_DAYS, Refund, Reverse
from tests.support.model import drawing, moving
from tests.support.model.book import Book, No, Paid, Pot, Proposal
from tests.support.model.dates import DAY_US
from tests.support.model.drawing import Wish
from tests.support.model.transfers import holds, may


def refund(book: Book, command: Refund, who: Principal) -> None:
    paid = payment(book, command.transfer)
    amount = paid.amount - paid.gone_back if command.amount is None else command.amount
    by_office = who.has(OPERATOR) and not may(book.account(paid.payer), who, "pay")
    if not by_office and not may(book.account(paid.payee), who, "receive", amount):
        raise No("not-permitted")
    give_back(book, paid, amount, "refund", command.id)


def reverse(book: Book, command: Reverse, who: Principal) -> None:
    """Proposed by one party; what is asked is the other."""
    paid = payment(book, command.transfer)
    payer, payee = book.account(paid.payer), book.account(paid.payee)
    if holds(payer, who):
        other = payee
    elif may(payee, who, "receive", paid.amount):
        other = payer
    elif may(payer, who, "pay", paid.amount):
        other = payee
    else:
        raise No("not-permitted")
    if paid.gone_back == paid.amount:
        raise No("more-than-paid")
    book.proposals[command.id] = Proposal(
        command.id, command, who.subject, book.now + PROPOSAL_DAYS * DAY_US, asked=other.id
    )


def payment(book: Book, id: str) -> Paid:
    if id not in book.paid or book.paid[id].kind != "payment":
        raise No("unknown-transfer")
    return book.paid[id]


def give_back(book: Book, paid: Paid, amount: int, kind: str, id: str) -> None:
    """The units that were drawn last go back to the pots that they came from; for them the payee gives of
    what it has.
    """
    left = paid.amount - paid.gone_back
    if not 0 < amount <= left:
        raise No("more-than-paid")
    giver, taker = book.account(paid.payee), book.account(paid.payer)
    moving.check_can_give(giver)
    moving.check_can_take(taker)
    back = drawing.last(drawing.first(paid.parts, left), amount)
    wish = Wish(book.money(paid.currency), book.charter(paid.currency), kind, giver, taker, amount, back=back)
    drawn = drawing.draw(book, wish, amount)
    if drawn is None:
        raise No("insufficient-balance")
    moving.check_room(book, taker, amount)
    # Between, the units are nowhere: which of them becomes which does not matter.
    middle = Pot("")
    for part in drawn.parts:
        book.move(part.amount, Pot(giver.id, part.kind), middle)
    for part in back:
        book.move(part.amount, middle, Pot(taker.id, part.kind))
    book.paid[paid.id] = replace(paid, gone_back=paid.gone_back + amount)
    book.paid[id] = Paid(id, kind, paid.currency, giver.id, taker.id, amount, tuple(drawn.parts))
