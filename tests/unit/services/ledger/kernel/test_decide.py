"""What the kernel accepts and refuses, and what it says."""

import pytest

from services.ledger.kernel.record import Record
from shared.contracts import clock, ids
from shared.contracts.money import MAX_AMOUNT
from tests.support.ledger import (
    IMPORT_PRINCIPAL,
    OPERATOR_PRINCIPAL,
    Books,
    create_currency,
    issue,
    member,
    open_account,
    pay,
    principal,
    redeem,
)

DAY_US = 24 * 3600 * clock.MICROSECONDS


@pytest.fixture
def books() -> Books:
    """A partition with the backed currency PUMA."""
    books = Books()
    books.accepted(create_currency())
    return books


def test_a_payment_moves_money_and_states_both_balances(books: Books) -> None:
    ana, shop = ids.new_id(), ids.new_id()
    payer, payee = books.account(ana, issued=10_000), books.account(shop)
    record = books.accepted(pay(payer, payee, 1_250, memo="bread"), member(ana))
    assert record.type == "transfer.posted"
    assert record.payload["entries"] == [[payer, "", -1_250, 8_750], [payee, "", 1_250, 1_250]]
    assert (books.total(payer), books.total(payee)) == (8_750, 1_250)
    assert b"bread" not in record.body
    assert record.note is not None
    assert record.note.memo == "bread"


def test_supply_is_what_is_issued_less_what_is_redeemed(books: Books) -> None:
    holder = ids.new_id()
    account = books.account(holder, issued=10_000)
    books.accepted(redeem(account, 4_000), member(holder))
    currency = books.state.currencies["PUMA"]
    assert currency is not None
    assert books.total(currency.issuance_account) == -10_000
    assert books.total(currency.redemption_account) == 4_000
    assert books.total(account) == 6_000


def test_unknown_accounts_and_currencies_are_refused(books: Books) -> None:
    account, unknown = books.account(issued=100), ids.new_account_id(0)
    assert books.refused("unknown-account", issue(unknown, 1)).parameters == {"account": unknown}
    assert books.refused("unknown-account", pay(unknown, account, 1)).parameters == {"account": unknown}
    assert books.refused("unknown-currency", issue(account, 1, "LEAF")).parameters == {"currency": "LEAF"}
    books.refused("unknown-currency", open_account(ids.new_id(), "LEAF"))


def test_payer_and_payee_must_be_two(books: Books) -> None:
    holder = ids.new_id()
    account = books.account(holder, issued=100)
    books.refused("same-account", pay(account, account, 1), member(holder))


def test_both_accounts_must_hold_the_currency_of_the_transfer(books: Books) -> None:
    holder = ids.new_id()
    payer = books.account(holder, issued=100)
    books.accepted(create_currency("LEAF"))
    leaf = books.account(holder, "LEAF")
    refusal = books.refused("wrong-currency", pay(payer, leaf, 1), member(holder))
    assert refusal.parameters == {"account": leaf, "held": "LEAF", "currency": "PUMA"}
    books.refused("wrong-currency", pay(payer, leaf, 1, "LEAF"), member(holder))


def test_nobody_spends_more_than_is_available(books: Books) -> None:
    holder = ids.new_id()
    payer, payee = books.account(holder, issued=1_250, credit_limit=100), books.account()
    refusal = books.refused("insufficient-balance", pay(payer, payee, 1_351), member(holder))
    assert refusal.parameters == {
        "account": payer,
        "available": "13.50 PUMA",
        "available_amount": 1_350,
        "amount": "13.51 PUMA",
        "amount_minor": 1_351,
        "currency": "PUMA",
    }
    books.accepted(pay(payer, payee, 1_350), member(holder))
    assert books.total(payer) == -100


def test_nobody_is_paid_above_the_maximum_balance(books: Books) -> None:
    payee = books.account(maximum_balance=500, issued=499)
    refusal = books.refused("maximum-balance", issue(payee, 2))
    assert (refusal.parameters["room"], refusal.parameters["room_amount"]) == ("0.01 PUMA", 1)
    books.accepted(issue(payee, 1))


def test_issuance_stops_at_the_largest_balance(books: Books) -> None:
    books.account(issued=MAX_AMOUNT)
    books.refused("insufficient-balance", issue(books.account(), 1))


@pytest.mark.parametrize("kind", ["issuance", "redemption"])
def test_mutual_credit_is_neither_issued_nor_redeemed(books: Books, kind: str) -> None:
    books.accepted(create_currency("TIME", kind="mutual_credit", default_credit_limit=500))
    account = books.account(currency="TIME")
    command = issue(account, 1, "TIME") if kind == "issuance" else redeem(account, 1, "TIME")
    assert books.refused("wrong-kind", command).parameters["kind"] == kind


def test_each_kind_of_transfer_has_its_accounts(books: Books) -> None:
    currency = books.state.currencies["PUMA"]
    assert currency is not None
    holder = ids.new_id()
    one, two = books.account(holder, issued=100), books.account()
    books.refused("wrong-kind", pay(one, two, 1, kind="issuance"))
    books.refused("wrong-kind", pay(one, two, 1, kind="redemption"))
    books.refused("wrong-kind", pay(one, currency.redemption_account, 1), member(holder))
    books.refused("wrong-kind", pay(one, currency.issuance_account, 1), member(holder))
    books.refused("wrong-kind", pay(currency.issuance_account, one, 1), IMPORT_PRINCIPAL)


def test_payer_and_payee_are_left_out_only_where_the_currency_has_them(books: Books) -> None:
    account = books.account(issued=100)
    assert books.refused("invalid-request", pay(None, account, 1)).faults[0].pointer == "/payer"
    assert books.refused("invalid-request", pay(account, None, 1)).faults[0].pointer == "/payee"
    assert books.refused("invalid-request", pay(None, None, 1, kind="issuance")).faults[0].pointer == "/payee"


def test_roles_decide_who_may_do_what(books: Books) -> None:
    holder, stranger = ids.new_id(), member(ids.new_id())
    one, two = books.account(holder, issued=100), books.account()
    for command in (pay(one, two, 1), issue(two, 1), redeem(one, 1)):
        books.refused("not-permitted", command, stranger)
    books.refused("not-permitted", issue(one, 1), member(holder))
    books.refused("not-permitted", pay(one, two, 1), OPERATOR_PRINCIPAL)
    books.refused("not-permitted", open_account(ids.new_id()), stranger)
    books.refused("not-permitted", create_currency("LEAF"), principal("o", "operator"))
    books.accepted(open_account(ids.new_id()), principal("o", "operator"))
    books.accepted(create_currency("LEAF"), principal("a", "administrator"))
    for command in (pay(one, two, 1), issue(two, 1), redeem(one, 1)):
        books.accepted(command, IMPORT_PRINCIPAL)


def test_only_importers_give_times_and_derived_ids_and_only_of_the_past(books: Books) -> None:
    account = books.account()
    then = clock.from_text("2020-01-25T19:13:17Z")
    derived = ids.derived_id("ukds", "PUMA", "1")
    books.refused("not-permitted", issue(account, 1, occurred_at=then))
    books.refused("not-permitted", issue(account, 1, id=derived))
    books.refused("invalid-request", issue(account, 1, occurred_at=2**60), IMPORT_PRINCIPAL)
    record = books.accepted(issue(account, 1, id=derived, occurred_at=then), IMPORT_PRINCIPAL)
    assert record.occurred_at == then
    books.accepted(open_account(ids.new_id(), id=ids.derived_account_id(0, "key")))


def test_ids_are_taken_for_a_week_and_five_minutes(books: Books) -> None:
    account = books.account()
    now = clock.now_us()
    for made_us in (now - 7 * DAY_US - clock.MICROSECONDS, now + 301 * clock.MICROSECONDS):
        refusal = books.submit(issue(account, 1, id=ids.new_id(now_ms=made_us // 1000)), now=now)
        assert getattr(refusal, "slug", None) == "id-out-of-window"
    for made_us in (now - 7 * DAY_US + clock.MICROSECONDS, now + 299 * clock.MICROSECONDS):
        assert isinstance(
            books.submit(issue(account, 1, id=ids.new_id(now_ms=made_us // 1000)), now=now), Record
        )
    books.refused("id-out-of-window", issue(account, 1, id="ffffffff-ffff-7fff-bfff-ffffffffffff"))


def test_the_same_command_gets_its_first_answer_again(books: Books) -> None:
    holder = ids.new_id()
    payer, payee = books.account(holder, issued=300), books.account()
    command = pay(payer, payee, 100, memo="bread", case_reference="A-1")
    first = books.accepted(command, member(holder))
    assert books.submit(command, member(holder)) is first
    assert books.total(payer) == 200
    opened = open_account(ids.new_id(), territory="seville")
    assert books.submit(opened) is not books.submit(open_account(ids.new_id()))
    assert isinstance(books.submit(opened), Record)
    currency = create_currency("LEAF")
    assert books.submit(currency) is books.submit(currency)


def test_an_id_serves_one_command_of_one_principal(books: Books) -> None:
    holder = ids.new_id()
    payer, payee = books.account(holder, issued=300), books.account()
    command = pay(payer, payee, 100, memo="bread")
    books.accepted(command, member(holder))
    books.refused("id-reused", command, OPERATOR_PRINCIPAL)
    for changed in (
        pay(payer, payee, 100, id=command.id),
        pay(payer, payee, 100, id=command.id, memo="wine"),
        pay(payer, payee, 101, id=command.id, memo="bread"),
        pay(payee, payer, 100, id=command.id, memo="bread"),
        redeem(payer, 100, id=command.id, memo="bread"),
        pay(payer, payee, 100, "NONE", id=command.id, memo="bread"),
        open_account(holder, id=command.id),
        create_currency(id=command.id),
    ):
        books.refused("id-reused", changed, member(holder))


def test_an_account_is_in_the_partition_that_its_id_tells(books: Books) -> None:
    refusal = books.refused("invalid-request", open_account(ids.new_id(), id=ids.new_account_id(7)))
    assert refusal.faults[0].pointer == "/id"
    currency = books.state.currencies["PUMA"]
    assert currency is not None
    assert ids.partition_of(currency.issuance_account) == 0
    books.refused("id-reused", open_account(ids.new_id(), id=currency.issuance_account))


def test_a_currency_needs_an_english_name_and_a_code_of_its_own(books: Books) -> None:
    books.refused("invalid-request", create_currency("LEAF", names={"es": "Hoja"}))
    books.refused("currency-exists", create_currency("PUMA"))


def test_accounts_take_the_limits_of_their_currency_unless_given(books: Books) -> None:
    books.accepted(
        create_currency("LEAF", kind="mutual_credit", default_credit_limit=700, maximum_balance=900)
    )
    usual = books.state.accounts[books.account(currency="LEAF")]
    own = books.state.accounts[books.account(currency="LEAF", credit_limit=0, maximum_balance=5)]
    assert usual is not None
    assert own is not None
    assert (usual.floor, usual.ceiling) == (-700, 900)
    assert (own.floor, own.ceiling) == (0, 5)
