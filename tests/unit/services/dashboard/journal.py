"""A journal made for a test: valid records with a hash chain of their own, and a client that serves it."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.dashboard.resources import Resources
from shared.auth.principal import JOURNAL_READER
from shared.auth.tokens import ServiceTokens, Signer
from shared.contracts import ids
from shared.contracts.clock import MICROSECONDS, from_text
from shared.contracts.errors import Refusal
from shared.contracts.journal import (
    ACCOUNT_OPENED,
    BEGINNING,
    CURRENCY_CREATED,
    GENESIS_HASH,
    TRANSFER_POSTED,
    TRANSFER_RESERVED,
    TRANSFERS_LINKED,
    JournalRecord,
    Position,
    to_cloud_event,
)
from shared.db.engine import Database

START = from_text("2026-01-05T00:00:00Z")
"""A Monday."""
DAY = 86_400 * MICROSECONDS


def at(day: int, hour: int = 12) -> int:
    """Unix microseconds of an hour of a day, day 0 being Monday, 5 January 2026."""
    return START + day * DAY + hour * 3600 * MICROSECONDS


class Journal:
    """Records of partition 0, in order; each method adds one. Times are those of the occurrence, in µs."""

    def __init__(self, timeline: str | None = None) -> None:
        self.timeline = timeline or ids.new_id()
        self.records: list[JournalRecord] = []

    def currency(
        self, code: str, when: int, kind: str = "backed", territory: str = "north"
    ) -> tuple[str, str]:
        """A currency; returns the ids of the accounts that issue and redeem."""
        issuance, redemption = ids.new_account_id(0), ids.new_account_id(0)
        currency = {
            "id": ids.new_id(),
            "code": code,
            "names": {"en": code},
            "kind": kind,
            "minor_units": 100,
            "territory": territory,
            "simulated": code.endswith("S"),
            "issuance_account": issuance,
            "redemption_account": redemption,
        }
        accounts = [
            self._account(issuance, code, "issuance", None),
            self._account(redemption, code, "redemption", None),
        ]
        self.record(CURRENCY_CREATED, when, accounts=accounts, currency=currency)
        return issuance, redemption

    def account(self, currency: str, when: int, kind: str = "member", territory: str | None = None) -> str:
        """An account opened; returns its id."""
        account = ids.new_account_id(0)
        self.record(ACCOUNT_OPENED, when, accounts=[self._account(account, currency, kind, territory)])
        return account

    def transfer(
        self, payer: str, payee: str, amount: int, when: int, kind: str = "payment"
    ) -> JournalRecord:
        """A transfer; whether it issues, pays or redeems follows from the accounts."""
        entries = [(payer, -amount), (payee, amount)]
        transfer = _transfer(payer, payee, amount, kind)
        return self.record(TRANSFER_POSTED, when, entries=entries, transfer=transfer)

    def linked(self, legs: Sequence[tuple[str, str, int]], when: int) -> JournalRecord:
        """Transfers posted together, (payer, payee, amount); entries of an account are netted."""
        sums: dict[str, int] = {}
        transfers = []
        for payer, payee, amount in legs:
            sums[payer] = sums.get(payer, 0) - amount
            sums[payee] = sums.get(payee, 0) + amount
            transfers.append(_transfer(payer, payee, amount, "payment"))
        entries = [(account, amount) for account, amount in sums.items() if amount]
        return self.record(TRANSFERS_LINKED, when, entries=entries, transfers=transfers)

    def reserved(self, payer: str, payee: str, amount: int, when: int) -> JournalRecord:
        """Units moved inside the payer's account."""
        transfer = _transfer(payer, payee, amount, "payment")
        entries = [(payer, -amount), (payer, amount)]
        return self.record(TRANSFER_RESERVED, when, entries=entries, transfer=transfer)

    def record(
        self,
        type_: str,
        when: int,
        *,
        accounts: Sequence[dict[str, Any]] = (),
        entries: Sequence[tuple[str, int]] = (),
        **payload: Any,
    ) -> JournalRecord:
        """Any record."""
        last = self.records[-1] if self.records else None
        previous = last.hash if last else GENESIS_HASH
        content = {
            "accounts": list(accounts),
            "entries": [[a, "", amount, 0] for a, amount in entries],
            **payload,
        }
        record = JournalRecord(
            partition=0,
            timeline=self.timeline,
            sequence=len(self.records) + 1,
            type=type_,
            recorded_at=max(when, last.recorded_at if last else 0),
            occurred_at=when,
            prev_hash=previous,
            hash=hashlib.sha256((previous + json.dumps(content)).encode()).hexdigest(),
            payload=content,
        )
        self.records.append(record)
        return record

    def restored(self, sequence: int) -> "Journal":
        """The journal as it was after that record, on a timeline of its own from there on."""
        copy = Journal()
        copy.records = self.records[:sequence]
        return copy

    @staticmethod
    def _account(id_: str, currency: str, kind: str, territory: str | None) -> dict[str, Any]:
        return {"id": id_, "currency": currency, "kind": kind, "holder": None, "territory": territory}


def _transfer(payer: str, payee: str, amount: int, kind: str) -> dict[str, Any]:
    return {"id": ids.new_id(), "kind": kind, "payer": payer, "payee": payee, "amount": amount}


class JournalClient:
    """Serves `journal_since` of a journal, as the ledger does."""

    def __init__(self, journal: Journal, page: int = 500) -> None:
        self.journal = journal
        self.page = page
        self.pulls = 0

    def call(
        self,
        service: str,
        method: str,
        arguments: Mapping[str, Any],
        *,
        token: str | None = None,
        not_after: int | None = None,
    ) -> dict[str, Any]:
        assert (service, method) == ("ledger", "journal_since")
        assert token
        self.pulls += 1
        since = Position(arguments["timeline"], arguments["sequence"], arguments["hash"])
        records = self.journal.records
        if since != BEGINNING and since not in [record.position for record in records]:
            raise Refusal("diverged")
        page = records[since.sequence : since.sequence + min(self.page, arguments["limit"])]
        up_to = page[-1].sequence if page else since.sequence
        return {"records": [to_cloud_event(record) for record in page], "up_to": up_to}

    def close(self) -> None:
        pass


def resources_for(database: Database, journal: Journal, page: int = 500) -> Resources:
    """The dashboard's resources, with the journal for its ledger."""
    tokens = ServiceTokens(Signer("dashboard", Ed25519PrivateKey.generate()), frozenset({JOURNAL_READER}))
    return Resources(database, JournalClient(journal, page), tokens)
