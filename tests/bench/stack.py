"""A whole installation to send payments to: people who pay, and what is asked of it over HTTP."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import Any

from shared.contracts.ledger_inputs import BULK_MAX_LINES
from tests.bench.behind import Behind
from tests.bench.figures import latencies, percentile
from tests.bench.processes import cpu_seconds, memory_mb
from tests.support.api import Api, Town, administrator, transfer
from tests.support.deployment import PROJECT, Deployment

PEOPLE = 16
FAMILIES = 1_000
ISSUED = 1_000_000_000
WARM_SECONDS = 1.0
UPLOADS = 2
"""Bulk uploads under way at a time: as many as the gateway has workers."""
QUERY_PAUSE_SECONDS = 0.02
BODY_SECONDS = 120


class Stack:
    """A town in a running installation. Each of its people pays somebody of their own."""

    def __init__(self, deployment: Deployment) -> None:
        self.deployment = deployment
        self.town = Town(administrator(deployment.base_url))
        self.people: list[tuple[Api, str]] = []
        for _ in range(PEOPLE):
            account = self.town.payer(issued=ISSUED)
            self.people.append((self.town.member, account))
        self._families = [self.town.account() for _ in range(PEOPLE)]
        self._secrets = [str(api.http.headers["Authorization"]).split()[1] for api, _ in self.people]

    def load(self, connections: int, seconds: float, *, rate: float | None = None) -> "subprocess.Popen[str]":
        """Begin to send single payments; `seen` waits for the end."""
        payers = [
            (secret, account, family)
            for secret, (_, account), family in zip(self._secrets, self.people, self._families, strict=True)
        ]
        asked = {
            "port": self.deployment.port,
            "connections": connections,
            "warm": WARM_SECONDS,
            "seconds": seconds,
            "rate": rate,
            "currency": self.town.currency,
            "payers": payers,
        }
        client = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.load_client"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=PROJECT,
        )
        assert client.stdin is not None
        client.stdin.write(json.dumps(asked))
        client.stdin.close()
        client.stdin = None
        return client

    def singles(self, connections: int, seconds: float, *, rate: float | None = None) -> dict[str, Any]:
        """What single payments came to, how far the dashboard was behind meanwhile, and what each process
        worked for one.
        """
        behind, worked = Behind(self.deployment), cpu_seconds(self.deployment)
        with behind:
            seen = answer_of(self.load(connections, seconds, rate=rate))
        seen |= {"behind_seconds": behind.most_seconds(), "drain_seconds": behind.drain_seconds()}
        behind.close()
        # The time before counting begins is worked for as well.
        return seen | self._cpu_us(worked, seen["a_second"] * (WARM_SECONDS + seconds))

    def bulk(self, transfers: int) -> dict[str, Any]:
        """Uploads of as many lines as one may have, from one account to all families, two at a time."""
        lines = min(BULK_MAX_LINES, max(1, transfers // UPLOADS))
        families = [self.town.account() for _ in range(min(FAMILIES, lines))]
        bodies = [
            (number % UPLOADS, self._body(self.people[number % UPLOADS][1], families, lines))
            for number in range(max(UPLOADS, transfers // lines))
        ]
        faults: list[BaseException] = []

        def upload(person: int) -> None:
            try:
                for owner, body in bodies:
                    if owner == person:
                        self._upload(self.people[person][0], body, lines)
            except Exception as error:  # noqa: BLE001 - it is raised by the thread that waits
                faults.append(error)

        behind, worked = Behind(self.deployment), cpu_seconds(self.deployment)
        with behind:
            started = time.perf_counter()
            threads = [threading.Thread(target=upload, args=(person,)) for person in range(UPLOADS)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            seconds = time.perf_counter() - started
        if faults:
            raise faults[0]
        count = len(bodies) * lines
        drained = behind.drain_seconds()
        behind.close()
        seen = {"a_second": count / seconds, "transfers": count, "drain_seconds": drained}
        return seen | self._cpu_us(worked, count)

    def history(self, rows: int) -> dict[str, Any]:
        """The CSV of an account that has paid so often: seconds, rows, and how the gateway's memory grew."""
        account = self.town.payer(issued=ISSUED)
        api, families = self.town.member, self._families
        for start in range(0, rows, BULK_MAX_LINES):
            lines = min(BULK_MAX_LINES, rows - start)
            self._upload(api, self._body(account, families, lines), lines)
        resident = Resident(self.deployment)
        with resident:
            started = time.perf_counter()
            answer = api.request("GET", f"/accounts/{account}/transfers.csv", stream=True)
            answer.raise_for_status()
            size, lines = 0, 0
            for piece in answer.iter_content(65_536):
                size += len(piece)
                lines += piece.count(b"\n")
            seconds = time.perf_counter() - started
        return {
            "seconds": seconds,
            "rows": lines - 1,
            "bytes": size,
            "grown_mb": resident.grown().get("gateway", resident.grown().get("embedded", 0.0)),
        }

    def queries(self, connections: int, rate: float, seconds: float) -> dict[str, Any]:
        """The time of queries, one after the other, while payments come in at a rate."""
        api, account = self.people[0]
        asked = {
            "account": f"/accounts/{account}",
            "history": f"/accounts/{account}/transfers",
            "indicators": f"/indicators/supply?currency={self.town.currency}&period=month",
        }
        client = self.load(connections, seconds, rate=rate)
        times: dict[str, list[float]] = {name: [] for name in asked}
        end = time.perf_counter() + WARM_SECONDS + seconds
        while time.perf_counter() < end:
            for name, path in asked.items():
                started = time.perf_counter()
                api.get(path)
                times[name].append(time.perf_counter() - started)
                time.sleep(QUERY_PAUSE_SECONDS)
        seen = answer_of(client)
        found = {name: latencies(listed)["p95_ms"] for name, listed in times.items()}
        whole = sorted(each for listed in times.values() for each in listed)
        return {"p95_ms": 1000 * percentile(whole, 0.95), **found, "payments_a_second": seen["a_second"]}

    def _cpu_us(self, before: dict[str, float], payments: float) -> dict[str, dict[str, float]]:
        """Microseconds that each process has worked for one payment; next to nothing is left out."""
        now = cpu_seconds(self.deployment)
        spent = {name: 1e6 * (seconds - before.get(name, 0.0)) / payments for name, seconds in now.items()}
        return {"cpu_us": {name: us for name, us in spent.items() if us >= 1}}

    def _body(self, account: str, families: Sequence[str], lines: int) -> bytes:
        return b"".join(
            json.dumps(transfer(account, families[number % len(families)], 1, self.town.currency)).encode()
            + b"\n"
            for number in range(lines)
        )

    @staticmethod
    def _upload(api: Api, body: bytes, lines: int) -> None:
        answer = api.http.post(
            f"{api.base_url}/api/v1/transfers/bulk",
            data=body,
            headers={"Content-Type": "application/x-ndjson"},
            timeout=BODY_SECONDS,
        )
        made = answer.content.count(b'"status":201,')
        if made != lines:
            raise RuntimeError(f"{made} of {lines} lines were accepted: {answer.content[:500]!r}")


class Resident(AbstractContextManager["Resident"]):
    """How the memory of an installation's processes grows while the block runs."""

    def __init__(self, deployment: Deployment, look_seconds: float = 0.2) -> None:
        self._deployment = deployment
        self._look_seconds = look_seconds
        self.before = memory_mb(deployment)
        self.most = dict(self.before)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def grown(self) -> dict[str, float]:
        return {name: self.most[name] - before for name, before in self.before.items()}

    def __enter__(self) -> "Resident":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(self._look_seconds):
            for name, size in memory_mb(self._deployment).items():
                self.most[name] = max(self.most.get(name, 0.0), size)


def answer_of(client: "subprocess.Popen[str]") -> dict[str, Any]:
    """What a load client saw; `refused` are payments that were answered otherwise than with 201."""
    output, _ = client.communicate()
    if client.returncode != 0:
        raise RuntimeError("the load client failed")
    seen: dict[str, Any] = json.loads(output)
    seen["refused"] = sum(count for status, count in seen["statuses"].items() if status != "201")
    return seen
