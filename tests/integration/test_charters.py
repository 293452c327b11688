"""A currency's charter, from its creation through an amendment by two people to the page that tells it."""

from typing import Any

from shared.contracts import clock, ids
from tests.support.api import Api, Town

LIMITS = [{"kind": "member", "maximum_balance": 100_000}, {"kind": "organisation"}]
CHARTER: dict[str, Any] = {
    "names": {"en": "Test currency"},
    "kind": "backed",
    "minor_units": 100,
    "limits": LIMITS,
}
FOOD = {"code": "food", "names": {"en": "Food", "es": "Alimentos"}, "categories": ["grocer"]}
NO_BREAK = "\u00a0"


def page(town: Town, **asked: Any) -> str:
    """The page as somebody who is not signed in reads it."""
    reader = Api(town.operator.base_url)
    address = f"{reader.base_url}/currencies/{town.currency}/charter"
    answer = reader.http.get(address, params={"lang": "en", **asked}, timeout=30)
    assert answer.status_code == 200, answer.text
    return answer.text.partition("<main")[2]


def amendment(version: int, **more: Any) -> dict[str, Any]:
    begins = clock.to_text(clock.now_us() + 3600 * clock.MICROSECONDS)
    return {"id": ids.new_id(), "version": version, "valid_from": begins, "charter": {**CHARTER, **more}}


def test_a_charter_is_read_and_amended_by_two_people(operator: Api) -> None:
    town = Town(operator, charter=CHARTER)
    assert f"The account may hold up to 1,000.00{NO_BREAK}{town.currency}." in page(town)
    assert "Food" not in page(town)
    second, _ = town.person(roles=["operator"])
    proposed = amendment(2, purposes=[FOOD])
    path = f"/currencies/{town.currency}/charters"
    operator.expect(201, "POST", path, json=proposed)
    approval = f"/proposals/{proposed['id']}/approvals"
    operator.refused("second-person-needed", "POST", approval, json={"id": ids.new_id()})
    assert "Version 2" not in page(town)
    second.expect(200, "POST", approval, json={"id": ids.new_id()})
    now, later = page(town), page(town, version=2)
    assert "To come" in now
    assert "Food" not in now
    assert "They can be spent only with payees of the category grocer." in later
    assert "Unidades con una finalidad: Alimentos" in page(town, version=2, lang="es")


def test_a_charter_that_contradicts_itself_is_refused_with_the_clause(operator: Api) -> None:
    town = Town(operator)
    wrong = amendment(2, purposes=[{**FOOD, "categories": []}])
    problem = operator.refused(
        "charter-contradicts", "POST", f"/currencies/{town.currency}/charters", json=wrong
    )
    assert [error["pointer"] for error in problem["errors"]] == ["/charter/purposes/0"]


def test_a_currency_without_a_charter_has_one_to_read(operator: Api) -> None:
    town = Town(operator, kind="mutual_credit", default_credit_limit=5_000)
    told = page(town)
    assert f"The account may owe up to 50.00{NO_BREAK}{town.currency}." in told
    assert "Units are neither issued nor redeemed" in told
