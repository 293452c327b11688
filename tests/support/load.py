"""Payments sent in bulk by a thread that repeats, under the same ids, whatever it got no answer for."""

import json
import threading

import requests

from tests.support.api import Town, transfer

CHUNK = 200
PAUSE_SECONDS = 0.1
AMOUNT = 3


class Load:
    """`total` payments of 3 from one account to another. Acknowledged ones are remembered by id."""

    def __init__(self, town: Town, total: int) -> None:
        self.payer = town.payer(issued=total * AMOUNT)
        self.payee = town.account()
        self.payer_api = town.member
        self.total = total
        self.acknowledged: set[str] = set()
        self.repeated = 0
        self._seen = 0
        self._town = town
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._send_all, daemon=True)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(60)

    def is_under_way(self) -> bool:
        """Whether some are acknowledged and some are still to come."""
        return 0 < len(self.acknowledged) < self.total

    def is_moving(self) -> bool:
        """Whether more are acknowledged than when this was last asked."""
        seen, self._seen = self._seen, len(self.acknowledged)
        return self._seen > seen

    def is_done(self) -> bool:
        return len(self.acknowledged) == self.total

    def _send_all(self) -> None:
        for start in range(0, self.total, CHUNK):
            count = min(CHUNK, self.total - start)
            lines = [transfer(self.payer, self.payee, AMOUNT, self._town.currency) for _ in range(count)]
            while not self._stop.is_set() and not self._send(lines):
                self.repeated += 1
                self._stop.wait(PAUSE_SECONDS)

    def _send(self, lines: list[dict[str, object]]) -> bool:
        """Whether every line has been acknowledged."""
        body = "\n".join(json.dumps(line) for line in lines).encode()
        try:
            answer = self.payer_api.request(
                "POST", "/transfers/bulk", data=body, headers={"Content-Type": "application/x-ndjson"}
            )
            if answer.status_code != 200:
                return False
            answers = [json.loads(line) for line in answer.text.splitlines()]
        except (requests.RequestException, ValueError):
            return False
        for line, given in zip(lines, answers, strict=False):
            if given["status"] in (200, 201):
                self.acknowledged.add(str(line["id"]))
        return len(answers) == len(lines) and all(given["status"] in (200, 201) for given in answers)
