"""What deciding looks at, loaded before: by sets, in rounds, until nothing is missing.

The state is a cache of what the database says. Accounts, things and currencies stay from batch to batch, up
to a number of each; what commands came to is forgotten after each batch.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from services.ledger.kernel.needs import Needs, needs
from services.ledger.kernel.plain import PlainPayments
from services.ledger.kernel.record import Record
from services.ledger.kernel.state import Key, State
from services.ledger.writer.fresh import FreshIds
from services.ledger.writer.store import Store
from shared.contracts.commands import Command

MAX_CACHED_ACCOUNTS = 200_000
MAX_CACHED_THINGS = 100_000
MAX_CACHED_CURRENCIES = 10_000
"""What does not exist counts as well, so that asking for much of it fills no memory."""
MAX_ROUNDS = 20
"""In how many steps anything leads to all that it needs; more would be a mistake of ours."""


class Loader:
    """Keeps a state loaded as far as commands need it. Used by the writer's thread alone."""

    def __init__(self, store: Store, state: State, fresh: FreshIds) -> None:
        self._store = store
        self._state = state
        self._fresh = fresh
        self._new: set[str] = set()

    def begin(self, commands: Sequence[Command], now: int, plain: PlainPayments) -> None:
        """Load what the commands of a batch look at, as things stand before it. May raise StoreError."""
        state = self._state
        self._new = set()
        _bound(state.accounts, MAX_CACHED_ACCOUNTS)
        _bound(state.things, MAX_CACHED_THINGS)
        _bound(state.currencies, MAX_CACHED_CURRENCIES)
        _bound(state.rules, MAX_CACHED_CURRENCIES)
        state.commands = dict.fromkeys(command.id for command in commands)
        if doubtful := self._fresh.take(state.commands):
            self._load_commands(doubtful)
        self._complete([command for command in commands if not plain.covers(command)], now)

    def complete(self, command: Command, now: int) -> None:
        """Load what a command looks at by now: what was decided before it in its batch may lead elsewhere."""
        self._complete((command,), now)

    def begun_transfer(self, id: str) -> None:
        """Take note of a plain payment of the batch: nothing else is stored under its id."""
        self._new.add(id)

    def begun(self, record: Record) -> None:
        """Take note of what begins with a record of the batch: nothing is stored under these ids."""
        payload = record.payload
        self._new.add(record.command)
        for begun in (*payload["accounts"], *payload.get("transfers", ())):
            self._new.add(begun["id"])

    def minor_units(self, code: str) -> int:
        """How many minor units make one unit of a currency that exists. May raise StoreError."""
        if code not in self._state.currencies:
            self._load_currencies({code})
        currency = self._state.currencies[code]
        assert currency is not None
        return currency.minor_units

    def _complete(self, commands: Iterable[Command], now: int) -> None:
        for _ in range(MAX_ROUNDS):
            found = [
                (command, missing) for command in commands if (missing := needs(self._state, command, now))
            ]
            if not found:
                return
            self._load([missing for _, missing in found])
            commands = [command for command, _ in found]
        raise RuntimeError(f"after {MAX_ROUNDS} rounds something is still missing: {found[0]}")

    def _load(self, missing: list[Needs]) -> None:
        if codes := set().union(*(each.currencies for each in missing)):
            self._load_currencies(codes)
        if accounts := set().union(*(each.accounts for each in missing)):
            self._state.accounts.update(dict.fromkeys(accounts))
            self._state.accounts.update({a.id: a for a in self._store.load_accounts(accounts)})
        if commands := set().union(*(each.commands for each in missing)):
            self._load_commands(commands)
        if things := set().union(*(each.things for each in missing)):
            self._load_things(things)

    def _load_currencies(self, codes: set[str]) -> None:
        self._state.currencies.update(dict.fromkeys(codes))
        self._state.currencies.update({c.code: c for c in self._store.load_currencies(codes)})

    def _load_commands(self, ids: Collection[str]) -> None:
        self._state.commands.update(dict.fromkeys(ids))
        known = self._store.load_commands(self._state.header.partition, ids)
        self._state.commands.update({each.command: each for each in known})

    def _load_things(self, keys: set[Key]) -> None:
        self._state.things.update(dict.fromkeys(keys))
        if stored := {key for key in keys if key[1] not in self._new}:
            self._state.things.update(self._store.load_things(self._state.header.partition, stored))


def _bound(cache: dict[Any, Any], size: int) -> None:
    if len(cache) > size:
        cache.clear()
