"""Units change hands: fee, penalty, arrival, and the limits of who gives and who receives."""

from tests.support.model import drawing, terms
from tests.support.model.book import PLAIN, Account, Book, Kind, No, Paid, Part, Pot, Spending
from tests.support.model.dates import day_of, same_lot
from tests.support.model.drawing import Drawn, Wish

Kept = list[tuple[str | None, list[Part]]]
"""Whose account gets what is kept back of a movement, and what that is."""


def hand_over(book: Book, wish: Wish, drawn: Drawn, id: str, reservation: str = "") -> int:
    """Move what was drawn to the payee, less what is kept back. Returns how much reaches the payee."""
    arriving, kept = shares(book, wish, drawn)
    arrives = sum(part.amount for part in arriving)
    check_room(book, wish.payee, arrives)
    for part in arriving:
        _move(book, wish, part, reservation, wish.payee, arrival(book, wish, part.kind))
    for to, parts in kept:
        if parts and to is not None:
            _keep(book, wish, parts, reservation, to)
    book.paid[id] = Paid(
        id, wish.kind, wish.money.code, wish.payer.id, wish.payee.id, drawn.amount, tuple(drawn.parts)
    )
    return arrives


def shares(book: Book, wish: Wish, drawn: Drawn) -> tuple[list[Part], Kept]:
    """What of it is for the payee, and what is kept back for others."""
    charter, arriving = wish.charter, drawn.parts
    kept: Kept = []
    if drawn.fee and charter.fee:
        kept.append((charter.fee.to, drawn.fee_parts or drawing.last(arriving, drawn.fee)))
        if not drawn.fee_parts:
            arriving = drawing.first(arriving, drawn.amount - drawn.fee)
    if wish.kind == "redemption" and charter.redemption.penalty_to != wish.payer.id:
        points = [
            part.amount * terms.penalty_points(charter, part.kind.received_on, book.today)
            for part in drawn.parts
        ]
        penalty = sum(points) // 10_000
        kept.append((charter.redemption.penalty_to, drawing.last(arriving, penalty)))
        arriving = drawing.first(arriving, drawn.amount - penalty)
    return arriving, kept


def arrival(book: Book, wish: Wish, kind: Kind) -> Kind:
    """As what units arrive at the payee."""
    if not wish.payee.is_held:
        return PLAIN
    lot = terms.lot_of(book, wish.money.code)
    if wish.kind == "issuance":
        return Kind(wish.purpose, terms.last_day(wish.charter, book.today, wish.purpose), lot)
    purpose = terms.purpose_of(wish.charter, kind)
    stays = purpose is not None and purpose.carries
    expires = stays or (wish.charter.expiry is not None and wish.charter.expiry.carries)
    return Kind(kind.purpose if stays else "", kind.expires_on if expires else None, lot)


def check_room(book: Book, account: Account, gain: int) -> None:
    """Nobody gains beyond a maximum balance."""
    if gain and book.total(account.id) + gain > terms.highest(book, account):
        raise No("maximum-balance")


def check_can_give(account: Account) -> None:
    if account.closed:
        raise No("account-closed")
    if account.frozen:
        raise No("account-frozen")


def check_can_take(account: Account) -> None:
    if account.closed:
        raise No("account-closed")
    if account.frozen == "all":
        raise No("account-frozen")


def count_spending(book: Book, account: Account, amount: int) -> None:
    """Hold what leaves an account against all that it sent away this day and this month."""
    if not account.is_held:
        return
    row = terms.row_of(book.charter(account.currency), account)
    per_transfer = terms.limit(book, account, "per_transfer")
    if per_transfer is not None and amount > per_transfer:
        raise No("spending-limit")
    periods = (
        ("day", terms.limit(book, account, "per_day"), row.soft_per_day),
        ("month", terms.limit(book, account, "per_month"), row.soft_per_month),
    )
    if all(most is None and warn_at is None for _, most, warn_at in periods):
        # Counting begins when there is something to count for.
        return
    book.spendings.append(Spending(account.id, book.now, amount))
    for lot, most, warn_at in periods:
        spent = spent_in(book, account.id, lot)
        if most is not None and spent > most:
            raise No("spending-limit")
        if warn_at is not None and spent > warn_at:
            book.warnings.add(f"soft-per-{lot}")


def spent_in(book: Book, account: str, lot: str) -> int:
    """What an account has sent away in the present day or month."""
    return sum(
        each.amount
        for each in book.spendings
        if each.account == account and same_lot(day_of(each.at), book.today, lot)
    )


def warn_of_credit(book: Book, account: Account) -> None:
    """Say so where somebody has gone deep into debt."""
    if account.is_held:
        soft = terms.row_of(book.charter(account.currency), account).soft_credit_limit
        if soft is not None and book.pots.get(Pot(account.id), 0) < -soft:
            book.warnings.add("soft-credit-limit")


def _keep(book: Book, wish: Wish, parts: list[Part], reservation: str, to: str) -> None:
    taker = book.account(to)
    check_can_take(taker)
    check_room(book, taker, sum(part.amount for part in parts))
    for part in parts:
        kind = Kind(received_on=terms.lot_of(book, wish.money.code))
        _move(book, wish, part, reservation, taker, kind)


def _move(book: Book, wish: Wish, part: Part, reservation: str, taker: Account, kind: Kind) -> None:
    giver = Pot(wish.payer.id, part.kind._replace(reservation=reservation))
    book.move(part.amount, giver, Pot(taker.id, kind))
