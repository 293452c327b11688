"""Whatever is asked of the ledger beside plain payments, the answer is a refusal that names the fault, never
a failure of ours; and members do nothing that is not theirs to do.
"""

import json
from typing import Any

import pytest

from shared.contracts import clock, ids
from shared.contracts.money import MAX_AMOUNT
from tests.support.api import Api, Town, administrator, money, transfer
from tests.support.deployment import Deployment

pytestmark = pytest.mark.embedded

JSON = {"Content-Type": "application/json"}
MUCH = 10**9
UNREADABLE = [
    b"", b"x", b"\xff", b"\0", b"{}{}", b"[]", b"null", b"7", b'{"id":NaN}', b'{"id":1e400}', b"[" * 30_000,
    b'{"id":"\\ud800"}', b'{"id":"\xff"}', b"\xef\xbb\xbf{}", "{}".encode("utf-16"), b'{"a":' * 12_000,
    b"9" * 5000,
]  # fmt: skip


class Scene:
    """A town whose member has an account with money, has paid from it and reserved something of it."""

    def __init__(self, base_url: str) -> None:
        self.town = Town(administrator(base_url))
        self.payer = self.town.payer(issued=100_000)
        self.payee = self.town.account()
        self.member = self.town.member
        code = self.town.currency
        self.paid = self.member.pay(self.payer, self.payee, 100, code)["id"]
        self.pending = self.member.pay(self.payer, self.payee, 100, code, pending_seconds=3600)["id"]
        first_at = clock.to_text(clock.deadline(3600))
        schedule = transfer(self.payer, self.payee, 1, code, first_at=first_at)
        self.schedule = self.member.expect(201, "POST", "/schedules", json=schedule)["id"]
        correction = transfer(self.payee, self.payer, 1, code, reason="Typed wrongly")
        self.proposal = self.town.operator.expect(201, "POST", "/corrections", json=correction)["id"]

    def bodies(self) -> dict[str, dict[str, Any]]:
        """By address, a body that its form lets pass."""
        code, soon = self.town.currency, clock.to_text(clock.deadline(3600))
        payment = {"payer": self.payer, "payee": self.payee, "amount": money(1, code)}
        document = {
            "names": {"en": "N"}, "kind": "backed", "minor_units": 100,
            "limits": [{"kind": "member"}, {"kind": "organisation"}],
        }  # fmt: skip
        return {
            "/transfers": payment,
            "/linked-transfers": {"legs": [payment, payment]},
            f"/transfers/{self.pending}/postings": {},
            f"/transfers/{self.pending}/voids": {},
            f"/transfers/{self.paid}/refunds": {},
            f"/transfers/{self.paid}/reversals": {},
            "/corrections": {**payment, "reason": "r"},
            f"/proposals/{self.proposal}/approvals": {},
            f"/proposals/{self.proposal}/rejections": {},
            "/schedules": {**payment, "first_at": soon},
            f"/schedules/{self.schedule}/cancellations": {},
            f"/accounts/{self.payer}/limits": {"per_day": 1},
            f"/accounts/{self.payer}/tags": {"place": "x"},
            f"/accounts/{self.payer}/delegates": {"subject": ids.new_id(), "rights": ["view"]},
            f"/accounts/{self.payer}/freezes": {"reason": "r"},
            f"/accounts/{self.payer}/unfreezes": {},
            f"/accounts/{self.payer}/closures": {"remainder_to": self.payee},
            f"/currencies/{code}/charters": {"version": 2, "valid_from": soon, "charter": document},
        }


@pytest.fixture(scope="module")
def logged_before(embedded: Deployment) -> int:
    return len(embedded.logs(MUCH))


@pytest.fixture(scope="module")
def scene(embedded: Deployment, logged_before: int) -> Scene:
    return Scene(embedded.base_url)


def refused(api: Api, path: str, body: Any) -> dict[str, Any]:
    """The problem of a body that must be refused for a fault that is not ours."""
    answer = api.request("POST", path, json=body)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    return problem


def slug(problem: dict[str, Any]) -> str:
    return str(problem["type"]).rsplit("/", 1)[1]


def test_what_cannot_be_read_is_refused(scene: Scene) -> None:
    for path in scene.bodies():
        for content in UNREADABLE:
            answer = scene.town.operator.request("POST", path, data=content, headers=JSON)
            assert answer.status_code in (400, 422), (path, content[:20], answer.text)
            assert slug(answer.json()) in ("malformed-json", "invalid-request")


def test_ids_of_another_form_or_time_are_refused(scene: Scene) -> None:
    early, late = (ids.new_id(now_ms=clock.now_us() // 1000 + days * 86_400_000) for days in (-8, 1))
    last = "ffffffff-ffff-7fff-bfff-ffffffffffff"
    for path, body in scene.bodies().items():
        for given in ("", "x", "f" * 50_000, ids.new_id().upper(), 7, True, None, 2**53, 2**63):
            problem = refused(scene.town.operator, path, {**body, "id": given})
            assert slug(problem) == "invalid-request"
            assert problem["errors"][0]["pointer"] == "/id"
        for id in (early, late, last):
            assert slug(refused(scene.town.operator, path, {**body, "id": id})) == "id-out-of-window", path


def test_derived_ids_are_for_importers(scene: Scene) -> None:
    derived = ids.derived_id(ids.new_id())
    for path in ("/transfers", "/linked-transfers", "/schedules"):
        body = {**scene.bodies()[path], "id": derived}
        assert slug(refused(scene.member, path, body)) == "not-permitted"


def test_what_is_not_there_is_told(scene: Scene) -> None:
    nowhere, operator = ids.new_id(), scene.town.operator
    for path, body, expected in (
        (f"/transfers/{nowhere}/postings", {}, "unknown-transfer"),
        (f"/transfers/{scene.paid}/postings", {}, "unknown-transfer"),
        (f"/transfers/{nowhere}/voids", {}, "unknown-transfer"),
        (f"/transfers/{nowhere}/refunds", {}, "unknown-transfer"),
        (f"/transfers/{scene.pending}/refunds", {}, "unknown-transfer"),
        (f"/transfers/{nowhere}/reversals", {}, "unknown-transfer"),
        (f"/proposals/{nowhere}/approvals", {}, "unknown-proposal"),
        (f"/proposals/{scene.schedule}/approvals", {}, "unknown-proposal"),
        (f"/schedules/{nowhere}/cancellations", {}, "unknown-schedule"),
        (f"/accounts/{nowhere}/limits", {"per_day": 1}, "unknown-account"),
        (f"/accounts/{nowhere}/closures", {}, "unknown-account"),
        (f"/accounts/{scene.payee}/closures", {"remainder_to": nowhere}, "unknown-account"),
    ):
        assert slug(refused(operator, path, {"id": ids.new_id(), **body})) == expected, path


@pytest.mark.parametrize(
    "first_at",
    ["", "x", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-23:59",
     "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "2026-01-01", "2026-01-01T00:00:00",
     "1970-01-01T00:00:00Z"],
)  # fmt: skip
def test_times_that_make_no_sense_are_pointed_at(scene: Scene, first_at: str) -> None:
    given = {"id": ids.new_id(), **scene.bodies()["/schedules"], "first_at": first_at}
    problem = refused(scene.member, "/schedules", given)
    assert (slug(problem), problem["errors"][0]["pointer"]) == ("invalid-request", "/first_at")
    path = f"/currencies/{scene.town.currency}/charters"
    charter = {"id": ids.new_id(), **scene.bodies()[path], "valid_from": first_at}
    problem = refused(scene.town.operator, path, charter)
    assert (slug(problem), problem["errors"][0]["pointer"]) == ("invalid-request", "/valid_from")


def test_a_schedule_that_ends_after_all_time_is_refused(scene: Scene) -> None:
    body = {**scene.bodies()["/schedules"], "every": "month", "count": 366}
    for first_at in ("9990-01-31T00:00:00Z", "9999-12-31T00:00:00Z"):
        problem = refused(scene.member, "/schedules", {"id": ids.new_id(), **body, "first_at": first_at})
        assert slug(problem) == "invalid-request"


def test_the_largest_numbers_are_counted(scene: Scene) -> None:
    """What is as large as can be is decided like anything else."""
    code, operator = scene.town.currency, scene.town.operator
    most = {"id": ids.new_id(), "amount": money(MAX_AMOUNT, code), "payer": scene.payer, "payee": scene.payee}
    assert slug(refused(scene.member, "/transfers", most)) == "insufficient-balance"
    goods = [{"category": "a", "amount": MAX_AMOUNT}] * 16
    problem = refused(scene.member, "/transfers", {**most, "id": ids.new_id(), "goods": goods})
    assert problem["errors"][0]["pointer"].startswith("/goods")
    for path in ("postings", "refunds"):
        target = scene.pending if path == "postings" else scene.paid
        given = {"id": ids.new_id(), "amount": MAX_AMOUNT}
        assert slug(refused(operator, f"/transfers/{target}/{path}", given)).startswith("more-than-")
    limits = {
        "id": ids.new_id(),
        "credit_limit": MAX_AMOUNT,
        "maximum_balance": MAX_AMOUNT,
        "per_day": MAX_AMOUNT,
    }
    operator.expect(200, "POST", f"/accounts/{scene.town.account()}/limits", json=limits)


def test_currencies_are_not_mixed(scene: Scene) -> None:
    other = Town(scene.town.operator)
    foreign = other.account(scene.member.person["id"], issued=10)
    payments = [
        {"payer": scene.payer, "payee": foreign, "amount": money(1, scene.town.currency)},
        {"payer": foreign, "payee": scene.payee, "amount": money(1, other.currency)},
    ]
    for payment in payments:
        assert slug(refused(scene.member, "/transfers", {"id": ids.new_id(), **payment})) == "wrong-currency"
    soon = clock.to_text(clock.deadline(3600))
    for path, more in (("/schedules", {"first_at": soon}), ("/corrections", {"reason": "r"})):
        given = {"id": ids.new_id(), **payments[0], **more}
        asking = scene.member if path == "/schedules" else scene.town.operator
        assert slug(refused(asking, path, given)) == "wrong-currency"
    problem = refused(scene.member, "/linked-transfers", {"id": ids.new_id(), "legs": [payments[0]] * 2})
    assert (slug(problem), problem["errors"][0]["pointer"]) == ("wrong-currency", "/legs/0")


def test_a_megabyte_is_too_large_for_every_address(scene: Scene) -> None:
    for path, body in scene.bodies().items():
        content = json.dumps({"id": ids.new_id(), **body}).encode() + b" " * 1_000_000
        answer = scene.town.operator.request("POST", path, data=content, headers=JSON)
        assert slug(answer.json()) == "too-large", path


def test_a_member_does_nothing_that_is_for_operators_or_others(scene: Scene) -> None:
    other, _ = scene.town.person()
    for path, body in scene.bodies().items():
        problem = refused(other, path, {"id": ids.new_id(), **body})
        assert slug(problem) == "not-permitted", (path, problem)
    for path in (
        f"/proposals/{scene.proposal}",
        f"/schedules/{scene.schedule}",
        f"/transfers/{scene.pending}",
    ):
        assert other.request("GET", path).status_code in (403, 404)
    for path in (f"/schedules?account={scene.payer}", f"/accounts/{scene.payer}/pending-transfers"):
        assert other.request("GET", path).status_code == 403
    assert other.get("/proposals")["data"] == []


def test_nothing_of_all_this_was_done(scene: Scene) -> None:
    assert scene.member.balance(scene.payer) == 100_000 - 100
    assert scene.member.get(f"/transfers/{scene.pending}")["status"] == "pending"
    assert scene.member.get(f"/schedules/{scene.schedule}")["status"] == "active"
    assert scene.town.operator.get(f"/proposals/{scene.proposal}")["status"] == "pending"
    assert scene.member.get(f"/accounts/{scene.payer}")["frozen"] is None


def test_the_logs_tell_of_no_fault_of_ours(scene: Scene, embedded: Deployment, logged_before: int) -> None:
    """Runs last: what all the tests above have sent has been logged by now, wherever it failed."""
    assert "Traceback" not in embedded.logs(MUCH)[logged_before:]
