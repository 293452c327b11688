"""The form of answers"""

import re

import pytest

from .api import Client, pointers, problem_of, slug_of
from .books import Currency

TIME = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z")


def test_money(backed: Currency) -> None:
    """1.1 Money is an object of an integer of minor units (`amount`), a `currency` and a readable `text`."""
    account = backed.account(1250)
    view = backed.client.get(f"/accounts/{account}")
    for name in ("balance", "available"):
        assert view[name]["amount"] == 1250
        assert type(view[name]["amount"]) is int
        assert view[name]["currency"] == backed.code
        assert view[name]["text"] == f"12.50 {backed.code}"


def test_times(backed: Currency) -> None:
    """1.2 Times are RFC 3339 in UTC, with a Z."""
    made = backed.pay(backed.account(5), backed.account(), 5)
    assert TIME.fullmatch(made["recorded_at"])
    assert TIME.fullmatch(made["occurred_at"])


def test_problems(backed: Currency) -> None:
    """1.3 A refusal is application/problem+json (RFC 9457): `type`, `title`, `status`, `detail`, `instance`;
    the type ends in a word that programs go by, `parameters` hold the facts.
    """
    poor = backed.account()
    problem = backed.client.refused(
        "/transfers", backed.payment(poor, backed.account(), 5), "insufficient-balance"
    )
    assert problem["status"] == 422
    assert problem["instance"] == "/api/v1/transfers"
    assert isinstance(problem["parameters"], dict)


def test_faults(backed: Currency) -> None:
    """1.4 A body at fault is answered with 422 and JSON pointers to the fields at fault (`errors`)."""
    body = backed.payment(backed.account(), backed.account(), 5)
    problem = backed.client.refused("/transfers", {**body, "payer": "me"}, "invalid-request")
    assert problem["status"] == 422
    assert pointers(problem) == ["/payer"]
    fault = problem["errors"][0]
    assert fault["code"]
    assert fault["detail"]


@pytest.mark.parametrize("token", [None, "", "nonsense", "x" * 5000])
def test_without_a_token(client: Client, token: str | None) -> None:
    """1.5 Without a token that is good, everything private is refused with 401 and WWW-Authenticate."""
    nobody = Client(client.url, token)
    for method, path in (("GET", "/accounts"), ("POST", "/transfers"), ("POST", "/linked-transfers")):
        answer = nobody.send(method, path, {} if method == "POST" else None)
        assert answer.status_code == 401
        assert slug_of(problem_of(answer)) == "not-signed-in"
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_unknown_addresses(client: Client) -> None:
    """1.6 An address that does not exist is 404, a method that it does not take 405 with `Allow`."""
    assert client.refused("/nowhere", None, "not-found", method="GET")["status"] == 404
    answer = client.send("DELETE", "/transfers")
    assert problem_of(answer)["status"] == 405
    assert "POST" in answer.headers["Allow"]


def test_media_types(backed: Currency) -> None:
    """1.7 A body that is not said to be JSON is 415, a form that is not to be had 406."""
    payer, payee = backed.account(10), backed.account()
    client = backed.client
    for kind in ("text/plain", "application/xml"):
        answer = client.send("POST", "/transfers", data=b"{}", headers={"Content-Type": kind})
        assert problem_of(answer)["status"] == 415
    body = backed.payment(payer, payee, 5)
    answer = client.send("POST", "/transfers", body, headers={"Accept": "image/png"})
    assert problem_of(answer)["status"] == 406
    assert backed.balance(payer) == 10


def test_description(client: Client, stranger: Client) -> None:
    """1.8 The ledger describes its API in OpenAPI 3 to everybody."""
    described = stranger.get("/openapi.json")
    assert described["openapi"].startswith("3.")
    for path in ("/api/v1/transfers", "/api/v1/linked-transfers", "/api/v1/accounts/{id}/balance"):
        assert path in described["paths"]


def test_languages(backed: Currency) -> None:
    """1.9 A refusal is told in the language of Accept-Language; its type and parameters stay the same."""
    body = backed.payment(backed.account(), backed.account(), 5)
    answers = [
        backed.client.send("POST", "/transfers", body, headers={"Accept-Language": language})
        for language in ("en", "es", "ar")
    ]
    problems = [problem_of(answer) for answer in answers]
    assert len({problem["title"] for problem in problems}) == 3
    assert len({problem["type"] for problem in problems}) == 1
    assert problems[0]["parameters"] == problems[1]["parameters"]
