"""What time does: walked through for every account and every pot, before every command."""

from dataclasses import replace

from tests.support.model import terms
from tests.support.model.book import Book, Pot


def settle(book: Book) -> None:
    """Let lapse what has lapsed: proposals, reservations, units; and forget when units were received that
    can be redeemed without a penalty.
    """
    for proposal in list(book.proposals.values()):
        if proposal.status == "pending" and proposal.lapses_at <= book.now:
            book.proposals[proposal.id] = replace(proposal, status="lapsed")
    for reserved in list(book.reserved.values()):
        if reserved.status == "pending" and reserved.lapses_at <= book.now:
            set_free(book, reserved.id, "lapsed")
    for pot, amount in list(book.pots.items()):
        account, kind = book.accounts[pot.account], pot.kind
        if kind.reservation or not account.is_held:
            continue
        if kind.expires_on is not None and kind.expires_on < book.today:
            book.move(amount, pot, Pot(book.moneys[account.currency].redemption))
        elif kind.received_on and terms.was_free_of_penalty(book, account.currency, kind.received_on):
            book.move(amount, pot, pot._replace(kind=kind._replace(received_on=None)))


def set_free(book: Book, reservation: str, status: str) -> None:
    """Give what is still reserved back to where it came from."""
    for pot, amount in list(book.pots.items()):
        if pot.kind.reservation == reservation:
            book.move(amount, pot, pot._replace(kind=pot.kind._replace(reservation="")))
    book.reserved[reservation] = replace(book.reserved[reservation], status=status)
