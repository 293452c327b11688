"""Transfers: now, or reserved for later; one, or several linked ones."""

from typing import Any

from shared.auth.principal import IMPORTER, OPERATOR, Principal
from shared.contracts import ids
from shared.contracts.commands import MAX_OPEN_RESERVATIONS, Leg, LinkedTransfers, Transfer
from tests.support.model import drawing, moving, terms
from tests.support.model.book import Account, Book, No, Pot, Reserved
from tests.support.model.drawing import Drawn, Wish

ROUTES = {
    "payment": (("member", "organisation"), ("member", "organisation")),
    "issuance": (("issuance",), ("member", "organisation")),
    "redemption": (("member", "organisation"), ("redemption",)),
}


def transfer(book: Book, command: Transfer, who: Principal) -> None:
    check_form(command)
    if command.up_to and command.goods:
        raise No("invalid-request")
    if command.pending_seconds is not None and command.kind != "payment":
        raise No("invalid-request")
    wish = wish_of(book, command, who, command.case_reference)
    drawn = drawing.draw(book, wish, command.amount)
    if drawn is None and command.up_to:
        possible = drawing.largest(book, wish)
        drawn = drawing.draw(book, wish, possible) if possible else None
    if drawn is None:
        raise No("insufficient-balance")
    if command.pending_seconds is None:
        post(book, wish, drawn, command.id)
    else:
        reserve(book, wish, drawn, command)


def linked(book: Book, command: LinkedTransfers, who: Principal) -> None:
    for position, leg in enumerate(command.legs):
        check_form(leg)
        wish = wish_of(book, leg, who, command.case_reference)
        drawn = drawing.draw(book, wish, leg.amount)
        if drawn is None:
            raise No("insufficient-balance")
        post(book, wish, drawn, leg_id(command.id, position))


def leg_id(command: str, position: int) -> str:
    return ids.derived_id("leg", command, str(position))


def check_form(asked: Transfer | Leg) -> None:
    if asked.goods and asked.kind != "payment":
        raise No("invalid-request")
    if asked.goods and sum(goods.amount for goods in asked.goods) != asked.amount:
        raise No("invalid-request")
    if asked.purpose is not None and asked.kind != "issuance":
        raise No("invalid-request")


def wish_of(book: Book, asked: Transfer | Leg, who: Principal, case_reference: str) -> Wish:
    money = book.money(asked.currency)
    payer_id = asked.payer or (money.issuance if asked.kind == "issuance" else None)
    payee_id = asked.payee or (money.redemption if asked.kind == "redemption" else None)
    if payer_id is None or payee_id is None:
        raise No("invalid-request")
    payer, payee = book.account(payer_id), book.account(payee_id)
    check_may_transfer(payer, asked.kind, asked.amount, who)
    check_route(asked.kind, money.code, money.kind, payer, payee)
    check_open(payer, payee)
    charter = book.charter(money.code)
    if asked.kind == "issuance":
        if not charter.issuance.allowed:
            raise No("charter-forbids")
        if charter.issuance.case_reference_required and not case_reference:
            raise No("invalid-request")
        if asked.purpose is not None and asked.purpose not in [each.code for each in charter.purposes]:
            raise No("invalid-request")
    if asked.kind == "redemption":
        if not charter.redemption.allowed:
            raise No("charter-forbids")
        if charter.redemption.case_reference_required and not case_reference:
            raise No("invalid-request")
        if payer.kind not in charter.redemption.kinds:
            raise No("charter-forbids")
        if charter.redemption.minimum is not None and asked.amount < charter.redemption.minimum:
            raise No("below-minimum")
    return Wish(
        money, charter, asked.kind, payer, payee, asked.amount, asked.purpose or "", asked.goods,
        fee=asked.kind == "payment" and fee_is_due(charter, payer, payee),
    )


def fee_is_due(charter: Any, payer: Account, payee: Account) -> bool:
    return charter.fee is not None and charter.fee.to not in (payer.id, payee.id)


def check_may_transfer(payer: Account, kind: str, amount: int, who: Principal) -> None:
    if who.has(IMPORTER):
        return
    by_holder = kind != "issuance" and may(payer, who, "pay", amount)
    by_operator = kind != "payment" and who.has(OPERATOR)
    if not (by_holder or by_operator):
        raise No("not-permitted")


def may(account: Account, who: Principal, right: str, amount: int = 0) -> bool:
    """Whether it is the holder, or somebody with this right."""
    if account.holder is not None and who.subject == account.holder:
        return True
    return any(
        subject == who.subject and right in rights and (most is None or amount <= most)
        for subject, rights, most in account.delegates
    )


def check_route(kind: str, code: str, money_kind: str, payer: Account, payee: Account) -> None:
    if payer.id == payee.id:
        raise No("same-account")
    if payer.currency != code or payee.currency != code:
        raise No("wrong-currency")
    from_kinds, to_kinds = ROUTES[kind]
    if payer.kind not in from_kinds or payee.kind not in to_kinds:
        raise No("wrong-kind")
    if kind != "payment" and money_kind == "mutual_credit":
        raise No("wrong-kind")


def check_open(payer: Account, payee: Account) -> None:
    for account, stopped in ((payer, ("out", "all")), (payee, ("all",))):
        if account.closed:
            raise No("account-closed")
        if account.frozen in stopped:
            raise No("account-frozen")


def post(book: Book, wish: Wish, drawn: Drawn, id: str) -> None:
    if wish.kind != "issuance":
        moving.count_spending(book, wish.payer, drawn.everything)
    moving.hand_over(book, wish, drawn, id)


def reserve(book: Book, wish: Wish, drawn: Drawn, command: Transfer) -> None:
    assert command.pending_seconds is not None
    open_ones = {kind.reservation for kind in book.holdings(wish.payer.id)} - {""}
    if len(open_ones) >= MAX_OPEN_RESERVATIONS:
        raise No("too-many-reservations")
    moving.count_spending(book, wish.payer, drawn.everything)
    for part in (*drawn.parts, *drawn.fee_parts):
        there = Pot(wish.payer.id, part.kind)
        book.move(part.amount, there, there._replace(kind=part.kind._replace(reservation=command.id)))
    book.reserved[command.id] = Reserved(
        command.id, wish.money.code, wish.payer.id, wish.payee.id, drawn.amount, drawn.fee,
        tuple(drawn.parts), tuple(drawn.fee_parts), book.now + command.pending_seconds * 1_000_000,
    )
