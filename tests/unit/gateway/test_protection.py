"""What protects readers: origins, headers, limits, cookies."""

import io
import json

import pytest
from flask.testing import FlaskClient
from werkzeug.test import create_environ, run_wsgi_app

from gateway.app import create_app
from gateway.protection import BODY_LIMIT_BYTES
from shared.config import load
from shared.contracts import ids
from tests.unit.gateway.canned import CannedClient, CannedWriter

CREDENTIALS = {"email": "amina@example.org", "password": "the right one"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 303),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "http://localhost"}, 303),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "http://localhost"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_another_site_cannot_act_with_the_reader_s_cookie(
    browser: FlaskClient, services: CannedClient, headers: dict[str, str], status: int
) -> None:
    answer = browser.post("/sign-out", headers=headers)
    assert answer.status_code == status
    assert services.count("identity.sign_out") == (1 if status == 303 else 0)


def test_a_program_s_token_needs_no_origin(door: FlaskClient, bearer: dict[str, str]) -> None:
    headers = {**bearer, "Origin": "https://elsewhere.example"}
    answer = door.delete("/api/v1/sessions/current", headers=headers)
    assert answer.status_code == 204


@pytest.mark.parametrize("path", ["/", "/api/v1/nothing", "/sign-in", "/livez"])
def test_every_answer_carries_the_security_headers(door: FlaskClient, path: str) -> None:
    headers = door.get(path).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "unsafe" not in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Referrer-Policy" in headers
    assert "Permissions-Policy" in headers
    assert "Strict-Transport-Security" not in headers


def test_only_the_api_s_page_may_set_styles(door: FlaskClient) -> None:
    policy = door.get("/api/").headers["Content-Security-Policy"]
    assert "style-src 'self' 'unsafe-inline'" in policy
    assert "script-src" not in policy


def test_over_https_cookies_and_transport_are_secured(services: CannedClient) -> None:
    config = load({"MEDTOWN_PUBLIC_URL": "https://medtown.example"})
    door = create_app(config, services, CannedWriter()).test_client()
    answer = door.post("/sign-in", data=CREDENTIALS)
    cookie = answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("Secure", "HttpOnly", "SameSite=Lax", "Path=/"))
    assert "Strict-Transport-Security" in answer.headers
    problem = door.get("/api/v1/nothing").get_json()
    assert problem["type"] == "https://medtown.example/problems/not-found"


@pytest.mark.parametrize(
    ("target", "location"),
    [
        ("/wallet?account=1", "/wallet?account=1"),
        ("", "/wallet"),
        ("https://evil.example", "/wallet"),
        ("//evil.example", "/wallet"),
        ("/\\evil.example", "/wallet"),
        ("/\tevil", "/wallet"),
        ("wallet", "/wallet"),
    ],
)
def test_signing_in_leads_nowhere_but_to_ourselves(door: FlaskClient, target: str, location: str) -> None:
    answer = door.post("/sign-in", data={**CREDENTIALS, "next": target})
    assert answer.status_code == 303
    assert answer.headers["Location"] == location


def test_pages_of_somebody_are_kept_nowhere(browser: FlaskClient) -> None:
    assert browser.get("/").headers["Cache-Control"] == "no-store"


def test_metrics_are_not_served_through_the_public_door(door: FlaskClient) -> None:
    assert door.get("/metrics").status_code == 404


def test_a_trace_is_taken_up_and_handed_back(door: FlaskClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = door.get("/livez", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.headers["traceparent"].split("-")[1] == trace
    assert door.get("/livez").headers["traceparent"].split("-")[1] != trace


def sent_by_gunicorn(door: FlaskClient, bearer: dict[str, str], content: bytes, announced: int | None) -> int:
    """The status for a body that arrives by a server which ends the stream itself, with its length or
    without.
    """
    environ = create_environ(
        "/api/v1/transfers", method="POST", content_type="application/json", headers=bearer
    )
    environ |= {"wsgi.input": io.BytesIO(content), "wsgi.input_terminated": True}
    if announced is not None:
        environ["CONTENT_LENGTH"] = str(announced)
    _answer, status, _headers = run_wsgi_app(door.application, environ)
    return int(status.split()[0])


def paying(size: int) -> bytes:
    """A transfer that would be posted, as so many bytes."""
    payer, payee = ids.new_account_id(0), ids.new_account_id(0)
    body = {"id": ids.new_id(), "payer": payer, "payee": payee, "amount": {"amount": 1, "currency": "PUMA"}}
    return json.dumps(body).encode().ljust(size)


def test_a_body_without_its_length_is_taken_whole_or_not_at_all(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]
) -> None:
    for size in (0, 1000, BODY_LIMIT_BYTES):
        assert sent_by_gunicorn(door, bearer, paying(size), None) == 201
    taken = len(writer.commands)
    for size in (BODY_LIMIT_BYTES + 1, 10 * 1024 * 1024):
        assert sent_by_gunicorn(door, bearer, paying(size), None) == 413
    assert len(writer.commands) == taken


def test_a_body_shorter_than_announced_does_nothing(
    door: FlaskClient, writer: CannedWriter, bearer: dict[str, str]
) -> None:
    content = paying(500)
    assert sent_by_gunicorn(door, bearer, content, len(content)) == 201
    for missing in (1, 100, BODY_LIMIT_BYTES - 500):
        assert sent_by_gunicorn(door, bearer, content, len(content) + missing) == 400
    assert len(writer.commands) == 1
