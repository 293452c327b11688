"""The ledger's commands over HTTP, beside plain transfers: what becomes of a body, and what is answered."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.protection import BODY_LIMIT_BYTES
from shared.contracts import clock, commands, ids
from shared.contracts.charters import Charter, LimitClause
from shared.contracts.commands import Command, Goods, Leg, Outcome
from shared.contracts.errors import Refusal
from shared.contracts.ledger_inputs import CHARTER_MAX_BYTES
from shared.contracts.money import MAX_AMOUNT
from tests.unit.gateway.canned import CannedClient, CannedWriter

ACCOUNT, OTHER, TRANSFER, SUBJECT = (ids.derived_id(name) for name in ("a", "o", "t", "s"))
PROPOSAL, SCHEDULE, THIS = (ids.derived_id(name) for name in ("proposal", "schedule", "this"))
MONEY = {"amount": 1250, "currency": "PUMA"}
MEASURE = {"limits": [{"kind": "member"}], "names": {"en": "Puma"}, "kind": "backed", "minor_units": 100}
CURRENCY = {
    "code": "PUMA",
    "names": {"en": "Puma"},
    "minor_units": 100,
    "kind": "backed",
    "territory": "seville",
}
CHARTER = Charter(limits=[LimitClause(kind="member")], names={"en": "Puma"}, kind="backed", minor_units=100)
SOON = "2027-01-31T10:00:00+01:00"
SOON_US = clock.from_text(SOON)
LANGUAGES = (
    {"en": "x"}
    | {f"a{letter}": "x" for letter in "abcdefghijklmnopqrstuvwxyz"}
    | {f"b{letter}": "x" for letter in "abcd"}
)
"""One more than there may be."""
MADE: list[tuple[str, dict[str, Any], Command, str]] = [
    (
        "/transfers",
        {
            "payer": ACCOUNT,
            "payee": OTHER,
            "amount": MONEY,
            "goods": [{"category": "bread", "amount": 1250}],
            "pending_seconds": 60,
        },
        commands.Transfer(
            id=THIS,
            kind="payment",
            currency="PUMA",
            amount=1250,
            payer=ACCOUNT,
            payee=OTHER,
            goods=[Goods(category="bread", amount=1250)],
            pending_seconds=60,
        ),
        f"/transfers/{THIS}",
    ),
    (
        "/transfers",
        {"kind": "issuance", "payee": OTHER, "amount": MONEY, "purpose": "meals", "up_to": True},
        commands.Transfer(
            id=THIS,
            kind="issuance",
            currency="PUMA",
            amount=1250,
            payee=OTHER,
            purpose="meals",
            up_to=True,
        ),
        f"/transfers/{THIS}",
    ),
    (
        f"/transfers/{TRANSFER}/postings",
        {"amount": 5},
        commands.PostPending(id=THIS, pending=TRANSFER, amount=5),
        f"/transfers/{THIS}",
    ),
    (
        f"/transfers/{TRANSFER}/refunds",
        {"memo": "stale"},
        commands.Refund(id=THIS, transfer=TRANSFER, memo="stale"),
        f"/transfers/{THIS}",
    ),
    (
        f"/transfers/{TRANSFER}/reversals",
        {},
        commands.Reverse(id=THIS, transfer=TRANSFER),
        f"/proposals/{THIS}",
    ),
    (
        "/linked-transfers",
        {"legs": [{"payer": ACCOUNT, "payee": OTHER, "amount": MONEY}, {"kind": "redemption", "payer": OTHER,
         "amount": MONEY}], "case_reference": "7"},
        commands.LinkedTransfers(
            id=THIS,
            legs=[
                Leg(currency="PUMA", amount=1250, payer=ACCOUNT, payee=OTHER),
                Leg(currency="PUMA", amount=1250, payer=OTHER, kind="redemption"),
            ],
            case_reference="7",
        ),
        f"/linked-transfers/{THIS}",
    ),
    (
        "/corrections",
        {"payer": ACCOUNT, "payee": OTHER, "amount": MONEY, "reason": "paid twice", "transfer": TRANSFER},
        commands.Correct(
            id=THIS,
            currency="PUMA",
            amount=1250,
            payer=ACCOUNT,
            payee=OTHER,
            reason="paid twice",
            transfer=TRANSFER,
        ),
        f"/proposals/{THIS}",
    ),
    (
        "/schedules",
        {"payer": ACCOUNT, "payee": OTHER, "amount": MONEY, "first_at": SOON, "every": "month", "count": 12},
        commands.CreateSchedule(
            id=THIS,
            currency="PUMA",
            amount=1250,
            payer=ACCOUNT,
            payee=OTHER,
            first_at=SOON_US,
            every="month",
            count=12,
        ),
        f"/schedules/{THIS}",
    ),
    (
        "/currencies/PUMA/charters",
        {"version": 2, "valid_from": SOON, "charter": MEASURE},
        commands.AmendCharter(id=THIS, currency="PUMA", version=2, valid_from=SOON_US, charter=CHARTER),
        f"/proposals/{THIS}",
    ),
]  # fmt: skip

CHANGED: list[tuple[str, dict[str, Any], Command]] = [
    (f"/transfers/{TRANSFER}/voids", {}, commands.VoidPending(id=THIS, pending=TRANSFER)),
    (f"/proposals/{PROPOSAL}/approvals", {}, commands.Approve(id=THIS, proposal=PROPOSAL)),
    (f"/proposals/{PROPOSAL}/rejections", {}, commands.Reject(id=THIS, proposal=PROPOSAL)),
    (f"/schedules/{SCHEDULE}/cancellations", {}, commands.CancelSchedule(id=THIS, schedule=SCHEDULE)),
    (
        f"/accounts/{ACCOUNT}/limits",
        {"credit_limit": None, "per_day": 5},
        commands.ChangeLimits(id=THIS, account=ACCOUNT, credit_limit=None, per_day=5),
    ),
    (
        f"/accounts/{ACCOUNT}/tags",
        {"place": "triana", "groups": []},
        commands.TagAccount(id=THIS, account=ACCOUNT, place="triana", groups=[]),
    ),
    (
        f"/accounts/{ACCOUNT}/delegates",
        {"subject": SUBJECT, "rights": ["pay"], "per_transfer": 7},
        commands.SetDelegate(id=THIS, account=ACCOUNT, subject=SUBJECT, rights=["pay"], per_transfer=7),
    ),
    (
        f"/accounts/{ACCOUNT}/freezes",
        {"reason": "lost card"},
        commands.FreezeAccount(id=THIS, account=ACCOUNT, reason="lost card"),
    ),
    (f"/accounts/{ACCOUNT}/unfreezes", {}, commands.UnfreezeAccount(id=THIS, account=ACCOUNT)),
    (
        f"/accounts/{ACCOUNT}/closures",
        {"remainder_to": OTHER},
        commands.CloseAccount(id=THIS, account=ACCOUNT, remainder_to=OTHER),
    ),
]

BODIES = {path: body for path, body, _command, _address in MADE} | {path: body for path, body, _ in CHANGED}


@pytest.fixture
def post(door: FlaskClient, bearer: dict[str, str]) -> Any:
    """Sends a body with this id, unless it has another."""

    def send(path: str, body: dict[str, Any]) -> Any:
        return door.post(f"/api/v1{path}", json={"id": THIS, **body}, headers=bearer)

    return send


@pytest.mark.parametrize(("path", "body", "command", "address"), MADE)
def test_what_makes_something_answers_where_it_stands(
    post: Any, writer: CannedWriter, path: str, body: dict[str, Any], command: Command, address: str
) -> None:
    answer = post(path, body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/api/v1{address}"
    assert writer.commands == [command]


@pytest.mark.parametrize(("path", "body", "command"), CHANGED)
def test_what_changes_something_answers_with_it(
    post: Any, writer: CannedWriter, path: str, body: dict[str, Any], command: Command
) -> None:
    answer = post(path, body)
    assert answer.status_code == 200, answer.text
    assert "Location" not in answer.headers
    assert writer.commands == [command]


@pytest.mark.parametrize("path", BODIES)
def test_a_command_sent_again_is_told_as_such(post: Any, writer: CannedWriter, path: str) -> None:
    writer.outcomes[THIS] = Outcome(view={"id": THIS}, replayed=True)
    answer = post(path, BODIES[path])
    assert answer.status_code == 200
    assert answer.headers["Idempotency-Hit"] == "true"


@pytest.mark.parametrize("path", BODIES)
def test_a_refusal_that_stands_is_told_again(post: Any, writer: CannedWriter, path: str) -> None:
    writer.outcomes[THIS] = Outcome(
        refusal=Refusal("unknown-account", account=ACCOUNT).to_wire(), replayed=True
    )
    answer = post(path, BODIES[path])
    assert answer.status_code == 422
    assert answer.content_type == "application/problem+json"
    assert answer.headers["Idempotency-Hit"] == "true"


@pytest.mark.parametrize("raised", [True, False])
@pytest.mark.parametrize("path", BODIES)
def test_without_an_answer_in_time_it_is_told_where_to_look(
    post: Any, writer: CannedWriter, path: str, raised: bool
) -> None:
    refusal = Refusal("outcome-unknown", address="", after=clock.to_text(clock.now_us()))
    writer.outcomes[THIS] = refusal if raised else Outcome(refusal=refusal.to_wire())
    answer = post(path, BODIES[path])
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    assert answer.get_json()["parameters"]["address"].startswith("http://localhost/api/v1/")


@pytest.mark.parametrize("path", BODIES)
def test_every_body_is_named_by_its_client_and_says_nothing_unknown(
    post: Any, door: FlaskClient, bearer: dict[str, str], writer: CannedWriter, path: str
) -> None:
    for changes, code, pointer in (
        ({"id": ""}, "invalid", "/id"),
        ({"id": THIS.upper()}, "invalid", "/id"),
        ({"id": THIS + "\n"}, "invalid", "/id"),
        ({"id": "9" * 10_000}, "invalid", "/id"),
        ({"id": None}, "invalid", "/id"),
        ({"occurred_at": 1}, "unknown", "/occurred_at"),
        ({"type": "transfer"}, "unknown", "/type"),
    ):
        problem = post(path, {**BODIES[path], **changes}).get_json()
        assert problem["type"].endswith("/invalid-request")
        assert (problem["errors"][0]["code"], problem["errors"][0]["pointer"]) == (code, pointer)
    unnamed = door.post(f"/api/v1{path}", json=BODIES[path], headers=bearer).get_json()
    assert unnamed["errors"][0] == {
        "pointer": "/id",
        "code": "required",
        "detail": "Object missing required field `id`",
    }
    assert writer.commands == []


@pytest.mark.parametrize("path", BODIES)
def test_whoever_is_not_signed_in_does_nothing(door: FlaskClient, writer: CannedWriter, path: str) -> None:
    assert door.post(f"/api/v1{path}", json={"id": THIS, **BODIES[path]}).status_code == 401
    assert writer.commands == []


@pytest.mark.parametrize("path", BODIES)
def test_what_is_no_json_is_refused(
    door: FlaskClient, bearer: dict[str, str], writer: CannedWriter, path: str
) -> None:
    for raw in (
        b"",
        b"\xff",
        b'{"id":"\xff"}',
        b"NaN",
        b'{"id":NaN}',
        b"[" * 30_000,
        b'{"id":"\\ud800"}',
        b"{}{}",
    ):
        answer = door.post(f"/api/v1{path}", data=raw, content_type="application/json", headers=bearer)
        assert answer.status_code in (400, 422), raw
        assert answer.content_type == "application/problem+json"
    for content_type in ("text/plain", "application/x-ndjson", "application/x-www-form-urlencoded"):
        answer = door.post(f"/api/v1{path}", data=b"{}", content_type=content_type, headers=bearer)
        assert answer.status_code == 415
    most = CHARTER_MAX_BYTES if path.endswith("/charters") else BODY_LIMIT_BYTES
    huge = door.post(
        f"/api/v1{path}", data=b" " * (most + 1), content_type="application/json", headers=bearer
    )
    assert huge.status_code == 413
    assert writer.commands == []


@pytest.mark.parametrize(
    "path",
    [
        "/transfers/x/postings",
        f"/transfers/{TRANSFER.upper()}/voids",
        "/transfers/%00/refunds",
        f"/transfers/{'9' * 3000}/reversals",
        "/proposals/1/approvals",
        "/proposals/1/rejections",
        "/schedules/1/cancellations",
        "/accounts/1/limits",
        "/currencies/puma/charters",
        "/currencies/%ff/charters",
        "/currencies/PUMA%0a/charters",
    ],
)
def test_an_address_that_names_nothing_is_none(post: Any, writer: CannedWriter, path: str) -> None:
    assert post(path, {}).status_code == 404
    assert writer.commands == []


NOT_INTEGERS: list[Any] = [1.5, 1e300, "1", True, False, [], {}, 2**53, 2**63, -(2**63) - 1, 10**30]
AMOUNTS: list[Any] = [0, -1, *NOT_INTEGERS]
NOT_TEXT: list[Any] = [1, True, [], {}, "a\0b"]
NOT_IDS: list[Any] = ["", "x", "0" * 36, THIS.upper(), 1, True, []]
NOT_TAGS: list[Any] = ["", "A", "-a", "a" * 41, "a\n", "a\0", 1]
NOT_TIMES: list[Any] = [
    "", "x", "2026-01-01", "2026-01-01T00:00:00", "1969-12-31T23:59:59Z", "0001-01-01T00:00:00Z",
    "20270101T000000Z", "2027-W01-1T00:00:00Z", "2027-01-01T00Z", "2027-01-01T00:00Z", "2027-01-01 00:00:00Z",
    "2027-01-01T00:00:00+00:00:30", "2027-01-01T00:00:00+0100", "2027-01-01T00:00:00,5Z",
    "2027-01-01T00:00:00.Z", "2027-01-01T00:00:00Z\n", "2027-01-01T24:00:00Z", "2027-01-01T00:00:00+24:00",
    "9999-12-31T23:59:59.999999-23:59", "10000-01-01T00:00:00Z", "2026-02-30T00:00:00Z", "x" * 41, 1,
    None, True,
]  # fmt: skip

BAD_FIELDS: list[tuple[str, str, list[Any]]] = [
    ("/transfers", "up_to", [1, 0, "true", None, []]),
    ("/transfers", "pending_seconds", [0, -1, 30 * 24 * 3600 + 1, *NOT_INTEGERS]),
    ("/transfers", "purpose", NOT_TAGS),
    ("/transfers", "goods", [None, {}, "x", [1], [{"category": "bread"}], [{"amount": 1}],
                             [{"category": "bread", "amount": 1}] * 17, [{"category": "A", "amount": 1}],
                             [{"category": "bread", "amount": 1, "categry": "x"}]]),
    ("/linked-transfers", "legs", [None, [], [{"amount": MONEY}], [{"amount": MONEY}] * 17, {}, [1, 2]]),
    ("/linked-transfers", "memo", ["x" * 141, *NOT_TEXT]),
    (f"/transfers/{TRANSFER}/refunds", "memo", ["x" * 141, *NOT_TEXT]),
    (f"/transfers/{TRANSFER}/reversals", "memo", ["x" * 141, *NOT_TEXT]),
    ("/corrections", "reason", ["", "x" * 501, None, *NOT_TEXT]),
    ("/corrections", "payer", [None, *NOT_IDS]),
    ("/corrections", "payee", [None, *NOT_IDS]),
    ("/corrections", "transfer", NOT_IDS),
    ("/corrections", "amount", [None, 1, [], {}, {"amount": 1}, {"currency": "PUMA"}]),
    ("/schedules", "first_at", NOT_TIMES),
    ("/schedules", "every", ["", "hour", None, 1]),
    ("/schedules", "count", [0, -1, 367, None, *NOT_INTEGERS]),
    ("/currencies/PUMA/charters", "version", [1, 0, -1, 1001, None, *NOT_INTEGERS]),
    ("/currencies/PUMA/charters", "valid_from", NOT_TIMES),
    ("/currencies/PUMA/charters", "charter", [None, [], "x", {}, {**MEASURE, "demurrage": 1},
        {**MEASURE, "minor_units": 7}, {**MEASURE, "kind": "gold"}, {**MEASURE, "limits": []},
        {**MEASURE, "limits": [{"kind": "member"}] * 17}, {**MEASURE, "names": {"english": "x"}},
        {**MEASURE, "names": LANGUAGES}, {**MEASURE, "purposes": [{"code": "a", "names": LANGUAGES}]}]),
    (f"/accounts/{ACCOUNT}/limits", "level", [-1, 4, None, *NOT_INTEGERS]),
    (f"/accounts/{ACCOUNT}/limits", "credit_limit", [-1, *NOT_INTEGERS]),
    (f"/accounts/{ACCOUNT}/limits", "maximum_balance", [-1, *NOT_INTEGERS]),
    (f"/accounts/{ACCOUNT}/limits", "per_transfer", AMOUNTS),
    (f"/accounts/{ACCOUNT}/limits", "per_day", AMOUNTS),
    (f"/accounts/{ACCOUNT}/limits", "per_month", AMOUNTS),
    (f"/accounts/{ACCOUNT}/tags", "territory", NOT_TAGS),
    (f"/accounts/{ACCOUNT}/tags", "category", NOT_TAGS),
    (f"/accounts/{ACCOUNT}/tags", "place", NOT_TAGS),
    (f"/accounts/{ACCOUNT}/tags", "groups", [None, "x", ["A"], ["a"] * 17, [None]]),
    (f"/accounts/{ACCOUNT}/delegates", "subject", [None, *NOT_IDS]),
    (f"/accounts/{ACCOUNT}/delegates", "rights", [None, "pay", ["own"], ["pay"] * 5, [1]]),
    (f"/accounts/{ACCOUNT}/delegates", "per_transfer", AMOUNTS),
    (f"/accounts/{ACCOUNT}/freezes", "direction", ["", "in", None, 1]),
    (f"/accounts/{ACCOUNT}/freezes", "reason", ["", "x" * 501, None, *NOT_TEXT]),
    (f"/accounts/{ACCOUNT}/closures", "remainder_to", NOT_IDS),
]  # fmt: skip


@pytest.mark.parametrize(("path", "field", "values"), BAD_FIELDS)
def test_a_field_at_fault_is_pointed_at(
    post: Any, writer: CannedWriter, path: str, field: str, values: list[Any]
) -> None:
    for value in values:
        problem = post(path, {**BODIES[path], field: value}).get_json()
        assert problem["type"].rsplit("/", 1)[1] in ("invalid-request", "invalid-amount"), value
        assert problem["errors"][0]["pointer"].startswith(f"/{field}"), (value, problem)
        assert "regex" not in problem["errors"][0]["detail"]
    assert writer.commands == []


@pytest.mark.parametrize(
    ("path", "body", "pointer", "right"),
    [
        ("/transfers", {"kind": "gift"}, "/kind", "issuance, payment, redemption"),
        ("/linked-transfers", {"legs": [{"amount": MONEY}, {"kind": "gift", "amount": MONEY}]},
         "/legs/1/kind", "issuance, payment, redemption"),
        ("/schedules", {"every": "year"}, "/every", "day, month, once, week"),
        (f"/accounts/{ACCOUNT}/freezes", {"direction": "in"}, "/direction", "all, out"),
        (f"/accounts/{ACCOUNT}/delegates", {"rights": ["pay", "own"]}, "/rights/1",
         "pay, receive, schedule, view"),
        ("/currencies/PUMA/charters", {"charter": {**MEASURE, "minor_units": 7}}, "/charter/minor_units",
         "1, 10, 60, 100, 1000"),
        ("/currencies/PUMA/charters", {"charter": {**MEASURE, "limits": [{"kind": "dog"}]}},
         "/charter/limits/0/kind", "member, organisation"),
        ("/currencies/PUMA/charters", {"charter": {**MEASURE, "redemption": {"kinds": ["member", "x"]}}},
         "/charter/redemption/kinds/1", "member, organisation"),
        ("/currencies/PUMA/charters", {"charter": {**MEASURE, "fee": {"to": ACCOUNT, "paid_by": "x"}}},
         "/charter/fee/paid_by", "payee, payer"),
        ("/currencies/PUMA/charters", {"charter": {**MEASURE, "expiry": {"after_days": 30, "lot": "hour"}}},
         "/charter/expiry/lot", "day, month, week"),
    ],
)  # fmt: skip
def test_what_may_be_chosen_is_told(
    post: Any, path: str, body: dict[str, Any], pointer: str, right: str
) -> None:
    [fault] = post(path, {**BODIES[path], **body}).get_json()["errors"]
    assert (fault["pointer"], fault["detail"]) == (pointer, f"one of {right}")


def test_what_may_be_chosen_is_told_of_a_new_currency_s_charter(
    door: FlaskClient, bearer: dict[str, str]
) -> None:
    body = {**CURRENCY, "charter": {**MEASURE, "kind": "gold"}}
    [fault] = door.post("/api/v1/currencies", json=body, headers=bearer).get_json()["errors"]
    assert (fault["pointer"], fault["detail"]) == ("/charter/kind", "one of backed, mutual_credit, time")


WITHIN: list[tuple[str, str, list[Any]]] = [
    ("/transfers", "pending_seconds", [1, 30 * 24 * 3600]),
    ("/transfers", "goods", [[], [{"category": "a" * 40, "amount": MAX_AMOUNT}] * 16]),
    ("/linked-transfers", "legs", [[{"amount": MONEY}] * 2, [{"amount": MONEY}] * 16]),
    (f"/transfers/{TRANSFER}/postings", "amount", [1, MAX_AMOUNT, None]),
    (f"/transfers/{TRANSFER}/refunds", "amount", [1, MAX_AMOUNT, None]),
    (
        f"/transfers/{TRANSFER}/refunds",
        "memo",
        ["", "x" * 140, "\u0645\u0631\u062d\u0628\u0627", "\U0001f9c0"],
    ),
    ("/corrections", "reason", ["x", "x" * 500]),
    (
        "/schedules",
        "first_at",
        ["1970-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "2027-01-01T00:00:00-11:30"],
    ),
    ("/schedules", "count", [1, 366]),
    ("/currencies/PUMA/charters", "version", [2, 1000]),
    (f"/accounts/{ACCOUNT}/limits", "level", [0, 3]),
    (f"/accounts/{ACCOUNT}/limits", "credit_limit", [0, MAX_AMOUNT]),
    (f"/accounts/{ACCOUNT}/limits", "per_transfer", [1, MAX_AMOUNT, None]),
    (f"/accounts/{ACCOUNT}/tags", "groups", [[], ["a"] * 16]),
    (f"/accounts/{ACCOUNT}/delegates", "rights", [[], ["view", "pay", "receive", "schedule"]]),
]


@pytest.mark.parametrize(("path", "field", "values"), WITHIN)
def test_what_is_within_its_limits_is_handed_on(
    post: Any, writer: CannedWriter, path: str, field: str, values: list[Any]
) -> None:
    for value in values:
        assert post(path, {**BODIES[path], field: value}).status_code in (200, 201), value
    assert len(writer.commands) == len(values)


@pytest.mark.parametrize(
    ("path", "body", "pointer"),
    [
        (f"/transfers/{TRANSFER}/postings", {"amount": 0}, "/amount"),
        (f"/transfers/{TRANSFER}/refunds", {"amount": 2**53}, "/amount"),
        ("/corrections", {"amount": {"amount": 1.5, "currency": "PUMA"}}, "/amount/amount"),
        ("/schedules", {"amount": {"amount": -1, "currency": "PUMA"}}, "/amount/amount"),
        ("/linked-transfers", {"legs": [{"amount": MONEY}, {"amount": {"amount": 0, "currency": "PUMA"}}]},
         "/legs/1/amount/amount"),
        ("/transfers", {"goods": [{"category": "bread", "amount": 0}]}, "/goods/0/amount"),
    ],
)  # fmt: skip
def test_an_amount_that_is_none_is_told_as_it_was_written(
    post: Any, path: str, body: dict[str, Any], pointer: str
) -> None:
    problem = post(path, {**BODIES[path], **body}).get_json()
    assert problem["type"].endswith("/invalid-amount")
    assert problem["errors"][0]["pointer"] == pointer
    assert problem["parameters"]["amount"] in ("0", "-1", "1.5", str(2**53))


@pytest.mark.parametrize(
    ("charter", "pointer"),
    [
        ({"limits": [{"kind": "member"}, {"kind": "dog"}]}, "/charter/limits/1/kind"),
        ({"fee": {}}, "/charter/fee/to"),
        ({"expiry": {"after_days": 0}}, "/charter/expiry/after_days"),
        ({"purposes": [{"code": "meals", "names": {"en": ""}}]}, "/charter/purposes/0/names"),
        ({"purposes": [{"code": "meals", "names": {"en": "M"}, "since": "1.1.2026"}]},
         "/charter/purposes/0/since"),
        ({"redemption": {"penalties": [{"under_days": 1, "basis_points": True}]}},
         "/charter/redemption/penalties/0/basis_points"),
        ({"issuance": {"allowed": 1}}, "/charter/issuance/allowed"),
        ({"a/b~c": 1}, "/charter/a~1b~0c"),
    ],
)  # fmt: skip
def test_a_charter_at_fault_is_pointed_into(
    post: Any, door: FlaskClient, bearer: dict[str, str], charter: dict[str, Any], pointer: str
) -> None:
    whole = MEASURE | charter
    amended = post("/currencies/PUMA/charters", {"version": 2, "valid_from": SOON, "charter": whole})
    assert amended.get_json()["errors"][0]["pointer"] == pointer
    created = door.post("/api/v1/currencies", json={**CURRENCY, "charter": whole}, headers=bearer)
    assert created.status_code == 422
    assert created.get_json()["errors"][0]["pointer"] == pointer


def test_a_currency_is_created_with_its_charter(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]
) -> None:
    answer = door.post("/api/v1/currencies", json={**CURRENCY, "charter": MEASURE}, headers=bearer)
    assert answer.status_code == 201
    assert answer.headers["Location"] == "/api/v1/currencies/PUMA"
    [command] = writer.commands
    assert isinstance(command, commands.CreateCurrency)
    assert command.charter == CHARTER


def test_a_contradiction_points_at_its_clause(post: Any, writer: CannedWriter) -> None:
    refusal = Refusal("charter-contradicts", clause="/fee/to", reason="no such account")
    writer.outcomes[THIS] = Outcome(refusal=refusal.to_wire())
    problem = post("/currencies/PUMA/charters", BODIES["/currencies/PUMA/charters"]).get_json()
    assert problem["errors"] == [
        {"pointer": "/charter/fee/to", "code": "charter-contradicts", "detail": "/fee/to: no such account"}
    ]


def test_a_refused_leg_is_pointed_at(post: Any, writer: CannedWriter) -> None:
    refusal = Refusal("insufficient-balance", available="1.00 PUMA", amount="12.50 PUMA", leg=1)
    writer.outcomes[THIS] = Outcome(refusal=refusal.to_wire())
    problem = post("/linked-transfers", BODIES["/linked-transfers"]).get_json()
    assert problem["errors"][0]["pointer"] == "/legs/1"


def test_codes_of_the_ledger_are_said_in_the_reader_s_words(
    door: FlaskClient, bearer: dict[str, str], writer: CannedWriter
) -> None:
    refusal = Refusal("not-pending", transfer=TRANSFER, status="lapsed")
    writer.outcomes[THIS] = Outcome(refusal=refusal.to_wire())
    headers = {**bearer, "Accept-Language": "pt"}
    answer = door.post(f"/api/v1/transfers/{TRANSFER}/voids", json={"id": THIS}, headers=headers)
    assert answer.get_json()["detail"].endswith("Estado: caducada.")
    assert answer.get_json()["parameters"]["status"] == "lapsed"


@pytest.mark.parametrize(
    ("path", "method", "arguments"),
    [
        (f"/accounts/{ACCOUNT}/pending-transfers?limit=2&cursor=x", "list_pending",
         {"account": ACCOUNT, "limit": 2, "cursor": "x"}),
        (f"/accounts/{ACCOUNT}/balance?axis=occurred", "get_balance",
         {"account": ACCOUNT, "axis": "occurred"}),
        ("/proposals?status=pending", "list_proposals", {"status": "pending", "limit": 50}),
        (f"/proposals/{PROPOSAL}", "get_proposal", {"id": PROPOSAL}),
        (f"/schedules?account={ACCOUNT}", "list_schedules", {"account": ACCOUNT, "limit": 50}),
        (f"/schedules/{SCHEDULE}", "get_schedule", {"id": SCHEDULE}),
        (f"/linked-transfers/{TRANSFER}", "get_linked_transfers", {"id": TRANSFER}),
        ("/currencies/PUMA/charter?version=2", "get_charter", {"currency": "PUMA", "version": 2}),
        ("/currencies/PUMA/charter?at=2026-01-01T00:00:00Z", "get_charter",
         {"currency": "PUMA", "at": "2026-01-01T00:00:00Z"}),
    ],
)  # fmt: skip
def test_questions_are_handed_to_the_ledger(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str], path: str, method: str, arguments: Any
) -> None:
    services.answers[f"ledger.{method}"] = {"answer": 1}
    answer = door.get(f"/api/v1{path}", headers=bearer)
    assert answer.get_json() == {"answer": 1}
    assert services.asked(f"ledger.{method}") == arguments


@pytest.mark.parametrize(
    "path",
    [
        "/schedules",
        "/schedules?account=x",
        "/proposals?status=new",
        "/proposals?limit=0",
        f"/accounts/{ACCOUNT}/pending-transfers?limit=201",
        f"/accounts/{ACCOUNT}/balance?axis=x",
        "/currencies/PUMA/charter?version=0",
        "/currencies/PUMA/charter?version=1.5",
        "/currencies/PUMA/charter?at=",
        "/currencies/PUMA/charter?nonsense=1",
    ],
)
def test_a_question_that_makes_no_sense_is_refused(
    door: FlaskClient, bearer: dict[str, str], path: str
) -> None:
    assert door.get(f"/api/v1{path}", headers=bearer).status_code == 422


def test_a_charter_is_read_by_everybody_and_sent_once(door: FlaskClient, services: CannedClient) -> None:
    services.answers["ledger.get_charter"] = {"currency": "PUMA", "version": 1}
    first = door.get("/api/v1/currencies/PUMA/charter")
    assert first.status_code == 200
    again = door.get("/api/v1/currencies/PUMA/charter", headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert again.data == b""
