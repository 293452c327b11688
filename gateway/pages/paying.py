"""A payment as somebody fills it in, read strictly, and sent under an id that makes it happen once."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from gateway import amounts
from gateway.asking import ask, not_after, signed_in
from gateway.i18n import gettext as _
from gateway.pages.common import Currency
from gateway.pages.names import names_of_holders
from gateway.wiring import wiring
from shared.contracts import ids, ledger
from shared.contracts.commands import Transfer
from shared.contracts.errors import Refusal
from shared.contracts.primitives import MEMO_MAX_LENGTH

MAX_TEXT = 200


class Draft(NamedTuple):
    """What stands in the fields. The payee is chosen by name, or given by the id of an account."""

    payee: str = ""
    payee_account: str = ""
    amount: str = ""
    memo: str = ""

    @classmethod
    def of(cls, form: Mapping[str, str]) -> "Draft":
        """The fields of a form, without blanks around them."""
        return cls(*(form.get(name, "").strip()[:MAX_TEXT] for name in cls._fields))


class Payment(NamedTuple):
    """A payment that can be made. `amount` is in minor units."""

    payer: str
    payee: str
    payee_name: str
    amount: int
    currency: str
    memo: str


def read(
    draft: Draft, account: Mapping[str, Any], currency: Currency
) -> tuple[Payment | None, dict[str, str]]:
    """The payment that the fields ask for, or what is wrong with each of them."""
    faults: dict[str, str] = {}
    payee = _payee(draft, str(account["id"]), faults)
    amount = _amount(draft.amount, currency["minor_units"], faults)
    if len(draft.memo) > MEMO_MAX_LENGTH:
        faults["memo"] = _("Use at most %(count)s characters") % {"count": MEMO_MAX_LENGTH}
    name = _name_of(payee, draft, currency, faults) if payee else ""
    if faults or payee is None or amount is None:
        return None, faults
    return Payment(account["id"], payee, name, amount, currency["code"], draft.memo), {}


def send(payment: Payment, transfer: str) -> None:
    """Make the payment under this id. Raises Refusal."""
    command = Transfer(
        id=transfer,
        kind="payment",
        currency=payment.currency,
        amount=payment.amount,
        payer=payment.payer,
        payee=payment.payee,
        memo=payment.memo,
    )
    outcome = wiring().writer.submit(command, signed_in().tokens[ledger.AUDIENCE], not_after())
    if outcome.refusal is not None:
        raise Refusal.from_wire(outcome.refusal)


def _payee(draft: Draft, payer: str, faults: dict[str, str]) -> str | None:
    if draft.payee and draft.payee_account:
        faults["payee_account"] = _("Choose a name or give an account, not both")
        return None
    field = "payee_account" if draft.payee_account else "payee"
    payee = (draft.payee_account or draft.payee).lower()
    if not payee:
        faults[field] = _("Choose who is to be paid")
    elif not ids.is_id(payee):
        faults[field] = _("This is not the id of an account. Copy it whole, with its hyphens")
    elif payee == payer:
        faults[field] = _("This is your own account. Choose another one")
    else:
        return payee
    return None


def _amount(text: str, minor_units: int, faults: dict[str, str]) -> int | None:
    if not text:
        faults["amount"] = _("Enter an amount")
        return None
    try:
        return amounts.read(text, minor_units)
    except amounts.NotAnAmount:
        example = amounts.example(minor_units)
        faults["amount"] = _("Write the amount like this: %(example)s") % {"example": example}
        return None


def _name_of(payee: str, draft: Draft, currency: Currency, faults: dict[str, str]) -> str:
    holders = ask(ledger.SERVICE, "get_holders", accounts=[payee])["holders"]
    if payee not in holders:
        faults["payee_account" if draft.payee_account else "payee"] = _("There is no such account")
        return ""
    return names_of_holders([payee], currency)[payee]
