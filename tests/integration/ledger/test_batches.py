"""Commands that build on what others of the same batch did, and what batches ask of the database."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import psycopg
import pytest

from services.ledger.journal.verify import verify
from services.ledger.kernel.transfers import leg_id
from services.ledger.writer import deciding, statements
from services.ledger.writer.calls import Item, PendingCall
from services.ledger.writer.deciding import Decider
from services.ledger.writer.opening import open_store
from services.ledger.writer.store_postgres import PostgresStore
from shared.auth.principal import IMPORTER, MEMBER, OPERATOR
from shared.contracts import clock, ids
from shared.contracts.charters import PurposeClause
from shared.contracts.commands import (
    Approve,
    ChangeLimits,
    Command,
    Correct,
    FreezeAccount,
    LinkedTransfers,
    Outcome,
    PostPending,
    Refund,
    TagAccount,
    UnfreezeAccount,
    WriteCall,
    WriteItem,
)
from tests.support.ledger import (
    FAR_FUTURE,
    charter,
    create_currency,
    issue,
    leg,
    open_account,
    pay,
    principal,
    redeem,
)
from tests.support.writing import Ledger, refused_as

ANYTHING = principal("tools", IMPORTER, OPERATOR)


def _told(outcomes: list[Outcome]) -> list[str]:
    return ["accepted" if outcome.refusal is None else refused_as(outcome) for outcome in outcomes]


def test_what_a_call_reserves_it_may_post_and_give_back(puma: Ledger) -> None:
    token = puma.token("tools", "importer", "operator")
    payer, payee = puma.account(issued=1_000), puma.account()
    reserve = pay(payer, payee, 400, pending_seconds=60)
    post = PostPending(id=ids.new_id(), pending=reserve.id, amount=300)
    linked = LinkedTransfers(id=ids.new_id(), legs=[leg(payer, payee, 50), leg(payer, payee, 5)])
    outcomes = puma.decide(
        [
            reserve,
            post,
            Refund(id=ids.new_id(), transfer=post.id, amount=100),
            linked,
            Refund(id=ids.new_id(), transfer=leg_id(linked.id, 0)),
            Refund(id=ids.new_id(), transfer=leg_id(linked.id, 0)),
            PostPending(id=ids.new_id(), pending=reserve.id),
        ],
        token,
    )
    assert _told(outcomes) == [*["accepted"] * 5, "more-than-paid", "not-pending"]
    assert (puma.total(payer), puma.total(payee)) == (795, 205)
    assert verify(puma.database, 0).sound


def test_what_one_proposes_another_may_approve_in_the_same_call(puma: Ledger) -> None:
    payer, payee = puma.account(issued=100), puma.account()
    correct = Correct(
        id=ids.new_id(), currency="PUMA", amount=40, payer=payer, payee=payee, reason="paid at the wrong till"
    )
    items = [
        WriteItem(0, correct),
        WriteItem(0, Approve(id=ids.new_id(), proposal=correct.id)),
        WriteItem(1, Approve(id=ids.new_id(), proposal=correct.id)),
    ]
    tokens = [puma.operator_token(), puma.token("another-operator", OPERATOR)]
    outcomes = puma.writer.decide(WriteCall(tokens, items, clock.deadline(20)))
    assert _told(outcomes) == ["accepted", "second-person-needed", "accepted"]
    assert (puma.total(payer), puma.total(payee)) == (60, 40)
    assert verify(puma.database, 0).sound


def test_a_currency_its_accounts_and_their_payments_may_come_in_one_call(ledger: Ledger) -> None:
    holder = ids.new_id()
    one, two = open_account(holder), open_account(ids.new_id(), kind="organisation", groups=["market"])
    created = create_currency(charter=charter(per_day=500))
    commands: list[Command] = [created, one, two]
    commands += [issue(one.id, 1_000), pay(one.id, two.id, 500), pay(one.id, two.id, 1)]
    outcomes = ledger.decide(commands, ledger.token("tools", "importer", "operator", "administrator"))
    assert _told(outcomes) == [*["accepted"] * 5, "spending-limit"]
    assert verify(ledger.database, 0).sound


def test_a_writer_that_takes_over_knows_what_was_agreed(puma: Ledger) -> None:
    holder = ids.new_id()
    payer, payee = puma.account(holder, issued=1_000), puma.account()
    reserve = pay(payer, payee, 400, pending_seconds=60)
    puma.view(reserve, puma.token(holder, "member"))
    puma.view(ChangeLimits(id=ids.new_id(), account=payer, per_day=500))
    puma.view(TagAccount(id=ids.new_id(), account=payer, category="food", groups=["b", "a"]))
    puma.view(FreezeAccount(id=ids.new_id(), account=payee, reason="a card was lost"))
    puma.writer.stop()
    puma.writer = puma.new_writer()
    puma.start()
    post = PostPending(id=ids.new_id(), pending=reserve.id)
    puma.refusal("account-frozen", post)
    puma.view(UnfreezeAccount(id=ids.new_id(), account=payee))
    puma.view(PostPending(id=ids.new_id(), pending=reserve.id))
    token = puma.token(holder, "member")
    puma.refusal("spending-limit", pay(payer, payee, 501), token)
    puma.view(pay(payer, payee, 500), token)
    puma.refusal("spending-limit", pay(payer, payee, 1), token)
    assert (puma.total(payer), puma.total(payee)) == (100, 900)
    assert verify(puma.database, 0).sound


def test_nothing_is_remembered_of_a_batch_that_was_not_written(puma: Ledger) -> None:
    payer, payee = puma.account(issued=1_000), puma.account()
    token = puma.token("tools", "importer", "operator")
    reserve = pay(payer, payee, 400, pending_seconds=60)
    tag = TagAccount(id=ids.new_id(), account=payer, category="food")
    puma.execute("ALTER TABLE things RENAME TO hidden")
    assert _told(puma.decide([tag, reserve], token)) == ["writer-unavailable"] * 2
    puma.execute("ALTER TABLE hidden RENAME TO things")
    post = PostPending(id=ids.new_id(), pending=reserve.id)
    assert _told(puma.decide([post, tag, reserve], token)) == ["unknown-transfer", "accepted", "accepted"]
    assert verify(puma.database, 0).sound


@pytest.mark.parametrize("piece", [1, 2, 150])
def test_plain_units_and_others_may_take_turns_in_a_batch(
    ledger: Ledger, piece: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "PIECE", piece)
    food = PurposeClause(code="food", names={"en": "Food"}, categories=["food"])
    ledger.currency(charter=msgspec.structs.replace(charter(), purposes=[food]))
    holder = ids.new_id()
    payer, payee = ledger.account(holder, issued=100), ledger.account(category="food")
    commands = [
        pay(payer, payee, 1),
        issue(payer, 10),
        pay(payer, payee, 2),
        pay(payer, payee, 3),
        issue(payer, 20, purpose="food"),
        pay(payer, payee, 25),
        pay(payer, payee, 4),
    ]
    items = [WriteItem(0 if each.kind == "issuance" else 1, each) for each in commands]
    tokens = [ledger.operator_token(), ledger.token(holder, MEMBER)]
    outcomes = ledger.writer.decide(WriteCall(tokens, items, clock.deadline(20)))
    assert _told(outcomes) == ["accepted"] * 7
    assert (ledger.total(payer), ledger.total(payee)) == (95, 35)
    assert verify(ledger.database, 0).sound


SENT_AHEAD = (statements.WRITE_AHEAD, statements.UPDATE_BALANCES)


class Counted:
    """A store whose calls are counted; of PostgreSQL, every statement is. What is sent ahead, a piece at a
    time, is not: nobody waits for it.
    """

    def __init__(self, store: Any) -> None:
        self._store = store
        self.calls: Counter[str] = Counter()
        if isinstance(store, PostgresStore):
            calls = self.calls

            class Cursor(psycopg.Cursor[Any]):
                def execute(self, query: Any, *rest: Any, **more: Any) -> Any:
                    calls["statements"] += query not in SENT_AHEAD
                    return super().execute(query, *rest, **more)

                def copy(self, *rest: Any, **more: Any) -> Any:
                    calls["statements"] += 1
                    return super().copy(*rest, **more)

            store._connection.cursor_factory = Cursor  # type: ignore[union-attr]

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method: Callable[..., Any] = getattr(self._store, name)

        def counted(*given: Any) -> Any:
            self.calls[name] += name != "ahead"
            return method(*given)

        return counted


def _payments(accounts: list[str]) -> list[Command]:
    return [pay(accounts[0], account, 1) for account in accounts[1:]]


def _reserved_and_posted(accounts: list[str]) -> list[Command]:
    reserved = [pay(accounts[0], account, 1, pending_seconds=60) for account in accounts[1:]]
    return [command for each in reserved for command in (each, PostPending(id=ids.new_id(), pending=each.id))]


def _linked_and_given_back(accounts: list[str]) -> list[Command]:
    commands: list[Command] = []
    for account in accounts[1:]:
        id = ids.new_id()
        commands.append(
            LinkedTransfers(id=id, legs=[leg(accounts[0], account, 2), leg(account, accounts[0], 1)])
        )
        commands.append(Refund(id=ids.new_id(), transfer=leg_id(id, 0), amount=1))
    return commands


def _opened_and_paid(accounts: list[str]) -> list[Command]:
    commands: list[Command] = []
    for account in accounts:
        opened = open_account(ids.new_id(), "LIMITED")
        commands += [opened, issue(opened.id, 10, "LIMITED"), redeem(opened.id, 5, "LIMITED")]
        commands += [ChangeLimits(id=ids.new_id(), account=account, per_transfer=7)]
    return commands


@pytest.mark.parametrize("made", [_payments, _reserved_and_posted, _linked_and_given_back, _opened_and_paid])
def test_what_a_batch_asks_of_the_database_does_not_grow_with_its_commands(
    puma: Ledger, made: Callable[[list[str]], list[Command]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deciding, "PIECE", 50)
    puma.view(create_currency("LIMITED", charter=charter("LIMITED", per_day=5)))
    opened = [open_account(ids.new_id()) for _ in range(240)]
    token = puma.token("tools", "importer", "operator")
    puma.decide(opened, token)
    puma.decide([issue(account.id, 1_000) for account in opened], token)
    puma.writer.stop()
    store = open_store(puma.url)
    store.connect()
    try:
        few = _calls(store, made([account.id for account in opened[:80]]))
        many = _calls(store, made([account.id for account in opened[80:]]))
    finally:
        store.close()
    assert few == many
    assert verify(puma.database, 0).sound


def _calls(store: Any, commands: list[Command]) -> Counter[str]:
    """What one batch of these commands asks of a store, with nothing known before."""
    counted = Counted(store)
    decider = Decider(counted, store.take_over(0, ids.new_id()))
    counted.calls.clear()
    items = [Item(position, command, ANYTHING, FAR_FUTURE) for position, command in enumerate(commands)]
    call = PendingCall(items, [None] * len(items))
    batch = decider.decide([call], clock.now_us())
    counted.write(batch)
    assert _told(call.answers()) == ["accepted"] * len(commands)
    return counted.calls
