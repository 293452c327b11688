"""Transfers over HTTP: what is read, what is answered, alone and in bulk."""

import json
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.contracts import clock, ids
from shared.contracts.commands import WRITER_BATCH_LIMIT, Outcome, Transfer
from shared.contracts.errors import Refusal
from shared.contracts.ledger_inputs import BULK_MAX_BYTES, BULK_MAX_LINES
from shared.contracts.money import MAX_AMOUNT
from tests.unit.gateway.canned import CannedWriter

PAYER, PAYEE = ids.new_account_id(0), ids.new_account_id(0)


def body(**changes: Any) -> dict[str, Any]:
    amount = {"amount": 1250, "currency": "PUMA"}
    return {"id": ids.new_id(), "payer": PAYER, "payee": PAYEE, "amount": amount, "memo": "Pan"} | changes


def money(amount: object, currency: str = "PUMA") -> dict[str, object]:
    return {"amount": amount, "currency": currency}


def test_a_transfer_is_handed_to_the_ledger_and_told_with_its_address(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]
) -> None:
    sent = body()
    answer = door.post("/api/v1/transfers", json=sent, headers=bearer)
    assert answer.status_code == 201
    assert answer.headers["Location"] == f"/api/v1/transfers/{sent['id']}"
    assert "Idempotency-Hit" not in answer.headers
    assert writer.commands == [
        Transfer(
            id=sent["id"], kind="payment", currency="PUMA", amount=1250, payer=PAYER, payee=PAYEE, memo="Pan"
        )
    ]


def test_a_transfer_sent_again_is_told_as_such(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]
) -> None:
    sent = body()
    writer.outcomes[sent["id"]] = Outcome(view={"id": sent["id"]}, replayed=True)
    answer = door.post("/api/v1/transfers", json=sent, headers=bearer)
    assert answer.status_code == 200
    assert answer.headers["Idempotency-Hit"] == "true"


def test_a_refusal_tells_its_facts(door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]) -> None:
    sent = body()
    refusal = Refusal("insufficient-balance", available="1.00 PUMA", amount="12.50 PUMA")
    writer.outcomes[sent["id"]] = Outcome(refusal=refusal.to_wire(), replayed=True)
    answer = door.post("/api/v1/transfers", json=sent, headers=bearer)
    assert answer.status_code == 422
    assert answer.headers["Idempotency-Hit"] == "true"
    assert answer.get_json()["detail"].startswith("1.00 PUMA are available, 12.50 PUMA are asked for")


@pytest.mark.parametrize("raised", [True, False])
def test_without_an_answer_in_time_the_address_of_the_outcome_is_told(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str], raised: bool
) -> None:
    sent = body()
    refusal = Refusal("outcome-unknown", address="", after=clock.to_text(clock.now_us()))
    writer.outcomes[sent["id"]] = refusal if raised else Outcome(refusal=refusal.to_wire())
    answer = door.post("/api/v1/transfers", json=sent, headers=bearer)
    assert answer.status_code == 503
    assert "Retry-After" in answer.headers
    parameters = answer.get_json()["parameters"]
    assert parameters["address"] == f"http://localhost/api/v1/transfers/{sent['id']}"
    assert clock.from_text(parameters["after"]) > clock.deadline(55)


@pytest.mark.parametrize(
    ("changes", "slug", "pointer"),
    [
        ({"id": "7"}, "invalid-request", "/id"),
        ({"id": ids.new_id().upper()}, "invalid-request", "/id"),
        ({"kind": "gift"}, "invalid-request", "/kind"),
        ({"payer": "me"}, "invalid-request", "/payer"),
        ({"memo": "x" * 141}, "invalid-request", "/memo"),
        ({"unknown": 1}, "invalid-request", "/unknown"),
        ({"occurred_at": 1}, "invalid-request", "/occurred_at"),
        ({"amount": 12}, "invalid-request", "/amount"),
        ({"amount": {"amount": 12}}, "invalid-request", "/amount/currency"),
        ({"amount": money(12, "puma")}, "invalid-request", "/amount/currency"),
        ({"amount": money(0)}, "invalid-amount", "/amount/amount"),
        ({"amount": money(-5)}, "invalid-amount", "/amount/amount"),
        ({"amount": money(1.5)}, "invalid-amount", "/amount/amount"),
        ({"amount": money("12")}, "invalid-amount", "/amount/amount"),
        ({"amount": money(True)}, "invalid-amount", "/amount/amount"),
        ({"amount": money(MAX_AMOUNT + 1)}, "invalid-amount", "/amount/amount"),
    ],
)
def test_a_field_at_fault_is_pointed_at_and_nothing_sent(
    door: FlaskClient,
    writer: CannedWriter,
    bearer: dict[str, str],
    changes: dict[str, Any],
    slug: str,
    pointer: str,
) -> None:
    answer = door.post("/api/v1/transfers", json=body(**changes), headers=bearer)
    problem = answer.get_json()
    assert problem["type"].endswith("/" + slug)
    assert problem["errors"][0]["pointer"] == pointer
    assert writer.commands == []


@pytest.mark.parametrize("raw", [b"", b"{", b"\xff", b'{"id": "\xff"}', b"nonsense"])
def test_what_is_no_json_is_told_as_such(door: FlaskClient, bearer: dict[str, str], raw: bytes) -> None:
    answer = door.post("/api/v1/transfers", data=raw, content_type="application/json", headers=bearer)
    assert answer.status_code == 400
    assert answer.get_json()["type"].endswith("/malformed-json")


def bulk(door: FlaskClient, headers: dict[str, str], lines: list[object]) -> Any:
    data = "\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n"
    return door.post(
        "/api/v1/transfers/bulk", data=data.encode(), content_type="application/x-ndjson", headers=headers
    )


def test_every_line_of_a_bulk_upload_is_answered_in_its_place(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]
) -> None:
    lines = [body() for _ in range(4)]
    writer.outcomes[lines[1]["id"]] = Outcome(refusal=Refusal("same-account", account=PAYER).to_wire())
    writer.outcomes[lines[2]["id"]] = Outcome(view={"id": lines[2]["id"]}, replayed=True)
    answer = bulk(door, bearer, [lines[0], lines[1], "{", lines[2], "", body(amount=money(0)), lines[3]])
    assert answer.status_code == 200
    assert answer.content_type == "application/x-ndjson"
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["line"] for line in told] == [1, 2, 3, 4, 5, 6, 7]
    assert [line["status"] for line in told] == [201, 422, 400, 200, 400, 422, 201]
    assert [line["problem"]["type"].rsplit("/")[-1] for line in told if "problem" in line] == [
        "same-account",
        "malformed-json",
        "malformed-json",
        "invalid-amount",
    ]
    assert told[6]["transfer"]["id"] == lines[3]["id"]
    assert [command.id for command in writer.commands] == [line["id"] for line in lines]


def test_lines_at_fault_point_at_themselves_wherever_the_upload_is_divided(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]
) -> None:
    """Among many that are read together, and where a whole part of them is at fault."""
    lines: list[object] = [body() for _ in range(3 * WRITER_BATCH_LIMIT + 1)]
    faults = {0, WRITER_BATCH_LIMIT - 1, *range(WRITER_BATCH_LIMIT, 2 * WRITER_BATCH_LIMIT)}
    for number in faults:
        lines[number] = body(memo="\0") if number % 2 else body(payee=ids.new_id().upper())
    lines[-1] = body(purpose="food", memo="maïs")
    answer = bulk(door, bearer, lines)
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["line"] for line in told] == list(range(1, len(lines) + 1))
    assert {number for number, line in enumerate(told) if line["status"] == 422} == faults
    for number in faults:
        pointer = "/memo" if number % 2 else "/payee"
        assert told[number]["problem"]["errors"][0]["pointer"] == pointer
    accepted = [line for number, line in enumerate(lines) if number not in faults]
    assert [command.id for command in writer.commands] == [line["id"] for line in accepted]  # type: ignore[index]
    last = writer.commands[-1]
    assert isinstance(last, Transfer)
    assert (last.purpose, last.memo) == ("food", "maïs")
    assert [line["transfer"]["id"] for line in told if "transfer" in line] == [
        command.id for command in writer.commands
    ]


def test_a_bulk_upload_that_is_too_large_or_too_long_is_refused_whole(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]
) -> None:
    assert bulk(door, bearer, ["x" * BULK_MAX_BYTES]).get_json()["type"].endswith("/too-large")
    too_long = bulk(door, bearer, ["{}"] * (BULK_MAX_LINES + 1)).get_json()
    assert too_long["type"].endswith("/too-many-lines")
    assert too_long["parameters"] == {"limit": BULK_MAX_LINES}
    assert writer.commands == []


def test_ten_thousand_lines_are_taken(door: FlaskClient, bearer: dict[str, str]) -> None:
    answer = bulk(door, bearer, [body() for _ in range(BULK_MAX_LINES)])
    told = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["status"] for line in told] == [201] * BULK_MAX_LINES


def test_a_bulk_upload_must_say_that_it_is_one(door: FlaskClient, bearer: dict[str, str]) -> None:
    answer = door.post("/api/v1/transfers/bulk", json=body(), headers=bearer)
    assert answer.status_code == 415
    assert "application/x-ndjson" in answer.get_json()["detail"]


ACCOUNT = {"currency": "PUMA", "kind": "member", "holder": ids.new_id()}


def test_the_same_key_means_the_same_command(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]
) -> None:
    for key in ("one", "one", "two", None, None):
        headers = bearer | ({"Idempotency-Key": key} if key else {})
        assert door.post("/api/v1/accounts", json=ACCOUNT, headers=headers).status_code == 201
    first, second, other, *fresh = [command.id for command in writer.commands]
    assert first == second
    assert len({first, other, *fresh}) == 4
    assert all(ids.partition_of(command.id) == 0 for command in writer.commands)


def test_a_key_with_another_content_is_a_conflict(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]
) -> None:
    headers = bearer | {"Idempotency-Key": "one"}
    door.post("/api/v1/accounts", json=ACCOUNT, headers=headers)
    taken = writer.commands[0].id
    writer.outcomes[taken] = Outcome(refusal=Refusal("id-reused", id=taken).to_wire())
    answer = door.post("/api/v1/accounts", json=ACCOUNT | {"kind": "organisation"}, headers=headers)
    assert answer.status_code == 409
    assert answer.get_json()["type"].endswith("/idempotency-conflict")
