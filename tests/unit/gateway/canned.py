"""Services that answer what a test says: for tests of the HTTP layer alone. Flows run on the real ones."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from shared.contracts import clock, ids
from shared.contracts.commands import Command, Outcome, SentOutcome, Transfer
from shared.contracts.errors import Refusal

PERSON = {
    "id": ids.new_id(),
    "kind": "person",
    "name": "Amina <b>",
    "roles": ["member"],
    "locale": "en",
}
CURRENCY = {
    "code": "PUMA",
    "names": {"en": "Puma"},
    "minor_units": 100,
    "kind": "backed",
    "default_credit_limit": 0,
    "maximum_balance": 10**9,
    "territory": "seville",
    "simulated": False,
    "issuance_account": ids.new_id(),
    "redemption_account": ids.new_id(),
    "partition": 0,
    "created_at": "2026-01-01T00:00:00.000000Z",
}

Answer = Any | Callable[[Mapping[str, Any]], Any]


class CannedClient:
    """Answers by "service.method"; a refusal among the answers is raised. Remembers what it was asked."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, Mapping[str, Any], str | None]] = []
        self.answers: dict[str, Answer] = {
            "identity.exchange": self._exchange,
            "identity.sign_in": self._sign_in,
            "identity.sign_out": {},
            "ledger.list_currencies": {"data": [CURRENCY], "next_cursor": None, "has_more": False},
            "cop.list_groups": Refusal("not-signed-in"),
            "dashboard.list_indicators": {"data": []},
            "toolbox.list_documents": {"data": [], "next_cursor": None, "has_more": False},
        }

    def call(
        self,
        service: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        token: str | None = None,
        not_after: int | None = None,
    ) -> Any:
        self.calls.append((f"{service}.{method}", arguments, token))
        answer = self.answers.get(f"{service}.{method}", Refusal("service-unavailable", service=service))
        if isinstance(answer, Exception):
            raise answer
        return answer(arguments) if callable(answer) else answer

    def close(self) -> None:
        pass

    def count(self, name: str) -> int:
        """How often a method was called."""
        return sum(1 for called, _arguments, _token in self.calls if called == name)

    def asked(self, name: str) -> Mapping[str, Any]:
        """The arguments of the last call of a method."""
        return [arguments for called, arguments, _token in self.calls if called == name][-1]

    def _exchange(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if arguments["session"] != "a-session-secret":
            raise Refusal("not-signed-in")
        return {
            "person": PERSON,
            "tokens": {audience: f"token for {audience}" for audience in arguments["audiences"]},
            "expires_at": clock.to_text(clock.deadline(300)),
        }

    def _sign_in(self, arguments: Mapping[str, Any]) -> dict[str, Any]:
        if arguments["password"] != "the right one":
            raise Refusal("wrong-credentials")
        expires_at = clock.to_text(clock.deadline(3600))
        return {"session": "a-session-secret", "expires_at": expires_at, "person": PERSON}


class CannedWriter:
    """Accepts every command, unless told an outcome (or a refusal) for its id."""

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.outcomes: dict[str, Outcome | Refusal] = {}

    def submit(self, command: Command, token: str, not_after: int) -> SentOutcome:
        assert token == "token for ledger"
        assert not_after > clock.now_us()
        self.commands.append(command)
        outcome = self.outcomes.get(command.id) or Outcome(view=_view(command))
        if isinstance(outcome, Refusal):
            raise outcome
        return sent(outcome)

    def submit_many(
        self, chunks: Iterable[Sequence[Command]], token: str, not_after: int
    ) -> Iterator[Sequence[SentOutcome]]:
        for commands in chunks:
            yield [self.submit(command, token, not_after) for command in commands]


def sent(outcome: Outcome) -> SentOutcome:
    """An outcome as it comes from the writer."""
    return msgspec.json.decode(msgspec.json.encode(outcome), type=SentOutcome)


def _view(command: Command) -> dict[str, Any]:
    if isinstance(command, Transfer):
        return {"id": command.id, "status": "posted"}
    return {"id": command.id, "code": getattr(command, "code", None)}
