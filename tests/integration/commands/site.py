"""An installation as its operator has it, in every way of running: commands, and what the services say."""

import json
import secrets
import string
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deploy.connect import Connection
from services.ledger.imports.replay import holder_id
from shared.contracts.errors import Refusal
from tests.support.commands import Done, connected, medtown
from tests.support.deployment import Deployment
from tests.support.waiting import wait_until

PROJECTED_SECONDS = 30.0


class Site:
    """Where commands run: with no server, beside the embedded one, or over RabbitMQ. `tools` and `ledger` are
    the variables of the operator's tools and of the ledger's processes.
    """

    def __init__(self, tools: Mapping[str, str], ledger: Mapping[str, str]) -> None:
        self.tools = tools
        self.ledger = ledger

    @classmethod
    def of(cls, deployment: Deployment) -> "Site":
        return cls(deployment.environment("tools"), deployment.environment("ledger"))

    @classmethod
    def alone(cls, data: Path) -> "Site":
        environment = {"MEDTOWN_DATA": str(data), "MEDTOWN_DEMO": "off"}
        return cls(environment, environment)

    def run(self, *arguments: str, stdin: str = "") -> Done:
        return medtown(*arguments, environment=self.tools, stdin=stdin)

    def verified(self) -> dict[str, Any]:
        """The report of a verification, which must find the ledger sound."""
        done = medtown("verify-ledger", "--json", environment=self.ledger)
        assert done.code == 0, done
        report: dict[str, Any] = json.loads(done.out)
        assert report["sound"] is True
        return report

    @contextmanager
    def services(self) -> Iterator["Services"]:
        with connected(self.tools) as connection:
            yield Services(connection)


class Services:
    """What the services say to the operator's tools."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def ask(self, service: str, method: str, **arguments: Any) -> Any:
        token = self._connection.tokens.token(service)
        return self._connection.client.call(service, method, arguments, token=token)

    def accounts(self, currency: str) -> list[dict[str, Any]]:
        """All accounts of a currency."""
        found: list[dict[str, Any]] = []
        cursor = None
        while True:
            page = self.ask("ledger", "list_accounts", currency=currency, limit=200, cursor=cursor)
            found += page["data"]
            cursor = page["next_cursor"]
            if not page["has_more"]:
                return found

    def balances(self, currency: str, addresses: Mapping[str, object]) -> dict[str, int]:
        """What the accounts of some addresses hold; the currency has no others."""
        by_holder = {
            one["holder"]: one["balance"]["amount"] for one in self.accounts(currency) if one["holder"]
        }
        assert len(by_holder) == len(addresses)
        return {address: by_holder[holder_id(currency, address)] for address in addresses}

    def figures(self, currency: str, code: str, period: str = "all", **bounds: str) -> dict[str, Any]:
        """The values of an indicator by the first day of their period; 0 and undefined ones are left out."""
        arguments = {"code": code, "currency": currency, "period": period, **bounds}
        series = self.ask("dashboard", "get_indicator", **arguments)
        return {str(one["start"]): one["value"] for one in series["values"] if one["value"]}

    def figure(self, currency: str, code: str) -> Any:
        """The value of an indicator over all of time; None where there is none."""
        return next(iter(self.figures(currency, code).values()), None)

    def wait_for_figure(self, currency: str, code: str, value: Any) -> None:
        def arrived() -> bool:
            try:
                return bool(self.figure(currency, code) == value)
            except Refusal as refusal:
                # Until the dashboard has heard of the currency, it knows none of that name.
                if refusal.slug == "unknown-currency":
                    return False
                raise

        wait_until(arrived, PROJECTED_SECONDS, f"{code} of {currency} to be {value}")


def new_code() -> str:
    """The code of a currency of a test's own."""
    return "L" + "".join(secrets.choice(string.ascii_uppercase) for _ in range(8))
