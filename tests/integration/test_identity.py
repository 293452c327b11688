"""Signing in and out, roles, registering people, and the event that the dashboard counts."""

import secrets

from shared.contracts import ids
from tests.support.api import Api, Town, money
from tests.support.waiting import wait_until


def test_signing_in_gives_a_session_that_ends_with_signing_out(town: Town) -> None:
    member, known = town.person()
    assert member.get("/sessions/current")["person"]["roles"] == ["member"]
    other = Api(town.operator.base_url).sign_in(**known)
    other.expect(204, "DELETE", "/sessions/current")
    # Another process of the gateway may believe the session for ten more seconds.
    wait_until(lambda: other.request("GET", "/sessions/current").status_code == 401, 15, "the session to end")
    # The other session of the same person goes on.
    assert member.get("/sessions/current")["person"]["id"] == member.person["id"]


def test_a_wrong_password_and_an_unknown_address_look_the_same(town: Town) -> None:
    _, known = town.person()
    nobody = Api(town.operator.base_url)
    wrong = {**known, "password": "not the password"}
    unknown = {"email": f"{secrets.token_hex(8)}@example.org", "password": "not the password"}
    answers = [
        nobody.refused("wrong-credentials", "POST", "/sessions", json=body) for body in (wrong, unknown)
    ]
    assert answers[0]["detail"] == answers[1]["detail"]


def test_after_five_wrong_passwords_the_right_one_must_wait_too(town: Town) -> None:
    _, known = town.person()
    nobody = Api(town.operator.base_url)
    for _ in range(5):
        nobody.refused("wrong-credentials", "POST", "/sessions", json={**known, "password": "guess"})
    answer = nobody.request("POST", "/sessions", json=known)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["Retry-After"]) <= 2
    wait_until(lambda: Api(town.operator.base_url).sign_in(**known), 10, "the wait to end")


def test_only_administrators_register_people_and_operators_issue(town: Town) -> None:
    member, _ = town.person()
    body = {
        "name": "Somebody",
        "email": f"{secrets.token_hex(8)}@example.org",
        "password": "long enough it is",
    }
    member.refused("not-permitted", "POST", "/people", json=body)
    worker, _ = town.person(roles=["operator"])
    worker.refused("not-permitted", "POST", "/people", json=body)
    account = town.account()
    worker.issue(account, 100, town.currency)
    issuance = {"id": ids.new_id(), "kind": "issuance", "payee": account, "amount": money(1, town.currency)}
    member.refused("not-permitted", "POST", "/transfers", json=issuance)


def test_an_address_belongs_to_one_person(town: Town) -> None:
    _, known = town.person()
    body = {"name": "Another", "email": known["email"].upper(), "password": "long enough it is"}
    town.operator.refused("email-taken", "POST", "/people", json=body)


def test_a_short_password_is_refused_with_its_field(town: Town) -> None:
    body = {"name": "Another", "email": f"{secrets.token_hex(8)}@example.org", "password": "short"}
    problem = town.operator.refused("invalid-request", "POST", "/people", json=body)
    assert [fault["pointer"] for fault in problem["errors"]] == ["/password"]


def test_registrations_are_counted_by_the_dashboard(town: Town) -> None:
    def registered() -> int:
        series = town.operator.get("/indicators/registered_people", params={"period": "all"})
        return sum(point["value"] or 0 for point in series["values"])

    before = registered()
    town.person()
    wait_until(lambda: registered() > before, 20, "the registration to be counted")
