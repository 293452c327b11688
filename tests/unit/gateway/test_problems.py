"""Every error is a problem: for programs as problem+json, for people as a page, in their language."""

from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.contracts.errors import PROBLEMS, Fault, Refusal
from tests.unit.gateway.canned import CannedClient


@pytest.mark.parametrize(
    ("method", "path", "options", "slug"),
    [
        ("GET", "/api/v1/nothing-here", {}, "not-found"),
        ("DELETE", "/api/v1/transfers", {}, "method-not-allowed"),
        ("GET", "/api/v1/currencies", {"headers": {"Accept": "image/png"}}, "not-acceptable"),
        ("POST", "/api/v1/sessions", {"data": "a=b"}, "unsupported-media-type"),
        ("POST", "/api/v1/sessions", {"data": "{", "content_type": "application/json"}, "malformed-json"),
        ("POST", "/api/v1/sessions", {"data": "[]", "content_type": "application/json"}, "invalid-request"),
        ("POST", "/api/v1/sessions", {"json": {"email": "x"}}, "invalid-request"),
        ("POST", "/api/v1/sessions", {"json": {"padding": "x" * 70_000}}, "too-large"),
        ("GET", "/api/v1/currencies?cursr=1", {}, "invalid-request"),
        ("GET", "/api/v1/currencies?limit=0", {}, "invalid-request"),
        ("GET", "/api/v1/indicators/volume?from=yesterday", {}, "invalid-request"),
        ("GET", "/api/v1/accounts", {}, "not-signed-in"),
        ("GET", "/api/v1/accounts", {"headers": {"Authorization": "Bearer wrong"}}, "not-signed-in"),
        ("GET", "/api/v1/accounts", {"headers": {"Authorization": "Basic x"}}, "not-signed-in"),
        ("GET", "/api/v1/currencies/PUMA", {}, "service-unavailable"),
    ],
)
def test_programs_get_problem_json(
    door: FlaskClient, method: str, path: str, options: dict[str, Any], slug: str
) -> None:
    answer = door.open(path, method=method, **options)
    assert answer.content_type == "application/problem+json"
    problem = answer.get_json()
    assert problem["type"] == f"http://localhost/problems/{slug}"
    assert problem["status"] == answer.status_code == PROBLEMS[slug].status
    assert problem["title"] == PROBLEMS[slug].title
    assert problem["instance"] == path.partition("?")[0]
    assert problem["detail"]
    assert "…" not in problem["detail"]


def test_a_problem_points_at_each_field_at_fault(door: FlaskClient) -> None:
    answer = door.post("/api/v1/sessions", json={"email": "", "pasword": "x"})
    assert {(fault["pointer"], fault["code"]) for fault in answer.get_json()["errors"]} == {
        ("/email", "invalid"),
        ("/password", "invalid"),
        ("/pasword", "invalid"),
    }


def test_a_service_s_refusal_keeps_its_parameters_and_faults(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str]
) -> None:
    fault = Fault("/at", "invalid", "a time")
    services.answers["ledger.get_account"] = Refusal("not-permitted", (fault,), action="look")
    problem = door.get("/api/v1/accounts/x", headers=bearer).get_json()
    assert problem["detail"] == "Your role does not allow this: look."
    assert problem["parameters"] == {"action": "look"}
    assert problem["errors"] == [{"pointer": "/at", "code": "invalid", "detail": "a time"}]


def test_an_unexpected_fault_tells_nothing_of_the_inside(
    door: FlaskClient, services: CannedClient, bearer: dict[str, str]
) -> None:
    services.answers["ledger.get_account"] = RuntimeError("the password is ...")
    answer = door.get("/api/v1/accounts/x", headers=bearer)
    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert "password" not in answer.text


@pytest.mark.parametrize(("slug", "seconds"), [("too-many-attempts", "30"), ("service-unavailable", "2")])
def test_who_is_to_wait_is_told_how_long(
    door: FlaskClient, services: CannedClient, slug: str, seconds: str
) -> None:
    services.answers["identity.sign_in"] = Refusal(slug, seconds=30) if seconds == "30" else Refusal(slug)
    answer = door.post("/api/v1/sessions", json={"email": "a@example.org", "password": "x"})
    assert answer.headers["Retry-After"] == seconds


def test_problems_speak_the_reader_s_language(door: FlaskClient) -> None:
    answer = door.get("/api/v1/nothing", headers={"Accept-Language": "pt-BR, en;q=0.5"})
    assert answer.get_json()["title"] == "Não encontrado"
    assert answer.headers["Content-Language"] == "pt"


def test_people_get_a_page_with_the_same_facts(door: FlaskClient) -> None:
    answer = door.get("/nothing-here", headers={"Accept": "text/html", "Accept-Language": "ar"})
    assert answer.status_code == 404
    assert answer.content_type == "text/html; charset=utf-8"
    assert 'dir="rtl"' in answer.text
    assert "غير موجود" in answer.text
    assert 'href="/problems/not-found"' in answer.text


@pytest.mark.parametrize("slug", sorted(PROBLEMS))
def test_the_address_that_names_a_problem_explains_it(door: FlaskClient, slug: str) -> None:
    answer = door.get(f"/problems/{slug}")
    assert answer.status_code == 200
    assert f"<code>{slug}</code>" in answer.text
    assert "{" not in answer.text.partition("<main")[2].partition("</main>")[0]


def test_what_is_no_problem_of_ours_is_not_explained(door: FlaskClient) -> None:
    assert door.get("/problems/nonsense").status_code == 404


@pytest.mark.parametrize("path", ["/nowhere", "/problems/nowhere"])
def test_a_page_of_an_error_knows_who_reads_it(
    browser: FlaskClient, services: CannedClient, path: str
) -> None:
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "Amina &lt;b&gt;" in answer.text
    assert 'href="/wallet"' in answer.text
    # Where who it is cannot be known, the page is told all the same.
    services.answers["identity.exchange"] = Refusal("service-unavailable", service="identity")
    browser.set_cookie("medtown_session", "another-secret")
    answer = browser.get(path)
    assert answer.status_code == 404
    assert "Amina" not in answer.text


def test_a_page_of_a_failure_knows_who_reads_it(browser: FlaskClient, services: CannedClient) -> None:
    services.answers["ledger.list_accounts"] = Refusal("service-unavailable", service="ledger")
    answer = browser.get("/wallet")
    assert answer.status_code == 503
    assert "Amina &lt;b&gt;" in answer.text
