"""The engine by itself, in a process patched as the writer's is: `python -m tests.bench.engine_process URL
ACCOUNTS`. Reads questions from standard input and answers them, a line of JSON each.
"""

from shared.messaging.amqp.patching import prepare_eventlet

# Before any other import: what is imported unpatched stays so.
prepare_eventlet()

import json  # noqa: E402
import logging  # noqa: E402
import random  # noqa: E402
import sys  # noqa: E402
import threading  # noqa: E402
import time  # noqa: E402
from collections.abc import Callable, Iterator  # noqa: E402
from contextlib import contextmanager  # noqa: E402
from typing import Any  # noqa: E402

from deploy.collecting import collect_seldom  # noqa: E402
from shared.contracts import ids  # noqa: E402
from shared.contracts.commands import Command, PostPending, Transfer, WriteCall  # noqa: E402
from tests.bench import books  # noqa: E402
from tests.bench.books import Town, decide  # noqa: E402
from tests.bench.figures import latencies  # noqa: E402
from tests.support.ledger import pay  # noqa: E402
from tests.support.writing import Ledger  # noqa: E402

Payments = Callable[[int], Iterator[tuple[int, Command]]]

RESERVED_SECONDS = 600
REFUSED_EVERY = 10


class Spent:
    """Time that calls took, and what this process worked meanwhile (which a busy machine hardly changes)."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.seconds = 0.0
        self._cpu = 0.0

    @contextmanager
    def measured(self) -> Iterator[None]:
        """Measure one call, or what many threads do together."""
        started, cpu = time.perf_counter(), time.process_time()
        yield
        self.times.append(time.perf_counter() - started)
        self.seconds += self.times[-1]
        self._cpu += time.process_time() - cpu

    def on(self, payments: int) -> dict[str, float]:
        """The figures, where all of it was spent on so many payments."""
        speed = {"a_second": payments / self.seconds, "cpu_us": 1e6 * self._cpu / payments}
        return speed | latencies(self.times)


class Engine:
    """A ledger with books, and what is asked of it. Every question is a method that returns plain data."""

    def __init__(self, url: str, accounts: int) -> None:
        self._ledger = Ledger(url)
        self._ledger.start()
        self._accounts = accounts
        self._towns: dict[str, Town] = {}
        collect_seldom()

    def batch(self, town: str, payments: str, size: int, seconds: float) -> dict[str, Any]:
        """Batches one after the other; making the commands is not counted."""
        make: Payments = getattr(self._town(town), f"{payments}_payments")
        spent = Spent()
        while spent.seconds < seconds:
            self._decide(self._town(town).batch(list(make(size))), spent)
        return spent.on(size * len(spent.times))

    def pending(self, size: int, seconds: float) -> dict[str, Any]:
        """Payments reserved by one batch and posted by the next; what is counted are the payments."""
        town = self._town("PLAIN")
        spent, count = Spent(), 0
        while spent.seconds < seconds:
            made = [(payer, _reserved(payment)) for payer, payment in town.random_payments(size)]
            numbers = {account: number for number, account in enumerate(town.accounts)}
            posts: list[tuple[int, Command]] = [
                (numbers[each.payee or ""], PostPending(id=ids.new_id(), pending=each.id)) for _, each in made
            ]
            self._decide(town.batch(list(made)), spent)
            self._decide(town.batch(posts), spent)
            count += size
        return spent.on(count)

    def refused(self, size: int, seconds: float) -> dict[str, Any]:
        """Batches of which every tenth payment is more than the payer has, which is kept as a refusal."""
        town = self._town("PLAIN")
        spent, count = Spent(), 0
        while spent.seconds < seconds:
            payments: list[tuple[int, Command]] = list(town.random_payments(size))
            for number in range(0, size, REFUSED_EVERY):
                payments[number] = (1, town.payment(1, 2, 10**15))
            call = town.batch(payments)
            with spent.measured():
                outcomes = self._ledger.writer.decide(call)
            if sum(outcome.refusal is not None for outcome in outcomes) != len(range(0, size, REFUSED_EVERY)):
                raise RuntimeError("other payments were refused than those that are too large")
            count += size
        return spent.on(count)

    def callers(self, town: str, payments: str, callers: int, seconds: float) -> dict[str, Any]:
        """So many callers, each with one payment at a time; making the commands is counted."""
        make: Payments = getattr(self._town(town), f"{payments}_payments")
        end = time.perf_counter() + seconds
        # What one call worked is not asked for: the question itself would cost as much as the call.
        whole, times = Spent(), list[float]()
        faults: list[BaseException] = []

        def call_for_ever() -> None:
            try:
                while time.perf_counter() < end:
                    call = self._town(town).batch(list(make(1)))
                    started = time.perf_counter()
                    decide(self._ledger, call)
                    times.append(time.perf_counter() - started)
            except Exception as error:  # noqa: BLE001 - it is raised by the thread that waits
                faults.append(error)

        threads = [threading.Thread(target=call_for_ever) for _ in range(callers)]
        with whole.measured():
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        if faults:
            raise faults[0]
        return whole.on(len(times)) | latencies(times)

    def fill(self, transfers: int, size: int) -> dict[str, Any]:
        """Let the books grow by so many transfers."""
        town, spent = self._town("PLAIN"), Spent()
        for _ in range(0, transfers, size):
            self._decide(town.batch(list(town.random_payments(size))), spent)
        return spent.on(transfers)

    def close(self) -> dict[str, Any]:
        self._ledger.close()
        return {}

    def _town(self, code: str) -> Town:
        if code not in self._towns:
            made = {
                "PLAIN": lambda: Town(self._ledger, "PLAIN", self._accounts),
                "FEES": lambda: books.with_fee_and_purpose(self._ledger, min(self._accounts, 5_000)),
                "DAYS": lambda: books.with_daily_limits(self._ledger, min(self._accounts, 5_000)),
            }
            self._towns[code] = made[code]()
        return self._towns[code]

    def _decide(self, call: WriteCall, spent: Spent) -> None:
        with spent.measured():
            decide(self._ledger, call)


def _reserved(payment: Transfer) -> Transfer:
    return pay(
        payment.payer, payment.payee, payment.amount, payment.currency, pending_seconds=RESERVED_SECONDS
    )


def main(url: str, accounts: int) -> None:
    logging.disable(logging.INFO)
    random.seed(1)
    engine = Engine(url, accounts)
    for line in sys.stdin:
        question = json.loads(line)
        answer = getattr(engine, question.pop("do"))(**question)
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
