"""A ledger with its writer in this process: what tests of writer, journal and queries stand on."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.ledger.resources import Resources
from services.ledger.writer.writer import Writer
from shared.auth.principal import ADMINISTRATOR, IMPORTER, JOURNAL_READER, MEMBER, OPERATOR, TIMEKEEPER
from shared.auth.tokens import Signer, TrustedIssuer, Verifier
from shared.contracts import clock, ids
from shared.contracts.commands import Command, Outcome, WriteCall, WriteItem
from shared.contracts.errors import Refusal
from shared.db import migrations
from shared.db.engine import Database
from shared.messaging.service import Call, Request
from tests.support.ledger import create_currency, issue, open_account

ROLES = frozenset({ADMINISTRATOR, OPERATOR, MEMBER, IMPORTER, JOURNAL_READER, TIMEKEEPER})
SERVICE_FOLDER = "services/ledger"
CALL_SECONDS = 20.0


class Ledger:
    """A migrated database, tokens for anybody, and a writer that leads it once `start` has been called."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.database = Database(url)
        self.resources = Resources(self.database)
        migrations.upgrade(SERVICE_FOLDER, self.database)
        key = Ed25519PrivateKey.generate()
        self.signer = Signer("identity", key)
        self.verifier = Verifier("ledger", {"identity": TrustedIssuer(key.public_key(), ROLES)})
        self.writer = self.new_writer()

    def new_writer(self, *, now_us: Callable[[], int] = clock.now_us) -> Writer:
        """Another writer of the same partition, not started."""
        return Writer(self.url, 0, self.verifier, now_us=now_us)

    def start(self) -> None:
        self.writer.start()
        assert self.writer.wait_until_leading(CALL_SECONDS)

    def close(self) -> None:
        self.writer.stop()
        self.database.close()

    def token(self, subject: str, *roles: str) -> str:
        return self.signer.sign(subject, "ledger", frozenset(roles))

    def operator_token(self) -> str:
        return self.token("the-operator", OPERATOR, ADMINISTRATOR)

    def decide(
        self,
        commands: Sequence[Command],
        token: str = "",
        *,
        seconds: float = CALL_SECONDS,
        writer: Writer | None = None,
    ) -> list[Outcome]:
        """The outcomes of commands in one call; without a token, the operator's."""
        items = [WriteItem(0, command) for command in commands]
        call = WriteCall([token or self.operator_token()], items, clock.deadline(seconds))
        return (writer or self.writer).decide(call)

    def view(self, command: Command, token: str = "") -> dict[str, Any]:
        """The view of a command that must be accepted."""
        (outcome,) = self.decide([command], token)
        assert outcome.view is not None, outcome.refusal
        return outcome.view

    def refusal(self, slug: str, command: Command, token: str = "") -> Outcome:
        """The outcome of a command that must be refused with this slug."""
        (outcome,) = self.decide([command], token)
        assert outcome.refusal is not None, outcome.view
        assert outcome.refusal["slug"] == slug, outcome.refusal
        return outcome

    def ask(self, call: Call, principal: str, *roles: str, **arguments: Any) -> Any:
        """What a query answers to a principal, with its arguments validated and its answer taken through JSON
        as they are on the way.
        """
        assert call.schema is not None
        loaded = call.schema().load(arguments)
        caller = self.verifier.verify(self.token(principal, *roles))
        answer = call.handler(self.resources, Request(loaded, caller, clock.deadline(CALL_SECONDS)))
        return msgspec.json.decode(msgspec.json.encode(answer))

    def currency(self, code: str = "PUMA", **more: Any) -> str:
        self.view(create_currency(code, **more))
        return code

    def account(self, holder: str = "", currency: str = "PUMA", *, issued: int = 0, **more: Any) -> str:
        command = open_account(holder or ids.new_id(), currency, **more)
        self.view(command)
        if issued:
            self.view(issue(command.id, issued, currency))
        return command.id

    def total(self, account: str) -> int:
        """What the database says that an account holds."""
        with self.database.read() as connection:
            row = connection.exec_driver_sql(
                "SELECT coalesce(b.total, b.balance) FROM balances b JOIN accounts a ON a.number = b.account "
                "WHERE b.bucket = '' AND a.id = " + self._literal(account)
            ).one()
        return int(row[0])

    def execute(self, statement: str) -> None:
        """Change the database behind the ledger's back."""
        with self.database.write() as connection:
            connection.exec_driver_sql(statement)

    def _literal(self, id: str) -> str:
        return f"x'{id.replace('-', '')}'" if self.database.is_sqlite else f"'{id}'"


@contextmanager
def running_ledger(url: str) -> Iterator[Ledger]:
    ledger = Ledger(url)
    try:
        ledger.start()
        yield ledger
    finally:
        ledger.close()


def refused_as(outcome: Outcome) -> str:
    """The slug of a refused outcome."""
    assert outcome.refusal is not None, outcome.view
    return Refusal.from_wire(outcome.refusal).slug
