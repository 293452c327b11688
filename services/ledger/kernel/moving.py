"""Moving units from one account to another by the rules of the charter: draws, fee, penalty, arrival.

Every movement goes through `plan` or `plan_most` (what would be drawn) and one of `hand_over` (it arrives
now) or `hold` (it is reserved). Every fraction is rounded down, once a transfer, in favour of whom it is
taken from; what is drawn is booked to the last unit.
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


Kept = list[tuple[str, str, int]]
"""What the payee does not get: why ("fee", "penalty"), the account that gets it, and the amount."""


@dataclass(slots=True)
class Order:
    """A movement asked for. `fee`: whether the charter's fee is due. `back`: the buckets of the payee that
    the units return to, where they are given back; else they arrive as the charter says.
    """

    currency: Currency
    rules: Rules
    kind: str
    payer: Account
    payee: Account
    amount: int
    purpose: str | None = None
    goods: Sequence[Goods] = ()
    fee: bool = False
    back: Sequence[tuple[str, int]] = ()


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


def plan(draft: Draft, order: Order) -> Plan:
    """What the order draws of the payer. Raises Refusal `insufficient-balance`."""
    found = _attempt(draft, order, order.amount)
    if isinstance(found, Plan):
        return found
    raise _insufficient(order, _possible(draft, order, found))


def plan_most(draft: Draft, order: Order, allowed: int | None, *, arrives: bool) -> Plan:
    """As much of the order as can be moved: what the payer has, as far as `allowed` may leave the account,
    and as far as it finds room where it `arrives` now. Raises Refusal `insufficient-balance`, and
    `below-minimum` where so much can be moved, but it is too little; where another bound leaves nothing, the
    plan is too large for it, and booking it says so.
    """
    found = _attempt(draft, order, order.amount)
    affordable = order.amount if isinstance(found, Plan) else _possible(draft, order, found)
    if not affordable:
        raise _insufficient(order, 0)

    def fits(amount: int) -> bool:
        planned = _planned(draft, order, amount)
        if allowed is not None and planned.drawn > allowed:
            return False
        return not arrives or all(
            gain <= _room(draft, account) for account, gain in _gains(draft, order, planned) if gain
        )

    most = largest(affordable, fits)
    fitting = _planned(draft, order, most or 1)
    if arrives and most:
        # That a share cannot be taken holds for any amount, and goes before its being too little.
        for _, to, _ in _shares(draft, order, fitting)[1]:
            check_open(draft, draft.account(to), gives=False)
    if arrives and not _gains(draft, order, fitting)[0][1]:
        # A fee or a penalty would eat all that fits, which is not what was asked for.
        most, fitting = affordable, _planned(draft, order, affordable)
    if most:
        check_minimum(order, most)
    return fitting


def hand_over(draft: Draft, order: Order, planned: Plan) -> Kept:
    """Book the draws at the payer and their arrival; says what was kept back."""
    for bucket, amount in (*planned.draws, *planned.fee_draws):
        draft.move(order.payer, bucket, -amount)
    return arrive(draft, order, planned)


def arrive(draft: Draft, order: Order, planned: Plan) -> Kept:
    """Book the arrival of units that have left the payer. Raises Refusal `maximum-balance`, and
    `account-closed` or `account-frozen` where what is kept back cannot be taken.
    """
    arriving, kept = _shares(draft, order, planned)
    _check_room(draft, order, order.payee, sum(amount for _, amount in arriving))
    for bucket, amount in arriving:
        draft.move(order.payee, bucket, amount)
    for _, to, amount in kept:
        account = draft.account(to)
        check_open(draft, account, gives=False)
        _check_room(draft, order, account, amount)
        draft.move(account, _unmarked(draft, order, account), amount)
    return kept


def check_minimum(order: Order, amount: int) -> None:
    """Refuse to redeem less than the charter's minimum: of what is redeemed, also where as much as possible
    is asked for.
    """
    minimum = order.rules.redemption.minimum
    if order.kind == "redemption" and minimum is not None and amount < minimum:
        code, minor_units = order.currency.code, order.currency.minor_units
        raise Refusal(
            "below-minimum",
            minimum=money.text(minimum, code, minor_units),
            minimum_amount=minimum,
            currency=code,
        )


def check_open(draft: Draft, account: Account, *, gives: bool) -> None:
    """Refuse to move anything out of (`gives`) or into an account that is closed or frozen."""
    terms = draft.terms(account)
    if terms.get("closed"):
        raise Refusal("account-closed", account=account.id)
    frozen = terms.get("frozen")
    if frozen == "all" or (frozen and gives):
        raise Refusal("account-frozen", account=account.id)


def hold(draft: Draft, order: Order, planned: Plan, reservation: str) -> None:
    """Keep what was drawn in the payer's account, reserved."""
    for bucket, amount in (*planned.draws, *planned.fee_draws):
        draft.move(order.payer, bucket, -amount)
        draft.move(order.payer, reserved(bucket, reservation), amount)


def part(order: Order, held: Plan, amount: int) -> Plan:
    """What of a plan is used when only a part of its amount is: the draws that came first. The fee is that of
    the charter in force by now, but never more than what was held for it.
    """
    fee = min(held.fee, order.rules.fee_of(amount)) if order.fee else 0
    return Plan(amount, first(held.draws, amount), fee, first(held.fee_draws, fee))


def available(draft: Draft, account: Account) -> int:
    """What can leave an account for a payee that suits no purpose."""
    purposes = draft.rules(account.currency).purposes
    floor: int = draft.field(account, "floor")
    free = sum(
        balance
        for bucket, balance in draft.buckets(account).items()
        if bucket != PLAIN and not parse(bucket).reservation and parse(bucket).purpose not in purposes
    )
    return free + max(0, draft.balance(account) - floor)


def first(draws: Draws, amount: int) -> Draws:
    """The draws that make up the first `amount` units."""
    taken: Draws = []
    for bucket, held in draws:
        if amount <= 0:
            break
        taken.append((bucket, min(held, amount)))
        amount -= held
    return taken


def last(draws: Draws, amount: int) -> Draws:
    """The draws that make up the last `amount` units, in their order."""
    return first(draws[::-1], amount)[::-1]


def _possible(draft: Draft, order: Order, missing: int) -> int:
    """The largest amount that the payer could pay, where so much is missing to what is asked for."""
    if order.goods or not order.fee:
        # With a split by goods, smaller payments are other payments: all there is to say is what this lacks.
        return max(0, order.amount - missing)
    return largest(order.amount - 1, lambda amount: isinstance(_attempt(draft, order, amount), Plan))


def _planned(draft: Draft, order: Order, amount: int) -> Plan:
    found = _attempt(draft, order, amount)
    assert isinstance(found, Plan), f"{order.payer.id} can pay no {amount}"
    return found


def _attempt(draft: Draft, order: Order, amount: int) -> Plan | int:
    """The plan for an amount; or how much the payer lacks of what may be spent so."""
    fee = order.rules.fee_of(amount) if order.fee else 0
    beside = fee if fee and order.rules.fee is not None and order.rules.fee.paid_by == "payer" else 0
    held = draft.buckets(order.payer)
    plain = _plain(draft, order, held.pop(PLAIN, 0))
    if not held:
        # Nearly every payment: units are all alike.
        if plain < amount + beside:
            return amount + beside - plain
        return Plan(amount, [(PLAIN, amount)], fee, [(PLAIN, beside)] if beside else [])
    parts = [part for _, part in order.back] or [goods.amount for goods in order.goods] or [amount]
    lines = [*parts, beside] if beside else parts
    draws, missing = draw(_sources(draft, order, held, plain, len(parts), len(lines)), lines)
    if missing:
        return missing
    if not beside:
        return Plan(amount, draws, fee)
    # Free units serve every part alike, so any of those drawn will do for the fee: the last ones.
    fee_draws = last([each for each in draws if _is_free(order, parse(each[0]))], beside)
    gone = dict(fee_draws)
    left = [(bucket, drawn - gone.get(bucket, 0)) for bucket, drawn in draws]
    return Plan(amount, [each for each in left if each[1]], fee, fee_draws)


def _plain(draft: Draft, order: Order, balance: int) -> int:
    """What of the plain units may go: down to the floor, but credit is not redeemed."""
    floor = 0 if order.kind == "redemption" else draft.field(order.payer, "floor")
    return max(0, balance - floor)


def _sources(
    draft: Draft, order: Order, held: dict[str, int], plain: int, parts: int, lines: int
) -> list[Source]:
    """The payer's units that may be spent so, in the order in which they are taken. Free ones serve all
    lines: the parts of the order, and a fee beside it after them.

    Payments take first what lapses first, then what was received first, then what is for a purpose, and plain
    units last; redemptions what has been held longest, plain units first of all.
    """
    everything = frozenset(range(lines))
    sources = []
    for text, balance in held.items():
        bucket = parse(text)
        if bucket.reservation:
            continue
        if _is_free(order, bucket):
            serves = everything
        else:
            serves = frozenset(line for line in range(parts) if _suits(draft, order, bucket, line))
        if serves:
            sources.append((_preference(order, bucket), Source(text, balance, serves)))
    ordered = [source for _, source in sorted(sources)]
    unmarked = Source(PLAIN, plain, everything)
    if order.kind == "redemption":
        return [unmarked, *_beyond_debt(draft, order, ordered)]
    return [*ordered, unmarked]


def _beyond_debt(draft: Draft, order: Order, sources: list[Source]) -> list[Source]:
    """Of units that would be redeemed, in their order, what is more than the payer owes: else credit would be
    redeemed after all.
    """
    debt = max(0, -draft.balance(order.payer))
    most = sum(source.amount for source in sources) - debt
    beyond = []
    for source in sources:
        taken = min(source.amount, most)
        if taken > 0:
            beyond.append(source._replace(amount=taken))
            most -= taken
    return beyond


def _preference(order: Order, bucket: Bucket) -> tuple[str, str, bool, str]:
    if order.kind == "redemption":
        return (bucket.received_on, bucket.expires_on or LAST_DAY, False, bucket.purpose)
    return (bucket.expires_on or LAST_DAY, bucket.received_on, not bucket.purpose, bucket.purpose)


def _is_free(order: Order, bucket: Bucket) -> bool:
    """Whether units are for no purpose, or for one that the charter knows no more: the restriction has ended
    with it.
    """
    return bucket.purpose not in order.rules.purposes


def _suits(draft: Draft, order: Order, bucket: Bucket, line: int) -> bool:
    """Whether units for a purpose may serve a part of the order."""
    if order.kind == "correction":
        return True
    if order.back:
        # Who was paid with units that stay for their purpose can give such units back.
        return parse(order.back[line][0]).purpose == bucket.purpose
    if order.kind != "payment":
        return False
    purpose, payee, terms = order.rules.purposes[bucket.purpose], order.payee, draft.terms(order.payee)
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


def _shares(draft: Draft, order: Order, planned: Plan) -> tuple[Draws, Kept]:
    """What arrives at the payee, by the payee's buckets, and what is kept back."""
    if order.back:
        return list(order.back), []
    arriving, kept, clause = planned.draws, [], order.rules.redemption
    if planned.fee:
        assert order.rules.fee is not None
        kept.append(("fee", order.rules.fee.to, planned.fee))
        if not planned.fee_draws:
            arriving = first(arriving, planned.amount - planned.fee)
    if order.kind == "redemption" and clause.penalty_to not in (None, order.payer.id):
        assert clause.penalty_to is not None
        if penalty := _penalty(draft, order, planned.draws):
            kept.append(("penalty", clause.penalty_to, penalty))
            arriving = first(arriving, planned.amount - penalty)
    return [(_arrival(draft, order, bucket), amount) for bucket, amount in arriving], kept


def _gains(draft: Draft, order: Order, planned: Plan) -> list[tuple[Account, int]]:
    """By how much the totals of those who receive would grow, the payee first."""
    arriving, kept = _shares(draft, order, planned)
    gains = [(order.payee, sum(amount for _, amount in arriving))]
    return gains + [(draft.account(to), amount) for _, to, amount in kept]


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
    if drawn == PLAIN:
        return Bucket(received_on=received_on).text() if received_on else PLAIN
    bucket = parse(drawn)
    clause = rules.purposes.get(bucket.purpose)
    kept = bucket.purpose if clause is not None and clause.carries else ""
    carried = kept or (rules.expiry is not None and rules.expiry.carries)
    return Bucket(bucket.expires_on if carried else "", kept, received_on).text()


def _unmarked(draft: Draft, order: Order, account: Account) -> str:
    """The bucket in which units arrive that no purpose and no day of expiry goes with."""
    if account.kind not in HOLDER_KINDS:
        return PLAIN
    return Bucket(received_on=order.rules.received_on(draft.today)).text()


def _penalty(draft: Draft, order: Order, draws: Draws) -> int:
    points = (
        amount * order.rules.penalty_points(parse(bucket).received_on, draft.today)
        for bucket, amount in draws
    )
    return sum(points) // WHOLE


def _room(draft: Draft, account: Account) -> int:
    ceiling: int = draft.field(account, "ceiling")
    return max(0, ceiling - draft.total(account))


def _check_room(draft: Draft, order: Order, account: Account, gain: int) -> None:
    if gain and gain > (room := _room(draft, account)):
        code, minor_units = order.currency.code, order.currency.minor_units
        raise Refusal(
            "maximum-balance",
            account=account.id,
            room=money.text(room, code, minor_units),
            room_amount=room,
            **_offered(order),
        )


def _insufficient(order: Order, possible: int) -> Refusal:
    return Refusal(
        "insufficient-balance",
        account=order.payer.id,
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
