"""A payment by the API: what it answers, what it refuses, and how it comes to the impact figures."""

import time

import pytest

from shared.contracts import ids
from tests.support.api import Api, Town, money, transfer

DAY_MS = 24 * 3600 * 1000


def test_a_payment_moves_the_balances_and_the_impact_figures(town: Town) -> None:
    payer, payee = town.payer(issued=10_000), town.account()
    paid = town.member.pay(payer, payee, 1_250, town.currency, memo="bread")
    assert paid["amount"] == {"amount": 1250, "currency": town.currency, "text": f"12.50 {town.currency}"}
    assert (town.operator.balance(payer), town.operator.balance(payee)) == (8_750, 1_250)
    town.wait_for_indicator("volume", 1_250)
    assert town.indicator("supply") == 10_000
    assert town.indicator("transfer_count") == 1
    assert town.indicator("active_accounts") == 2


def test_operators_see_live_figures_and_everybody_else_closed_periods(town: Town) -> None:
    payer, payee = town.payer(issued=10_000), town.account()
    town.member.pay(payer, payee, 1_250, town.currency)
    town.wait_for_indicator("volume", 1_250)
    nobody = Api(town.operator.base_url)
    asked = {"params": {"currency": town.currency, "period": "month"}}
    for reader in (nobody, town.member):
        for code in ("volume", "supply", "density"):
            [value] = reader.get(f"/indicators/{code}", **asked)["values"]
            assert (value["value"], value["closed"]) == (None, False)
            assert "public when the period has closed" in value["reason"]
    assert town.operator.get("/indicators/density", **asked)["values"][0]["value"] == 0.5
    nobody.http.headers["Authorization"] = "Bearer of bad news"
    nobody.refused("not-signed-in", "GET", "/indicators/volume", **asked)


def test_a_simulated_currency_shows_live_figures_to_everybody(operator: Api) -> None:
    town = Town(operator, simulated=True)
    payer, payee = town.payer(issued=10_000), town.account()
    town.member.pay(payer, payee, 1_250, town.currency)
    town.wait_for_indicator("volume", 1_250)
    asked = {"params": {"currency": town.currency, "period": "month"}}
    [value] = Api(operator.base_url).get("/indicators/volume", **asked)["values"]
    assert value["value"] == 1_250


def test_a_member_pays_from_the_own_account_alone(town: Town) -> None:
    member, _ = town.person()
    own, other = town.account(member.person["id"], issued=500), town.account(issued=500)
    member.pay(own, other, 200, town.currency)
    member.refused("not-permitted", "POST", "/transfers", json=transfer(other, own, 100, town.currency))
    body = {"id": ids.new_id(), "kind": "issuance", "payee": own, "amount": money(100, town.currency)}
    member.refused("not-permitted", "POST", "/transfers", json=body)
    assert member.balance(own) == 300
    member.refused("not-permitted", "GET", f"/accounts/{other}")


def test_without_signing_in_nothing_is_told(town: Town) -> None:
    account = town.account()
    nobody = Api(town.operator.base_url)
    for path in (f"/accounts/{account}", "/accounts", f"/accounts/{account}/transfers", "/events"):
        nobody.refused("not-signed-in", "GET", path)
    nobody.refused("not-signed-in", "POST", "/transfers", json=transfer(account, account, 1, town.currency))


@pytest.mark.parametrize("amount", [0, -1, 2**53, True, "100", 1.5, None])
def test_an_amount_is_a_positive_integer_within_bounds(town: Town, amount: object) -> None:
    body = transfer(ids.new_id(), ids.new_id(), 1, town.currency) | {"amount": money(1, town.currency)}
    body["amount"]["amount"] = amount
    problem = town.operator.refused("invalid-amount", "POST", "/transfers", json=body)
    assert problem["errors"][0]["pointer"] == "/amount/amount"


def test_refusals_by_the_rules_say_what_is_wrong_and_stay_refused(town: Town) -> None:
    payer, payee = town.payer(issued=300), town.account(maximum_balance=100)
    unknown = ids.new_account_id(0)
    elsewhere = Town(town.operator).account()
    own = town.member
    own.refused("unknown-account", "POST", "/transfers", json=transfer(payer, unknown, 1, town.currency))
    own.refused("same-account", "POST", "/transfers", json=transfer(payer, payer, 1, town.currency))
    own.refused("wrong-currency", "POST", "/transfers", json=transfer(payer, elsewhere, 1, town.currency))
    own.refused("maximum-balance", "POST", "/transfers", json=transfer(payer, payee, 101, town.currency))
    body = transfer(payer, payee, 301, town.currency)
    problem = own.refused("insufficient-balance", "POST", "/transfers", json=body)
    assert f"3.00 {town.currency}" in problem["detail"]
    town.operator.issue(payer, 1_000, town.currency)
    # A refusal is final: the same id gets the same answer although there is enough now.
    own.refused("insufficient-balance", "POST", "/transfers", json=body)


def test_the_same_request_again_is_answered_as_the_first_time(town: Town) -> None:
    payer, payee = town.payer(issued=300), town.account()
    body = transfer(payer, payee, 100, town.currency)
    first = town.member.expect(201, "POST", "/transfers", json=body)
    again = town.member.request("POST", "/transfers", json=body)
    assert (again.status_code, again.headers["Idempotency-Hit"]) == (200, "true")
    assert again.json() == first
    assert town.member.balance(payer) == 200
    changed = body | {"memo": "something else"}
    town.member.refused("id-reused", "POST", "/transfers", json=changed)


def test_ids_from_long_ago_or_from_the_future_are_refused(town: Town) -> None:
    payer, payee = town.payer(issued=300), town.account()
    now = time.time_ns() // 1_000_000
    for made in (now - 8 * DAY_MS, now + DAY_MS):
        body = transfer(payer, payee, 100, town.currency, id=ids.new_id(now_ms=made))
        town.member.refused("id-out-of-window", "POST", "/transfers", json=body)


def test_a_bulk_upload_answers_every_line_in_order(town: Town) -> None:
    payer, payee = town.account(issued=1_000_000), town.account()
    lines: list[dict[str, object] | str] = []
    for number in range(1_200):
        amount = 0 if number % 100 == 50 else number + 1
        lines.append(
            {"id": ids.new_id(), "kind": "issuance", "payee": payee, "amount": money(amount, town.currency)}
        )
    lines[7] = "this is no JSON"
    lines[8] = transfer(payer, payee, 5, "NOWHERE")
    answers = town.operator.bulk(lines)
    assert [answer["line"] for answer in answers] == list(range(1, 1_201))
    refused = [answer["line"] for answer in answers if answer["status"] != 201]
    assert refused == sorted([8, 9, *range(51, 1_200, 100)])
    assert answers[10]["transfer"]["amount"]["amount"] == 11
    expected = sum(n + 1 for n in range(1_200) if n % 100 != 50 and n not in (7, 8))
    assert town.operator.balance(payee) == expected


def test_history_and_balance_at_a_time(town: Town) -> None:
    payer, payee = town.payer(issued=1_000), town.account()
    first = town.member.pay(payer, payee, 100, town.currency)
    town.member.pay(payer, payee, 200, town.currency)
    history = town.member.get(f"/accounts/{payer}/transfers")["data"]
    assert [(row["change"]["amount"], row["balance"]["amount"]) for row in history] == [
        (-200, 700),
        (-100, 900),
        (1_000, 1_000),
    ]
    then = town.member.get(f"/accounts/{payer}/balance", params={"at": first["recorded_at"]})
    assert then["balance"]["amount"] == 900
    assert town.member.get(f"/accounts/{payer}/balance")["balance"]["amount"] == 700


def test_pages_of_history_follow_each_other(town: Town) -> None:
    payer, payee = town.payer(issued=1_000), town.account()
    for _ in range(5):
        town.member.pay(payer, payee, 10, town.currency)
    seen, cursor = [], None
    while True:
        page = town.member.get(f"/accounts/{payer}/transfers", params={"limit": 2, "cursor": cursor})
        seen += [row["id"] for row in page["data"]]
        cursor = page["next_cursor"]
        if not page["has_more"]:
            break
    assert len(seen) == len(set(seen)) == 6


def test_events_are_the_journal_in_order(town: Town) -> None:
    payer, payee = town.payer(issued=1_000), town.account()
    paid = town.member.pay(payer, payee, 10, town.currency)
    after = paid["sequence"] - 1
    answer = town.operator.get("/events", params={"partition": 0, "after": after})
    event = answer["data"][0]
    assert event["type"] == "org.medtown.ledger.transfer.posted.v1"
    assert (int(event["sequence"]), event["hash"]) == (paid["sequence"], paid["hash"])
    assert sum(entry[2] for entry in event["data"]["entries"]) == 0
    member, _ = town.person()
    member.refused("not-permitted", "GET", "/events")
