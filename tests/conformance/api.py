"""The API as this suite speaks it: HTTP and JSON, ids made by the client, refusals looked at closely."""

import json
import secrets
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, TypeVar
from uuid import UUID

import requests

TIMEOUT_SECONDS = 30
PROBLEM = "application/problem+json"
MAX_AMOUNT = 2**53 - 1
DAY_MS = 24 * 3600 * 1000

Answer = TypeVar("Answer")
View = dict[str, Any]


def new_id(ahead_ms: int = 0) -> str:
    """A UUIDv7 (RFC 9562) made now, or so many milliseconds ahead."""
    milliseconds = time.time_ns() // 1_000_000 + ahead_ms
    number = (milliseconds << 80) | (7 << 76) | (secrets.randbits(12) << 64) | (0b10 << 62)
    return str(UUID(int=number | secrets.randbits(62)))


def slug_of(problem: View) -> str:
    return str(problem["type"]).rsplit("/", 1)[1]


class Client:
    """Speaks to one ledger with one token."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url.rstrip("/")
        self.token = token
        self._own = threading.local()

    def send(self, method: str, path: str, body: Any = None, **options: Any) -> requests.Response:
        """The answer to a request below /api/v1; `body` is sent as JSON."""
        if body is not None:
            options["json"] = body
        if not hasattr(self._own, "http"):
            # One connection a thread.
            self._own.http = requests.Session()
            if self.token is not None:
                self._own.http.headers["Authorization"] = f"Bearer {self.token}"
        http: requests.Session = self._own.http
        return http.request(method, self.address(path), timeout=TIMEOUT_SECONDS, **options)

    def address(self, path: str) -> str:
        return self.url + (path if path.startswith("/api/") else f"/api/v1{path}")

    def get(self, path: str, **query: Any) -> Any:
        """What stands at an address."""
        answer = self.send("GET", path, params=query)
        assert answer.status_code == 200, told(answer)
        return answer.json()

    def make(self, path: str, body: View, *, status: int = 201) -> View:
        """What came of a request that must be carried out, for the first time."""
        answer = self.send("POST", path, body)
        assert answer.status_code == status, told(answer)
        view: View = answer.json()
        return view

    def change(self, path: str, body: View | None = None) -> View:
        """What came of a request that changes what is there; its id is made here."""
        return self.make(path, {"id": new_id(), **(body or {})}, status=200)

    def refused(self, path: str, body: Any, *slugs: str, method: str = "POST") -> View:
        """The problem of a request that must be refused with one of these slugs."""
        return problem_of(self.send(method, path, body), *slugs)


def problem_of(answer: requests.Response, *slugs: str) -> View:
    """The problem that an answer must be, in its whole form."""
    assert 400 <= answer.status_code < 500, told(answer)
    assert answer.headers["Content-Type"].split(";")[0] == PROBLEM, told(answer)
    problem: View = answer.json()
    assert problem["status"] == answer.status_code
    for name in ("type", "title", "detail", "instance"):
        assert isinstance(problem[name], str), name
        assert problem[name], name
    assert not slugs or slug_of(problem) in slugs, told(answer)
    return problem


def pointers(problem: View) -> list[str]:
    return [fault["pointer"] for fault in problem["errors"]]


def told(answer: requests.Response) -> str:
    request = answer.request
    return f"{request.method} {request.url}: {answer.status_code} {answer.text[:600]}"


def simultaneously(functions: Sequence[Callable[[], Answer]]) -> list[Answer]:
    """Run functions in a thread each, started together; their answers in order. The first error is raised."""
    barrier = threading.Barrier(len(functions))
    answers: list[Any] = [None] * len(functions)
    errors: list[BaseException] = []

    def run(position: int, function: Callable[[], Answer]) -> None:
        try:
            barrier.wait(TIMEOUT_SECONDS)
            answers[position] = function()
        except BaseException as error:  # noqa: BLE001 (raised below)
            errors.append(error)

    threads = [threading.Thread(target=run, args=each) for each in enumerate(functions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return answers


def until(condition: Callable[[], Any], seconds: float, what: str) -> Any:
    """What a condition answers as soon as that is true."""
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, f"not within {seconds} s: {what}"
        time.sleep(0.05)
    return found


def lines_of(answer: requests.Response) -> list[View]:
    """The lines of a bulk answer."""
    assert answer.status_code == 200, told(answer)
    return [json.loads(line) for line in answer.text.splitlines()]
