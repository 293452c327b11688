"""What needs two people: proposing, saying yes, saying no."""

from dataclasses import replace

from shared.auth.principal import ADMINISTRATOR, OPERATOR, Principal
from shared.contracts.commands import PROPOSAL_DAYS, AmendCharter, Approve, Correct, Reject, Reverse
from tests.support.model import amending, drawing, giving_back, moving, transfers
from tests.support.model.book import Book, No, Paid, Proposal
from tests.support.model.dates import DAY_US
from tests.support.model.drawing import Wish


def correct(book: Book, command: Correct, who: Principal) -> None:
    if command.transfer is not None and command.transfer not in book.paid:
        raise No("unknown-transfer")
    _correction(book, command)
    book.proposals[command.id] = Proposal(command.id, command, who.subject, book.now + PROPOSAL_DAYS * DAY_US)


def approve(book: Book, command: Approve, who: Principal) -> None:
    proposal = _proposal(book, command.proposal)
    if who.subject == proposal.by:
        raise No("second-person-needed")
    _check_second(book, proposal, who)
    if proposal.status != "pending":
        raise No("proposal-settled")
    asked = proposal.command
    if isinstance(asked, Reverse):
        paid = giving_back.payment(book, asked.transfer)
        giving_back.give_back(book, paid, paid.amount - paid.gone_back, "reversal", command.id)
    elif isinstance(asked, Correct):
        wish = _correction(book, asked)
        drawn = drawing.draw(book, wish, asked.amount)
        if drawn is None:
            raise No("insufficient-balance")
        moving.hand_over(book, wish, drawn, command.id)
        if (back := _given_back(book, asked)) is not None:
            book.paid[back.id] = replace(back, gone_back=back.gone_back + asked.amount)
    else:
        amending.adopt(book, asked)
    book.proposals[proposal.id] = replace(proposal, status="approved")


def reject(book: Book, command: Reject, who: Principal) -> None:
    proposal = _proposal(book, command.proposal)
    if who.subject != proposal.by:
        _check_second(book, proposal, who)
    if proposal.status != "pending":
        raise No("proposal-settled")
    book.proposals[proposal.id] = replace(proposal, status="rejected")


def _proposal(book: Book, id: str) -> Proposal:
    if id not in book.proposals:
        raise No("unknown-proposal")
    return book.proposals[id]


def _check_second(book: Book, proposal: Proposal, who: Principal) -> None:
    if isinstance(proposal.command, Reverse):
        allowed = transfers.holds(book.account(proposal.asked), who)
    elif isinstance(proposal.command, AmendCharter):
        allowed = who.has(OPERATOR, ADMINISTRATOR)
    else:
        allowed = who.has(OPERATOR)
    if not allowed:
        raise No("not-permitted")


def _correction(book: Book, asked: Correct) -> Wish:
    """Between holders' accounts that are not closed; a freeze does not matter."""
    money = book.money(asked.currency)
    payer, payee = book.account(asked.payer), book.account(asked.payee)
    transfers.check_route("payment", money, payer, payee)
    if payer.closed or payee.closed:
        raise No("account-closed")
    paid = _given_back(book, asked)
    if paid is not None and asked.amount > paid.amount - paid.gone_back:
        raise No("more-than-paid")
    return Wish(money, book.charter(money.code), "correction", payer, payee, asked.amount)


def _given_back(book: Book, asked: Correct) -> Paid | None:
    """The transfer of which a correction gives something back: the one that it names, the other way round."""
    paid = book.paid.get(asked.transfer or "")
    return paid if paid and (paid.payer, paid.payee) == (asked.payee, asked.payer) else None
