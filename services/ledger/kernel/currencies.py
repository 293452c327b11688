"""Currencies: creating them, and the versions of their charters.

The next version of a charter is proposed by one person and adopted by another; it holds from a moment that
lies ahead by then. Versions are numbered without gaps and begin one after the other.
"""

from typing import Any

from services.ledger.kernel import calendar
from services.ledger.kernel.case import Case, Decision
from services.ledger.kernel.charters import charter_key, rules_of, versions_of
from services.ledger.kernel.contradictions import contradictions
from services.ledger.kernel.payload import currency_fields, own_accounts
from services.ledger.kernel.proposing import propose
from services.ledger.kernel.rules import Rules
from services.ledger.kernel.state import Currency, State, Thing
from shared.contracts.charters import Charter, accounts_named, document, read
from shared.contracts.commands import AmendCharter, Approve, CreateCurrency
from shared.contracts.errors import Fault, Refusal
from shared.contracts.journal import CHARTER_ADOPTED, CHARTER_PROPOSED, CURRENCY_CREATED
from shared.contracts.money import MAX_AMOUNT
from shared.contracts.primitives import HOLDER_KINDS

MAX_AHEAD_US = 3660 * calendar.DAY_US
"""How long before it holds a version may be proposed: whoever names a later moment has likely mistaken the
unit of time.
"""


def create(case: Case[CreateCurrency]) -> Decision:
    """Create a currency, its own accounts, and the first version of its charter where one is given."""
    command, draft = case.command, case.draft
    if "en" not in command.names:
        raise Refusal("invalid-request", (Fault("/names", "required", "the English name is compulsory"),))
    if case.state.currencies[command.code] is not None:
        raise Refusal("currency-exists", currency=command.code)
    currency = currency_fields(command, case.state.header.partition)
    if command.charter is not None:
        currency |= _first_version(case, command, command.charter)
    draft.opened.extend(own_accounts(currency))
    for account in draft.opened:
        if case.state.accounts[account["id"]] is not None:
            raise Refusal("id-reused", id=account["id"])
    return Decision(CURRENCY_CREATED, {"currency": currency})


def propose_charter(case: Case[AmendCharter]) -> Decision:
    """Propose the next version of a charter."""
    command, draft = case.command, case.draft
    currency = draft.currency(command.currency)
    earlier = _check_version(case.state, currency, command.version, command.valid_from)
    if not draft.now < command.valid_from <= draft.now + MAX_AHEAD_US:
        _invalid("/valid_from", "a time that lies ahead, by 10 years at most, in microseconds")
    _check_charter(case.state, currency, command.charter, earlier, command.valid_from)
    if document(command.charter) == document(earlier[-1]):
        raise Refusal("nothing-changes")
    # What would hold from a moment that has passed by then cannot be adopted any more.
    propose(
        case,
        "amend_charter",
        currency.code,
        until=command.valid_from,
        currency=currency.code,
        version=command.version,
        valid_from=command.valid_from,
        document=document(command.charter),
    )
    named = {"currency": currency.code, "version": command.version, "valid_from": command.valid_from}
    return Decision(CHARTER_PROPOSED, {"proposal": command.id, "charter": named})


def adopt(case: Case[Approve], proposal: Thing) -> Decision:
    """Make a proposed version the next one. Who approves, and that the proposal is pending and has not
    lapsed, has been looked at.
    """
    draft, body = case.draft, proposal.body
    currency = draft.currency(body["currency"])
    version, valid_from = body["version"], body["valid_from"]
    earlier = _check_version(case.state, currency, version, valid_from)
    _check_charter(case.state, currency, read(body["document"]), earlier, valid_from)
    versions = [*versions_of(case.state, currency), [version, valid_from]]
    _put_version(case, currency.code, versions, body["document"])
    named = {name: body[name] for name in ("currency", "version", "valid_from")}
    return Decision(CHARTER_ADOPTED, {"proposal": case.command.proposal, "charter": named})


def _first_version(case: Case[CreateCurrency], command: CreateCurrency, charter: Charter) -> dict[str, Any]:
    """Remember the charter that a currency is created with; the currency's own limits, which are those of
    unverified members in it.
    """
    if charter.names != command.names:
        raise _contradiction(("/names", "the currency is created with other names"))
    today = case.draft.today
    for found in contradictions(charter, command.kind, command.minor_units, (), today):
        raise _contradiction(found)
    for place in accounts_named(charter):
        raise _contradiction((place, "no account of this currency is open yet; name one in version 2"))
    row = Rules(charter, 1).row("member", 0)
    for name, given, unsaid, limit in (
        ("default_credit_limit", command.default_credit_limit, 0, row.credit_limit),
        ("maximum_balance", command.maximum_balance, MAX_AMOUNT, row.maximum_balance),
    ):
        if given not in (unsaid, limit):
            _invalid(f"/{name}", f"{limit}, as the charter says of members, or nothing")
    _put_version(case, command.code, [[1, case.now]], document(charter))
    return {"default_credit_limit": row.credit_limit, "maximum_balance": row.maximum_balance}


def _put_version(case: Case[Any], code: str, versions: list[list[int]], plain: dict[str, Any]) -> None:
    case.draft.put("charters", code, Thing(code, None, {"versions": versions}))
    case.draft.put(*charter_key(code, versions[-1][0]), Thing(code, None, {"document": plain}))


def _check_version(state: State, currency: Currency, version: int, valid_from: int) -> list[Charter]:
    """The versions before, where this one is the next and begins after them."""
    versions = versions_of(state, currency)
    last, began = versions[-1]
    if version != last + 1:
        raise Refusal("charter-outdated", currency=currency.code, version=last + 1)
    if valid_from <= began:
        _invalid("/valid_from", f"a time after the one from which version {last} holds")
    return [rules_of(state, currency, each).charter for each, _ in versions]


def _check_charter(
    state: State, currency: Currency, charter: Charter, earlier: list[Charter], valid_from: int
) -> None:
    first_day = calendar.day_of(valid_from)
    for found in contradictions(charter, currency.kind, currency.minor_units, earlier, first_day):
        raise _contradiction(found)
    for place, id in accounts_named(charter).items():
        account = state.accounts[id]
        if (
            account is None
            or account.currency != currency.code
            or account.kind not in HOLDER_KINDS
            or account.terms.get("closed")
        ):
            raise _contradiction((place, "no holder's account in this currency is open under this id"))


def _contradiction(found: tuple[str, str]) -> Refusal:
    return Refusal("charter-contradicts", clause=found[0], reason=found[1])


def _invalid(pointer: str, right: str) -> None:
    raise Refusal("invalid-request", (Fault(pointer, "invalid", right),))
