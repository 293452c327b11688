"""Units change hands: fee, penalty, arrival, and the limits of who receives."""

from collections.abc import Sequence

from tests.support.model import drawing, terms
from tests.support.model.book import PLAIN, Account, Book, Kind, No, Part, Paid, Pot, Spending
from tests.support.model.dates import day_of, same_lot
from tests.support.model.drawing import Drawn, Wish


def hand_over(book: Book, wish: Wish, drawn: Drawn, id: str, reservation: str = "") -> None:
    """Move what was drawn to the payee, less what is kept back."""
    before = {account: book.total(account) for account in book.accounts}
    arriving, charter = drawn.parts, wish.charter
    if drawn.fee and charter.fee:
        kept = drawn.fee_parts or drawing.last(arriving, drawn.fee)
        arriving = arriving if drawn.fee_parts else drawing.first(arriving, drawn.amount - drawn.fee)
        _keep(book, wish, charter.fee.to, kept, reservation)
    if wish.kind == "redemption" and charter.redemption.penalty_to:
        points = [
            part.amount * terms.penalty_points(charter, part.kind.received_on, book.today)
            for part in drawn.parts
        ]
        penalty = sum(points) // 10_000
        if penalty:
            _keep(book, wish, charter.redemption.penalty_to, drawing.last(arriving, penalty), reservation)
            arriving = drawing.first(arriving, drawn.amount - penalty)
    for part in arriving:
        book.move(part.amount, _giver(wish, part, reservation), Pot(wish.payee.id, arrival(book, wish, part.kind)))
    check_room(book, before)
    book.paid[id] = Paid(
        id, wish.kind, wish.money.code, wish.payer.id, wish.payee.id, drawn.amount, tuple(drawn.parts)
    )


def check_room(book: Book, before: dict[str, int]) -> None:
    """Nobody may gain beyond a maximum balance."""
    for account in book.accounts.values():
        highest, total = terms.highest(book, account), book.total(account.id)
        if highest is not None and total > highest and total > before[account.id]:
            raise No("maximum-balance")


def arrival(book: Book, wish: Wish, kind: Kind) -> Kind:
    """As what units arrive at the payee."""
    if not wish.payee.is_held:
        return PLAIN
    lot = terms.lot_of(wish.charter, book.today)
    if wish.kind == "issuance":
        return Kind(wish.purpose, terms.last_day(wish.charter, book.today, wish.purpose), lot)
    purpose = terms.purpose_of(wish.charter, kind)
    stays = purpose is not None and purpose.carries
    expires = stays or (wish.charter.expiry is not None and wish.charter.expiry.carries)
    return Kind(kind.purpose if stays else "", kind.expires_on if expires else None, lot)


def count_spending(book: Book, account: Account, amount: int) -> None:
    """Hold what leaves an account against all that it sent away this day and this month."""
    row = terms.row_of(book.charter(account.currency), account)
    most = terms.limit(book, account, "per_transfer")
    if most is not None and amount > most:
        raise No("spending-limit")
    per_day, per_month = terms.limit(book, account, "per_day"), terms.limit(book, account, "per_month")
    soft = (row.soft_per_day, row.soft_per_month)
    if row.soft_credit_limit is not None and book.total(account.id) < -row.soft_credit_limit:
        book.warnings.add("soft-credit-limit")
    if (per_day, per_month, *soft) == (None,) * 4:
        # Counting begins when there is something to count for.
        return
    book.spendings.append(Spending(account.id, book.now, amount))
    for lot, most, warn_at in (("day", per_day, soft[0]), ("month", per_month, soft[1])):
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


def _keep(book: Book, wish: Wish, to: str, parts: Sequence[Part], reservation: str) -> None:
    taker = book.account(to)
    if taker.currency != wish.money.code:
        raise No("wrong-currency")
    for part in parts:
        kind = Kind(received_on=terms.lot_of(wish.charter, book.today))
        book.move(part.amount, _giver(wish, part, reservation), Pot(to, kind))


def _giver(wish: Wish, part: Part, reservation: str) -> Pot:
    return Pot(wish.payer.id, part.kind._replace(reservation=reservation))
