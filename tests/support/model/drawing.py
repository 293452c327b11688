"""Which units pay: the marriage theorem, tried for every set of lines.

A payment has lines (its parts by category of goods, and the fee beside it), and each unit may serve some of
them. Units can serve together exactly if, for every set of lines, those that may serve none but these are not
more than these lines ask for. So each kind of units, in the order of preference, gives as much as leaves that
true.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain, combinations
from typing import NamedTuple

from shared.contracts.charters import Charter
from shared.contracts.commands import Goods
from tests.support.model import terms
from tests.support.model.book import PLAIN, Account, Book, Kind, Money, Part
from tests.support.model.dates import NEVER

FEE = -1
"""The line of the fee."""


@dataclass(frozen=True)
class Wish:
    """A movement asked for. `fee`: whether the charter's fee is due. `back`: what is given back of an earlier
    payment, as it was drawn then.
    """

    money: Money
    charter: Charter
    kind: str
    payer: Account
    payee: Account
    amount: int
    purpose: str = ""
    goods: Sequence[Goods] = ()
    fee: bool = False
    back: Sequence[Part] = ()


class Drawn(NamedTuple):
    """What a wish takes from the payer: for the payee, and beside it for the fee."""

    parts: list[Part]
    fee: int
    fee_parts: list[Part]

    @property
    def amount(self) -> int:
        return sum(part.amount for part in self.parts)

    @property
    def everything(self) -> int:
        return self.amount + sum(part.amount for part in self.fee_parts)


class Stock(NamedTuple):
    kind: Kind
    amount: int
    serves: frozenset[int]


def draw(book: Book, wish: Wish, amount: int) -> Drawn | None:
    """What an amount takes of the payer; None where it cannot be paid."""
    fee = terms.fee_on(wish.charter, amount) if wish.fee else 0
    lines = [part.amount for part in wish.back] or [goods.amount for goods in wish.goods] or [amount]
    demand = dict(enumerate(lines))
    if fee and wish.charter.fee and wish.charter.fee.paid_by == "payer":
        demand[FEE] = fee
    stocks = _in_order(book, wish, frozenset(demand))
    parts = [Part(stock.kind, taken) for stock, taken in _most(stocks, demand) if taken]
    if sum(part.amount for part in parts) < sum(demand.values()):
        return None
    for_fee: list[Part] = []
    for part in reversed(parts):
        if terms.purpose_of(wish.charter, part.kind) is None:
            missing = demand.get(FEE, 0) - sum(each.amount for each in for_fee)
            for_fee.insert(0, Part(part.kind, min(part.amount, missing)))
    return Drawn(_less(parts, for_fee), fee, [part for part in for_fee if part.amount])


def largest(book: Book, wish: Wish) -> int:
    """The most that could be paid of what is asked for, tried from above."""
    for amount in candidates(book, wish):
        if draw(book, wish, amount) is not None:
            return amount
    return 0


def candidates(book: Book, wish: Wish) -> range:
    """All amounts up to what is asked for that the payer could dream of, the largest first."""
    ceiling = sum(amount for amount in book.holdings(wish.payer.id).values() if amount > 0)
    ceiling -= terms.lowest(book, wish.payer)
    return range(min(wish.amount, ceiling), 0, -1)


def last(parts: Sequence[Part], amount: int) -> list[Part]:
    """The last so many units, in their order."""
    found: list[Part] = []
    for part in reversed(parts):
        found.insert(0, Part(part.kind, min(part.amount, amount - sum(each.amount for each in found))))
    return [part for part in found if part.amount]


def first(parts: Sequence[Part], amount: int) -> list[Part]:
    """The first so many units, in their order."""
    return last(list(parts)[::-1], amount)[::-1]


def _less(parts: Sequence[Part], away: Sequence[Part]) -> list[Part]:
    gone = {part.kind: part.amount for part in away}
    left = [Part(part.kind, part.amount - gone.get(part.kind, 0)) for part in parts]
    return [part for part in left if part.amount]


def _most(stocks: Sequence[Stock], demand: dict[int, int]) -> list[tuple[Stock, int]]:
    sets = [
        frozenset(lines)
        for lines in chain.from_iterable(combinations(demand, size) for size in range(1, len(demand) + 1))
    ]
    taken: list[tuple[Stock, int]] = []
    for stock in stocks:
        room = stock.amount
        for lines in sets:
            if stock.serves <= lines:
                others = sum(amount for other, amount in taken if other.serves <= lines)
                room = min(room, sum(demand[line] for line in lines) - others)
        taken.append((stock, room))
    return taken


def _in_order(book: Book, wish: Wish, lines: frozenset[int]) -> list[Stock]:
    """What may be taken, the preferred first."""
    lowest = terms.lowest(book, wish.payer)
    holdings = book.holdings(wish.payer.id)
    plain = holdings.pop(PLAIN, 0) - (0 if wish.kind == "redemption" else lowest)
    stocks = []
    for kind, amount in holdings.items():
        serves = frozenset(line for line in lines if may_serve(book, wish, kind, line))
        if serves and not kind.reservation:
            stocks.append(Stock(kind, amount, serves))
    if wish.kind == "redemption":
        stocks.sort(key=lambda stock: _held_longest(stock.kind))
        stocks = _less_debt(stocks, max(0, -plain))
        stocks.insert(0, Stock(PLAIN, max(0, plain), lines))
    else:
        stocks.sort(key=lambda stock: _lapses_first(stock.kind))
        stocks.append(Stock(PLAIN, max(0, plain), lines))
    return stocks


def _less_debt(stocks: list[Stock], debt: int) -> list[Stock]:
    """Who owes keeps as much of what they hold, of what would be redeemed last."""
    found: list[Stock] = []
    for stock in reversed(stocks):
        kept = min(stock.amount, debt)
        debt -= kept
        found.insert(0, stock._replace(amount=stock.amount - kept))
    return found


def _lapses_first(kind: Kind) -> tuple[date, date, bool, str]:
    return (kind.expires_on or NEVER, kind.received_on or date.min, not kind.purpose, kind.purpose)


def _held_longest(kind: Kind) -> tuple[date, date, str]:
    return (kind.received_on or date.min, kind.expires_on or NEVER, kind.purpose)


def may_serve(book: Book, wish: Wish, kind: Kind, line: int) -> bool:
    """Whether units of a kind may pay a line."""
    purpose = terms.purpose_of(wish.charter, kind)
    if purpose is None or wish.kind == "correction":
        return True
    if wish.back:
        # What stays for its purpose can be given back as what it is.
        return wish.back[line].kind.purpose == kind.purpose
    if line == FEE or wish.kind != "payment":
        return False
    payee, today = wish.payee, book.today.isoformat()
    asked = [
        not purpose.since or purpose.since <= today,
        not purpose.until or today <= purpose.until,
        not purpose.categories or payee.category in purpose.categories,
        not purpose.places or payee.place in purpose.places,
        not purpose.groups or bool(payee.groups & set(purpose.groups)),
        not purpose.goods or bool(wish.goods and wish.goods[line].category in purpose.goods),
    ]
    return all(asked)
