"""Accounts: tags, freezing, closing"""

from .api import new_id, pointers
from .books import Currency


def test_several(backed: Currency) -> None:
    """11.1 A holder may have several accounts; the list of a holder's accounts names them, in pages."""
    holder = new_id()
    made = {backed.account(holder=holder) for _ in range(3)}
    listed, query = set(), {"holder": holder, "limit": 2}
    while True:
        page = backed.client.get("/accounts", **query)
        assert len(page["data"]) <= 2
        listed |= {each["id"] for each in page["data"]}
        if not page["has_more"]:
            break
        query["cursor"] = page["next_cursor"]
    assert listed == made


def test_tags(backed: Currency) -> None:
    """11.2 Tags are changed one by one: null takes one away, what is left out stays."""
    account = backed.account(category="bakery", place="triana")
    backed.client.change(f"/accounts/{account}/tags", {"place": None, "groups": ["b", "a"]})
    view = backed.client.get(f"/accounts/{account}")
    assert (view["category"], view["place"], sorted(view["groups"])) == ("bakery", None, ["a", "b"])


def test_nothing_changes(backed: Currency) -> None:
    """11.3 A change that changes nothing is refused, so that nobody believes it did."""
    account = backed.account(category="bakery")
    tags = {"id": new_id(), "category": "bakery"}
    backed.client.refused(f"/accounts/{account}/tags", tags, "nothing-changes")
    backed.client.refused(f"/accounts/{account}/unfreezes", {"id": new_id()}, "nothing-changes")


def test_frozen(backed: Currency) -> None:
    """11.4 Out of a frozen account nothing goes, and into it nothing either; unfrozen, all is as before."""
    account, other = backed.account(50), backed.account(50)
    frozen = backed.client.change(f"/accounts/{account}/freezes", {"reason": "Lost card"})
    assert frozen["account"] == account
    assert backed.client.get(f"/accounts/{account}")["frozen"] == "all"
    backed.client.refused("/transfers", backed.payment(account, other, 1), "account-frozen")
    backed.client.refused("/transfers", backed.payment(other, account, 1), "account-frozen")
    backed.client.change(f"/accounts/{account}/unfreezes")
    backed.pay(account, other, 50)


def test_frozen_outwards(backed: Currency) -> None:
    """11.5 Frozen outwards, an account still receives."""
    account, other = backed.account(50), backed.account(50)
    backed.client.change(f"/accounts/{account}/freezes", {"reason": "Lost card", "direction": "out"})
    backed.client.refused("/transfers", backed.payment(account, other, 1), "account-frozen")
    backed.pay(other, account, 50)
    assert backed.balance(account) == 100


def test_frozen_refusals_stay(backed: Currency) -> None:
    """11.6 What was refused because of a freeze stays refused after it."""
    account, other = backed.account(50), backed.account()
    backed.client.change(f"/accounts/{account}/freezes", {"reason": "Lost card"})
    body = backed.payment(account, other, 1)
    first = backed.client.refused("/transfers", body, "account-frozen")
    backed.client.change(f"/accounts/{account}/unfreezes")
    assert backed.client.refused("/transfers", body) == first


def test_close(backed: Currency) -> None:
    """11.7 An empty account is closed for good: nothing goes in or out any more, its history stays."""
    account, other = backed.account(50), backed.account(50)
    backed.pay(account, other, 50)
    backed.client.change(f"/accounts/{account}/closures")
    assert backed.client.get(f"/accounts/{account}")["closed"] is True
    backed.client.refused("/transfers", backed.payment(other, account, 1), "account-closed")
    backed.client.refused("/transfers", backed.payment(account, other, 1), "account-closed")
    backed.client.refused(
        f"/accounts/{account}/closures", {"id": new_id()}, "account-closed", "nothing-changes"
    )
    assert len(backed.history(account)) == 2


def test_remainder(backed: Currency) -> None:
    """11.8 An account that holds something is closed only if it is said who takes it over; all of it then
    goes there.
    """
    account, heir = backed.account(50), backed.account(7)
    path = f"/accounts/{account}/closures"
    backed.client.refused(path, {"id": new_id()}, "remainder-needed")
    backed.client.change(path, {"remainder_to": heir})
    assert (backed.balance(account), backed.balance(heir)) == (0, 57)


def test_remainder_to_nobody(backed: Currency, mutual: Currency) -> None:
    """11.9 Who takes over is another open account in the same currency."""
    account, closed = backed.account(50), backed.account()
    backed.client.change(f"/accounts/{closed}/closures")
    for heir, slug in (
        (account, "same-account"),
        (closed, "account-closed"),
        (mutual.account(), "wrong-currency"),
        (new_id(), "unknown-account"),
    ):
        body = {"id": new_id(), "remainder_to": heir}
        backed.client.refused(f"/accounts/{account}/closures", body, slug)
    assert backed.balance(account) == 50


def test_debt(mutual: Currency) -> None:
    """11.10 An operator may close an account that owes: the debt is taken over, and no unit is lost."""
    account, heir, other = mutual.account(), mutual.account(), mutual.account()
    mutual.pay(account, other, 300)
    mutual.client.change(f"/accounts/{account}/closures", {"remainder_to": heir})
    assert [mutual.balance(each) for each in (account, heir, other)] == [0, -300, 300]


def test_reservations(backed: Currency) -> None:
    """11.11 An account with something reserved is not closed."""
    account, other = backed.account(50), backed.account()
    pending = backed.reserve(account, other, 10)
    body = {"id": new_id(), "remainder_to": other}
    backed.client.refused(f"/accounts/{account}/closures", body, "reservations-open")
    backed.client.change(f"/transfers/{pending['id']}/voids")
    backed.client.change(f"/accounts/{account}/closures", {"remainder_to": other})


def test_unknown(backed: Currency) -> None:
    """11.12 An account that does not exist is not changed: 404 at its address, or refused by name."""
    for path in ("limits", "tags", "unfreezes", "closures"):
        body = {"id": new_id(), **({"per_day": 1} if path == "limits" else {})}
        body |= {"place": "x"} if path == "tags" else {}
        backed.client.refused(f"/accounts/{new_id()}/{path}", body, "unknown-account", "not-found")
    backed.client.refused(f"/accounts/{new_id()}", None, "not-found", "unknown-account", method="GET")


def test_own_accounts(backed: Currency) -> None:
    """11.13 The currency's own accounts are neither limited nor frozen nor closed."""
    own = backed.view["issuance_account"]
    for path, body in (("freezes", {"reason": "x"}), ("closures", {}), ("limits", {"per_day": 1})):
        backed.client.refused(f"/accounts/{own}/{path}", {"id": new_id(), **body}, "own-account")


def test_reason(backed: Currency) -> None:
    """11.14 Whoever freezes says why; the change tells it again, and the account as long as it is frozen."""
    account = backed.account()
    for missing in ({}, {"reason": ""}, {"reason": " "}):
        body = {"id": new_id(), **missing}
        problem = backed.client.refused(f"/accounts/{account}/freezes", body, "invalid-request")
        assert pointers(problem) == ["/reason"]
    assert backed.client.change(f"/accounts/{account}/freezes", {"reason": "Lost"})["memo"] == "Lost"
    assert backed.client.get(f"/accounts/{account}")["frozen_reason"] == "Lost"
    backed.client.change(f"/accounts/{account}/unfreezes")
    assert backed.client.get(f"/accounts/{account}")["frozen_reason"] is None


def test_same_change_again(backed: Currency) -> None:
    """11.15 The same change sent again is answered as the first time, though it be undone by now."""
    account = backed.account()
    path, body = f"/accounts/{account}/freezes", {"id": new_id(), "reason": "Lost"}
    first = backed.client.make(path, body, status=200)
    backed.client.change(f"/accounts/{account}/unfreezes")
    assert backed.client.make(path, body, status=200) == first
    assert backed.client.get(f"/accounts/{account}")["frozen"] is None
