"""What the two databases store differently is refused, or stored, in both ways of running alike."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from shared.contracts import ids
from tests.support.api import Api, Town, transfer
from tests.support.deployment import Deployment

NUL = "a\0b"
GROWING = "\u0390"
"""A letter that becomes three when it is made small."""


def test_a_character_that_postgresql_does_not_store_is_refused(town: Town) -> None:
    payer, payee = town.payer(issued=100), town.account()
    memo = transfer(payer, payee, 1, town.currency, memo=NUL)
    fault = town.member.refused("invalid-request", "POST", "/transfers", json=memo)["errors"][0]
    assert (fault["pointer"], fault["detail"]) == ("/memo", "text without the character U+0000")
    name = {"name": NUL}
    assert (
        town.operator.refused("invalid-request", "POST", "/people", json=name)["errors"][0]["pointer"]
        == "/name"
    )
    credentials = {"email": NUL, "password": NUL}
    Api(town.operator.base_url).refused("invalid-request", "POST", "/sessions", json=credentials)
    for path in ("/accounts/%00", "/accounts/%00/transfers", "/currencies/%00"):
        town.operator.refused("invalid-request", "GET", path)


def test_an_id_with_a_newline_stops_nobody_s_payment(town: Town) -> None:
    payer, payee = town.payer(issued=100), town.account()
    bad = transfer(payer, payee, 1, town.currency, id=ids.new_id() + "\n")
    good = transfer(payer, payee, 1, town.currency)
    assert [answer["status"] for answer in town.member.bulk([good, bad, {**good, "id": ids.new_id()}])] == [
        201,
        422,
        201,
    ]


@pytest.mark.parametrize("field", ["name", "email"])
def test_letters_that_grow_when_made_small_break_no_column(operator: Api, field: str) -> None:
    if field == "name":
        operator.expect(201, "POST", "/people", json={"name": GROWING * 100})
    else:
        body = {"name": "Pip", "email": GROWING * 90 + "@example.org"}
        operator.refused("invalid-request", "POST", "/people", json=body)


def test_many_guesses_at_once_are_no_more_than_one_after_another(deployment: Deployment) -> None:
    guess = {"email": f"{ids.new_id()}@example.org", "password": "wrong"}

    def slug(_number: int) -> str:
        answer = Api(deployment.base_url).request("POST", "/sessions", json=guess)
        found: str = answer.json()["type"].rsplit("/", 1)[1]
        return found

    with ThreadPoolExecutor(12) as pool:
        told = list(pool.map(slug, range(12)))
    assert told.count("wrong-credentials") == 5
    assert told.count("too-many-attempts") == 7
