"""Concurrency"""

import random
from collections.abc import Iterable
from functools import partial

from .api import Client, new_id, problem_of, simultaneously
from .books import Currency

THREADS = 16


def posted_of(backed: Currency, payments: Iterable[tuple[str, str, int]]) -> list[str]:
    """Make payments (payer, payee, amount); the ids of those made, while the others lacked money."""
    posted = []
    for payer, payee, amount in payments:
        body = backed.payment(payer, payee, amount)
        answer = backed.client.send("POST", "/transfers", body)
        if answer.status_code == 201:
            posted.append(body["id"])
        else:
            problem_of(answer, "insufficient-balance")
    return posted


def test_one_payer(backed: Currency) -> None:
    """14.1 Paid from by sixteen at once, an account is never overdrawn, and every acknowledged payment is
    there once.
    """
    payer, payees = backed.account(500), [backed.account() for _ in range(4)]

    def pay(number: int) -> list[str]:
        return posted_of(backed, [(payer, payees[(number + turn) % 4], 10) for turn in range(6)])

    posted = [id for each in simultaneously([partial(pay, n) for n in range(THREADS)]) for id in each]
    assert len(posted) == 50
    assert backed.balance(payer) == 0
    assert sum(backed.balance(each) for each in payees) == 500
    out = [row["id"] for row in backed.history(payer) if row["change"]["amount"] < 0]
    assert sorted(out) == sorted(posted)


def test_among_many(backed: Currency) -> None:
    """14.2 Payments criss-cross among accounts keep their sum, and no account goes below zero."""
    accounts = [backed.account(100) for _ in range(8)]

    def pair(chance: random.Random) -> tuple[str, str]:
        payer, payee = chance.sample(accounts, 2)
        return payer, payee

    def pay(number: int) -> list[str]:
        chance = random.Random(number)
        return posted_of(backed, [(*pair(chance), chance.randint(1, 80)) for _turn in range(8)])

    posted = [id for each in simultaneously([partial(pay, n) for n in range(THREADS)]) for id in each]
    # Each account pays some time, and the first payment from it is never too much.
    assert len(posted) >= len(accounts)
    rows = [row for each in accounts for row in backed.history(each)]
    assert sorted(row["id"] for row in rows if row["change"]["amount"] < 0) == sorted(posted)
    balances = [backed.balance(each) for each in accounts]
    assert sum(balances) == 800
    assert min(balances) >= 0


def test_histories_agree(backed: Currency) -> None:
    """14.3 After that, each row's balance is that of the row before and its change, without a gap."""
    one, other = backed.account(1000), backed.account(1000)

    def pay(number: int) -> list[str]:
        pair = (one, other) if number % 2 else (other, one)
        return [backed.pay(*pair, 1 + number)["id"] for _turn in range(5)]

    posted = [id for each in simultaneously([partial(pay, n) for n in range(THREADS)]) for id in each]
    for account in (one, other):
        balance, rows = 0, backed.history(account)
        # Before them came what was issued.
        assert sorted(row["id"] for row in rows[:-1]) == sorted(posted)
        for row in reversed(rows):
            balance += row["change"]["amount"]
            assert row["balance"]["amount"] == balance
        assert balance == backed.balance(account)


def test_reserving(backed: Currency) -> None:
    """14.4 Sixteen who reserve and post at once never reserve more than there is."""
    payer, payee = backed.account(100), backed.account()

    def reserve() -> int:
        body = backed.payment(payer, payee, 15, pending_seconds=600)
        answer = backed.client.send("POST", "/transfers", body)
        if answer.status_code != 201:
            problem_of(answer, "insufficient-balance")
            return 0
        backed.client.make(f"/transfers/{body['id']}/postings", {"id": new_id(), "amount": 10})
        return 1

    posted = sum(simultaneously([reserve] * THREADS))
    assert backed.balance(payee) == 10 * posted
    assert backed.balance(payer) == 100 - 10 * posted
    assert posted >= 6


def test_read_your_writes(backed: Currency) -> None:
    """14.5 What is acknowledged can be read at once, by anybody who may."""
    payer, payee = backed.account(100), backed.account()
    for number in range(20):
        made = backed.pay(payer, payee, 1)
        assert Client(backed.client.url, backed.client.token).get(f"/transfers/{made['id']}") == made
        assert backed.balance(payee) == number + 1


def test_maximum_balance(backed: Currency) -> None:
    """14.6 Paid into by sixteen at once, an account never holds more than it may."""
    payers, payee = [backed.account(50) for _ in range(THREADS)], backed.account(maximum_balance=100)
    answers = simultaneously(
        [partial(backed.client.send, "POST", "/transfers", backed.payment(p, payee, 30)) for p in payers]
    )
    assert sorted(answer.status_code for answer in answers) == [201] * 3 + [422] * 13
    assert backed.balance(payee) == 90
