"""A store in memory, so that random histories go through the writer's own way of loading and gathering."""

import copy
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace

from services.ledger.kernel.buckets import PLAIN
from services.ledger.kernel.record import GENESIS, Record, StoredRefusal
from services.ledger.kernel.state import Account, Currency, Key, Known, Thing, first_account
from services.ledger.writer.store import Batch, Partition

PARTITION = 0


class MemoryStore:
    """What a database would keep; nothing that the writer holds in its hands is shared with it."""

    def __init__(self, timeline: str) -> None:
        self.partition = Partition(PARTITION, timeline, 1, 0, GENESIS, "", 0, False)
        self.currencies: dict[str, Currency] = {}
        self.accounts: dict[str, Account] = {}
        self.balances: dict[int, dict[str, tuple[int, int | None]]] = {}
        self.things: dict[Key, Thing] = {}
        self.commands: dict[str, Known] = {}
        self.records: list[Record] = []

    def connect(self) -> None: ...

    def close(self) -> None: ...

    def try_lead(self, partition: int) -> bool:
        return True

    def read_partition(self, partition: int) -> Partition:
        return self.partition

    def take_over(self, partition: int, timeline: str) -> Partition:
        return self.partition

    def next_account(self, partition: int) -> int:
        return first_account(partition) + len(self.accounts)

    def load_currencies(self, codes: Collection[str]) -> list[Currency]:
        return [self.currencies[code] for code in codes if code in self.currencies]

    def load_accounts(self, ids: Collection[str]) -> list[Account]:
        found = []
        for id in ids:
            if id in self.accounts:
                account = copy.deepcopy(self.accounts[id])
                rows = self.balances[account.number]
                balance, total = rows[PLAIN]
                account.total = balance if total is None else total
                for bucket, (held, _) in rows.items():
                    account.put(bucket, held)
                found.append(account)
        return found

    def load_commands(self, partition: int, ids: Collection[str]) -> list[Known]:
        return [self.commands[id] for id in ids if id in self.commands]

    def load_recent(self, partition: int, since: str, until: str, limit: int) -> list[str]:
        return sorted(id for id in self.commands if since <= id < until)[-limit:]

    def load_things(self, partition: int, keys: Collection[Key]) -> dict[Key, Thing]:
        return {key: copy.deepcopy(self.things[key]) for key in keys if key in self.things}

    def writing(self) -> AbstractContextManager[None]:
        return nullcontext()

    def ahead(self, batch: Batch) -> None: ...

    def send(self, batch: Batch) -> bool:
        return False

    def confirm(self) -> None: ...

    def forget(self) -> None: ...

    def show_life(self) -> None: ...

    def write(self, batch: Batch) -> None:
        """As databases do: rows inserted or changed, nothing else."""
        before = self.partition
        assert (batch.before, batch.term) == (before.last_sequence, before.term)
        self.partition = replace(
            before,
            last_sequence=batch.sequence,
            last_hash=batch.hash,
            last_batch=batch.id,
            recorded_at=batch.recorded_at,
        )
        for currency in batch.currencies:
            self.currencies[currency.code] = currency
        for account in (*batch.accounts, *batch.altered):
            self.accounts[account.id] = replace(copy.deepcopy(account), total=0, plain=0, special=None)
            self.balances.setdefault(account.number, {})
        for number, balance, total, bucket in batch.changes.rows():
            if balance or bucket == PLAIN:
                self.balances[number][bucket] = (balance, total)
            else:
                self.balances[number].pop(bucket, None)
        for key, thing in batch.things.items():
            if thing is None:
                self.things.pop(key, None)
            else:
                self.things[key] = copy.deepcopy(thing)
        known: list[Record | StoredRefusal] = [*batch.records, *batch.refusals]
        self.commands.update({each.command: each for each in known})
        self.records.extend(batch.records)
