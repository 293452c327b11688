"""What a command would do, gathered while it is being decided: nothing of the state is changed by it.

An account that a draft touches is settled first: what time has done to it (units and reservations that
lapsed, lots that need no longer be told apart, limits of a new charter) is booked by the same record. So no
decision depends on whether a job has booked it before.
"""

from typing import Any

from services.ledger.kernel import calendar
from services.ledger.kernel.buckets import PLAIN, Bucket, parse, unreserved
from services.ledger.kernel.charters import held_since, rules_at, rules_of, versions_of
from services.ledger.kernel.rules import Rules
from services.ledger.kernel.state import Account, Currency, State, Thing
from shared.contracts.charters import MAX_BUCKETS
from shared.contracts.errors import Fault, Refusal
from shared.contracts.money import MAX_AMOUNT
from shared.contracts.primitives import HOLDER_KINDS


class Draft:
    """Entries, things and changes that a record will carry. `now` is Unix microseconds."""

    def __init__(self, state: State, now: int) -> None:
        self.state = state
        self.now = now
        self.today = calendar.day_of(now)
        self.opened: list[dict[str, Any]] = []
        self.warnings: list[str] = []
        self.settled: dict[str, list[Any]] = {}
        self._deltas: dict[tuple[str, str], int] = {}
        self._totals: dict[str, int] = {}
        self._changes: dict[str, dict[str, Any]] = {}
        self._things: dict[tuple[str, str], Thing | None] = {}
        self._touched: dict[str, Account] = {}
        self._rules: dict[str, Rules] = {}

    # What is

    def currency(self, code: str) -> Currency:
        currency = self.state.currencies[code]
        if currency is None:
            raise Refusal("unknown-currency", currency=code)
        # Several partitions may share a database, where everything of each is found.
        if currency.partition != self.state.header.partition:
            detail = f"the currency {code} is one of partition {currency.partition}"
            raise Refusal("invalid-request", (Fault("/currency", "wrong-partition", detail),))
        return currency

    def rules(self, code: str) -> Rules:
        """The charter in force."""
        rules = self._rules.get(code)
        if rules is None:
            rules = self._rules[code] = rules_at(self.state, self.currency(code), self.now)
        return rules

    def account(self, id: str) -> Account:
        """An account, settled; ask the draft for its balances and terms. Raises Refusal `unknown-account`."""
        account = self._touched.get(id)
        if account is None:
            account = self.state.accounts[id]
            if account is None:
                raise Refusal("unknown-account", account=id)
            self._touched[id] = account
            if account.kind in HOLDER_KINDS:
                self._settle(account)
        return account

    def balance(self, account: Account, bucket: str = PLAIN) -> int:
        """What a bucket of an account holds by now."""
        return account.balance_of(bucket) + self._deltas.get((account.id, bucket), 0)

    def total(self, account: Account) -> int:
        return account.total + self._totals.get(account.id, 0)

    def buckets(self, account: Account) -> dict[str, int]:
        """All that an account holds by now, the plain bucket too; empty ones left out."""
        held = account.buckets
        for (id, bucket), delta in self._deltas.items():
            if id == account.id:
                held[bucket] = held.get(bucket, 0) + delta
        return {bucket: balance for bucket, balance in held.items() if balance}

    def field(self, account: Account, name: str) -> Any:
        """A field of the account that commands may change: floor, ceiling, territory, category, terms."""
        changed = self._changes.get(account.id)
        return changed[name] if changed is not None and name in changed else getattr(account, name)

    def terms(self, account: Account) -> dict[str, Any]:
        terms: dict[str, Any] = self.field(account, "terms")
        return terms

    def thing(self, kind: str, id: str) -> Thing | None:
        key = (kind, id)
        return self._things[key] if key in self._things else self.state.things[key]

    # What becomes

    def move(self, account: Account, bucket: str, amount: int) -> None:
        """Add to a bucket of an account that the draft has asked for."""
        if amount:
            key = (account.id, bucket)
            self._deltas[key] = self._deltas.get(key, 0) + amount
            self._totals[account.id] = self._totals.get(account.id, 0) + amount

    def put(self, kind: str, id: str, thing: Thing | None) -> None:
        self._things[kind, id] = thing

    def change(self, account: Account, **fields: Any) -> None:
        """Give fields of an account other values; terms that say nothing are left out."""
        if "terms" in fields:
            fields["terms"] = {name: value for name, value in fields["terms"].items() if value}
        self._changes.setdefault(account.id, {}).update(fields)

    def book_expired(self, account: Account) -> None:
        """Book what of the account's units has lapsed; again after units were set free or given back that
        had lapsed meanwhile.
        """
        for bucket, balance in self.buckets(account).items():
            parts = parse(bucket)
            if parts.expires_on and parts.expires_on < self.today and not parts.reservation:
                ends = self.account(self.currency(account.currency).redemption_account)
                self.move(account, bucket, -balance)
                self.move(ends, PLAIN, balance)
                self.settled.setdefault("expired", []).append([account.id, bucket, balance])

    def content(self) -> dict[str, Any]:
        """The part of the record's payload that says what changes. Raises Refusal where a bucket would not
        hold.
        """
        content: dict[str, Any] = {"accounts": self.opened, "entries": self._entries()}
        changes = [
            [id, fields]
            for id, given in self._changes.items()
            if (fields := self._real(self._touched[id], given))
        ]
        if changes:
            content["changes"] = changes
        if self._things:
            content["sets"] = [
                [kind, id, *((None, None, None) if thing is None else thing)]
                for (kind, id), thing in self._things.items()
            ]
        if self.settled:
            content["settled"] = self.settled
        if self.warnings:
            content["warnings"] = self.warnings
        return content

    @staticmethod
    def _real(account: Account, given: dict[str, Any]) -> dict[str, Any]:
        return {name: value for name, value in given.items() if getattr(account, name) != value}

    def _entries(self) -> list[list[Any]]:
        entries = []
        for (id, bucket), delta in self._deltas.items():
            if not delta:
                continue
            account = self._touched[id]
            after = account.balance_of(bucket) + delta
            if abs(after) > MAX_AMOUNT or abs(account.total + self._totals[id]) > MAX_AMOUNT:
                raise Refusal("too-much-to-count", account=id)
            if delta > 0 and bucket != PLAIN:
                self._check_buckets(account)
            entries.append([id, bucket, delta, after])
        return entries

    def _check_buckets(self, account: Account) -> None:
        # An account that has more already may go on giving, and be settled.
        if len(self.buckets(account)) > max(MAX_BUCKETS, len(account.buckets)):
            raise Refusal("too-many-buckets", account=account.id, limit=MAX_BUCKETS)

    # What time has done

    def _settle(self, account: Account) -> None:
        if account.terms.get("closed"):
            return
        rules = self.rules(account.currency)
        if account.terms.get("charter", 1) != rules.version:
            self._take_limits(account, rules)
        if account.special:
            self._release_lapsed(account)
            self.book_expired(account)
            self._merge_lots(account)

    def _take_limits(self, account: Account, rules: Rules) -> None:
        floor, ceiling = rules.limits(account.kind, account.terms)
        self.change(account, floor=floor, ceiling=ceiling, terms=account.terms | {"charter": rules.version})

    def _release_lapsed(self, account: Account) -> None:
        for bucket, balance in (account.special or {}).items():
            reservation = parse(bucket).reservation
            if not reservation or not balance:
                continue
            pending = self.thing("pending", reservation)
            assert pending is not None, f"{bucket} without its pending transfer"
            if pending.body["status"] == "pending":
                if pending.body["lapses_at"] > self.now:
                    continue
                self.put(
                    "pending", reservation, Thing(pending.owner, None, pending.body | {"status": "lapsed"})
                )
                self.settled.setdefault("lapsed", []).append(reservation)
            elif pending.body["status"] != "lapsed":
                continue
            self.move(account, bucket, -balance)
            self.move(account, unreserved(bucket), balance)

    def _merge_lots(self, account: Account) -> None:
        """Units that can be redeemed in full are told apart by their receipt no more."""
        for bucket, balance in self.buckets(account).items():
            parts = parse(bucket)
            if parts.received_on and not parts.reservation and self._is_free_of_penalty(account, parts):
                self.move(account, bucket, -balance)
                self.move(account, parts._replace(received_on="").text(), balance)

    def _is_free_of_penalty(self, account: Account, parts: Bucket) -> bool:
        """Whether units could be redeemed in full under any charter in force since they were received: what
        they have been freed of once, no later version brings back.
        """
        currency = self.currency(account.currency)
        versions = versions_of(self.state, currency)
        return any(
            not rules_of(self.state, currency, version).penalty_points(
                parts.received_on, calendar.day_of(last)
            )
            for version, last in held_since(versions, parts.received_on, self.now)
        )
