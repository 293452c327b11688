"""Random histories: one command after the other, to the model and to the kernel."""

from collections.abc import Sequence
from datetime import date
from typing import Any, TypeVar

import hypothesis.strategies as st
import msgspec
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from msgspec import UNSET

from shared.auth.principal import Principal
from shared.contracts import commands, ids
from shared.contracts.charters import Charter
from shared.contracts.commands import Command, Goods, Leg, Transfer
from tests.support import tally
from tests.support.model import cast, drawing, strategies, terms
from tests.support.model.book import Account, Book
from tests.support.model.dates import DAY_US, HOUR_US, ONE_DAY
from tests.support.model.drawing import Wish
from tests.support.model.kernel import Kernel, check_equal, check_journal, check_limits, is_unbooked
from tests.support.model.ledger import Answer, Model
from tests.support.model.strategies import amounts, maybe, picks, small_amounts

PUMA, LEAF = "PUMA", "LEAF"
MONEYS = st.sampled_from((PUMA, PUMA, PUMA, LEAF))
"""Which currency: mostly the backed one, which has more rules."""
GIVERS = st.integers(0, 12)
"""Who gives a command: mostly the one who may."""
SECONDS = st.sampled_from((60, 3600, 5 * 24 * 3600, 30 * 24 * 3600))

Thing = TypeVar("Thing")


BESIDE = st.sampled_from((-1, 0, 1))
"""How far beside what decides."""
PARTS = st.sampled_from((None, None, 1, 2, 3, 5))
"""Quarters of an amount; None: all that is left."""


def part_of(thing: Any, quarters: int | None) -> int | None:
    """So many quarters of what was reserved or paid, at least 1; for five, one more than there is."""
    if quarters is None or thing is None:
        return None
    return thing.amount + 1 if quarters == 5 else max(1, thing.amount * quarters // 4)


def midnight_after(day: date) -> int:
    return (day - date(1970, 1, 1)).days * DAY_US + DAY_US


def after(us: int, step: int) -> int:
    """The next multiple of a step."""
    return (us // step + 1) * step


def triable(amount: int, up_to: bool) -> int:
    """An amount of which the model can try every part, where that is asked for."""
    return min(amount, 200) if up_to else amount


class History(RuleBasedStateMachine):
    """Two currencies, a few people, and what they do."""

    def __init__(self) -> None:
        super().__init__()
        self.kernel = Kernel()
        self.model = Model(is_unbooked=lambda id: is_unbooked(self.model, self.kernel, id, self.now))
        self.ids = cast.Ids()
        self.clock = strategies.BEGINNING
        self.given: list[tuple[Command, Principal]] = []
        self.communities: dict[str, str] = {}
        self.begun = False

    # What every command goes through

    @property
    def now(self) -> int:
        return max(self.clock, self.book.now)

    def give(self, command: Command, who: Principal, seconds: int = 10) -> Answer:
        """Hand a command to both, to be done within so many seconds, and see that they agree."""
        before = self.model.at(self.now)
        not_after = self.clock + seconds * 1_000_000
        expected = self.model.submit(command, who, self.clock, not_after)
        found = self.kernel.submit(command, who, self.clock, not_after)
        assert found == expected, f"the kernel says {found}, the model {expected}: {command} by {who}"
        if self.begun:
            check_equal(self.model, self.kernel.state, self.now)
            if not (expected.refused or expected.replayed):
                check_limits(before, self.model.book)
        self.given.append((command, who))
        self.clock += 7
        return found

    def teardown(self) -> None:
        check_journal(self.kernel)
        tally.count("histories held against the model")
        tally.count("commands of these histories", len(self.given))
        tally.count("records of these histories", len(self.kernel.records))

    # Who and what there is

    @property
    def book(self) -> Book:
        return self.model.book

    def new_id(self) -> str:
        return self.ids.new(self.clock)

    def account(self, code: str, pick: int) -> Account:
        """A holder's account of a currency, mostly one that is not closed."""
        accounts = self.accounts(code, pick)
        return self.one_of(accounts, pick)

    def other(self, code: str, pick: int, far: int) -> Account:
        """Another account than `account` gives for the pick; now and then the same."""
        accounts = self.accounts(code, pick)
        return self.one_of(accounts, pick if far == 11 else pick + 1 + far % max(1, len(accounts) - 1))

    def accounts(self, code: str, pick: int) -> list[Account]:
        held = [a for a in self.book.accounts.values() if a.currency == code and a.is_held]
        living = [account for account in held if not account.closed]
        return living if living and pick < 10 else held

    def any_account(self, pick: int) -> str:
        """The id of any account, the currencies' own among them, or of none."""
        return self.one_of([*self.book.accounts, self.ids.new(self.clock, 0)], pick)

    def one_of(self, things: Sequence[Thing], pick: int) -> Thing:
        return things[pick % len(things)]

    def id_of(self, things: Sequence[str], pick: int) -> str:
        """One of these, the latest most often; now and then one that there is not."""
        return things[-1 - pick % len(things)] if things and pick < 11 else self.new_id()

    def holder(self, account: Account, giver: int) -> Principal:
        """The account's holder, now and then whom the holder lets operate it, or somebody else; an operator
        where nobody holds it.
        """
        if account.holder is None:
            return self.operator(giver)
        if giver in (6, 7, 8) and account.delegates:
            return cast.BY_SUBJECT[self.one_of(list(account.delegates), giver)]
        return self.somebody(cast.BY_SUBJECT[account.holder], giver)

    def operator(self, giver: int) -> Principal:
        return self.somebody(cast.OPERATORS[giver % 2], giver)

    def somebody(self, right: Principal, giver: int) -> Principal:
        return cast.ALL[giver * 7 % len(cast.ALL)] if giver > 9 else right

    # The beginning

    @initialize(data=st.data(), quiet=st.sampled_from((False, False, False, True)), usual=strategies.criteria)
    def begin(self, data: st.DataObject, quiet: bool, usual: dict[str, strategies.Criterion]) -> None:
        """Two currencies with charters of their own, which change once accounts are open, and some money."""
        self.usual = usual
        for code, kind in ((PUMA, "backed"), (LEAF, "mutual_credit")):
            first = strategies.charters(code, kind, self.clock, None, usual)
            self.create(code, kind, data.draw(maybe(first)))
        if not quiet:
            for code in (PUMA, LEAF):
                command = self.next_charter(data, code, HOUR_US)
                self.give(command, cast.OPERATORS[0])
                self.give(commands.Approve(id=self.new_id(), proposal=command.id), cast.ADMIN)
            self.clock += 2 * HOUR_US
        self.hand_out()
        self.begun = True

    def create(self, code: str, kind: Any, charter: Charter | None) -> None:
        """A currency, and accounts in it."""
        self.give(
            commands.CreateCurrency(
                id=self.new_id(),
                code=code,
                names={"en": code},
                minor_units=100,
                kind=kind,
                default_credit_limit=0 if charter else 40,
                territory="seville",
                charter=charter,
            ),
            cast.ADMIN,
        )
        self.communities[code] = self.open(code, cast.OPERATORS[0], kind="organisation")
        self.open(code, cast.PEOPLE[0], kind="member", level=2, groups=["kids"])
        self.open(code, cast.PEOPLE[1], kind="member", credit_limit=50)
        self.open(code, cast.PEOPLE[2], kind="organisation", category="food", place="triana")
        if code == PUMA:
            more = {"category": "toys", "groups": ["elders", "kids"]}
            self.open(code, cast.PEOPLE[3], kind="organisation", **more)
        self.open(code, cast.PEOPLE[1], kind="member", credit_limit=30)

    def hand_out(self) -> None:
        for pick in range(1, 5):
            self.issue(PUMA, pick, 100, 0, pick, "A-7")

    def open(self, code: str, who: Principal, **more: Any) -> str:
        command = commands.OpenAccount(
            id=self.ids.new(self.clock, 0), currency=code, holder=who.subject, **more
        )
        self.give(command, cast.OPERATORS[0])
        return command.id

    def next_charter(self, data: st.DataObject, code: str, ahead: int) -> commands.AmendCharter:
        money = self.book.moneys[code]
        return commands.AmendCharter(
            id=self.new_id(),
            currency=code,
            version=money.versions[-1][0] + 1,
            valid_from=max(self.now, money.versions[-1][1]) + ahead,
            charter=data.draw(
                strategies.charters(code, money.kind, self.clock, self.communities[code], self.usual),
                label="charter",
            ),
        )

    # Time

    @rule(leap=st.sampled_from(strategies.LEAPS))
    def time_passes(self, leap: int) -> None:
        self.clock += leap

    @rule(pick=picks, off=st.sampled_from((-1, 0, 0, 1)))
    def something_comes(self, pick: int, off: int) -> None:
        """To the very moment at which time does something, or just beside it."""
        book, coming = self.book, [after(self.now, DAY_US)]
        coming += [each.lapses_at for each in book.reserved.values() if each.status == "pending"]
        coming += [each.lapses_at for each in book.proposals.values() if each.status == "pending"]
        coming += [each.due_at for each in book.schedules.values() if each.status == "active"]
        coming += [valid_from for money in book.moneys.values() for _, valid_from, _ in money.versions]
        ends = [pot.kind.expires_on for pot in book.pots]
        for purpose in self.model.at(self.now).charter(PUMA).purposes:
            ends += [date.fromisoformat(purpose.since) - ONE_DAY] if purpose.since else []
            ends += [date.fromisoformat(purpose.until)] if purpose.until else []
        coming += [midnight_after(day) for day in ends if day is not None]
        near = sorted(us for us in set(coming) if self.clock < us < self.clock + 45 * DAY_US)
        if near:
            self.clock = self.one_of(near, pick) + off

    # Transfers

    @rule(code=MONEYS, payer=picks, payee=picks, amount=amounts, giver=GIVERS, up_to=st.booleans())
    def pay(self, code: str, payer: int, payee: int, amount: int, giver: int, up_to: bool) -> None:
        self.transfer(code, payer, payee, amount, giver, up_to=up_to, memo="bread" if payer % 2 else "")

    @rule(code=MONEYS, payer=picks, payee=picks, amount=small_amounts, giver=GIVERS)
    def pay_little(self, code: str, payer: int, payee: int, amount: int, giver: int) -> None:
        self.transfer(code, payer, payee, amount, giver)

    @rule(
        code=MONEYS,
        payer=picks,
        payee=picks,
        amount=small_amounts,
        giver=GIVERS,
        seconds=SECONDS,
        up_to=st.booleans(),
    )
    def reserve(
        self, code: str, payer: int, payee: int, amount: int, giver: int, seconds: int, up_to: bool
    ) -> None:
        self.transfer(code, payer, payee, amount, giver, pending_seconds=seconds, up_to=up_to)

    @rule(
        payer=picks,
        payee=picks,
        food=small_amounts,
        toys=small_amounts,
        rest=maybe(small_amounts),
        off=picks,
        seconds=maybe(SECONDS),
    )
    def pay_by_goods(
        self,
        payer: int,
        payee: int,
        food: int,
        toys: int,
        rest: int | None,
        off: int,
        seconds: int | None,
    ) -> None:
        goods = [Goods(category="food", amount=food), Goods(category="toys", amount=toys)]
        if rest is not None:
            goods.append(Goods(category="other", amount=rest))
        amount = food + toys + (rest or 0) + (off == 11)
        more: dict[str, Any] = {"goods": goods, "up_to": off == 10, "pending_seconds": seconds}
        self.transfer(PUMA, payer, payee, amount, 0, **more)

    def transfer(self, code: str, payer: int, payee: int, amount: int, giver: int, **more: Any) -> None:
        source = self.account(code, payer)
        taker = self.other(code, payer, payee)
        if payee % 3 and code == PUMA:
            taker = self.suited(source, payee) or taker
        self.give(
            Transfer(
                id=self.new_id(),
                kind="payment",
                currency=code,
                amount=triable(amount, more.get("up_to", False)),
                payer=source.id,
                payee=taker.id,
                **more,
            ),
            self.holder(source, giver),
        )

    def suited(self, source: Account, pick: int) -> Account | None:
        """An account that something for a purpose could be spent at, where there is such."""
        book, found = self.model.at(self.now), []
        goods = [Goods(category=tag, amount=1) for tag in strategies.TAGS]
        for payee in self.accounts(source.currency, 0):
            money, charter = book.money(source.currency), book.charter(source.currency)
            wish = Wish(money, charter, "payment", source, payee, 2, goods=goods)
            kinds = [kind for kind in book.holdings(source.id) if terms.purpose_of(charter, kind)]
            if payee.id != source.id and any(
                drawing.may_serve(book, wish, kind, line) for kind in kinds for line in (0, 1)
            ):
                found.append(payee)
        return self.one_of(found, pick) if found else None

    @rule(
        code=MONEYS,
        payee=picks,
        amount=amounts,
        giver=GIVERS,
        purpose=picks,
        case=st.sampled_from(("A-7", "A-7", "A-7", "")),
    )
    def issue(self, code: str, payee: int, amount: int, giver: int, purpose: int, case: str) -> None:
        named = [each.code for each in self.model.at(self.now).charter(code).purposes]
        self.give(
            Transfer(
                id=self.new_id(),
                kind="issuance",
                currency=code,
                amount=triable(amount, giver == 5),
                payee=self.account(code, payee).id,
                purpose=self.one_of([None, *named, "travel"] if purpose == 11 else [None, *named], purpose),
                case_reference=case,
                up_to=giver == 5,
            ),
            self.operator(giver),
        )

    @rule(
        code=st.sampled_from((PUMA, PUMA, PUMA, PUMA, PUMA, PUMA, PUMA, LEAF)),
        payer=picks,
        amount=amounts,
        giver=GIVERS,
        case=st.sampled_from(("A-7", "A-7", "A-7", "")),
        up_to=st.booleans(),
    )
    def redeem(self, code: str, payer: int, amount: int, giver: int, case: str, up_to: bool) -> None:
        source = self.account(code, payer)
        self.give(
            Transfer(
                id=self.new_id(),
                kind="redemption",
                currency=code,
                amount=triable(amount, up_to),
                payer=source.id,
                case_reference=case,
                up_to=up_to,
            ),
            self.holder(source, giver),
        )

    @rule(
        legs=st.lists(st.tuples(MONEYS, picks, picks, st.integers(1, 20)), min_size=2, max_size=4),
        giver=GIVERS,
        kind=st.sampled_from(("payment", "payment", "payment", "issuance", "redemption")),
    )
    def link(self, legs: list[tuple[str, int, int, int]], giver: int, kind: str) -> None:
        made = [
            Leg(
                currency=code,
                amount=amount,
                payer=self.account(code, payer).id,
                payee=self.other(code, payer, payee).id,
            )
            for code, payer, payee, amount in legs
        ]
        if kind != "payment":
            code, payer, payee, amount = legs[-1]
            made[-1] = Leg(
                currency=code,
                amount=amount,
                kind=kind,  # type: ignore[arg-type]
                payer=self.account(code, payer).id if kind == "redemption" else None,
                payee=self.account(code, payee).id if kind == "issuance" else None,
            )
        holder = self.account(legs[0][0], legs[0][1])
        who = cast.TOOLS if giver % 3 else self.holder(holder, giver)
        self.give(commands.LinkedTransfers(id=self.new_id(), legs=made, case_reference="A-7"), who)

    @rule(
        kind=st.sampled_from(("payment", "issuance", "redemption")),
        code=st.sampled_from((PUMA, PUMA, LEAF, "ROSE")),
        payer=st.integers(0, 30),
        payee=st.integers(0, 30),
        whole=st.booleans(),
    )
    def transfer_anything(self, kind: str, code: str, payer: int, payee: int, whole: bool) -> None:
        """Between any two accounts, the currencies' own among them, and some that do not exist."""
        self.give(
            Transfer(
                id=self.new_id(),
                kind=kind,  # type: ignore[arg-type]
                currency=code,
                amount=5,
                payer=self.any_account(payer),
                payee=self.any_account(payee) if whole else None,
                case_reference="A-7",
            ),
            cast.TOOLS,
        )

    @rule(pick=picks, amount=st.integers(2, 40), payee=picks, quarters=PARTS)
    def pay_with_units_of_several_kinds(
        self, pick: int, amount: int, payee: int, quarters: int | None
    ) -> None:
        """Units for different purposes come in on different days, are spent together, and go back in part."""
        for purpose in range(2):
            self.issue(PUMA, pick, amount, 0, purpose + pick % 2, "A-7")
            self.clock += DAY_US
        self.transfer(PUMA, pick, payee, amount * 3 // 2, 0)
        self.refund(0, quarters, 0)
        self.pay_by_goods(pick, payee, 1 + amount // 3, 1 + amount // 4, None, 0, None)
        self.redeem(PUMA, pick, amount, 0, "A-7", True)

    @rule(pick=picks, payee=picks, amount=small_amounts, off=BESIDE, void=st.booleans())
    def reserve_until_the_end(self, pick: int, payee: int, amount: int, off: int, void: bool) -> None:
        """What is reserved is free again at its very moment."""
        self.transfer(PUMA, pick, payee, amount, 0, pending_seconds=7200)
        if self.book.reserved:
            last = list(self.book.reserved.values())[-1]
            self.clock = max(self.clock, last.lapses_at + off)
            if void:
                self.void_pending(0, 0)
            else:
                self.post_pending(0, None, 0)

    @rule(pick=picks, payee=picks, amount=small_amounts, off=BESIDE)
    def spend_on_the_last_day(self, pick: int, payee: int, amount: int, off: int) -> None:
        """Units can be spent through their last day, and not a moment longer."""
        self.issue(PUMA, pick, amount, 0, 1 + pick % 2, "A-7")
        account = self.account(PUMA, pick).id
        ends = [pot.kind.expires_on for pot in self.book.pots if pot.account == account]
        days = sorted(day for day in ends if day is not None)
        if days and midnight_after(days[0]) - self.clock < 45 * DAY_US:
            self.clock = max(self.clock, midnight_after(days[0]) + off)
        for far in range(3):
            self.transfer(PUMA, pick, payee + far, max(1, amount // 3), 0)

    @rule(pick=picks, amount=st.integers(5, 60), more=st.integers(1, 30), days=st.integers(0, 6))
    def hold_and_redeem(self, pick: int, amount: int, more: int, days: int) -> None:
        """Units received on different days are redeemed together."""
        self.issue(PUMA, pick, amount, 0, 0, "A-7")
        self.clock += days * DAY_US
        self.issue(PUMA, pick, more, 0, 0, "A-7")
        self.clock += 2 * DAY_US
        self.redeem(PUMA, pick, amount + more, 0, "A-7", True)

    @rule(
        pick=picks,
        whom=st.integers(0, 3),
        most=small_amounts,
        off=BESIDE,
        right=st.sampled_from(("pay", "view")),
    )
    def pay_for_somebody(self, pick: int, whom: int, most: int, off: int, right: Any) -> None:
        """Who operates an account for its holder pays up to a limit, if at all."""
        source, subject = self.account(PUMA, pick), cast.PEOPLE[whom]
        self.give(
            commands.SetDelegate(
                id=self.new_id(),
                account=source.id,
                subject=subject.subject,
                rights=[right],
                per_transfer=most if right == "pay" else None,
            ),
            self.holder(source, 0),
        )
        self.give(
            Transfer(
                id=self.new_id(),
                kind="payment",
                currency=PUMA,
                amount=max(1, most + off),
                payer=source.id,
                payee=self.other(PUMA, pick, whom).id,
            ),
            subject,
        )

    # What was reserved and what was paid

    @rule(pick=picks, quarters=PARTS, giver=GIVERS)
    def post_pending(self, pick: int, quarters: int | None, giver: int) -> None:
        id = self.pending(pick)
        amount = part_of(self.book.reserved.get(id), quarters)
        command = commands.PostPending(id=self.new_id(), pending=id, amount=amount)
        self.give(command, self.payee_of(self.book.reserved.get(id), giver))

    @rule(pick=picks, giver=GIVERS)
    def void_pending(self, pick: int, giver: int) -> None:
        id = self.pending(pick)
        command = commands.VoidPending(id=self.new_id(), pending=id)
        self.give(command, self.payee_of(self.book.reserved.get(id), giver))

    def pending(self, pick: int) -> str:
        """A pending transfer, mostly; made where there is none."""
        if not any(reserved.status == "pending" for reserved in self.book.reserved.values()) and pick < 9:
            self.transfer(PUMA, pick, pick * 3, 5 * pick + 3, 0, pending_seconds=3600 * (pick + 1))
        return self.id_of(list(self.book.reserved), pick)

    @rule(pick=picks, quarters=PARTS, giver=GIVERS)
    def refund(self, pick: int, quarters: int | None, giver: int) -> None:
        id = self.payment(pick)
        amount = part_of(self.book.paid.get(id), quarters)
        command = commands.Refund(id=self.new_id(), transfer=id, amount=amount, memo="sorry")
        self.give(command, self.payee_of(self.book.paid.get(id), giver))

    @rule(pick=picks, giver=GIVERS, by_payer=st.booleans())
    def reverse(self, pick: int, giver: int, by_payer: bool) -> None:
        id = self.payment(pick)
        paid = self.book.paid.get(id)
        who = self.payee_of(paid, giver)
        if by_payer and paid is not None:
            who = self.holder(self.book.accounts[paid.payer], giver)
        self.give(commands.Reverse(id=self.new_id(), transfer=id), who)

    def payment(self, pick: int) -> str:
        """Mostly a payment, now and then another transfer or another command."""
        if pick == 10:
            return self.id_of([command.id for command, _ in self.given], 3)
        paid = [paid.id for paid in self.book.paid.values() if paid.kind == "payment" or pick == 9]
        if not paid and pick < 9:
            self.transfer(PUMA, pick, pick * 3, 5 * pick + 3, 0)
        return self.id_of(paid, pick)

    def payee_of(self, thing: Any, giver: int) -> Principal:
        return self.holder(self.book.accounts[thing.payee], giver) if thing else self.operator(giver)

    # Two people

    @rule(code=MONEYS, payer=picks, payee=picks, amount=small_amounts, giver=GIVERS, of=st.integers(0, 30))
    def correct(self, code: str, payer: int, payee: int, amount: int, giver: int, of: int) -> None:
        self.give(
            commands.Correct(
                id=self.new_id(),
                currency=code,
                amount=amount,
                payer=self.account(code, payer).id if of < 25 else self.any_account(of + payer),
                payee=self.other(code, payer, payee).id,
                reason="typed twice",
                transfer=self.payment(of) if of < 12 else None,
            ),
            self.operator(giver),
        )

    @rule(pick=picks, giver=GIVERS)
    def approve(self, pick: int, giver: int) -> None:
        id = self.proposal(pick)
        self.give(commands.Approve(id=self.new_id(), proposal=id), self.second(id, giver))

    @rule(pick=picks, giver=GIVERS)
    def reject(self, pick: int, giver: int) -> None:
        id = self.proposal(pick)
        self.give(commands.Reject(id=self.new_id(), proposal=id), self.second(id, giver))

    def proposal(self, pick: int) -> str:
        """A proposal, mostly one that waits; made where there is none."""
        waiting = [each.id for each in self.book.proposals.values() if each.status == "pending"]
        if waiting and pick < 8:
            return self.id_of(waiting, pick)
        if pick < 4:
            self.correct(PUMA, pick, pick * 3, 5 * pick + 3, 0, 20)
        elif pick < 8:
            self.reverse(pick, 0, pick % 2 == 0)
        return self.id_of(list(self.book.proposals), pick)

    def second(self, id: str, giver: int) -> Principal:
        """Who may approve a proposal; now and then who made it, or anybody."""
        proposal = self.book.proposals.get(id)
        if proposal is None:
            return self.operator(giver)
        if giver == 9:
            return cast.BY_SUBJECT[proposal.by]
        if proposal.asked:
            return self.holder(self.book.accounts[proposal.asked], giver)
        others = [who for who in cast.OPERATORS if who.subject != proposal.by]
        return self.somebody(self.one_of(others, giver), giver)

    @rule(
        data=st.data(),
        code=MONEYS,
        giver=GIVERS,
        ahead=st.sampled_from((1, HOUR_US, 2 * DAY_US, 20 * DAY_US)),
        wrong=picks,
        at_once=st.booleans(),
    )
    def amend(
        self, data: st.DataObject, code: str, giver: int, ahead: int, wrong: int, at_once: bool
    ) -> None:
        command = self.next_charter(data, code, ahead)
        if wrong == 9:
            command = msgspec.structs.replace(command, version=command.version + 1)
        if wrong == 10:
            command = msgspec.structs.replace(command, valid_from=command.valid_from - ahead)
        if wrong == 11:
            charter = msgspec.structs.replace(command.charter, kind="time")
            command = msgspec.structs.replace(command, charter=charter)
        if self.give(command, self.operator(giver)).accepted and at_once:
            self.give(commands.Approve(id=self.new_id(), proposal=command.id), cast.ADMIN)
            self.clock += min(ahead, 3 * DAY_US)

    # Payments to come

    @rule(
        code=MONEYS,
        payer=picks,
        payee=picks,
        amount=small_amounts,
        giver=GIVERS,
        first=st.sampled_from((-DAY_US, 0, HOUR_US, DAY_US)),
        every=st.sampled_from(("once", "day", "week", "month")),
        count=st.integers(1, 4),
    )
    def schedule(
        self, code: str, payer: int, payee: int, amount: int, giver: int, first: int, every: str, count: int
    ) -> None:
        source = self.account(code, payer)
        self.give(
            commands.CreateSchedule(
                id=self.new_id(),
                currency=code,
                amount=amount,
                payer=source.id,
                payee=self.other(code, payer, payee).id,
                first_at=self.now + first,
                every=every,  # type: ignore[arg-type]
                count=1 if every == "once" and giver else count,
            ),
            self.holder(source, giver),
        )

    @rule(pick=picks, giver=GIVERS, off=st.integers(0, 8), wait=st.booleans())
    def execute(self, pick: int, giver: int, off: int, wait: bool) -> None:
        """What a job would send: the next attempt, mostly when it is due; now and then another one."""
        active = [id for id, schedule in self.book.schedules.items() if schedule.status == "active"]
        if not active and pick < 9:
            self.schedule(PUMA, pick, pick * 3, 5 * pick + 3, 0, HOUR_US, "week", 2)
        id = self.id_of(active if active and off else list(self.book.schedules), pick)
        schedule = self.book.schedules.get(id)
        n, attempt = (schedule.n, schedule.attempt) if schedule else (0, 1)
        if wait and schedule is not None and schedule.due_at - self.clock < 40 * DAY_US:
            self.clock = max(self.clock, schedule.due_at)
        self.give(
            commands.ExecuteSchedule(
                id=self.new_id(),
                schedule=id,
                n=n + (off == 8),
                attempt=min(3, attempt + (off == 7)),
            ),
            self.somebody(cast.CLOCKWORK, giver),
        )

    @rule(pick=st.integers(0, 8), code=MONEYS, every=st.sampled_from(("day", "week", "month")))
    def follow_schedule(self, pick: int, code: str, every: str) -> None:
        """A schedule from its first payment to its last, each when it is due."""
        self.schedule(code, pick, 5 * pick + 1, 1 + pick, 0, DAY_US * (pick % 3), every, 3)
        for _ in range(4):
            self.execute(0, 0, 1, True)

    @rule(pick=picks, giver=GIVERS)
    def cancel(self, pick: int, giver: int) -> None:
        id = self.id_of(list(self.book.schedules), pick)
        schedule = self.book.schedules.get(id)
        who = self.operator(giver)
        if schedule is not None:
            who = self.holder(self.book.accounts[schedule.command.payer], giver)
        self.give(commands.CancelSchedule(id=self.new_id(), schedule=id), who)

    # Accounts

    @rule(code=MONEYS, who=picks, giver=GIVERS, level=st.integers(0, 3), own=maybe(small_amounts))
    def open_another(self, code: str, who: int, giver: int, level: int, own: int | None) -> None:
        self.give(
            commands.OpenAccount(
                id=self.ids.new(self.clock, 1 if (giver, who) == (9, 11) else 0),
                currency=code if giver != 8 else "ROSE",
                kind="member",
                holder=cast.PEOPLE[who % 4].subject,
                level=level,
                credit_limit=own,
                maximum_balance=None if own is None else 3 * own,
            ),
            self.operator(giver),
        )

    @rule(
        code=MONEYS,
        pick=picks,
        giver=GIVERS,
        names=st.lists(
            st.sampled_from(("credit_limit", "maximum_balance", "per_transfer", "per_day", "per_month")),
            max_size=2,
        ),
        value=maybe(st.integers(1, 200)),
        level=st.sampled_from((UNSET, UNSET, 0, 2)),
    )
    def change_limits(
        self, code: str, pick: int, giver: int, names: list[str], value: int | None, level: Any
    ) -> None:
        command = commands.ChangeLimits(
            id=self.new_id(),
            account=self.account(code, pick).id if giver else self.any_account(pick),
            level=level,
            **dict.fromkeys(names, value),
        )
        self.give(command, self.operator(giver))

    @rule(
        code=MONEYS,
        pick=picks,
        giver=GIVERS,
        category=st.sampled_from((UNSET, None, *strategies.TAGS)),
        place=st.sampled_from((UNSET, None, *strategies.PLACES)),
        groups=st.sampled_from((UNSET, [], ["kids"], ["kids", "elders"])),
    )
    def tag(self, code: str, pick: int, giver: int, category: Any, place: Any, groups: Any) -> None:
        command = commands.TagAccount(
            id=self.new_id(),
            account=self.account(code, pick).id if giver else self.any_account(pick),
            category=category,
            place=place,
            groups=groups,
        )
        self.give(command, self.operator(giver))

    @rule(
        code=MONEYS,
        pick=picks,
        giver=GIVERS,
        whom=picks,
        rights=st.lists(st.sampled_from(commands.RIGHTS), max_size=4),
        most=maybe(small_amounts),
    )
    def delegate(
        self, code: str, pick: int, giver: int, whom: int, rights: list[Any], most: int | None
    ) -> None:
        account = self.account(code, pick)
        command = commands.SetDelegate(
            id=self.new_id(),
            account=account.id if giver else self.any_account(pick),
            subject=self.one_of(cast.ALL[:6], whom).subject,
            rights=rights,
            per_transfer=most,
        )
        self.give(command, self.holder(account, giver))

    @rule(code=MONEYS, pick=picks, giver=GIVERS, whole=st.booleans())
    def freeze(self, code: str, pick: int, giver: int, whole: bool) -> None:
        command = commands.FreezeAccount(
            id=self.new_id(),
            account=self.account(code, pick).id if giver else self.any_account(pick),
            direction="all" if whole else "out",
            reason="lost card",
        )
        self.give(command, self.operator(giver))

    @rule(code=MONEYS, pick=picks, giver=GIVERS)
    def unfreeze(self, code: str, pick: int, giver: int) -> None:
        frozen = [account.id for account in self.book.accounts.values() if account.frozen]
        account = self.one_of(frozen, pick) if frozen and giver else self.account(code, pick).id
        self.give(commands.UnfreezeAccount(id=self.new_id(), account=account), self.operator(giver))

    @rule(code=MONEYS, pick=picks, to=maybe(picks), giver=GIVERS, by_operator=st.booleans())
    def close(self, code: str, pick: int, to: int | None, giver: int, by_operator: bool) -> None:
        """What is left goes to another account, now and then of the same holder."""
        account = self.account(code, pick)
        heir = None if to is None else self.account(code if giver else LEAF, to)
        own = [a for a in self.accounts(code, pick) if a.holder == account.holder and a.id != account.id]
        if own and heir is not None and giver % 3:
            heir = self.one_of(own, giver)
        command = commands.CloseAccount(
            id=self.new_id(),
            account=account.id if giver else self.any_account(pick),
            remainder_to=None if heir is None else heir.id,
        )
        self.give(command, self.operator(giver) if by_operator else self.holder(account, giver))

    @rule(code=MONEYS, pick=picks, giver=GIVERS)
    def settle(self, code: str, pick: int, giver: int) -> None:
        account = self.account(code, pick).id if giver else self.any_account(pick)
        command = commands.Settle(id=self.new_id(), account=account)
        self.give(command, self.somebody(cast.CLOCKWORK, giver))

    # The same again, and what is wrong from outside

    @rule(pick=st.integers(0, 1000), giver=GIVERS)
    def again(self, pick: int, giver: int) -> None:
        """The same command a second time, now and then by somebody else."""
        command, who = self.given[-1 - pick % len(self.given)]
        self.give(command, self.somebody(who, giver))

    @rule(pick=st.integers(0, 1000), giver=GIVERS)
    def too_late(self, pick: int, giver: int) -> None:
        """A command whose caller waits no longer; a new one is not done, an old one answered as before."""
        command, who = self.given[-1 - pick % len(self.given)]
        if giver % 2:
            command = msgspec.structs.replace(command, id=self.new_id())
        self.give(command, who, seconds=-1)

    @rule()
    def restart(self) -> None:
        """The writer begins anew from what is stored."""
        self.kernel.restart()

    @rule(pick=st.integers(0, 1000), other=st.integers(0, 1000))
    def again_with_another_content(self, pick: int, other: int) -> None:
        """The id of one command with the content of another."""
        command, who = self.given[-1 - pick % len(self.given)]
        content, _ = self.given[other % len(self.given)]
        self.give(msgspec.structs.replace(content, id=command.id), who)

    @rule(days=st.sampled_from((-8, -6, 1)), payer=picks)
    def old_and_new_ids(self, days: int, payer: int) -> None:
        self.pay_with(
            self.ids.new(self.clock + days * DAY_US), payer, self.holder(self.account(PUMA, payer), 0)
        )

    @rule(payer=picks, giver=GIVERS)
    def derived_ids(self, payer: int, giver: int) -> None:
        self.pay_with(ids.derived_id("row", str(payer)), payer, self.somebody(cast.TOOLS, giver))

    @rule(payer=picks, giver=GIVERS, ago=st.sampled_from((-1, 0, 1, 10**9)))
    def tell_of_the_past(self, payer: int, giver: int, ago: int) -> None:
        who = self.somebody(cast.TOOLS, giver)
        self.pay_with(self.new_id(), payer, who, occurred_at=self.now - ago)

    def pay_with(self, id: str, payer: int, who: Principal, **more: Any) -> None:
        self.give(
            Transfer(
                id=id,
                kind="payment",
                currency=PUMA,
                amount=1,
                payer=self.account(PUMA, payer).id,
                payee=self.account(PUMA, payer + 1).id,
                **more,
            ),
            who,
        )
