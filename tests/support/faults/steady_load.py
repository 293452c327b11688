"""Load that goes on through every fault: payments alone and in bulk, repeated ones, reservations that are
posted or voided, and some that the rules refuse. Whatever gets no answer is sent again under the same id.
"""

import json
import random
import threading
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

import requests

from shared.contracts import ids
from shared.contracts.errors import PROBLEMS
from tests.support.api import Api, Town, transfer
from tests.support.waiting import wait_until

WORKERS = 3
ISSUED = 10**12
PACE_SECONDS = 0.03
PAUSE_SECONDS = 0.1
BULK_LINES = 6
OPEN_RESERVATIONS = 12
PATIENCE_SECONDS = 8.0
"""How long a client waits before it gives up and asks again."""
ANSWER_SECONDS = 90.0
"""How long a fault may keep a request from its answer, with all its repetitions."""
MOVING_SECONDS = 90.0
RESERVED_SECONDS = 24 * 3600
REFUSED = "insufficient-balance"


@dataclass(eq=False)
class Sent:
    """A command, and what was answered: a view, or a refusal by the rules."""

    path: str
    body: dict[str, Any]
    by_operator: bool = False
    view: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None
    unanswered: int = 0

    @property
    def id(self) -> str:
        return str(self.body["id"])

    @property
    def is_settled(self) -> bool:
        return self.view is not None or self.problem is not None

    def take(self, status: int, answer: dict[str, Any]) -> str:
        """Keep an answer; the reason where it settles nothing."""
        if status in (200, 201):
            self.view = answer
            return ""
        slug = str(answer.get("type", "")).rsplit("/", 1)[-1] or str(status)
        if slug in PROBLEMS and PROBLEMS[slug].final:
            self.problem = {name: answer[name] for name in ("type", "status", "detail")}
            return ""
        self.unanswered += 1
        return slug


@dataclass
class Books:
    """What the accounts of one worker must have come to."""

    payer: str
    payee: str
    poor: str
    paid: int = 0
    payments: int = 0
    reserved: int = 0
    open: int = 0


class LoadBroken(Exception):
    """An answer was another one than it had to be, or none came."""


@dataclass
class Memory:
    """Every command that was answered."""

    accepted: list[Sent] = field(default_factory=list)
    refused: list[Sent] = field(default_factory=list)
    resolved: int = 0
    """Commands of which a first answer told nothing, and a later one everything."""
    not_answers: Counter[str] = field(default_factory=Counter)


class SteadyLoad:
    """Runs from `start` to `stop`; `settle` lets everything in hand be answered and holds it, `go_on`
    continues.
    """

    def __init__(self, town: Town, seed: int) -> None:
        self.town = town
        self.memory = Memory()
        self._lock = threading.Lock()
        town.payer()
        holder = town.member.person["id"]
        self.books = [
            Books(town.account(holder, issued=ISSUED), town.account(), town.account(holder))
            for _ in range(WORKERS)
        ]
        self._stopping = threading.Event()
        self._holding = threading.Event()
        self._idle = [threading.Event() for _ in range(WORKERS)]
        self._broken: list[BaseException] = []
        self._threads = [
            threading.Thread(
                target=self._work, args=(number, random.Random(seed * WORKERS + number)), daemon=True
            )
            for number in range(WORKERS)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stopping.set()
        for thread in self._threads:
            thread.join(ANSWER_SECONDS)

    def settle(self) -> None:
        """Return once everything that was sent has been answered for good."""
        self._holding.set()
        wait_until(self._is_idle, ANSWER_SECONDS * 2, "every command to be answered")

    def go_on(self) -> None:
        for idle in self._idle:
            idle.clear()
        self._holding.clear()

    def wait_until_moving(self, more: int = 5) -> None:
        """Return once some more commands have been accepted than by now."""
        before = len(self.memory.accepted)

        def moves() -> bool:
            self.check()
            return len(self.memory.accepted) >= before + more

        wait_until(moves, MOVING_SECONDS, f"payments to go on; in between: {self.memory.not_answers}")

    def wait_until_hampered(self) -> None:
        """Return once something has been sent that could not be answered."""
        before = sum(self.memory.not_answers.values())
        wait_until(
            lambda: sum(self.memory.not_answers.values()) > before, MOVING_SECONDS, "the fault to be felt"
        )

    def check(self) -> None:
        """Raise LoadBroken where a worker has ended with what must not be."""
        if self._broken:
            raise LoadBroken(repr(self._broken[0])) from None

    def again(self, sent: Sent) -> None:
        """See that a command sent once more is answered as it was."""
        repeated = Sent(sent.path, sent.body, sent.by_operator)
        self._insist([repeated], self._api(repeated))
        assert repeated.problem == sent.problem, (sent, repeated)
        if sent.view is not None:
            assert repeated.view is not None
            for name in ("id", "amount", "sequence"):
                assert repeated.view.get(name) == sent.view.get(name), (sent, repeated)

    def _is_idle(self) -> bool:
        self.check()
        return all(idle.is_set() for idle in self._idle)

    def _work(self, number: int, chance: random.Random) -> None:
        try:
            books = self.books[number]
            kinds = (self._pay, self._pay_in_bulk, self._reserve, self._overdraw)
            while not self._stopping.is_set():
                if self._holding.is_set():
                    self._idle[number].set()
                    self._stopping.wait(PACE_SECONDS)
                    continue
                chance.choices(kinds, (10, 3, 3, 3))[0](books, chance)
                self._stopping.wait(PACE_SECONDS)
        except BaseException as error:  # noqa: BLE001 - whoever waits for this load raises it
            self._broken.append(error)

    def _pay(self, books: Books, chance: random.Random) -> None:
        sent = self._payment(books, chance)
        self._settled([sent])
        if chance.random() < 0.3:
            self.again(sent)
        self._note_paid(books, sent)

    def _pay_in_bulk(self, books: Books, chance: random.Random) -> None:
        lines = [self._payment(books, chance) for _ in range(BULK_LINES)]
        self._settled(lines, doubled=True)
        for sent in lines:
            self._note_paid(books, sent)

    def _reserve(self, books: Books, chance: random.Random) -> None:
        amount = chance.randint(1, 99)
        body = transfer(
            books.payer, books.payee, amount, self.town.currency, pending_seconds=RESERVED_SECONDS
        )
        pending = Sent("/transfers", body)
        self._settled([pending])
        self._must_be_accepted(pending)
        end = chance.choice(("postings", "voids", "")) or self._left_open(books, amount)
        if not end:
            return
        ending = Sent(f"/transfers/{pending.id}/{end}", {"id": ids.new_id()}, by_operator=True)
        self._settled([ending])
        self._must_be_accepted(ending)
        if end == "postings":
            books.paid += amount
            books.payments += 1

    @staticmethod
    def _left_open(books: Books, amount: int) -> str:
        """Leave a reservation open, if there are not many yet: an account may have 32."""
        if books.open == OPEN_RESERVATIONS:
            return "voids"
        books.open += 1
        books.reserved += amount
        return ""

    def _overdraw(self, books: Books, chance: random.Random) -> None:
        sent = Sent("/transfers", transfer(books.poor, books.payee, chance.randint(1, 9), self.town.currency))
        self._settled([sent])
        assert sent.problem is not None, sent
        assert sent.problem["type"].endswith(REFUSED), sent

    def _payment(self, books: Books, chance: random.Random) -> Sent:
        return Sent(
            "/transfers", transfer(books.payer, books.payee, chance.randint(1, 99), self.town.currency)
        )

    def _note_paid(self, books: Books, sent: Sent) -> None:
        self._must_be_accepted(sent)
        books.paid += sent.body["amount"]["amount"]
        books.payments += 1

    @staticmethod
    def _must_be_accepted(sent: Sent) -> None:
        assert sent.view is not None, sent

    def _settled(self, commands: list[Sent], *, doubled: bool = False) -> None:
        """Send until all are answered for good, and remember them."""
        self._insist(commands, self._api(commands[0]), doubled=doubled)
        with self._lock:
            self.memory.accepted += [sent for sent in commands if sent.view is not None]
            self.memory.refused += [sent for sent in commands if sent.problem is not None]
            self.memory.resolved += sum(sent.unanswered > 0 for sent in commands)

    def _api(self, sent: Sent) -> Api:
        """A connection of the caller's own."""
        person = self.town.operator if sent.by_operator else self.town.member
        api = Api(person.base_url)
        api.http.headers["Authorization"] = person.http.headers["Authorization"]
        return api

    def _insist(self, commands: list[Sent], api: Api, *, doubled: bool = False) -> None:
        def settled() -> bool:
            open_ones = [sent for sent in commands if not sent.is_settled]
            if not open_ones:
                return True
            for reason in self._ask(open_ones, api, doubled):
                self.memory.not_answers[reason] += 1
            if all(sent.is_settled for sent in commands):
                return True
            self._stopping.wait(PAUSE_SECONDS)
            return False

        with api.http:
            wait_until(settled, ANSWER_SECONDS, f"an answer to {commands[0]}")

    def _ask(self, commands: list[Sent], api: Api, doubled: bool) -> list[str]:
        """Send them once; the reasons why some are still open."""
        try:
            if not doubled:
                (sent,) = commands
                answer = self._post(api, sent.path, json=sent.body)
                reasons = [sent.take(answer.status_code, answer.json())]
            else:
                reasons = self._ask_in_bulk(commands, api)
        except (requests.RequestException, ValueError) as error:
            for sent in commands:
                sent.unanswered += not sent.is_settled
            return [type(error).__name__]
        return [reason for reason in reasons if reason]

    @staticmethod
    def _post(api: Api, path: str, **options: Any) -> requests.Response:
        return api.http.post(f"{api.base_url}/api/v1{path}", timeout=PATIENCE_SECONDS, **options)

    def _ask_in_bulk(self, commands: list[Sent], api: Api) -> list[str]:
        """Every line twice in one request."""
        twice = [sent for sent in commands for _ in range(2)]
        body = "\n".join(json.dumps(sent.body) for sent in twice).encode()
        headers = {"Content-Type": "application/x-ndjson"}
        answer = self._post(api, "/transfers/bulk", data=body, headers=headers)
        if answer.status_code != 200:
            return [sent.take(answer.status_code, answer.json()) for sent in commands]
        reasons = []
        lines = [json.loads(line) for line in answer.text.splitlines()]
        for sent, given in zip(twice, lines, strict=False):
            told = given.get("transfer") or given["problem"]
            if sent.view is not None and given["status"] in (200, 201):
                assert told["sequence"] == sent.view["sequence"], (sent, told)
            reasons.append(sent.take(given["status"], told))
        return reasons
