"""What callers of the writer see: answers, the same answers again, refusals, and each command by itself."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest

from services.ledger.journal.verify import verify
from services.ledger.writer.intake import DIVIDED_FROM, LARGE_CALL
from services.ledger.writer.store_sqlite import SqliteStore
from shared.contracts import clock, ids
from shared.contracts.commands import WriteCall, WriteItem
from shared.contracts.errors import Refusal
from shared.messaging.service import Request
from tests.support.ledger import create_currency, issue, open_account, pay, redeem
from tests.support.writing import Ledger, refused_as, running_ledger

DAY_MS = 24 * 3600 * 1000
REPLACING = (
    "REPLACE INTO journal SELECT * FROM journal",
    "INSERT OR REPLACE INTO entries SELECT * FROM entries",
    "UPDATE OR REPLACE journal SET sequence = 1",
)
"""What SQLite knows beside to change and to delete."""
EMPTYING = ("TRUNCATE journal", "TRUNCATE entries", "TRUNCATE balances, entries CASCADE")
"""The same of PostgreSQL."""


def test_a_payment_is_answered_with_its_view(puma: Ledger) -> None:
    holder = ids.new_id()
    payer, payee = puma.account(holder, issued=10_000), puma.account()
    command = pay(payer, payee, 1_250, memo="bread", case_reference="A-7")
    view = puma.view(command, puma.token(holder, "member"))
    assert view["amount"] == {"amount": 1_250, "currency": "PUMA", "text": "12.50 PUMA"}
    assert (view["id"], view["memo"], view["case_reference"]) == (command.id, "bread", "A-7")
    assert view["recorded_at"] == view["occurred_at"]
    assert (puma.total(payer), puma.total(payee)) == (8_750, 1_250)


def test_currencies_and_accounts_are_answered_with_their_views(ledger: Ledger) -> None:
    currency = ledger.view(create_currency("LEAF", kind="mutual_credit", default_credit_limit=500))
    assert (currency["code"], currency["names"], currency["simulated"]) == ("LEAF", {"en": "LEAF"}, False)
    holder = ids.new_id()
    account = ledger.view(open_account(holder, "LEAF", territory="triana", category="food"))
    assert account["available"]["text"] == "5.00 LEAF"
    assert (account["holder"], account["territory"], account["category"]) == (holder, "triana", "food")


def test_the_same_command_is_answered_as_the_first_time(puma: Ledger) -> None:
    holder = ids.new_id()
    token = puma.token(holder, "member")
    payer, payee = puma.account(holder, issued=300), puma.account()
    command = pay(payer, payee, 100, memo="bread")
    first = puma.view(command, token)
    (again,) = puma.decide([command], token)
    assert (again.view, again.replayed) == (first, True)
    assert puma.total(payer) == 200
    assert refused_as(puma.decide([pay(payer, payee, 100, id=command.id)], token)[0]) == "id-reused"
    assert refused_as(puma.decide([command])[0]) == "id-reused"
    opened = open_account(ids.new_id())
    assert puma.view(opened) == puma.view(opened)
    created = create_currency("LEAF")
    assert puma.view(created) == puma.view(created)


def test_refusals_by_the_rules_are_final_and_others_are_not(puma: Ledger) -> None:
    holder = ids.new_id()
    token = puma.token(holder, "member")
    payer, payee = puma.account(holder, issued=100), puma.account()
    command = pay(payer, payee, 101)
    first = puma.refusal("insufficient-balance", command, token)
    assert first.refusal is not None
    assert first.refusal["parameters"]["available"] == "1.00 PUMA"
    puma.view(issue(payer, 1_000))
    again = puma.refusal("insufficient-balance", command, token)
    assert (again.refusal, again.replayed) == (first.refusal, True)
    puma.refusal("id-reused", pay(payer, payee, 100, id=command.id), token)
    late = pay(payer, payee, 1)
    assert refused_as(puma.decide([late], token, seconds=-1)[0]) in ("late", "writer-unavailable")
    puma.view(late, token)


def test_an_old_id_that_is_known_is_answered_and_an_unknown_one_refused(puma: Ledger) -> None:
    now = clock.now_us()
    account = puma.account()
    young = issue(account, 5, id=ids.new_id(now_ms=now // 1000 - 7 * DAY_MS + 3_600_000))
    first = puma.view(young)
    puma.refusal("id-out-of-window", issue(account, 5, id=ids.new_id(now_ms=now // 1000 - 8 * DAY_MS)))
    later = puma.new_writer(now_us=lambda: clock.now_us() + DAY_MS * 1000)
    puma.writer.stop()
    later.start()
    try:
        assert later.wait_until_leading(20)
        (again,) = puma.decide([young], seconds=2 * 24 * 3600, writer=later)
        assert (again.view, again.replayed) == (first, True)
    finally:
        later.stop()


def test_duplicates_in_one_call_behave_as_if_they_came_later(puma: Ledger) -> None:
    account = puma.account()
    command = issue(account, 10)
    other = issue(account, 11, id=command.id)
    outcomes = puma.decide([command, command, other, issue(account, 1)])
    assert [outcome.replayed for outcome in outcomes] == [False, True, False, False]
    assert outcomes[0].view == outcomes[1].view
    assert refused_as(outcomes[2]) == "id-reused"
    assert puma.total(account) == 11


def test_commands_of_a_call_are_decided_in_order_each_by_itself(puma: Ledger) -> None:
    holder = ids.new_id()
    opened = open_account(holder)
    shop = puma.account()
    token = puma.token("tools", "importer")
    outcomes = puma.decide(
        [
            opened,
            pay(opened.id, shop, 5),
            issue(opened.id, 5),
            pay(opened.id, shop, 5),
            redeem(shop, 6),
            redeem(shop, 5),
        ],
        token,
    )
    told = ["posted" if outcome.refusal is None else refused_as(outcome) for outcome in outcomes]
    assert told == [
        "posted",
        "insufficient-balance",
        "posted",
        "posted",
        "insufficient-balance",
        "posted",
    ]


def test_many_callers_at_once_lose_nothing(puma: Ledger) -> None:
    accounts = [puma.account(issued=1_000) for _ in range(4)]
    token = puma.token("tools", "importer")
    outcomes: list[Any] = []

    def caller(number: int) -> None:
        for step in range(25):
            payer, payee = accounts[number % 4], accounts[(number + step % 3 + 1) % 4]
            outcomes.extend(puma.decide([pay(payer, payee, 1)], token))

    threads = [threading.Thread(target=caller, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 200
    assert all(outcome.view is not None for outcome in outcomes)
    assert sorted({outcome.view["sequence"] for outcome in outcomes}) == list(
        range(min(o.view["sequence"] for o in outcomes), max(o.view["sequence"] for o in outcomes) + 1)
    )
    assert sum(puma.total(account) for account in accounts) == 4_000
    assert verify(puma.database, 0).sound


def test_a_call_of_five_hundred_is_written_in_one_go(puma: Ledger) -> None:
    account = puma.account()
    outcomes = puma.decide([issue(account, 1, memo=f"note {number}") for number in range(500)])
    assert all(outcome.view is not None for outcome in outcomes)
    assert puma.total(account) == 500


def test_late_commands_are_refused_and_never_done(puma: Ledger) -> None:
    account = puma.account()
    command = issue(account, 10)
    call = WriteCall([puma.operator_token()], [WriteItem(0, command)], clock.now_us() - 1)
    assert refused_as(puma.writer.decide(call)[0]) in ("late", "writer-unavailable")
    assert puma.view(issue(account, 1))["amount"]["amount"] == 1
    assert puma.total(account) == 1


def test_what_the_writer_comes_to_after_its_deadline_is_never_done(puma: Ledger) -> None:
    """The caller cannot take it back: the writer has it, and is held up until the deadline has passed."""
    account = puma.account()
    command, not_after = issue(account, 10), clock.deadline(0.2)
    taken, given_up = threading.Event(), threading.Event()

    def now_us() -> int:
        if threading.current_thread().name.startswith("ledger-writer"):
            taken.set()
            assert given_up.wait(20)
        else:
            assert taken.wait(20)
        return clock.now_us()

    held_up = puma.new_writer(now_us=now_us)
    puma.writer.stop()
    held_up.start()
    try:
        assert held_up.wait_until_leading(20)
        call = WriteCall([puma.operator_token()], [WriteItem(0, command)], not_after)
        assert refused_as(held_up.decide(call)[0]) == "outcome-unknown"
        assert clock.now_us() > not_after
        given_up.set()
        (outcome,) = puma.decide([issue(account, 1)], writer=held_up)
        assert outcome.view is not None
        assert puma.total(account) == 1
        (outcome,) = puma.decide([command], writer=held_up)
        assert outcome.view is not None
        assert not outcome.replayed
    finally:
        given_up.set()
        held_up.stop()


def test_nothing_is_decided_after_the_end_of_its_token(puma: Ledger) -> None:
    account = puma.account()
    expiring = puma.signer.sign("op", "ledger", frozenset({"operator"}), lifetime_seconds=9)
    ahead = puma.new_writer(now_us=lambda: clock.now_us() + 10 * clock.MICROSECONDS)
    puma.writer.stop()
    ahead.start()
    try:
        assert ahead.wait_until_leading(20)
        (outcome,) = puma.decide([issue(account, 1)], expiring, writer=ahead)
    finally:
        ahead.stop()
    assert refused_as(outcome) == "late"


def test_without_a_valid_token_nothing_is_decided(puma: Ledger) -> None:
    account = puma.account()
    command = issue(account, 1)
    assert refused_as(puma.decide([command], "nonsense")[0]) == "not-signed-in"
    items = [WriteItem(0, command), WriteItem(1, command), WriteItem(7, command), WriteItem(-1, command)]
    tokens = [puma.token("nobody"), puma.operator_token()]
    outcomes = puma.writer.decide(WriteCall(tokens, items, clock.deadline(10)))
    assert refused_as(outcomes[0]) == "not-permitted"
    assert outcomes[1].view is not None
    assert [refused_as(outcome) for outcome in outcomes[2:]] == ["not-signed-in", "not-signed-in"]


def _handle(ledger: Ledger, arguments: Any, *, encoded: bool) -> list[dict[str, Any]]:
    raw = msgspec.Raw(msgspec.json.encode(arguments)) if encoded else None
    answer = ledger.writer.handle(Request({} if encoded else arguments, None, clock.deadline(10), raw))
    outcomes: list[dict[str, Any]] = msgspec.to_builtins(answer["outcomes"])
    return outcomes


@pytest.mark.parametrize("encoded", [True, False])
def test_a_malformed_command_refuses_alone(puma: Ledger, encoded: bool) -> None:
    account = puma.account()
    good = msgspec.to_builtins(issue(account, 7))
    commands: list[Any] = [
        good,
        {**good, "amount": 0},
        {**good, "amount": "7"},
        {**good, "amount": 1.0},
        {**good, "amount": True},
        {**good, "amount": 2**53},
        {**good, "id": "nonsense"},
        {**good, "type": "unheard-of"},
        {key: value for key, value in good.items() if key != "amount"},
        "no command",
        {**good, "id": ids.new_id(), "field_of_the_future": 1},
    ]
    items = [{"token": 0, "command": command} for command in commands]
    call = {"tokens": [puma.operator_token()], "items": items, "not_after": clock.deadline(10)}
    outcomes = _handle(puma, call, encoded=encoded)
    told = [outcome["refusal"]["slug"] if "refusal" in outcome else "posted" for outcome in outcomes]
    assert told == ["posted", *["invalid-amount"] * 5, *["invalid-request"] * 4, "posted"]
    assert outcomes[1]["refusal"]["faults"][0][0] == "/amount"
    assert outcomes[6]["refusal"]["faults"][0][0] == "/id"
    assert puma.total(account) == 14


@pytest.mark.parametrize("encoded", [True, False])
@pytest.mark.parametrize(
    "arguments",
    [{}, {"tokens": [], "items": [], "not_after": 1}, {"tokens": "x", "items": [{}], "not_after": 1}, 7],
)
def test_a_malformed_call_is_refused_as_a_whole(puma: Ledger, arguments: Any, encoded: bool) -> None:
    with pytest.raises(Refusal) as caught:
        _handle(puma, arguments, encoded=encoded)
    assert caught.value.slug == "invalid-request"


def test_a_stopped_writer_refuses(puma: Ledger) -> None:
    puma.writer.stop()
    assert refused_as(puma.decide([issue(ids.new_account_id(0), 1)])[0]) == "writer-unavailable"


def test_the_journal_and_its_entries_cannot_be_changed(puma: Ledger) -> None:
    puma.account(issued=5)
    for statement in (
        "UPDATE journal SET recorded_at = 0",
        "DELETE FROM journal",
        "UPDATE entries SET amount = 0",
        "DELETE FROM entries",
        *(REPLACING if puma.database.is_sqlite else EMPTYING),
    ):
        with pytest.raises(Exception, match="takes new rows only"):
            puma.execute(statement)


def test_the_writers_own_connection_replaces_nothing_either(tmp_path: Path) -> None:
    with running_ledger(f"sqlite:///{tmp_path}/ledger.sqlite3") as ledger:
        ledger.currency()
        ledger.account(issued=5)
        store = SqliteStore(f"{tmp_path}/ledger.sqlite3")
        store.connect()
        try:
            connection = store._connection
            assert connection is not None
            for statement in REPLACING:
                with pytest.raises(sqlite3.IntegrityError, match="takes new rows only"):
                    connection.execute(statement)
        finally:
            store.close()


def test_a_large_call_has_its_turn_among_many_small_ones(puma: Ledger) -> None:
    holder = ids.new_id()
    token = puma.token(holder, "member")
    payer, payee = puma.account(holder, issued=1_000_000), puma.account()
    done = threading.Event()

    def pay_again_and_again() -> None:
        while not done.is_set():
            puma.decide([pay(payer, payee, 1, memo="bread")], token)

    threads = [threading.Thread(target=pay_again_and_again) for _ in range(2 * DIVIDED_FROM)]
    for thread in threads:
        thread.start()
    try:
        outcomes = puma.decide([issue(payee, 1) for _ in range(2 * LARGE_CALL)], seconds=10)
    finally:
        done.set()
        for thread in threads:
            thread.join()
    assert {outcome.refusal is None for outcome in outcomes} == {True}
