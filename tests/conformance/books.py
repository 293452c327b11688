"""A fresh currency to try things with, and accounts in it whose holder is the token's own subject."""

import secrets
import string
from dataclasses import dataclass
from typing import Any

from .api import Client, View, new_id


@dataclass(frozen=True)
class Currency:
    """A simulated currency made for this run."""

    client: Client
    code: str
    view: View
    subject: str

    def money(self, amount: Any) -> View:
        return {"amount": amount, "currency": self.code}

    def account(
        self, issued: int = 0, *, holder: str | None = None, kind: str = "member", **more: Any
    ) -> str:
        """The id of a new account of the token's subject, with some money issued to it."""
        body = {"currency": self.code, "kind": kind, "holder": holder or self.subject, **more}
        account = str(self.client.make("/accounts", body)["id"])
        if issued:
            self.issue(account, issued)
        return account

    def issue(self, payee: str, amount: int, **more: Any) -> View:
        body = {"id": new_id(), "kind": "issuance", "payee": payee, "amount": self.money(amount), **more}
        return self.client.make("/transfers", body)

    def payment(self, payer: str, payee: str, amount: Any, **more: Any) -> View:
        """The body of a payment."""
        return {"id": new_id(), "payer": payer, "payee": payee, "amount": self.money(amount), **more}

    def pay(self, payer: str, payee: str, amount: int, **more: Any) -> View:
        return self.client.make("/transfers", self.payment(payer, payee, amount, **more))

    def reserve(self, payer: str, payee: str, amount: int, seconds: int = 600) -> View:
        return self.pay(payer, payee, amount, pending_seconds=seconds)

    def balance(self, account: str) -> int:
        return int(self.client.get(f"/accounts/{account}")["balance"]["amount"])

    def available(self, account: str) -> int:
        return int(self.client.get(f"/accounts/{account}")["available"]["amount"])

    def history(self, account: str) -> list[View]:
        """All of an account's transfers, newest first."""
        found: list[View] = []
        query: dict[str, Any] = {"limit": 200}
        while True:
            page = self.client.get(f"/accounts/{account}/transfers", **query)
            found += page["data"]
            if not page["has_more"]:
                return found
            query["cursor"] = page["next_cursor"]


def new_currency(client: Client, subject: str, *, kind: str = "backed", **more: Any) -> Currency:
    """A currency with a code that nobody else has."""
    code = "X" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(9))
    body = {
        "code": code,
        "names": {"en": "Conformance"},
        "minor_units": 100,
        "kind": kind,
        "territory": "conformance",
        "simulated": True,
        **more,
    }
    return Currency(client, code, client.make("/currencies", body), subject)


def charter(kind: str = "backed", **clauses: Any) -> View:
    """The document of a charter, the simplest but for these clauses."""
    return {
        "names": {"en": "Conformance"},
        "kind": kind,
        "minor_units": 100,
        "limits": [{"kind": "member"}, {"kind": "organisation"}],
        **clauses,
    }
