"""Transfers: payments, issuances, redemptions; now, or reserved for later; one, or several linked ones."""

from typing import Any

from services.ledger.kernel import access, moving
from services.ledger.kernel.buckets import PLAIN, parse
from services.ledger.kernel.case import Case, Decision
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.limits import allowance, count_spending, warn_of_credit
from services.ledger.kernel.moving import Order, Plan
from services.ledger.kernel.payload import parties
from services.ledger.kernel.state import Account, Currency, Thing
from services.ledger.kernel.words import check_says_something
from shared.auth.principal import Principal
from shared.contracts import clock, ids
from shared.contracts.commands import MAX_OPEN_RESERVATIONS, Leg, LinkedTransfers, Transfer
from shared.contracts.errors import Fault, Refusal
from shared.contracts.journal import TRANSFER_POSTED, TRANSFER_RESERVED, TRANSFERS_LINKED
from shared.contracts.primitives import CURRENCY_KINDS, HOLDER_KINDS

_BETWEEN_HOLDERS = (HOLDER_KINDS, HOLDER_KINDS, CURRENCY_KINDS)
_ROUTES = {
    "payment": _BETWEEN_HOLDERS,
    "correction": _BETWEEN_HOLDERS,
    "issuance": (("issuance",), HOLDER_KINDS, ("backed", "time")),
    "redemption": (HOLDER_KINDS, ("redemption",), ("backed", "time")),
}
"""Of each kind of transfer: which accounts it goes from and to, and in which currencies. What is given back
goes the way it came.
"""


def transfer(case: Case[Transfer]) -> Decision:
    """Post a transfer, or reserve its amount."""
    command, draft = case.command, case.draft
    _check_form(command)
    order = order_of(draft, command, case.principal, bool(command.case_reference))
    reserves = command.pending_seconds is not None
    if command.up_to:
        planned = moving.plan_most(draft, order, allowance(draft, order.payer), arrives=not reserves)
    else:
        planned = moving.plan(draft, order)
    fields = transfer_fields(order, planned, command.id)
    if reserves:
        _reserve(case, order, planned, fields)
    else:
        post(draft, order, planned, fields)
    type = TRANSFER_RESERVED if reserves else TRANSFER_POSTED
    return Decision(type, {"transfer": fields}, command.memo, command.case_reference)


def linked(case: Case[LinkedTransfers]) -> Decision:
    """Post several transfers, all or nothing, each on top of those before it."""
    command, draft = case.command, case.draft
    check_says_something("/case_reference", command.case_reference)
    posted = []
    for position, leg in enumerate(command.legs):
        try:
            posted.append(_leg(case, position, leg))
        except Refusal as refusal:
            faults = tuple(_in_leg(fault, position) for fault in refusal.faults)
            raise Refusal(refusal.slug, faults, **refusal.parameters, leg=position) from refusal
    for position, fields in enumerate(posted):
        draft.put("leg", fields["id"], Thing(None, None, {"command": command.id, "position": position}))
    return Decision(TRANSFERS_LINKED, {"transfers": posted}, command.memo, command.case_reference)


def leg_id(command: str, position: int) -> str:
    """The id of a linked command's transfer."""
    return ids.derived_id("leg", command, str(position))


def _leg(case: Case[LinkedTransfers], position: int, leg: Leg) -> dict[str, Any]:
    _check_goods(leg)
    order = order_of(case.draft, leg, case.principal, bool(case.command.case_reference))
    planned = moving.plan(case.draft, order)
    fields = transfer_fields(order, planned, leg_id(case.command.id, position))
    post(case.draft, order, planned, fields)
    return fields


def _in_leg(fault: Fault, position: int) -> Fault:
    if fault.pointer == "/case_reference":
        return fault
    return fault._replace(pointer=f"/legs/{position}{fault.pointer}")


def order_of(draft: Draft, asked: Transfer | Leg, principal: Principal, has_case: bool) -> Order:
    """The movement that is asked for, allowed and possible as far as its parties go."""
    currency = draft.currency(asked.currency)
    payer_id, payee_id = parties(asked, currency)
    payer, payee = draft.account(payer_id), draft.account(payee_id)
    access.may_transfer(draft, asked.kind, asked.amount, payer, principal)
    order = order_between(draft, asked.kind, currency, payer, payee, asked.amount)
    order.purpose, order.goods = asked.purpose, asked.goods
    if asked.kind != "payment":
        _check_clauses(order, draft.today, has_case)
    return order


def order_between(
    draft: Draft, kind: str, currency: Currency, payer: Account, payee: Account, amount: int
) -> Order:
    """A payment, issuance or redemption that its accounts and the currency do not rule out."""
    check_route(kind, currency, payer, payee)
    moving.check_open(draft, payer, gives=True)
    moving.check_open(draft, payee, gives=False)
    rules = draft.rules(currency.code)
    fee = kind == "payment" and rules.fee is not None and rules.fee.to not in (payer.id, payee.id)
    return Order(currency, rules, kind, payer, payee, amount, fee=fee)


def post(draft: Draft, order: Order, planned: Plan, fields: dict[str, Any]) -> None:
    """Book a transfer, count it, and say in its fields what was kept back."""
    count_spending(draft, order.payer, order.currency, planned.drawn)
    hand_over(draft, order, planned, fields)
    warn_of_credit(draft, order.payer)


def hand_over(draft: Draft, order: Order, planned: Plan, fields: dict[str, Any]) -> None:
    """Book a transfer, and say in its fields what was kept back."""
    kept = moving.hand_over(draft, order, planned)
    if kept:
        fields["kept_back"] = [list(each) for each in kept]


def transfer_fields(order: Order, planned: Plan, id: str) -> dict[str, Any]:
    """What a record says of a transfer. `asked`, where less was moved than asked for; `drawn`, where units
    were told apart.
    """
    fields: dict[str, Any] = {
        "amount": planned.amount,
        "currency": order.currency.code,
        "id": id,
        "kind": order.kind,
        "payee": order.payee.id,
        "payer": order.payer.id,
    }
    if planned.amount != order.amount:
        fields["asked"] = order.amount
    if order.purpose is not None:
        fields["purpose"] = order.purpose
    if order.goods:
        fields["goods"] = [[goods.category, goods.amount] for goods in order.goods]
    if any(bucket != PLAIN for bucket, _ in (*planned.draws, *planned.fee_draws)):
        fields["drawn"] = [list(each) for each in (*planned.draws, *planned.fee_draws)]
    return fields


def check_route(kind: str, currency: Currency, payer: Account, payee: Account) -> None:
    """Refuse a transfer between accounts that it cannot go between."""
    if payer.id == payee.id:
        raise Refusal("same-account", account=payer.id)
    for account in (payer, payee):
        if account.currency != currency.code:
            raise Refusal("wrong-currency", account=account.id, held=account.currency, currency=currency.code)
    payer_kinds, payee_kinds, currency_kinds = _ROUTES[kind]
    if payer.kind in payer_kinds and payee.kind in payee_kinds and currency.kind in currency_kinds:
        return
    raise Refusal(
        "wrong-kind",
        kind=kind,
        payer_kinds=" or ".join(payer_kinds),
        payee_kinds=" or ".join(payee_kinds),
        currency_kinds=" or ".join(currency_kinds),
    )


def _check_form(command: Transfer) -> None:
    check_says_something("/case_reference", command.case_reference)
    _check_goods(command)
    if command.up_to and command.goods:
        _invalid("/up_to", "an amount that divides by goods is fixed")
    if command.pending_seconds is not None and command.kind != "payment":
        _invalid("/pending_seconds", "only payments are reserved")


def _check_goods(asked: Transfer | Leg) -> None:
    if asked.goods and asked.kind != "payment":
        _invalid("/goods", "only payments divide by goods")
    if asked.goods and sum(goods.amount for goods in asked.goods) != asked.amount:
        _invalid("/goods", f"amounts that sum to {asked.amount}")
    if asked.purpose is not None and asked.kind != "issuance":
        _invalid("/purpose", "a purpose is given when units are issued")


def _check_clauses(order: Order, today: str, has_case: bool) -> None:
    """What the charter says of issuance and redemption."""
    code, rules = order.currency.code, order.rules
    clause = rules.issuance if order.kind == "issuance" else rules.redemption
    if not clause.allowed:
        raise Refusal("charter-forbids", kind=order.kind, currency=code)
    if clause.case_reference_required and not has_case:
        _invalid("/case_reference", f"the charter of {code} asks for a case reference")
    if order.kind == "issuance":
        if order.purpose is not None and order.purpose not in rules.purposes:
            _invalid("/purpose", f"a purpose that the charter of {code} names")
        if order.purpose is not None and (order.rules.purposes[order.purpose].until or today) < today:
            raise Refusal("charter-forbids", kind=order.kind, currency=code)
        return
    if order.payer.kind not in rules.redemption.kinds:
        raise Refusal("charter-forbids", kind=order.kind, currency=code)
    moving.check_minimum(order, order.amount)


def _reserve(case: Case[Transfer], order: Order, planned: Plan, fields: dict[str, Any]) -> None:
    command, draft = case.command, case.draft
    assert command.pending_seconds is not None
    open_ones = {parse(bucket).reservation for bucket in draft.buckets(order.payer)} - {""}
    if len(open_ones) >= MAX_OPEN_RESERVATIONS:
        raise Refusal("too-many-reservations", account=order.payer.id, limit=MAX_OPEN_RESERVATIONS)
    count_spending(draft, order.payer, order.currency, planned.drawn)
    moving.hold(draft, order, planned, command.id)
    warn_of_credit(draft, order.payer)
    lapses_at = case.now + command.pending_seconds * clock.MICROSECONDS
    fields["lapses_at"] = lapses_at
    body = {
        "status": "pending",
        "currency": order.currency.code,
        "payer": order.payer.id,
        "payee": order.payee.id,
        "amount": planned.amount,
        "fee": planned.fee,
        "draws": [list(each) for each in planned.draws],
        "fee_draws": [list(each) for each in planned.fee_draws],
        "lapses_at": lapses_at,
    }
    draft.put("pending", command.id, Thing(order.payer.id, lapses_at, body))


def _invalid(pointer: str, right: str) -> None:
    raise Refusal("invalid-request", (Fault(pointer, "invalid", right),))
