"""Moving units from one account to another by the rules of the charter: draws, fee, penalty, arrival.

Every movement goes through `plan` (what would be drawn) and one of `hand_over` (it arrives now) or
`hold` (it is reserved). Every fraction is rounded down, once a transfer, in favour of whom it is taken from;
what is drawn is booked to the last unit.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from services.ledger.kernel.buckets import PLAIN, Bucket, parse, reserved
from services.ledger.kernel.calendar import LAST_DAY
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.drawing import Source, draw, largest
from services.ledger.kernel.rules import WHOLE, Rules
from services.ledger.kernel.state import Account, Currency
from shared.contracts import money
from shared.contracts.commands import Goods
from shared.contracts.errors import Refusal
from shared.contracts.primitives import HOLDER_KINDS

Draws = list[tuple[str, int]]
"""Units taken, in order: bucket and amount."""


@dataclass(slots=True)
class Order:
    """A movement asked for. `fee`: whether the charter's fee is due."""

    currency: Currency
    rules: Rules
    kind: str
    payer: Account
    payee: Account
    amount: int
    purpose: str | None = None
    goods: Sequence[Goods] = ()
    fee: bool = False


@dataclass(slots=True)
class Plan:
    """What an order draws: for the payee, and of the payer for the fee beside it (where the payer pays it).

    `fee` is what goes to the fee's account in all.
    """

    amount: int
    draws: Draws
    fee: int = 0
    fee_draws: Draws = field(default_factory=list)

    @property
    def drawn(self) -> int:
        return self.amount + sum(amount for _, amount in self.fee_draws)


def plan(draft: Draft, order: Order, *, up_to: bool = False) -> Plan:
    """What the order draws of the payer. Raises Refusal `insufficient-balance`."""
    if order.kind == "issuance":
        return Plan(order.amount, [(PLAIN, order.amount)])
    found = _attempt(draft, order, order.amount)
    if isinstance(found, Plan):
        return found
    # With a split by goods, smaller payments are other payments: what this one lacks is all that can be said.
    possible = order.amount - max(1, found) if order.goods else _largest(draft, order)
    if up_to and possible:
        smaller = _attempt(draft, order, possible)
        assert isinstance(smaller, Plan)
        return smaller
    raise _insufficient(order, possible)


def hand_over(draft: Draft, order: Order, planned: Plan) -> list[tuple[str, str, int]]:
    """Book the draws at the payer and their arrival; what was kept back: (why, account, amount)."""
    for bucket, amount in (*planned.draws, *planned.fee_draws):
        draft.move(order.payer, bucket, -amount)
    return arrive(draft, order, planned)


def arrive(draft: Draft, order: Order, planned: Plan) -> list[tuple[str, str, int]]:
    """Book the arrival of units that have left the payer. Raises Refusal `maximum-balance`."""
    kept: list[tuple[str, str, int]] = []
    arriving = list(planned.draws)
    if planned.fee:
        assert order.rules.fee is not None
        _keep_back(draft, order, "fee", order.rules.fee.to, planned.fee, kept)
        if not planned.fee_draws:
            arriving = _without_last(arriving, planned.fee)
    if order.kind == "redemption" and (penalty := _penalty(draft, order, planned.draws)):
        assert order.rules.redemption.penalty_to is not None
        _keep_back(draft, order, "penalty", order.rules.redemption.penalty_to, penalty, kept)
        arriving = _without_last(arriving, penalty)
    for bucket, amount in arriving:
        draft.move(order.payee, _arrival(draft, order, bucket), amount)
    for account in (order.payee, *(draft.account(id) for _, id, _ in kept)):
        _check_room(draft, order, account, sum(amount for _, amount in arriving))
    return kept


def hold(draft: Draft, order: Order, planned: Plan, reservation: str) -> None:
    """Keep what was drawn in the payer's account, reserved."""
    for bucket, amount in (*planned.draws, *planned.fee_draws):
        draft.move(order.payer, bucket, -amount)
        draft.move(order.payer, reserved(bucket, reservation), amount)


def part(draft: Draft, order: Order, held: Plan, amount: int) -> Plan:
    """What of a plan is used when only a part of its amount is: the draws that came first."""
    fee = order.rules.fee_of(amount) if held.fee else 0
    fee = min(fee, held.fee)
    return Plan(amount, first(held.draws, amount), fee, first(held.fee_draws, fee) if held.fee_draws else [])


def available(draft: Draft, account: Account) -> int:
    """What can leave an account for a payee that suits no purpose."""
    free = sum(
        balance
        for bucket, balance in draft.buckets(account).items()
        if bucket != PLAIN and not parse(bucket).purpose and not parse(bucket).reservation
    )
    return free + max(0, draft.balance(account) - draft.field(account, "floor"))


def first(draws: Draws, amount: int) -> Draws:
    """The draws that make up the first `amount` units."""
    taken: Draws = []
    for bucket, held in draws:
        if amount <= 0:
            break
        taken.append((bucket, min(held, amount)))
        amount -= held
    return taken


def _largest(draft: Draft, order: Order) -> int:
    """The largest amount that the payer could pay, known to be less than what is asked for."""
    return largest(order.amount - 1, lambda amount: isinstance(_attempt(draft, order, amount), Plan))


def _attempt(draft: Draft, order: Order, amount: int) -> Plan | int:
    """The plan for an amount; or how much the payer lacks of what may be spent so."""
    lines = [goods.amount for goods in order.goods] or [amount]
    fee = order.rules.fee_of(amount) if order.fee else 0
    beside = fee if fee and order.rules.fee is not None and order.rules.fee.paid_by == "payer" else 0
    held = draft.buckets(order.payer)
    plain = _plain(draft, order, held.pop(PLAIN, 0))
    if not held:
        # Nearly every payment: units are all alike.
        if plain < amount + beside:
            return amount + beside - plain
        return Plan(amount, [(PLAIN, amount)], fee, [(PLAIN, beside)] if beside else [])
    sources = _sources(draft, order, held, plain, len(lines))
    draws, missing = draw(sources, lines)
    if missing:
        return missing
    fee_draws: Draws = []
    if beside:
        fee_draws, missing = draw(_after(sources, draws), [beside])
        if missing:
            return missing
    return Plan(amount, draws, fee, fee_draws)


def _plain(draft: Draft, order: Order, balance: int) -> int:
    """What of the plain units may go: down to the floor, but credit is not redeemed."""
    floor = 0 if order.kind == "redemption" else draft.field(order.payer, "floor")
    return max(0, balance - floor)


def _sources(draft: Draft, order: Order, held: dict[str, int], plain: int, lines: int) -> list[Source]:
    """The payer's units that may be spent so, in the order in which they are taken.

    Payments take first what lapses first, then what was received first, then what is for a purpose, and plain
    units last; redemptions what has been held longest, plain units first of all.
    """
    sources = []
    for text, balance in held.items():
        bucket = parse(text)
        serves = frozenset(line for line in range(lines) if _fits(draft, order, bucket, line))
        if serves and not bucket.reservation:
            sources.append((_preference(order, bucket), Source(text, balance, serves)))
    ordered = [source for _, source in sorted(sources)]
    unmarked = Source(PLAIN, plain, frozenset(range(lines)))
    return [unmarked, *ordered] if order.kind == "redemption" else [*ordered, unmarked]


def _preference(order: Order, bucket: Bucket) -> tuple[str, str, bool, str]:
    if order.kind == "redemption":
        return (bucket.received_on, bucket.expires_on or LAST_DAY, False, bucket.purpose)
    return (bucket.expires_on or LAST_DAY, bucket.received_on, not bucket.purpose, bucket.purpose)


def _fits(draft: Draft, order: Order, bucket: Bucket, line: int) -> bool:
    purpose = order.rules.purposes.get(bucket.purpose)
    if purpose is None:
        # Free, or of a purpose that the charter knows no more: the restriction has ended with it.
        return True
    if order.kind == "correction":
        return True
    if order.kind != "payment":
        return False
    payee, terms = order.payee, draft.terms(order.payee)
    if purpose.since and draft.today < purpose.since:
        return False
    if purpose.until and draft.today > purpose.until:
        return False
    if purpose.categories and draft.field(payee, "category") not in purpose.categories:
        return False
    if purpose.places and terms.get("place") not in purpose.places:
        return False
    if purpose.groups and not set(purpose.groups) & set(terms.get("groups", ())):
        return False
    return not purpose.goods or (bool(order.goods) and order.goods[line].category in purpose.goods)


def _after(sources: list[Source], draws: Draws) -> list[Source]:
    """What is left of the free units for the fee."""
    taken = dict(draws)
    return [
        Source(source.bucket, source.amount - taken.get(source.bucket, 0), frozenset((0,)))
        for source in sources
        if not parse(source.bucket).purpose
    ]


def _arrival(draft: Draft, order: Order, drawn: str) -> str:
    """The bucket in which units of a bucket arrive at the payee."""
    rules, payee = order.rules, order.payee
    if payee.kind not in HOLDER_KINDS:
        return PLAIN
    received_on = rules.received_on(draft.today)
    if order.kind == "issuance":
        purpose = rules.purposes.get(order.purpose) if order.purpose else None
        expires_on = rules.expires_on(draft.today, purpose)
        return Bucket(expires_on, order.purpose or "", received_on).text()
    bucket = parse(drawn)
    clause = rules.purposes.get(bucket.purpose)
    kept = bucket.purpose if clause is not None and clause.carries else ""
    carried = kept or (rules.expiry is not None and rules.expiry.carries)
    return Bucket(bucket.expires_on if carried else "", kept, received_on).text()


def _penalty(draft: Draft, order: Order, draws: Draws) -> int:
    points = (
        amount * order.rules.penalty_points(parse(bucket).received_on, draft.today)
        for bucket, amount in draws
    )
    return sum(points) // WHOLE


def _keep_back(
    draft: Draft, order: Order, why: str, to: str, amount: int, kept: list[tuple[str, str, int]]
) -> None:
    account = draft.account(to)
    draft.move(account, Bucket(received_on=order.rules.received_on(draft.today)).text(), amount)
    kept.append((why, to, amount))


def _without_last(draws: Draws, amount: int) -> Draws:
    """The draws without the last `amount` units."""
    return first(draws, sum(each for _, each in draws) - amount)


def _check_room(draft: Draft, order: Order, account: Account, arriving: int) -> None:
    over = draft.total(account) - draft.field(account, "ceiling")
    if over > 0:
        room = max(0, arriving - over)
        code, minor_units = order.currency.code, order.currency.minor_units
        raise Refusal(
            "maximum-balance",
            room=money.text(room, code, minor_units),
            room_amount=room,
            **_offered(order),
        )


def _insufficient(order: Order, possible: int) -> Refusal:
    return Refusal(
        "insufficient-balance",
        available=money.text(possible, order.currency.code, order.currency.minor_units),
        available_amount=possible,
        **_offered(order),
    )


def _offered(order: Order) -> dict[str, object]:
    return {
        "amount": money.text(order.amount, order.currency.code, order.currency.minor_units),
        "amount_minor": order.amount,
        "currency": order.currency.code,
    }
