"""The HTTP API as a test uses it: signed in as somebody, refusals checked, things to pay with made in a
line.
"""

import json
import secrets
import string
from collections.abc import Iterable
from functools import cache
from typing import Any

import requests

from shared.contracts import ids
from tests.support.deployment import ADMIN_EMAIL, ADMIN_PASSWORD
from tests.support.waiting import wait_until

TIMEOUT_SECONDS = 30


class Api:
    """Calls one installation as one person, or as nobody until `sign_in`."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.http = requests.Session()
        self.person: dict[str, Any] = {}

    def sign_in(self, email: str, password: str) -> "Api":
        answer = self.expect(201, "POST", "/sessions", json={"email": email, "password": password})
        self.person = answer["person"]
        self.http.headers["Authorization"] = f"Bearer {answer['session']}"
        return self

    def again(self) -> "Api":
        """The same person in the same session, with connections of its own."""
        other = Api(self.base_url)
        other.person = self.person
        other.http.headers["Authorization"] = self.http.headers["Authorization"]
        return other

    def request(self, method: str, path: str, **options: Any) -> requests.Response:
        """`path` is relative to /api/v1."""
        return self.http.request(method, f"{self.base_url}/api/v1{path}", timeout=TIMEOUT_SECONDS, **options)

    def expect(self, status: int, method: str, path: str, **options: Any) -> Any:
        """The JSON of an answer that must have this status."""
        answer = self.request(method, path, **options)
        assert answer.status_code == status, f"{method} {path}: {answer.status_code} {answer.text}"
        return answer.json() if answer.content else None

    def get(self, path: str, **options: Any) -> Any:
        return self.expect(200, "GET", path, **options)

    def refused(self, slug: str, method: str, path: str, **options: Any) -> dict[str, Any]:
        """The problem of an answer that must be refused with this slug."""
        answer = self.request(method, path, **options)
        assert answer.headers["Content-Type"].startswith("application/problem+json"), answer.text
        problem: dict[str, Any] = answer.json()
        assert problem["type"].rsplit("/", 1)[1] == slug, answer.text
        assert problem["status"] == answer.status_code
        return problem

    def pay(self, payer: str, payee: str, amount: int, currency: str, **more: Any) -> dict[str, Any]:
        """A payment that must be posted."""
        view: dict[str, Any] = self.expect(
            201, "POST", "/transfers", json=transfer(payer, payee, amount, currency, **more)
        )
        return view

    def issue(self, payee: str, amount: int, currency: str) -> dict[str, Any]:
        body = {"id": ids.new_id(), "kind": "issuance", "payee": payee, "amount": money(amount, currency)}
        view: dict[str, Any] = self.expect(201, "POST", "/transfers", json=body)
        return view

    def bulk(self, lines: Iterable[dict[str, Any] | str]) -> list[dict[str, Any]]:
        """The answers, one a line."""
        body = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in lines)
        headers = {"Content-Type": "application/x-ndjson"}
        answer = self.request("POST", "/transfers/bulk", data=body.encode(), headers=headers)
        assert answer.status_code == 200, answer.text
        return [json.loads(line) for line in answer.text.splitlines()]

    def balance(self, account: str) -> int:
        amount: int = self.get(f"/accounts/{account}")["balance"]["amount"]
        return amount


class Town:
    """A currency of a test's own, and people with accounts in it. `operator` is signed in as the
    administrator.
    """

    def __init__(self, operator: Api, **currency: Any) -> None:
        self.operator = operator
        self.currency = "T" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(8))
        body = {
            "code": self.currency,
            "names": {"en": "Test currency"},
            "minor_units": 100,
            "kind": "backed",
            "territory": "testville",
            **currency,
        }
        self.view = operator.expect(201, "POST", "/currencies", json=body)
        self.member = operator
        self.sign_in: dict[str, str] = {}

    def person(self, **more: Any) -> tuple[Api, dict[str, str]]:
        """A new person, signed in, and how they sign in."""
        return _registered(self.operator, **more)

    def neighbour(self, number: int = 0) -> Api:
        """One of the people, by number, whom the tests of a run share: for tests to which it is the same what
        others did in their name. Passwords are slow on purpose, so everybody who is new costs time.
        """
        return _neighbour(self.operator.base_url, number).again()

    def account(self, holder: str | None = None, *, issued: int = 0, **more: Any) -> str:
        """The id of a new account, with some money issued to it."""
        body = {"currency": self.currency, "kind": "member", "holder": holder or ids.new_id(), **more}
        account: str = self.operator.expect(201, "POST", "/accounts", json=body)["id"]
        if issued:
            self.operator.issue(account, issued, self.currency)
        return account

    def payer(self, *, issued: int = 0, **more: Any) -> str:
        """The account of a new person, who is from then on `member`."""
        self.member, self.sign_in = self.person()
        return self.account(self.member.person["id"], issued=issued, **more)

    def indicator(self, code: str, **parameters: Any) -> Any:
        """The value of the whole time, as the dashboard knows it now."""
        series = self.operator.get(
            f"/indicators/{code}", params={"currency": self.currency, "period": "all", **parameters}
        )
        return series["values"][-1]["value"] if series["values"] else None

    def wait_for_indicator(self, code: str, value: Any, seconds: float = 20) -> None:
        """Wait until the dashboard's figure has come to a value."""

        def arrived() -> bool:
            answer = self.operator.request(
                "GET", f"/indicators/{code}", params={"currency": self.currency, "period": "all"}
            )
            # Until the dashboard has heard of the currency, it knows none of that name.
            return bool(
                answer.ok and answer.json()["values"] and answer.json()["values"][-1]["value"] == value
            )

        wait_until(arrived, seconds, f"{code} of {self.currency} to be {value}")


def administrator(base_url: str) -> Api:
    """Signed in as the installation's administrator and operator. They sign in once a run, since checking a
    password is slow on purpose.
    """
    return _administrator(base_url).again()


@cache
def _administrator(base_url: str) -> Api:
    return Api(base_url).sign_in(ADMIN_EMAIL, ADMIN_PASSWORD)


@cache
def _neighbour(base_url: str, number: int) -> Api:
    return _registered(administrator(base_url))[0]


def _registered(operator: Api, **more: Any) -> tuple[Api, dict[str, str]]:
    sign_in = {"email": f"{secrets.token_hex(8)}@example.org", "password": "a long enough password"}
    body = {"name": f"Person {sign_in['email'][:6]}", **sign_in, **more}
    operator.expect(201, "POST", "/people", json=body)
    return Api(operator.base_url).sign_in(**sign_in), sign_in


def money(amount: int, currency: str) -> dict[str, Any]:
    return {"amount": amount, "currency": currency}


def transfer(payer: str, payee: str, amount: int, currency: str, **more: Any) -> dict[str, Any]:
    """The body of a payment, with a fresh id unless one is given."""
    return {"id": ids.new_id(), "payer": payer, "payee": payee, "amount": money(amount, currency), **more}
