"""The wallet: what one has, paying, and what was paid and received."""

from typing import Any, NamedTuple

from flask import Blueprint, redirect, render_template, request
from werkzeug.wrappers import Response

from gateway import amounts, formats, problems
from gateway.api.transfers import address_of
from gateway.api.writing import with_address
from gateway.asking import ask, not_after, signed_in, together
from gateway.i18n import gettext as _
from gateway.pages import paying
from gateway.pages.common import Currency, currency_name, currency_of
from gateway.pages.names import names_of_holders
from gateway.pages.paying import Draft, Payment
from gateway.pages.units import bound_units
from shared.contracts import identity, ids, ledger
from shared.contracts.errors import Refusal

HISTORY_SIZE = 20
ACCOUNTS_LIMIT = 200
PAYEES_LIMIT = 200

pages = Blueprint("wallet", __name__)


class Item(NamedTuple):
    """A line of the history, as the template's list of payments takes it."""

    day: str
    time: str
    iso: str
    name: str
    amount: str
    direction: str
    note: str
    href: str | None
    state: str | None


class Wallet(NamedTuple):
    """All that the page shows of one account. `payees`: (account, name) of those who can be paid by name."""

    account: dict[str, Any]
    accounts: list[dict[str, Any]]
    currency: Currency
    items: list[Item]
    older: str | None
    payees: list[tuple[str, str]]


@pages.get("/wallet")
def show() -> str:
    return _page(request.args.get("account"), Draft(), {})


@pages.post("/wallet/pay")
def check() -> str | tuple[str, int]:
    """The first step: what is asked for, read and shown again before anything happens."""
    account = _own_account(request.form.get("account"))
    currency = currency_of(account["currency"])
    draft = Draft.of(request.form)
    payment, faults = paying.read(draft, account, currency)
    if payment is None:
        return _page(account["id"], draft, faults), 422
    return _confirm(payment, account, currency, draft, ids.new_id())


@pages.post("/wallet/pay/confirm")
def pay() -> Response | str | tuple[str, int]:
    """The second step: the transfer itself, under the browser's id for it, so that it happens once."""
    account = _own_account(request.form.get("account"))
    currency = currency_of(account["currency"])
    draft = Draft.of(request.form)
    payment, faults = paying.read(draft, account, currency)
    if payment is None:
        return _page(account["id"], draft, faults), 422
    transfer = request.form.get("transfer_id", "")
    if not ids.is_uuid7(transfer):
        return _confirm(payment, account, currency, draft, ids.new_id()), 422
    try:
        paying.send(payment, transfer)
    except Refusal as refusal:
        return _refused(refusal, payment, account, currency, draft, transfer)
    return redirect(f"/wallet/payments/{transfer}?account={account['id']}&new=1", 303)


@pages.get("/wallet/payments/<string:id>")
def receipt(id: str) -> str:
    """What the ledger has recorded of a payment."""
    transfer = ask(ledger.SERVICE, "get_transfer", id=id)
    currency = currency_of(transfer["amount"]["currency"])
    own = request.args.get("account")
    names = names_of_holders([transfer["payer"], transfer["payee"]], currency)
    return render_template(
        "receipt.html",
        transfer=transfer,
        currency=currency,
        payer=names[transfer["payer"]],
        payee=names[transfer["payee"]],
        account=own if own in (transfer["payer"], transfer["payee"]) else None,
        is_new="new" in request.args,
        amount=_cash(transfer["amount"], currency),
    )


def _page(
    wanted: str | None, draft: Draft, faults: dict[str, str], refusal: str | None = None, settled: str = ""
) -> str:
    wallet = _wallet(wanted)
    if wallet is None:
        return render_template("wallet_empty.html")
    minor_units = wallet.currency["minor_units"]
    return render_template(
        "wallet.html",
        wallet=wallet,
        name=currency_name(wallet.currency),
        balance=_cash(wallet.account["balance"], wallet.currency),
        available=_cash(wallet.account["available"], wallet.currency),
        bound=bound_units(wallet.account, wallet.currency),
        differs=wallet.account["available"]["amount"] != wallet.account["balance"]["amount"],
        choices=[(each["id"], _choice(each)) for each in wallet.accounts],
        draft=draft,
        faults=faults,
        refusal=refusal,
        settled=settled,
        decimals=amounts.field_decimals(minor_units),
        separator=amounts.separator(minor_units),
        example=amounts.example(minor_units),
        unit=_("h:mm") if minor_units == 60 else wallet.currency["code"],
        is_time=minor_units == 60,
    )


def _wallet(wanted: str | None) -> Wallet | None:
    person = signed_in()
    listed, found = together(
        lambda: ask(ledger.SERVICE, "list_accounts", holder=person.id, limit=ACCOUNTS_LIMIT),
        lambda: ask(identity.SERVICE, "find_listed", text="", limit=PAYEES_LIMIT),
    )
    accounts = listed["data"]
    if not accounts:
        return None
    account = next((each for each in accounts if each["id"] == wanted), None) if wanted else accounts[0]
    if account is None:
        raise Refusal("not-found")
    currency = currency_of(account["currency"])
    candidates = {each["id"]: each["name"] for each in found["data"] if each["id"] != person.id}
    history, payees = together(
        lambda: ask(
            ledger.SERVICE,
            "list_account_transfers",
            account=account["id"],
            cursor=request.args.get("cursor"),
            limit=HISTORY_SIZE,
        ),
        lambda: ask(ledger.SERVICE, "find_payees", currency=account["currency"], holders=list(candidates)),
    )
    payable = payees["accounts"]
    by_name = [(payable[holder], name) for holder, name in candidates.items() if holder in payable]
    older = (
        f"/wallet?account={account['id']}&cursor={history['next_cursor']}" if history["has_more"] else None
    )
    return Wallet(account, accounts, currency, _items(history["data"], account, currency), older, by_name)


def _items(transfers: list[dict[str, Any]], account: dict[str, Any], currency: Currency) -> list[Item]:
    told = [transfer["counterparty"] for transfer in transfers if transfer["counterparty"]]
    # What others' transfers bring in does not say whose they are.
    names = names_of_holders(told, currency) | {"": _("Fee or penalty")}
    return [
        Item(
            day=formats.day_of(transfer["occurred_at"]),
            time=formats.time_of_day(transfer["occurred_at"]),
            iso=transfer["occurred_at"],
            name=names[transfer["counterparty"]],
            amount=formats.cash(abs(transfer["change"]["amount"]), currency["code"], currency["minor_units"]),
            direction="in" if transfer["change"]["amount"] > 0 else "out",
            note=transfer["memo"],
            href=f"/wallet/payments/{transfer['id']}?account={account['id']}"
            if transfer["counterparty"]
            else None,
            state=None,
        )
        for transfer in transfers
    ]


def _own_account(wanted: str | None) -> dict[str, Any]:
    person = signed_in()
    if not wanted or not ids.is_id(wanted):
        raise Refusal("not-found")
    account: dict[str, Any] = ask(ledger.SERVICE, "get_account", id=wanted)
    if account["holder"] != person.id:
        raise Refusal("not-found")
    return account


def _confirm(
    payment: Payment,
    account: dict[str, Any],
    currency: Currency,
    draft: Draft,
    transfer: str,
    *,
    unknown: bool = False,
) -> str:
    return render_template(
        "pay_confirm.html",
        payment=payment,
        account=account,
        draft=draft,
        amount=formats.cash(payment.amount, currency["code"], currency["minor_units"]),
        available=_cash(account["available"], currency),
        name=currency_name(currency),
        transfer_id=transfer,
        unknown=unknown,
    )


def _refused(
    refusal: Refusal,
    payment: Payment,
    account: dict[str, Any],
    currency: Currency,
    draft: Draft,
    transfer: str,
) -> tuple[str, int]:
    status = refusal.problem.status
    if refusal.slug == "outcome-unknown":
        return _confirm(payment, account, currency, draft, transfer, unknown=True), status
    told = problems.detail(_own_writing(with_address(refusal, address_of(transfer), not_after()), currency))
    return _page(account["id"], draft, {}, refusal=told, settled=transfer), status


def _own_writing(refusal: Refusal, currency: Currency) -> Refusal:
    """A refusal whose amounts stand as the reader writes them: `available` beside `available_amount`."""
    told = dict(refusal.parameters)
    for name in ("available", "amount", "room"):
        minor = told.get("amount_minor" if name == "amount" else f"{name}_amount")
        if isinstance(minor, int):
            told[name] = formats.cash(minor, currency["code"], currency["minor_units"])
    return Refusal(refusal.slug, refusal.faults, **told)


def _cash(money: dict[str, Any], currency: Currency) -> str:
    return formats.cash(money["amount"], currency["code"], currency["minor_units"])


def _choice(account: dict[str, Any]) -> str:
    currency = currency_of(account["currency"])
    return f"{currency_name(currency)} · {_cash(account['balance'], currency)}"
