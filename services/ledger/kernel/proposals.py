"""What needs a second person: corrections are proposed here, and everything proposed is approved or rejected.

`_KINDS` is the index of what can be proposed.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from services.ledger.kernel import access, currencies, moving, refunds, transfers
from services.ledger.kernel.case import Case, Decision
from services.ledger.kernel.draft import Draft
from services.ledger.kernel.moving import Order
from services.ledger.kernel.proposing import propose
from services.ledger.kernel.state import Thing
from services.ledger.kernel.words import check_says_something
from shared.auth.principal import ADMINISTRATOR, OPERATOR
from shared.contracts.commands import Approve, Correct, Reject
from shared.contracts.errors import Refusal
from shared.contracts.journal import CORRECTION_PROPOSED, PROPOSAL_REJECTED, TRANSFER_POSTED


def propose_correction(case: Case[Correct]) -> Decision:
    """Propose a transfer between two holders' accounts that mends a mistake."""
    command, draft = case.command, case.draft
    check_says_something("/reason", command.reason)
    if command.transfer is not None:
        refunds.posted(draft, command.transfer)
    terms: dict[str, Any] = {
        "currency": command.currency,
        "payer": command.payer,
        "payee": command.payee,
        "amount": command.amount,
        "of": command.transfer,
    }
    _correction(draft, terms)
    propose(case, "correct", command.currency, **terms)
    content = {"proposal": command.id, "correction": _given(terms)}
    return Decision(CORRECTION_PROPOSED, content, command.reason)


def approve(case: Case[Approve]) -> Decision:
    """Do what was proposed, as the second person."""
    proposal = _proposal(case)
    if case.principal.subject == proposal.body["by"]:
        raise Refusal("second-person-needed")
    kind = _KINDS[proposal.body["command"]]
    kind.require(case, proposal)
    _check_pending(case, proposal)
    decision = kind.carry_out(case, proposal)
    _settle(case, proposal, "approved", made=case.command.id)
    return decision


def reject(case: Case[Reject]) -> Decision:
    """Refuse what was proposed, as who could approve it, or take one's own proposal back."""
    proposal = _proposal(case)
    if case.principal.subject != proposal.body["by"]:
        _KINDS[proposal.body["command"]].require(case, proposal)
    _check_pending(case, proposal)
    _settle(case, proposal, "rejected")
    return Decision(PROPOSAL_REJECTED, {"proposal": case.command.proposal})


def _proposal(case: Case[Approve] | Case[Reject]) -> Thing:
    proposal = case.draft.thing("proposal", case.command.proposal)
    if proposal is None:
        raise Refusal("unknown-proposal", proposal=case.command.proposal)
    return proposal


def _check_pending(case: Case[Approve] | Case[Reject], proposal: Thing) -> None:
    status = proposal.body["status"]
    if proposal.due_at is not None and proposal.due_at <= case.now:
        status = "lapsed"
    if status != "pending":
        raise Refusal("proposal-settled", proposal=case.command.proposal, status=status)


def _settle(case: Case[Approve] | Case[Reject], proposal: Thing, status: str, **news: str) -> None:
    body = proposal.body | {"status": status, "settled_by": case.principal.subject, **news}
    case.draft.put("proposal", case.command.proposal, Thing(proposal.owner, None, body))


def _is_other_party(case: Case[Any], proposal: Thing) -> None:
    assert proposal.owner is not None
    account = case.draft.account(proposal.owner)
    if not access.holds(account, case.principal):
        raise Refusal("not-permitted", action=f"decide on a reversal for account {account.id}")


def _reverse(case: Case[Any], proposal: Thing) -> Decision:
    paid = refunds.posted(case.draft, proposal.body["transfer"], "payment")
    amount = refunds.left_of(case.draft, paid)
    fields = refunds.give_back(case.draft, "reversal", paid, amount, case.command.id)
    return Decision(TRANSFER_POSTED, {"transfer": fields | {"proposal": case.command.proposal}})


def _is_operator(case: Case[Any], proposal: Thing) -> None:
    case.principal.require("decide on a correction", OPERATOR)


def _correct(case: Case[Any], proposal: Thing) -> Decision:
    draft = case.draft
    order = _correction(draft, proposal.body)
    planned = moving.plan(draft, order)
    fields = transfers.transfer_fields(order, planned, case.command.id)
    if (of := proposal.body["of"]) is not None:
        fields["of"] = of
        if _gives_back(paid := refunds.posted(draft, of), proposal.body):
            refunds.count_back(draft, paid, order.amount)
    transfers.hand_over(draft, order, planned, fields)
    return Decision(TRANSFER_POSTED, {"transfer": fields | {"proposal": case.command.proposal}})


def _correction(draft: Draft, terms: dict[str, Any]) -> Order:
    """The movement that a correction is; frozen accounts can be corrected, closed ones cannot. What goes back
    of a transfer that it names counts together with what was refunded.
    """
    currency = draft.currency(terms["currency"])
    payer, payee = draft.account(terms["payer"]), draft.account(terms["payee"])
    transfers.check_route("correction", currency, payer, payee)
    for account in (payer, payee):
        if draft.terms(account).get("closed"):
            raise Refusal("account-closed", account=account.id)
    if terms["of"] is not None and _gives_back(paid := refunds.posted(draft, terms["of"]), terms):
        refunds.check_left(draft, paid, terms["amount"])
    return Order(currency, draft.rules(currency.code), "correction", payer, payee, terms["amount"])


def _gives_back(paid: dict[str, Any], terms: dict[str, Any]) -> bool:
    return (paid["payer"], paid["payee"]) == (terms["payee"], terms["payer"])


def _given(terms: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in terms.items() if value is not None}


def _may_amend(case: Case[Any], proposal: Thing) -> None:
    case.principal.require("decide on a charter", OPERATOR, ADMINISTRATOR)


class _Kind(NamedTuple):
    """Of a kind of proposal: who may decide on it beside who made it, and what its approval does."""

    require: Callable[[Case[Any], Thing], None]
    carry_out: Callable[[Case[Any], Thing], Decision]


_KINDS = {
    "reverse": _Kind(_is_other_party, _reverse),
    "correct": _Kind(_is_operator, _correct),
    "amend_charter": _Kind(_may_amend, currencies.adopt),
}
