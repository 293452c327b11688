"""Transfers: now, or reserved for later; one, or several linked ones."""

from shared.auth.principal import IMPORTER, OPERATOR, Principal
from shared.contracts import ids
from shared.contracts.charters import Charter
from shared.contracts.commands import MAX_OPEN_RESERVATIONS, Leg, LinkedTransfers, Transfer
from tests.support.model import drawing, moving
from tests.support.model.book import Account, Book, Money, No, Pot, Reserved
from tests.support.model.drawing import Drawn, Wish

ROUTES = {
    "payment": (("member", "organisation"), ("member", "organisation")),
    "issuance": (("issuance",), ("member", "organisation")),
    "redemption": (("member", "organisation"), ("redemption",)),
}


DEPENDS_ON_AMOUNT = ("insufficient-balance", "spending-limit", "maximum-balance")


def transfer(book: Book, command: Transfer, who: Principal) -> None:
    check_form(command)
    if command.up_to and command.goods:
        raise No("invalid-request")
    if command.pending_seconds is not None and command.kind != "payment":
        raise No("invalid-request")
    wish = wish_of(book, command, who, command.case_reference)
    if command.up_to:
        as_much_as_possible(book, wish, command)
    else:
        carry_out(book, wish, command, command.amount)


def carry_out(book: Book, wish: Wish, command: Transfer, amount: int) -> int:
    """Move or reserve an amount. Returns how much reaches the payee, now or later."""
    drawn = drawing.draw(book, wish, amount)
    if drawn is None:
        raise No("insufficient-balance")
    if command.pending_seconds is not None:
        reserve(book, wish, drawn, command)
        return amount
    return post(book, wish, drawn, command.id)


def as_much_as_possible(book: Book, wish: Wish, command: Transfer) -> None:
    """Try all amounts from above, until one is accepted of which something reaches the payee. Where none is,
    what is told is what is wrong with the least; where nothing of the least would reach the payee, with all
    that the payer could pay.
    """
    affordable = drawing.largest(book, wish)
    for amount in range(affordable, 0, -1):
        trial = book.copy()
        try:
            reaches = carry_out(trial, wish, command, amount)
        except No as no:
            if no.slug in DEPENDS_ON_AMOUNT:
                continue
            raise
        if reaches:
            if wish.kind == "redemption":
                check_minimum(wish.charter, amount)
            book.become(trial)
            return
    if affordable and (command.pending_seconds is not None or _least_reaches(book, wish)):
        carry_out(book, wish, command, 1)
    if affordable and wish.kind == "redemption":
        check_minimum(wish.charter, affordable)
    carry_out(book, wish, command, affordable or wish.amount)


def _least_reaches(book: Book, wish: Wish) -> bool:
    drawn = drawing.draw(book, wish, 1)
    return drawn is not None and any(part.amount for part in moving.shares(book, wish, drawn)[0])


def check_minimum(charter: Charter, amount: int) -> None:
    """The minimum is about what is redeemed, not only about what was asked for."""
    if charter.redemption.minimum is not None and amount < charter.redemption.minimum:
        raise No("below-minimum")


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
    check_route(asked.kind, money, payer, payee)
    moving.check_can_give(payer)
    moving.check_can_take(payee)
    charter = book.charter(money.code)
    if asked.kind == "issuance":
        if not charter.issuance.allowed:
            raise No("charter-forbids")
        if charter.issuance.case_reference_required and not case_reference:
            raise No("invalid-request")
        if asked.purpose is not None and asked.purpose not in [each.code for each in charter.purposes]:
            raise No("invalid-request")
        if any(
            each.until and each.until < book.today.isoformat()
            for each in charter.purposes
            if each.code == asked.purpose
        ):
            raise No("charter-forbids")
    if asked.kind == "redemption":
        if not charter.redemption.allowed:
            raise No("charter-forbids")
        if charter.redemption.case_reference_required and not case_reference:
            raise No("invalid-request")
        if payer.kind not in charter.redemption.kinds:
            raise No("charter-forbids")
        check_minimum(charter, asked.amount)
    return Wish(
        money,
        charter,
        asked.kind,
        payer,
        payee,
        asked.amount,
        asked.purpose or "",
        asked.goods,
        fee=asked.kind == "payment" and fee_is_due(charter, payer, payee),
    )


def payment_between(book: Book, code: str, payer_id: str, payee_id: str, amount: int) -> Wish:
    """A payment that the accounts allow; who asks for it has been looked at."""
    money, payer, payee = book.money(code), book.account(payer_id), book.account(payee_id)
    check_route("payment", money, payer, payee)
    moving.check_can_give(payer)
    moving.check_can_take(payee)
    charter = book.charter(code)
    return Wish(money, charter, "payment", payer, payee, amount, fee=fee_is_due(charter, payer, payee))


def fee_is_due(charter: Charter, payer: Account, payee: Account) -> bool:
    return charter.fee is not None and charter.fee.to not in (payer.id, payee.id)


def check_may_transfer(payer: Account, kind: str, amount: int, who: Principal) -> None:
    if who.has(IMPORTER):
        return
    by_holder = kind != "issuance" and may(payer, who, "pay", amount)
    by_operator = kind != "payment" and who.has(OPERATOR)
    if not (by_holder or by_operator):
        raise No("not-permitted")


def holds(account: Account, who: Principal) -> bool:
    return account.holder is not None and account.holder == who.subject


def may(account: Account, who: Principal, right: str, amount: int = 0) -> bool:
    """Whether it is the holder, or somebody with this right."""
    if holds(account, who):
        return True
    rights, most = account.delegates.get(who.subject, (frozenset(), None))
    return right in rights and (most is None or amount <= most)


def check_route(kind: str, money: Money, payer: Account, payee: Account) -> None:
    if payer.id == payee.id:
        raise No("same-account")
    if payer.currency != money.code or payee.currency != money.code:
        raise No("wrong-currency")
    from_kinds, to_kinds = ROUTES[kind]
    if payer.kind not in from_kinds or payee.kind not in to_kinds:
        raise No("wrong-kind")
    if kind != "payment" and money.kind == "mutual_credit":
        raise No("wrong-kind")


def post(book: Book, wish: Wish, drawn: Drawn, id: str) -> int:
    """Move what was drawn, and count it. Returns how much reaches the payee."""
    moving.count_spending(book, wish.payer, drawn.everything)
    arrives = moving.hand_over(book, wish, drawn, id)
    moving.warn_of_credit(book, wish.payer)
    return arrives


def reserve(book: Book, wish: Wish, drawn: Drawn, command: Transfer) -> None:
    assert command.pending_seconds is not None
    open_ones = {kind.reservation for kind in book.holdings(wish.payer.id)} - {""}
    if len(open_ones) >= MAX_OPEN_RESERVATIONS:
        raise No("too-many-reservations")
    moving.count_spending(book, wish.payer, drawn.everything)
    for part in (*drawn.parts, *drawn.fee_parts):
        there = Pot(wish.payer.id, part.kind)
        book.move(part.amount, there, there._replace(kind=part.kind._replace(reservation=command.id)))
    moving.warn_of_credit(book, wish.payer)
    book.reserved[command.id] = Reserved(
        command.id,
        wish.money.code,
        wish.payer.id,
        wish.payee.id,
        drawn.amount,
        drawn.fee,
        tuple(drawn.parts),
        tuple(drawn.fee_parts),
        book.now + command.pending_seconds * 1_000_000,
    )
