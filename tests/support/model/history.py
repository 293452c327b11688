"""Random histories: one command after the other, to the model and to the kernel."""

from typing import Any

import hypothesis.strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from shared.auth.principal import Principal
from shared.contracts.commands import (
    Command,
    CreateCurrency,
    Goods,
    Leg,
    LinkedTransfers,
    OpenAccount,
    Transfer,
)
from tests.support.model import cast, strategies
from tests.support.model.book import Account
from tests.support.model.kernel import Kernel, check_equal, check_journal, check_limits
from tests.support.model.ledger import Answer, Model
from tests.support.model.strategies import amounts, maybe, picks, small_amounts

CODES = ("PUMA", "LEAF")
MONEYS = st.sampled_from((0, 0, 0, 1))
"""Which currency: mostly the backed one, which has more rules."""
GIVERS = st.integers(0, 12)
"""Who gives a command: mostly the one who may."""


class History(RuleBasedStateMachine):
    """Two currencies, a few people, and what they do."""

    def __init__(self) -> None:
        super().__init__()
        self.model = Model()
        self.kernel = Kernel()
        self.ids = cast.Ids()
        self.clock = strategies.BEGINNING
        self.given: list[tuple[Command, Principal]] = []

    # What every command goes through

    def give(self, command: Command, who: Principal) -> Answer:
        """Hand a command to both, and see that they agree."""
        now = max(self.clock, self.kernel.last_moment)
        before = self.model.at(now)
        expected = self.model.submit(command, who, now)
        found = self.kernel.submit(command, who, now)
        assert found == expected, f"the kernel says {found}, the model {expected}: {command}"
        check_equal(self.model, self.kernel, now)
        check_limits(before, self.model.book if expected.accepted else before)
        self.given.append((command, who))
        self.clock += 7
        return found

    def teardown(self) -> None:
        check_journal(self.kernel)

    # Who and what there is

    def new_id(self) -> str:
        return self.ids.new(self.clock)

    def accounts_of(self, code: str) -> list[Account]:
        return [a for a in self.model.book.accounts.values() if a.currency == code and a.is_held]

    def account(self, money: int, pick: int) -> Account:
        accounts = self.accounts_of(CODES[money])
        return accounts[pick % len(accounts)]

    def holder(self, account: Account, giver: int) -> Principal:
        """The account's holder, now and then somebody else."""
        return self.somebody(cast.BY_SUBJECT[account.holder or ""], giver)

    def operator(self, giver: int) -> Principal:
        return self.somebody(cast.OPERATORS[giver % 2], giver)

    def somebody(self, right: Principal, giver: int) -> Principal:
        return cast.ALL[giver % len(cast.ALL)] if giver > 9 else right

    # The beginning

    @initialize(data=st.data())
    def begin(self, data: st.DataObject) -> None:
        """Two currencies with charters of their own, and money in some hands."""
        communities = [self.ids.new(self.clock, 0) for _ in CODES]
        for code, kind, community in zip(CODES, ("backed", "mutual_credit"), communities, strict=True):
            charter = data.draw(maybe(strategies.charters(self.clock, community, kind)))
            self.give(
                CreateCurrency(
                    id=self.new_id(),
                    code=code,
                    names={"en": code},
                    minor_units=100,
                    kind=kind,  # type: ignore[arg-type]
                    default_credit_limit=40,
                    territory="seville",
                    charter=charter,
                ),
                cast.ADMIN,
            )
            self.open(code, community, cast.OPERATORS[0], kind="organisation")
            for who, more in zip(
                cast.PEOPLE,
                (
                    {"kind": "member", "level": 2},
                    {"kind": "member", "groups": ["kids"]},
                    {"kind": "organisation", "category": "food", "place": "triana"},
                    {"kind": "organisation", "category": "toys", "groups": ["elders", "kids"]},
                ),
                strict=True,
            ):
                self.open(code, self.ids.new(self.clock, 0), who, **more)

    def open(self, code: str, id: str, who: Principal, **more: Any) -> None:
        self.give(OpenAccount(id=id, currency=code, holder=who.subject, **more), cast.OPERATORS[0])

    # Time

    @rule(leap=st.sampled_from(strategies.LEAPS))
    def time_passes(self, leap: int) -> None:
        self.clock += leap

    # Transfers

    @rule(money=MONEYS, payer=picks, payee=picks, amount=amounts, giver=GIVERS, up_to=st.booleans())
    def pay(self, money: int, payer: int, payee: int, amount: int, giver: int, up_to: bool) -> None:
        source = self.account(money, payer)
        self.give(
            Transfer(
                id=self.new_id(),
                kind="payment",
                currency=CODES[money],
                amount=amount,
                payer=source.id,
                payee=self.account(money, payee).id,
                up_to=up_to,
                memo="bread" if payer % 2 else "",
            ),
            self.holder(source, giver),
        )

    @rule(payer=picks, payee=picks, food=small_amounts, toys=small_amounts, rest=maybe(small_amounts), off=picks)
    def pay_by_goods(
        self, payer: int, payee: int, food: int, toys: int, rest: int | None, off: int
    ) -> None:
        source = self.account(0, payer)
        goods = [Goods(category="food", amount=food), Goods(category="toys", amount=toys)]
        if rest is not None:
            goods.append(Goods(category="other", amount=rest))
        self.give(
            Transfer(
                id=self.new_id(),
                kind="payment",
                currency="PUMA",
                amount=food + toys + (rest or 0) + (off == 11),
                payer=source.id,
                payee=self.account(0, payee).id,
                goods=goods,
                up_to=off == 10,
            ),
            self.holder(source, 0),
        )

    @rule(
        money=MONEYS,
        payer=picks,
        payee=picks,
        amount=small_amounts,
        giver=GIVERS,
        seconds=st.sampled_from((60, 3600, 5 * 24 * 3600, 30 * 24 * 3600)),
        up_to=st.booleans(),
    )
    def reserve(
        self, money: int, payer: int, payee: int, amount: int, giver: int, seconds: int, up_to: bool
    ) -> None:
        source = self.account(money, payer)
        self.give(
            Transfer(
                id=self.new_id(),
                kind="payment",
                currency=CODES[money],
                amount=amount,
                payer=source.id,
                payee=self.account(money, payee).id,
                pending_seconds=seconds,
                up_to=up_to,
            ),
            self.holder(source, giver),
        )

    @rule(
        money=MONEYS,
        payee=picks,
        amount=amounts,
        giver=GIVERS,
        purpose=maybe(st.sampled_from(("meals", "books", "holiday", "travel"))),
        case=st.sampled_from(("A-7", "A-7", "A-7", "")),
    )
    def issue(
        self, money: int, payee: int, amount: int, giver: int, purpose: str | None, case: str
    ) -> None:
        if purpose is not None and purpose not in self.purposes_named() and giver > 1:
            purpose = next(iter(self.purposes_named()), None)
        self.give(
            Transfer(
                id=self.new_id(),
                kind="issuance",
                currency=CODES[money],
                amount=amount,
                payee=self.account(money, payee).id,
                purpose=purpose,
                case_reference=case,
            ),
            self.operator(giver),
        )

    def purposes_named(self) -> list[str]:
        return [purpose.code for purpose in self.model.at(self.clock).charter("PUMA").purposes]

    @rule(
        money=MONEYS,
        payer=picks,
        amount=amounts,
        giver=GIVERS,
        case=st.sampled_from(("A-7", "A-7", "")),
        up_to=st.booleans(),
    )
    def redeem(self, money: int, payer: int, amount: int, giver: int, case: str, up_to: bool) -> None:
        source = self.account(money, payer)
        self.give(
            Transfer(
                id=self.new_id(),
                kind="redemption",
                currency=CODES[money],
                amount=amount,
                payer=source.id,
                case_reference=case,
                up_to=up_to,
            ),
            self.holder(source, giver),
        )

    @rule(
        legs=st.lists(st.tuples(MONEYS, picks, picks, small_amounts), min_size=2, max_size=4),
        giver=GIVERS,
        kind=st.sampled_from(("payment", "payment", "payment", "issuance", "redemption")),
    )
    def link(self, legs: list[tuple[int, int, int, int]], giver: int, kind: str) -> None:
        made = [
            Leg(
                currency=CODES[money],
                amount=amount,
                payer=self.account(money, payer).id,
                payee=self.account(money, payee).id,
            )
            for money, payer, payee, amount in legs
        ]
        if kind != "payment":
            money, payer, payee, amount = legs[-1]
            made[-1] = Leg(
                currency=CODES[money],
                amount=amount,
                kind=kind,  # type: ignore[arg-type]
                payer=self.account(money, payer).id if kind == "redemption" else None,
                payee=self.account(money, payee).id if kind == "issuance" else None,
            )
        holder = self.account(legs[0][0], legs[0][1])
        who = cast.TOOLS if giver % 3 else self.holder(holder, giver)
        self.give(LinkedTransfers(id=self.new_id(), legs=made, case_reference="A-7"), who)

    @rule(kind=st.sampled_from(("payment", "issuance", "redemption")), money=MONEYS, one=picks, other=picks)
    def transfer_anything(self, kind: str, money: int, one: int, other: int) -> None:
        """Between any two accounts, the currencies' own among them, and some that do not exist."""
        book = self.model.book
        there = [*book.accounts, self.ids.new(self.clock, 0), None]
        self.give(
            Transfer(
                id=self.new_id(),
                kind=kind,  # type: ignore[arg-type]
                currency=(*CODES, "ROSE")[money + (one == 11)],
                amount=5,
                payer=there[one * 7 % len(there)],
                payee=there[other * 5 % len(there)],
                case_reference="A-7",
            ),
            cast.TOOLS,
        )

    # Accounts

    @rule(money=MONEYS, who=picks, giver=GIVERS, level=st.sampled_from((0, 1, 2, 3)), own=maybe(small_amounts))
    def open_another(self, money: int, who: int, giver: int, level: int, own: int | None) -> None:
        partition = 1 if giver == 9 and who == 11 else 0
        self.give(
            OpenAccount(
                id=self.ids.new(self.clock, partition),
                currency=CODES[money],
                kind="member",
                holder=cast.PEOPLE[who % 4].subject,
                level=level,
                credit_limit=own,
                maximum_balance=None if own is None else 3 * own,
            ),
            self.operator(giver),
        )

    # The same again

    @rule(pick=st.integers(0, 1000), giver=GIVERS)
    def again(self, pick: int, giver: int) -> None:
        """The same command a second time, now and then by somebody else."""
        command, who = self.given[pick % len(self.given)]
        self.give(command, self.somebody(who, giver))

    @rule(pick=st.integers(0, 1000), other=st.integers(0, 1000))
    def again_with_another_content(self, pick: int, other: int) -> None:
        """The id of one command with the content of another."""
        import msgspec

        command, who = self.given[pick % len(self.given)]
        content, _ = self.given[other % len(self.given)]
        self.give(msgspec.structs.replace(content, id=command.id), who)

    @rule(days=st.sampled_from((-8, -6, 1)), payer=picks)
    def old_and_new_ids(self, days: int, payer: int) -> None:
        source = self.account(0, payer)
        made_at = self.clock + days * 24 * 3600 * 1_000_000
        self.give(
            Transfer(
                id=self.ids.new(made_at),
                kind="payment",
                currency="PUMA",
                amount=1,
                payer=source.id,
                payee=self.account(0, payer + 1).id,
            ),
            self.holder(source, 0),
        )

    @rule(payer=picks, giver=GIVERS, ago=st.sampled_from((-1, 0, 1, 10**9)))
    def tell_of_the_past(self, payer: int, giver: int, ago: int) -> None:
        source = self.account(0, payer)
        self.give(
            Transfer(
                id=self.new_id(),
                kind="payment",
                currency="PUMA",
                amount=3,
                payer=source.id,
                payee=self.account(0, payer + 1).id,
                occurred_at=self.clock - ago,
            ),
            self.somebody(cast.TOOLS, giver),
        )
