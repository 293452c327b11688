"""The rest of the API: what is asked of the services, and what is made of their answers."""

import csv
import io
from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient

from gateway.api.accounts import CSV_MAX_ROWS
from shared.contracts import clock, ids
from shared.contracts.errors import Refusal
from shared.contracts.ledger import EXPORT_ROWS
from tests.unit.gateway.canned import PERSON, CannedClient

ACCOUNT = ids.new_account_id(0)


def series(**changes: Any) -> dict[str, Any]:
    """A dashboard's answer with one figure and one gap."""
    return {
        "indicator": {
            "code": "volume",
            "name": "Volume",
            "definition": "Mean transfer",
            "unit": "money",
            "excludes": "Nobody.",
            "source": "MedTOWN",
            "version": 1,
        },
        "currency": "PUMA",
        "minor_units": 100,
        "simulated": True,
        "territory": None,
        "period": "month",
        "values": [
            {"start": "2026-10-01", "end": "2026-11-01", "closed": True, "value": 1250, "reason": None},
            {
                "start": "2026-11-01",
                "end": "2026-12-01",
                "closed": False,
                "value": None,
                "reason": "The period has not begun yet.",
            },
        ],
        "position": {"partition": 0, "timeline": "t", "sequence": 7, "hash": "h"},
        "as_of": "2026-11-23T10:00:00.000000Z",
        "stalled": False,
    } | changes


def exported(number: int) -> list[Any]:
    at = clock.from_text("2026-11-23T10:00:00Z")
    return [f"{number}", "payment", "posted", at, at, ACCOUNT, -5, 5, "=cmd()", ""]


def exporting(pages: int) -> Callable[[Any], dict[str, Any]]:
    """Answers with a row a page."""

    def page(arguments: Any) -> dict[str, Any]:
        number = int(arguments["cursor"] or 0)
        more = number < pages - 1
        following = str(number + 1) if more else None
        rest = {"next_cursor": following, "has_more": more}
        return {"currency": "PUMA", "minor_units": 100, "rows": [exported(number)], **rest}

    return page


def rows(text: str) -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline="")))


@pytest.mark.parametrize(
    ("path", "accept"),
    [("/api/v1/indicators/volume", "text/csv"), ("/api/v1/indicators/volume.csv", "*/*")],
)
def test_figures_come_as_csv_by_header_or_by_suffix(
    door: FlaskClient, services: CannedClient, path: str, accept: str
) -> None:
    services.answers["dashboard.get_indicator"] = series()
    answer = door.get(f"{path}?currency=PUMA&from=2026-10-01&period=month", headers={"Accept": accept})
    assert answer.content_type == "text/csv; charset=utf-8"
    head, first, second = rows(answer.text)
    assert dict(zip(head, first, strict=True)) == {
        "indicator": "volume",
        "unit": "money",
        "version": "1",
        "currency": "PUMA",
        "minor_units": "100",
        "territory": "",
        "period": "month",
        "from": "2026-10-01",
        "to": "2026-11-01",
        "closed": "true",
        "value": "1250",
        "reason": "",
        "simulated": "true",
        "as_of": "2026-11-23T10:00:00.000000Z",
        "timeline": "t",
        "sequence": "7",
    }
    assert dict(zip(head, second, strict=True))["reason"] == "The period has not begun yet."
    asked = {"code": "volume", "currency": "PUMA", "from": "2026-10-01", "period": "month"}
    assert services.asked("dashboard.get_indicator").items() >= asked.items()


def test_figures_are_told_in_the_reader_s_language(door: FlaskClient, services: CannedClient) -> None:
    services.answers["dashboard.get_indicator"] = series()
    answer = door.get("/api/v1/indicators/volume?currency=PUMA", headers={"Accept-Language": "es"})
    told = answer.get_json()
    assert told["indicator"]["definition"] == "Transferencia media"
    assert told["values"][1]["reason"] == "El periodo aún no ha empezado."
    assert told["position"]["sequence"] == 7


def test_figures_need_no_sign_in_and_carry_no_token(door: FlaskClient, services: CannedClient) -> None:
    services.answers["dashboard.get_indicator"] = series()
    assert door.get("/api/v1/indicators/volume?currency=PUMA").status_code == 200
    assert services.calls[-1][2] is None


def test_an_account_s_transfers_come_as_one_table_from_many_pages(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str]
) -> None:
    services.answers["ledger.export_account_transfers"] = exporting(3)
    answer = door.get(f"/api/v1/accounts/{ACCOUNT}/transfers.csv", headers=bearer)
    head, *lines = rows(answer.text)
    assert [line[0] for line in lines] == ["0", "1", "2"]
    assert lines[0][head.index("memo")] == "'=cmd()"
    assert lines[0][head.index("change_minor_units")] == "-5"
    assert lines[0][head.index("change")] == "-0.05 PUMA"
    assert lines[0][head.index("recorded_at")] == "2026-11-23T10:00:00.000000Z"
    assert services.calls[-1][2] == "token for ledger"


def test_a_table_that_ends_before_the_history_says_so(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str]
) -> None:
    pages = CSV_MAX_ROWS // EXPORT_ROWS
    for available in (pages, pages + 1):
        services.answers["ledger.export_account_transfers"] = exporting(available)
        head, *lines = rows(door.get(f"/api/v1/accounts/{ACCOUNT}/transfers.csv", headers=bearer).text)
        assert {len(line) for line in lines} == {len(head)}
        assert [line[0] for line in lines[:pages]] == [str(number) for number in range(pages)]
        assert len(lines) == available
    assert lines[-1][head.index("kind")] == "cut-off"
    assert lines[-1][head.index("memo")].endswith(f"cursor={pages}")


def test_a_table_that_is_not_for_this_reader_is_refused_before_it_begins(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str]
) -> None:
    services.answers["ledger.export_account_transfers"] = Refusal("not-permitted", action="look")
    answer = door.get(f"/api/v1/accounts/{ACCOUNT}/transfers.csv", headers=bearer)
    assert answer.status_code == 403


def test_signing_in_and_out_by_program(door: FlaskClient, services: CannedClient) -> None:
    answer = door.post("/api/v1/sessions", json={"email": "a@example.org", "password": "the right one"})
    assert answer.status_code == 201
    bearer = {"Authorization": f"Bearer {answer.get_json()['session']}"}
    assert door.get("/api/v1/sessions/current", headers=bearer).get_json() == {"person": PERSON}
    assert door.delete("/api/v1/sessions/current", headers=bearer).status_code == 204
    services.answers["identity.exchange"] = Refusal("not-signed-in")
    assert door.get("/api/v1/sessions/current", headers=bearer).status_code == 401


def test_a_person_is_registered_once_per_key(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str]
) -> None:
    services.answers["identity.create_person"] = PERSON
    made = []
    for _attempt in range(2):
        headers = bearer | {"Idempotency-Key": "k"}
        assert door.post("/api/v1/people", json={"name": "Amina"}, headers=headers).status_code == 201
        made.append(services.asked("identity.create_person")["id"])
    assert made[0] == made[1]
    assert ids.is_derived(made[0])


def test_a_token_that_a_service_no_longer_takes_is_forgotten(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str]
) -> None:
    services.answers["ledger.get_account"] = Refusal("not-signed-in")
    assert door.get("/api/v1/accounts/x", headers=bearer).status_code == 401
    door.get("/api/v1/accounts/x", headers=bearer)
    assert services.count("identity.exchange") == 2


@pytest.mark.parametrize(
    ("missing", "status"), [("dashboard.list_indicators", 503), ("ledger.get_account", 200)]
)
def test_ready_means_that_every_service_answers(
    door: FlaskClient, services: CannedClient, missing: str, status: int
) -> None:
    services.answers[missing] = Refusal("service-unavailable", service=missing)
    answer = door.get("/readyz")
    assert answer.status_code == status
    assert answer.get_json()["services"]["dashboard"] is (status == 200)
    assert door.get("/livez").status_code == 200


def test_services_are_asked_with_the_request_s_deadline(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str]
) -> None:
    deadlines = []
    original = services.call

    def call(*arguments: Any, not_after: int | None = None, **more: Any) -> Any:
        deadlines.append(not_after)
        return original(*arguments, not_after=not_after, **more)

    services.call = call  # type: ignore[method-assign]
    services.answers["ledger.get_account"] = {}
    door.get("/api/v1/accounts/x", headers=bearer)
    assert len(set(deadlines)) == 1
    assert deadlines[0] is not None
    assert deadlines[0] < clock.deadline(6)
