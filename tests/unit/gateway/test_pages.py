"""Pages: what they show, and that paying on them is safe to repeat."""

import re
from typing import Any, cast

import pytest
from flask.testing import FlaskClient

from gateway import i18n
from shared.contracts import ids
from shared.contracts.charters import PurposeClause, document
from shared.contracts.commands import Outcome, Transfer
from shared.contracts.errors import Refusal
from tests.support.charters import charter
from tests.unit.gateway.canned import CURRENCY, PERSON, CannedClient, CannedWriter
from tests.unit.gateway.test_api import series

OWN, SHOP, UNLISTED = (ids.new_account_id(0) for _ in range(3))
KEEPER = ids.new_id()


def money(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "PUMA", "text": f"{amount} PUMA"}


@pytest.fixture
def wallet(services: CannedClient) -> CannedClient:
    """Services that know an account of the reader's, a shop, and one payment between them."""
    account = {
        "id": OWN,
        "currency": "PUMA",
        "kind": "member",
        "holder": PERSON["id"],
        "balance": money(5000),
        "available": money(7000),
        "units": [],
        "expires_soon": [],
    }
    transfer = {
        "id": ids.new_id(),
        "payer": OWN,
        "payee": SHOP,
        "counterparty": SHOP,
        "amount": money(250),
        "change": money(-250),
        "balance": money(5000),
        "memo": "<script>alert(1)</script>",
        "occurred_at": "2026-11-23T10:00:00.000000Z",
        "sequence": 9,
    }
    holders = {SHOP: KEEPER, OWN: PERSON["id"], UNLISTED: ids.new_id()}
    services.answers |= {
        "ledger.list_accounts": {"data": [account], "next_cursor": None, "has_more": False},
        "ledger.get_account": account,
        "ledger.list_account_transfers": {"data": [transfer], "next_cursor": "c", "has_more": True},
        "ledger.get_transfer": transfer,
        "ledger.find_payees": {"accounts": {KEEPER: SHOP}},
        "ledger.get_holders": lambda asked: {
            "holders": {each: holders[each] for each in asked["accounts"] if each in holders}
        },
        "identity.find_listed": {"data": [{"id": KEEPER, "kind": "person", "name": "Bakery & Son"}]},
        "identity.get_names": {"names": {KEEPER: "Bakery & Son", PERSON["id"]: PERSON["name"]}},
    }
    return services


def form(**changes: str) -> dict[str, str]:
    return {"account": OWN, "payee": SHOP, "payee_account": "", "amount": "12.50", "memo": "Pan"} | changes


def main_of(text: str) -> str:
    return text.partition("<main")[2].partition("</main>")[0]


def test_the_wallet_tells_of_units_for_a_purpose_and_of_those_that_lapse(
    browser: FlaskClient, wallet: CannedClient
) -> None:
    def units(purpose: str | None, expires_on: str | None, amount: int) -> dict[str, Any]:
        return {"purpose": purpose, "expires_on": expires_on, "amount": money(amount)}

    lapsing = units("meals", "2026-12-04", 300)
    account: dict[str, Any] = cast(dict[str, Any], wallet.answers["ledger.list_accounts"])["data"][0]
    account["units"] = [
        units(None, None, 1),
        units("ended", None, 2),
        units(None, "2027-02-28", 500),
        units("meals", None, 400),
        units("books", None, 600),
        lapsing,
    ]
    account["expires_soon"] = [lapsing]
    meals = PurposeClause(code="meals", names={"en": "Meals", "el": "Γεύματα"}, categories=["food"])
    books = PurposeClause(code="books", names={"en": "Books"}, categories=["school"], since="2999-09-01")
    wallet.answers["ledger.get_charter"] = {
        "charter": document(charter(purposes=[meals, books])),
        "version": 1,
        "versions": [],
    }
    page = main_of(browser.get("/wallet").text)
    others, _, rest = page.partition("Spend these units soon")
    soon = rest.partition("<form")[0]
    assert "5.00\u00a0PUMA can be spent until 28 February 2027." in others
    assert "4.00\u00a0PUMA can be spent for “Meals”." in others
    assert "3.00\u00a0PUMA for “Meals” can be spent until 4 December 2026." in soon
    later = "They can be spent from 1 September 2999 on."
    assert f"6.00\u00a0PUMA can be spent for “Books”. {later}" in others
    assert page.count("can be spent") == 5
    assert "«\u2068Γεύματα\u2069»" in browser.get("/wallet?lang=el").text


def test_the_wallet_shows_what_one_has_and_what_was_paid(browser: FlaskClient, wallet: CannedClient) -> None:
    page = main_of(browser.get("/wallet").text)
    assert "50.00\u00a0PUMA" in page
    assert "70.00\u00a0PUMA" in page
    assert "Bakery &amp; Son" in page
    assert "\u22122.50\u00a0PUMA" in page.replace('<bdi class="money money--out">', "")
    assert f'href="/wallet?account={OWN}&amp;cursor=c#history"' in page
    assert f"/api/v1/accounts/{OWN}/transfers.csv" in page


def test_a_fee_from_others_payments_names_and_leads_to_nobody(
    browser: FlaskClient, wallet: CannedClient
) -> None:
    listed: Any = wallet.answers["ledger.list_account_transfers"]
    [shown] = listed["data"]
    shown |= {"counterparty": "", "payer": "", "memo": "", "change": money(3)}
    page = main_of(browser.get("/wallet").text)
    assert "Fee or penalty" in page
    assert f"/wallet/payments/{shown['id']}" not in page


def test_what_others_wrote_is_never_markup(browser: FlaskClient, wallet: CannedClient) -> None:
    text = browser.get("/wallet").text
    assert "<script>alert" not in text
    assert "Amina <b>" not in text


def test_nobody_sees_a_wallet_without_signing_in(door: FlaskClient, wallet: CannedClient) -> None:
    answer = door.get("/wallet?account=1")
    assert answer.status_code == 303
    assert answer.headers["Location"] == "/sign-in?next=%2Fwallet%3Faccount%3D1"


def test_paying_shows_first_who_gets_how_much(browser: FlaskClient, wallet: CannedClient) -> None:
    page = main_of(browser.post("/wallet/pay", data=form()).text)
    assert "Bakery &amp; Son" in page
    assert "12.50\u00a0PUMA" in page
    [transfer_id] = re.findall(r'name="transfer_id" value="([^"]+)"', page)
    assert ids.is_uuid7(transfer_id)


def test_confirming_pays_under_the_form_s_own_id(
    browser: FlaskClient, wallet: CannedClient, writer: CannedWriter
) -> None:
    transfer_id = ids.new_id()
    for _click in range(2):
        answer = browser.post("/wallet/pay/confirm", data=form(transfer_id=transfer_id))
        assert answer.status_code == 303
        assert answer.headers["Location"] == f"/wallet/payments/{transfer_id}?account={OWN}&new=1"
    paid = Transfer(
        id=transfer_id, kind="payment", currency="PUMA", amount=1250, payer=OWN, payee=SHOP, memo="Pan"
    )
    assert writer.commands == [paid, paid]
    receipt = browser.get(f"/wallet/payments/{transfer_id}?account={OWN}&new=1")
    assert "data-transfer-settled" in receipt.text


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"amount": ""}, "Enter an amount"),
        ({"amount": "12,50"}, "Write the amount like this: 12.50"),
        ({"payee": ""}, "Choose who is to be paid"),
        ({"payee_account": UNLISTED}, "not both"),
        ({"payee": "", "payee_account": "7"}, "not the id of an account"),
        ({"payee": "", "payee_account": OWN}, "your own account"),
        ({"payee": "", "payee_account": ids.new_account_id(0)}, "no such account"),
        ({"memo": "x" * 141}, "at most 140 characters"),
    ],
)
def test_what_is_wrong_in_the_form_is_told_and_the_rest_kept(
    browser: FlaskClient, wallet: CannedClient, writer: CannedWriter, changes: dict[str, str], told: str
) -> None:
    answer = browser.post("/wallet/pay", data=form(**changes))
    assert answer.status_code == 422
    assert "Error:" in answer.text
    assert told in main_of(answer.text)
    kept = form(**changes)["amount"]
    assert f'name="amount" type="text" inputmode="decimal" value="{kept}"' in answer.text
    assert writer.commands == []


def test_a_refusal_stands_above_the_form_in_the_reader_s_writing(
    browser: FlaskClient, wallet: CannedClient, writer: CannedWriter
) -> None:
    transfer_id = ids.new_id()
    refusal = Refusal(
        "insufficient-balance",
        available="70.00 PUMA",
        available_amount=7000,
        amount="1250.00 PUMA",
        amount_minor=125000,
    )
    writer.outcomes[transfer_id] = Outcome(refusal=refusal.to_wire())
    answer = browser.post("/wallet/pay/confirm?lang=es", data=form(transfer_id=transfer_id, amount="1250"))
    assert answer.status_code == 422
    assert "70,00\u00a0PUMA disponibles y se piden 1.250,00\u00a0PUMA" in answer.text
    assert f'data-transfer-settled="{transfer_id}"' in answer.text


def test_without_an_answer_the_same_id_is_offered_again(
    browser: FlaskClient, wallet: CannedClient, writer: CannedWriter
) -> None:
    transfer_id = ids.new_id()
    writer.outcomes[transfer_id] = Refusal("outcome-unknown", address="", after="2026-11-23T10:00:00Z")
    answer = browser.post("/wallet/pay/confirm", data=form(transfer_id=transfer_id))
    assert answer.status_code == 503
    assert (
        f'name="transfer_id" value="{transfer_id}" autocomplete="off" data-transfer-id data-keep'
        in answer.text
    )
    assert "data-transfer-settled" not in answer.text


def test_nobody_pays_from_another_s_account(
    browser: FlaskClient, wallet: CannedClient, writer: CannedWriter
) -> None:
    account = {"id": OWN, "currency": "PUMA", "holder": ids.new_id()}
    wallet.answers["ledger.get_account"] = account
    for path in ("/wallet/pay", "/wallet/pay/confirm"):
        assert browser.post(path, data=form(transfer_id=ids.new_id())).status_code == 404
    assert writer.commands == []


def test_the_impact_page_shows_figures_charts_and_their_numbers(
    door: FlaskClient, services: CannedClient
) -> None:
    services.answers["dashboard.get_overview"] = lambda asked: {
        "data": [
            series(indicator={**series()["indicator"], "code": code}, period=asked["period"])
            for code in asked["codes"]
        ]
    }
    page = main_of(door.get("/impact/PUMA").text)
    assert page.count("<svg") >= 5
    assert page.count("<table") == page.count("<details") // 2 == 5
    assert "/api/v1/indicators/volume.csv?currency=PUMA&amp;period=month" in page
    assert 'hx-trigger="every 1s"' in page
    assert "12.50\u00a0PUMA" in page


@pytest.mark.parametrize(("roles", "token"), [(["member"], None), (["operator"], "token for dashboard")])
def test_whoever_runs_the_currencies_is_shown_live_figures(
    browser: FlaskClient,
    services: CannedClient,
    monkeypatch: pytest.MonkeyPatch,
    roles: list[str],
    token: str | None,
) -> None:
    monkeypatch.setitem(PERSON, "roles", roles)
    services.answers["dashboard.get_overview"] = lambda asked: {
        "data": [series(indicator={**series()["indicator"], "code": code}) for code in asked["codes"]]
    }
    assert browser.get("/impact/PUMA").status_code == 200
    used = {token for name, _arguments, token in services.calls if name == "dashboard.get_overview"}
    assert used == {token}


def test_the_figures_are_sent_again_only_when_something_is_new(
    door: FlaskClient, services: CannedClient
) -> None:
    services.answers["dashboard.get_overview"] = lambda asked: {
        "data": [series(indicator={**series()["indicator"], "code": code}) for code in asked["codes"]]
    }
    assert door.get("/impact/PUMA/figures?seen=t:6").status_code == 200
    assert door.get("/impact/PUMA/figures?seen=t:7").status_code == 204


def test_the_first_page_stands_without_the_dashboard(door: FlaskClient, services: CannedClient) -> None:
    answer = door.get("/")
    assert answer.status_code == 200
    assert "The figures are not available at the moment." in answer.text


@pytest.mark.parametrize("language", list(i18n.OWN_NAMES))
def test_every_page_speaks_every_language(browser: FlaskClient, wallet: CannedClient, language: str) -> None:
    for path in ("/", "/wallet", "/impact", "/problems/", "/api/", "/nothing"):
        page = browser.get(f"{path}?lang={language}")
        assert f'<html lang="{language}" dir="{"rtl" if language == "ar" else "ltr"}"' in page.text
    assert f'lang="{language}"' in browser.get("/impact").text, "the choice is remembered"


def test_the_language_is_the_person_s_own_unless_chosen(browser: FlaskClient, services: CannedClient) -> None:
    services.answers["identity.exchange"] = {
        "person": {**PERSON, "locale": "el"},
        "tokens": {},
        "expires_at": "2126-01-01T00:00:00Z",
    }
    assert '<html lang="el"' in browser.get("/impact", headers={"Accept-Language": "fr"}).text
    browser.set_cookie("medtown_lang", "fr")
    assert '<html lang="fr"' in browser.get("/impact").text


def test_a_currency_has_its_name_in_the_reader_s_language(door: FlaskClient, services: CannedClient) -> None:
    named = {**CURRENCY, "names": {"en": "Cougar", "es": "Puma"}}
    services.answers["ledger.list_currencies"] = {"data": [named], "next_cursor": None, "has_more": False}
    assert "Puma" in main_of(door.get("/impact?lang=es").text)
    assert "Cougar" in main_of(door.get("/impact?lang=fr").text)
