"""Linked transfers: all or nothing"""

from functools import partial
from itertools import pairwise
from typing import Any

from .api import View, new_id, pointers, problem_of, simultaneously
from .books import Currency


def linked(*legs: View, **more: Any) -> View:
    return {"id": new_id(), "legs": list(legs), **more}


def leg(currency: Currency, payer: str, payee: str, amount: int) -> View:
    return {"payer": payer, "payee": payee, "amount": currency.money(amount)}


def test_all(backed: Currency) -> None:
    """7.1 All are posted, in their order, each a transfer of its own that can be read by its id."""
    one, two, three = backed.account(100), backed.account(), backed.account()
    body = linked(leg(backed, one, two, 10), leg(backed, one, three, 20), memo="Split")
    made = backed.client.make("/linked-transfers", body)
    assert [each["amount"]["amount"] for each in made["transfers"]] == [10, 20]
    assert len({each["id"] for each in made["transfers"]}) == 2
    for each in made["transfers"]:
        read = backed.client.get(f"/transfers/{each['id']}")
        assert (read["status"], read["amount"], read["linked"]) == ("posted", each["amount"], body["id"])
    assert [backed.balance(each) for each in (one, two, three)] == [70, 10, 20]


def test_nothing(backed: Currency) -> None:
    """7.2 If one is refused, none is posted; the problem points at it."""
    one, two, three = backed.account(100), backed.account(), backed.account()
    body = linked(leg(backed, one, two, 10), leg(backed, one, three, 20), leg(backed, two, three, 11))
    problem = backed.client.refused("/linked-transfers", body, "insufficient-balance")
    assert pointers(problem) == ["/legs/2"]
    assert [backed.balance(each) for each in (one, two, three)] == [100, 0, 0]
    assert len(backed.history(one)) == 1


def test_on_top_of_each_other(backed: Currency) -> None:
    """7.3 Each is decided on top of those before it: what has just come in can be passed on."""
    accounts = [backed.account(50), *(backed.account() for _ in range(3))]
    legs = [leg(backed, payer, payee, 50) for payer, payee in pairwise(accounts)]
    backed.client.make("/linked-transfers", linked(*legs))
    assert [backed.balance(each) for each in accounts] == [0, 0, 0, 50]


def test_order(backed: Currency) -> None:
    """7.4 Never on top of those after it."""
    accounts = [backed.account(50), backed.account(), backed.account()]
    legs = [leg(backed, accounts[1], accounts[2], 50), leg(backed, accounts[0], accounts[1], 50)]
    problem = backed.client.refused("/linked-transfers", linked(*legs), "insufficient-balance")
    assert pointers(problem) == ["/legs/0"]


def test_across_currencies(backed: Currency, mutual: Currency) -> None:
    """7.5 They may be in several currencies: an exchange happens as a whole or not at all."""
    euros, hours = (backed.account(100), backed.account()), (mutual.account(), mutual.account())
    exchange = (leg(backed, euros[0], euros[1], 80), leg(mutual, hours[0], hours[1], 900))
    backed.client.make("/linked-transfers", linked(*exchange))
    assert (backed.balance(euros[1]), mutual.balance(hours[1])) == (80, 900)
    too_much = (leg(backed, euros[0], euros[1], 20), leg(mutual, hours[0], hours[1], 101))
    backed.client.refused("/linked-transfers", linked(*too_much), "insufficient-balance")
    assert (backed.balance(euros[1]), mutual.balance(hours[1])) == (80, 900)


def test_again(backed: Currency) -> None:
    """7.6 Sent again they are answered as the first time and move nothing; other legs under the same id are
    409.
    """
    one, two = backed.account(100), backed.account()
    body = linked(leg(backed, one, two, 10), leg(backed, one, two, 20))
    first = backed.client.make("/linked-transfers", body)
    assert backed.client.make("/linked-transfers", body, status=200) == first
    swapped = {**body, "legs": body["legs"][::-1]}
    backed.client.refused("/linked-transfers", swapped, "id-reused")
    assert backed.balance(two) == 30


def test_refused_again(backed: Currency) -> None:
    """7.7 Refused together, they stay refused."""
    one, two = backed.account(20), backed.account()
    body = linked(leg(backed, one, two, 10), leg(backed, one, two, 20))
    first = backed.client.refused("/linked-transfers", body, "insufficient-balance")
    backed.issue(one, 100)
    assert backed.client.refused("/linked-transfers", body) == first
    assert backed.balance(two) == 0


def test_sizes(backed: Currency) -> None:
    """7.8 From 2 to 16 transfers can be linked."""
    one, two = backed.account(100), backed.account()
    for count in (0, 1, 17):
        body = linked(*[leg(backed, one, two, 1)] * count)
        backed.client.refused("/linked-transfers", body, "invalid-request")
    backed.client.make("/linked-transfers", linked(*[leg(backed, one, two, 1)] * 16))
    assert backed.balance(two) == 16


def test_read(backed: Currency) -> None:
    """7.9 The whole can be read at its Location."""
    one, two = backed.account(100), backed.account()
    body = linked(leg(backed, one, two, 10), leg(backed, one, two, 20))
    answer = backed.client.send("POST", "/linked-transfers", body)
    assert backed.client.get(answer.headers["Location"]) == answer.json()


def test_rings(backed: Currency) -> None:
    """7.10 Under twenty rings at once over three accounts no balance is lost and none goes below zero."""
    accounts = [backed.account(50) for _ in range(3)]

    def ring(turn: int) -> int:
        a, b, c = (accounts[(turn + step) % 3] for step in range(3))
        body = linked(leg(backed, a, b, 40), leg(backed, b, c, 60), leg(backed, c, a, 30))
        answer = backed.client.send("POST", "/linked-transfers", body)
        if answer.status_code != 201:
            problem_of(answer, "insufficient-balance")
        return answer.status_code

    statuses = simultaneously([partial(ring, turn) for turn in range(20)])
    balances = [backed.balance(each) for each in accounts]
    assert 201 in statuses
    assert sum(balances) == 150
    assert min(balances) >= 0
