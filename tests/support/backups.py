"""An installation backed up, killed and restored, as its operator does it."""

import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from deploy.services import SERVICES
from shared.contracts import ids
from tests.integration.commands.site import Site
from tests.support.api import Town, transfer
from tests.support.commands import Done, medtown
from tests.support.deployment import Deployment
from tests.support.waiting import wait_until

CONNECTIONS_END_SECONDS = 20.0


def operating(deployment: Deployment, folder: Path) -> Mapping[str, str]:
    """The variables for backups of an installation; `folder` takes the addresses of its databases."""
    environment = dict(deployment.environment("tools"))
    if deployment.kind == "distributed":
        addresses = folder / "addresses"
        addresses.mkdir(exist_ok=True)
        for service in SERVICES:
            url = deployment.environment(service)["MEDTOWN_DATABASE_URL"]
            (addresses / service).write_text(url + "\n")
        environment["MEDTOWN_DATABASE_URLS"] = str(addresses)
    return environment


class Operator:
    """Who backs an installation up and brings it back."""

    def __init__(self, deployment: Deployment, folder: Path) -> None:
        self.deployment = deployment
        self.site = Site.of(deployment)
        self.environment = operating(deployment, folder)

    def run(self, *arguments: str) -> Done:
        return medtown(*arguments, environment=self.environment)

    def back_up(self, target: Path) -> None:
        done = self.run("backup", str(target))
        assert done.code == 0, done

    def kill(self, processes: Iterable[str]) -> None:
        for process in processes:
            self.deployment.kill(process)

    def start(self, processes: Iterable[str]) -> None:
        for process in processes:
            self.deployment.start(process)
        self.deployment.wait_until_ready()

    def restore(self, *arguments: str) -> Done:
        """Restore once PostgreSQL has noticed that the processes are gone."""
        done: list[Done] = []

        def restored() -> bool:
            done.append(self.run("restore", *arguments))
            return "stop all processes" not in done[-1].err

        wait_until(restored, CONNECTIONS_END_SECONDS, "the killed processes' connections to end")
        assert done[-1].code == 0, done[-1]
        return done[-1]


class Payments:
    """Payments made one after the other by a thread, which remembers when each was begun and acknowledged
    (by `time.monotonic`), by id. One that gets no answer ends them.
    """

    def __init__(self, town: Town) -> None:
        self.payer = town.payer(issued=1_000_000)
        self.payee = town.account()
        self.api = town.member
        self.begun: dict[str, float] = {}
        self.acknowledged: dict[str, float] = {}
        self._currency = town.currency
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._pay, daemon=True)

    def __enter__(self) -> "Payments":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def wait_for_more(self, count: int = 5) -> None:
        """Wait until so many more are acknowledged."""
        wanted = len(self.acknowledged) + count
        wait_until(lambda: len(self.acknowledged) >= wanted, 60, f"{count} payments more")

    def acknowledged_until(self, moment: float) -> set[str]:
        return {id for id, at in self.acknowledged.items() if at <= moment}

    def begun_after(self, moment: float) -> set[str]:
        return {id for id, at in self.begun.items() if at > moment}

    def is_known(self, id: str) -> bool:
        """Whether the ledger has this payment."""
        status = self.api.request("GET", f"/transfers/{id}").status_code
        assert status in (200, 404)
        return status == 200

    def pay_once(self) -> dict[str, Any]:
        return self.api.pay(self.payer, self.payee, 1, self._currency)

    def _pay(self) -> None:
        while not self._stop.is_set():
            body = transfer(self.payer, self.payee, 1, self._currency, id=ids.new_id())
            self.begun[body["id"]] = time.monotonic()
            answer = self.api.request("POST", "/transfers", json=body)
            assert answer.status_code == 201, answer.text
            self.acknowledged[body["id"]] = time.monotonic()
