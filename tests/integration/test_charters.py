"""A currency's charter, from its creation through an amendment by two people to the page that tells it."""

import json
from string import ascii_lowercase
from typing import Any

import pytest

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
JSON = {"Content-Type": "application/json"}
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


def at_its_limits(letter: str) -> dict[str, Any]:
    """The words of a charter in as many languages, and as long, as they may be."""
    languages = ["en", *(f"a{second}" for second in ascii_lowercase), "bx", "by", "bz"]
    names = dict.fromkeys(languages, letter * 60)
    tags = [f"{number:02}" + "t" * 38 for number in range(20)]
    purpose = {"names": names, **dict.fromkeys(("categories", "places", "groups", "goods"), tags)}
    return {
        "names": names,
        "symbols": dict.fromkeys(languages, letter * 12),
        "description": dict.fromkeys(languages, letter * 2000),
        "purposes": [{"code": f"purpose-{number}", **purpose} for number in range(16)],
    }


@pytest.mark.parametrize(
    ("letter", "spelled"), [("\u03a9", False), ("\u0639", True)], ids=["greek", "arabic-as-numbers"]
)
def test_a_charter_in_any_script_is_taken_at_its_limits(operator: Api, letter: str, spelled: bool) -> None:
    words = at_its_limits(letter)
    town = Town(operator)
    second, _ = town.person(roles=["operator"])
    proposed = amendment(2, **words)
    body = json.dumps(proposed, ensure_ascii=spelled).encode()
    path = f"/currencies/{town.currency}/charters"
    operator.expect(201, "POST", path, data=body, headers=JSON)
    second.expect(200, "POST", f"/proposals/{proposed['id']}/approvals", json={"id": ids.new_id()})
    told = operator.get(f"/currencies/{town.currency}/charter", params={"version": 2})["charter"]
    assert {name: told[name] for name in ("names", "symbols", "description")} == {
        name: words[name] for name in ("names", "symbols", "description")
    }
    assert len(told["purposes"]) == 16
    assert letter * 2000 in page(town, version=2)
    operator.refused("too-large", "POST", path, data=body + b" " * 786_432, headers=JSON)
    description = {**words["description"], "en": letter * 2001}
    longer = json.dumps(amendment(3, **{**words, "description": description})).encode()
    problem = operator.refused("invalid-request", "POST", path, data=longer, headers=JSON)
    assert problem["errors"][0]["pointer"].startswith("/charter/description")


def test_a_currency_is_created_with_a_charter_at_its_limits(operator: Api) -> None:
    words = at_its_limits("\u0639")
    town = Town(operator, names=words["names"], charter={**CHARTER, **words})
    told = operator.get(f"/currencies/{town.currency}/charter")["charter"]
    assert told["description"] == words["description"]


def test_nobody_sends_a_large_body_without_signing_in(operator: Api) -> None:
    stranger = Api(operator.base_url)
    for path in ("/currencies", "/currencies/PUMA/charters"):
        stranger.refused("not-signed-in", "POST", path, data=b" " * 100_000, headers=JSON)


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
