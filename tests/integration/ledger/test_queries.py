"""What the ledger answers, and to whom."""

import pytest

from services.ledger.service import SERVICE
from shared.auth.principal import IMPORTER, JOURNAL_READER, MEMBER, OPERATOR
from shared.contracts import clock, ids
from shared.contracts.commands import LinkedTransfers, Refund
from shared.contracts.errors import Refusal
from shared.contracts.journal import BEGINNING, GENESIS_HASH, from_cloud_event
from shared.contracts.ledger import (
    EXPORTED,
    AccountTransferView,
    AccountView,
    BalanceView,
    CurrencyView,
    TransferView,
)
from tests.support.exported import as_exported, exported
from tests.support.ledger import create_currency, issue, leg, open_account, pay, redeem
from tests.support.writing import Ledger

CALLS = SERVICE.calls


def _refused(slug: str, ledger: Ledger, call: str, subject: str, *roles: str, **arguments: object) -> None:
    with pytest.raises(Refusal) as caught:
        ledger.ask(CALLS[call], subject, *roles, **arguments)
    assert caught.value.slug == slug


def test_currencies_are_told_to_everybody(puma: Ledger) -> None:
    puma.view(create_currency("LEAF", names={"en": "Leaf", "es": "Hoja"}, minor_units=60, kind="time"))
    view = puma.ask(CALLS["get_currency"], "anybody", id="LEAF")
    assert not CurrencyView().validate(view)
    assert (view["names"], view["minor_units"]) == ({"en": "Leaf", "es": "Hoja"}, 60)
    assert ids.partition_of(view["issuance_account"]) == 0
    assert [one["code"] for one in puma.ask(CALLS["list_currencies"], "anybody")["data"]] == ["LEAF", "PUMA"]
    _refused("not-found", puma, "get_currency", "anybody", id="NONE")


def test_members_see_their_own_accounts_and_operators_all(puma: Ledger) -> None:
    ana, ben = ids.new_id(), ids.new_id()
    of_ana = [puma.account(ana, credit_limit=200, issued=50) for _ in range(3)]
    of_ben = puma.account(ben)
    view = puma.ask(CALLS["get_account"], ana, MEMBER, id=of_ana[0])
    assert not AccountView().validate(view)
    assert (view["balance"]["text"], view["available"]["text"]) == ("0.50 PUMA", "2.50 PUMA")
    for account in (of_ben, ids.new_account_id(0), "nonsense"):
        _refused("not-permitted", puma, "get_account", ana, MEMBER, id=account)
    _refused("not-found", puma, "get_account", "op", OPERATOR, id="nonsense")
    assert puma.ask(CALLS["get_account"], "op", OPERATOR, id=of_ben)["holder"] == ben
    page = puma.ask(CALLS["list_accounts"], ana, MEMBER, limit=2)
    assert ([one["id"] for one in page["data"]], page["has_more"]) == (of_ana[:2], True)
    rest = puma.ask(CALLS["list_accounts"], ana, MEMBER, limit=2, cursor=page["next_cursor"])
    assert ([one["id"] for one in rest["data"]], rest["next_cursor"], rest["has_more"]) == (
        of_ana[2:],
        None,
        False,
    )
    _refused("not-permitted", puma, "list_accounts", ana, MEMBER, holder=ben)
    assert len(puma.ask(CALLS["list_accounts"], "op", OPERATOR, currency="PUMA")["data"]) == 6
    assert len(puma.ask(CALLS["list_accounts"], "op", OPERATOR, holder=ben)["data"]) == 1
    _refused("invalid-request", puma, "list_accounts", ana, MEMBER, cursor="§")


def test_a_transfer_is_shown_to_its_parties_and_to_operators(puma: Ledger) -> None:
    ana, ben = ids.new_id(), ids.new_id()
    payer, payee = puma.account(ana, issued=1_000), puma.account(ben)
    token = puma.token(ana, MEMBER)
    view = puma.view(pay(payer, payee, 250, memo="bread", case_reference="C-1"), token)
    for subject, role in ((ana, MEMBER), (ben, MEMBER), ("op", OPERATOR)):
        assert puma.ask(CALLS["get_transfer"], subject, role, id=view["id"]) == view
    assert not TransferView().validate(view)
    _refused("not-found", puma, "get_transfer", ids.new_id(), MEMBER, id=view["id"])
    _refused("not-found", puma, "get_transfer", "a-service", MEMBER, id=view["id"])
    for unknown in (ids.new_id(), "nonsense", payer):
        _refused("not-found", puma, "get_transfer", "op", OPERATOR, id=unknown)


def test_an_erased_note_is_empty(puma: Ledger) -> None:
    ana = ids.new_id()
    payer = puma.account(ana, issued=10)
    command = pay(payer, puma.account(), 5, memo="bread")
    puma.view(command, puma.token(ana, MEMBER))
    puma.execute("DELETE FROM notes")
    assert puma.ask(CALLS["get_transfer"], ana, MEMBER, id=command.id)["memo"] == ""
    assert puma.view(command, puma.token(ana, MEMBER))["memo"] == ""


def test_history_is_newest_first_with_the_balance_after_each(puma: Ledger) -> None:
    ana = ids.new_id()
    account, shop = puma.account(ana, issued=1_000), puma.account()
    token = puma.token(ana, MEMBER)
    puma.view(pay(account, shop, 300), token)
    puma.view(redeem(account, 50), token)
    page = puma.ask(CALLS["list_account_transfers"], ana, MEMBER, account=account, limit=2)
    assert not AccountTransferView(many=True).validate(page["data"])
    seen = [(row["kind"], row["change"]["amount"], row["balance"]["amount"]) for row in page["data"]]
    assert seen == [("redemption", -50, 650), ("payment", -300, 700)]
    assert page["data"][1]["counterparty"] == shop
    rest = puma.ask(
        CALLS["list_account_transfers"], ana, MEMBER, account=account, limit=2, cursor=page["next_cursor"]
    )
    assert [row["change"]["amount"] for row in rest["data"]] == [1_000]
    assert not rest["has_more"]
    _refused("not-permitted", puma, "list_account_transfers", ids.new_id(), MEMBER, account=account)


def test_a_balance_is_told_as_of_any_time_of_recording(puma: Ledger) -> None:
    ana = ids.new_id()
    account = puma.account(ana)
    views = [puma.view(issue(account, amount)) for amount in (1_000, 20, 3)]

    def balance(at: str | None) -> tuple[int, int]:
        answer = puma.ask(CALLS["get_balance"], ana, MEMBER, account=account, at=at)
        assert not BalanceView().validate(answer)
        return answer["balance"]["amount"], answer["sequence"]

    assert balance(None) == (1_023, views[2]["sequence"])
    assert balance(views[1]["recorded_at"]) == (1_020, views[1]["sequence"])
    before = clock.to_text(clock.from_text(views[1]["recorded_at"]) - 1)
    assert balance(before) == (1_000, views[0]["sequence"])
    assert balance("2001-01-01T00:00:00Z") == (0, 0)
    assert balance("2999-01-01T01:00:00+01:00")[0] == 1_023
    _refused("invalid-request", puma, "get_balance", ana, MEMBER, account=account, at="yesterday")


def test_an_export_says_what_the_history_shows(puma: Ledger) -> None:
    ana, ben = ids.new_id(), ids.new_id()
    purse, shop = puma.account(ana, issued=1_000), puma.account(ben)
    own = puma.token(ana, MEMBER)
    paid = pay(purse, shop, 10, memo="=bread, “two”\nloaves", case_reference="A-1")
    puma.decide([paid, *(pay(purse, shop, amount) for amount in (1, 2, 3))], own)
    puma.view(LinkedTransfers(id=ids.new_id(), legs=[leg(purse, shop, 4), leg(purse, shop, 5)]), own)
    puma.view(
        LinkedTransfers(id=ids.new_id(), legs=[leg(purse, shop, 6), leg(shop, purse, 6)]),
        puma.token("x", IMPORTER),
    )
    puma.view(Refund(id=ids.new_id(), transfer=paid.id, amount=7), puma.token(ben, MEMBER))
    puma.view(redeem(shop, 2), puma.token(ben, MEMBER))
    for account in (purse, shop):
        shown = puma.ask(CALLS["list_account_transfers"], "op", OPERATOR, account=account)
        for page in (1, 3, 500):
            assert exported(puma, account, page) == [as_exported(row) for row in shown["data"]]
    answer = puma.ask(CALLS["export_account_transfers"], ana, MEMBER, account=purse)
    assert (answer["currency"], answer["minor_units"], len(answer["rows"])) == ("PUMA", 100, 7)
    assert len(answer["rows"][0]) == len(EXPORTED)
    _refused("not-permitted", puma, "export_account_transfers", ids.new_id(), MEMBER, account=purse)


def test_payees_and_holders_are_found(puma: Ledger) -> None:
    ana, ben, eve = ids.new_id(), ids.new_id(), ids.new_id()
    oldest, _ = puma.account(ana), puma.account(ana)
    bens = puma.account(ben, kind="organisation")
    found = puma.ask(CALLS["find_payees"], eve, MEMBER, currency="PUMA", holders=[ana, ben, eve, "nonsense"])
    assert found == {"accounts": {ana: oldest, ben: bens}}
    own = puma.ask(CALLS["get_currency"], eve, id="PUMA")["issuance_account"]
    held = puma.ask(CALLS["get_holders"], eve, MEMBER, accounts=[oldest, bens, own, ids.new_id(), "nonsense"])
    assert held == {"holders": {oldest: ana, bens: ben}}


def test_the_journal_is_read_in_order_by_those_who_may(puma: Ledger) -> None:
    puma.account(issued=5)
    answer = puma.ask(CALLS["list_events"], "op", OPERATOR, after=1)
    records = [from_cloud_event(event) for event in answer["data"]]
    assert [record.type for record in records] == ["account.opened", "transfer.posted"]
    assert (answer["up_to"], answer["has_more"]) == (3, False)
    assert puma.ask(CALLS["list_events"], "op", OPERATOR, after=3)["up_to"] == 3
    assert puma.ask(CALLS["list_events"], "op", OPERATOR, limit=2)["has_more"]
    _refused("not-permitted", puma, "list_events", ids.new_id(), MEMBER)


def test_a_position_is_continued_or_told_as_diverged(puma: Ledger) -> None:
    puma.account(issued=5)

    def since(timeline: str, sequence: int, hash: str, limit: int = 500) -> list[int]:
        answer = puma.ask(
            CALLS["journal_since"],
            "dashboard",
            JOURNAL_READER,
            partition=0,
            timeline=timeline,
            sequence=sequence,
            hash=hash,
            limit=limit,
        )
        return [from_cloud_event(event).sequence for event in answer["records"]]

    assert since(BEGINNING.timeline, BEGINNING.sequence, BEGINNING.hash) == [1, 2, 3]
    first = puma.ask(CALLS["list_events"], "op", OPERATOR, limit=1)["data"][0]
    assert first["prevhash"] == GENESIS_HASH
    here = from_cloud_event(first).position
    assert since(here.timeline, here.sequence, here.hash, limit=1) == [2]
    # The hash covers the timeline: a consumer that read a record before a restore still has it after.
    assert since(ids.new_id(), here.sequence, here.hash, limit=1) == [2]
    for sequence, hash in ((1, "f" * 64), (99, here.hash), (2, here.hash)):
        with pytest.raises(Refusal) as caught:
            since(here.timeline, sequence, hash)
        assert caught.value.slug == "diverged"
    with pytest.raises(Refusal):
        puma.ask(CALLS["journal_since"], "x", MEMBER, partition=0, timeline="", sequence=0, hash=GENESIS_HASH)


def test_an_account_of_the_currency_itself_has_no_limits_to_show(puma: Ledger) -> None:
    own = puma.ask(CALLS["get_currency"], "x", id="PUMA")["redemption_account"]
    view = puma.ask(CALLS["get_account"], "op", OPERATOR, id=own)
    assert not AccountView().validate(view)
    assert (view["holder"], view["credit_limit"], view["maximum_balance"]) == (None, None, None)
    opened = open_account(ids.new_id(), maximum_balance=700)
    assert puma.view(opened)["maximum_balance"] == 700
