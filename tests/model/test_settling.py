"""No decision depends on whether a job has booked before what time had done by itself."""

from typing import Any

import msgspec

from shared.auth.principal import Principal
from shared.contracts import clock
from shared.contracts.charters import Charter, LimitClause, Penalty, RedemptionClause
from shared.contracts.commands import (
    AmendCharter,
    Approve,
    Command,
    CreateCurrency,
    OpenAccount,
    Settle,
    Transfer,
)
from tests.support.model import cast
from tests.support.model.dates import DAY_US
from tests.support.model.kernel import Kernel

BEGINNING = clock.from_text("2026-01-01T12:00:00Z")
LIMITS = [LimitClause(kind="member"), LimitClause(kind="organisation")]
FREE = Charter(names={"en": "Puma"}, kind="backed", minor_units=100, limits=LIMITS)


def with_penalty(under_days: int, to: str) -> Charter:
    redemption = RedemptionClause(
        penalties=[Penalty(under_days=under_days, basis_points=5000)], penalty_to=to
    )
    return msgspec.structs.replace(FREE, redemption=redemption)


class Case:
    """A currency of which holders have units, and charters that come one after the other."""

    def __init__(self) -> None:
        self.kernel = Kernel()
        self.ids = cast.Ids()
        self.version = 1
        self.give(
            CreateCurrency,
            0,
            cast.ADMIN,
            code="PUMA",
            names={"en": "Puma"},
            minor_units=100,
            kind="backed",
            territory="seville",
            charter=FREE,
        )
        self.community, self.early, self.late = (self.open() for _ in range(3))

    def give(self, type: type[Any], day: int, who: Principal, **fields: Any) -> Command:
        now = BEGINNING + day * DAY_US
        partition = 0 if type is OpenAccount else None
        command: Command = type(id=self.ids.new(now, partition), **fields)
        answer = self.kernel.submit(command, who, now, now)
        assert answer.accepted, answer
        return command

    def open(self) -> str:
        holder = cast.PEOPLE[0].subject
        return self.give(OpenAccount, 0, cast.OPERATORS[0], currency="PUMA", kind="member", holder=holder).id

    def amend(self, day: int, charter: Charter) -> None:
        """Have a charter in force from the end of the day before on."""
        self.version += 1
        valid_from = BEGINNING + day * DAY_US - 1
        proposed = self.give(
            *(AmendCharter, day - 1, cast.OPERATORS[0]),
            currency="PUMA",
            version=self.version,
            valid_from=valid_from,
            charter=charter,
        )
        self.give(Approve, day - 1, cast.ADMIN, proposal=proposed.id)

    def issue(self, day: int, to: str) -> None:
        self.give(*(Transfer, day, cast.OPERATORS[0]), kind="issuance", currency="PUMA", amount=100, payee=to)

    def redeem(self, day: int, account: str) -> int:
        """What is kept back of 50 units."""
        before = self.total(self.community)
        fields = {"kind": "redemption", "currency": "PUMA", "amount": 50, "payer": account}
        self.give(Transfer, day, cast.PEOPLE[0], **fields)
        return self.total(self.community) - before

    def total(self, account: str) -> int:
        found = self.kernel.state.accounts[account]
        assert found is not None
        return found.total


def test_units_that_were_free_of_penalties_stay_so_settled_or_not() -> None:
    case = Case()
    case.amend(1, with_penalty(5, case.community))
    for account in (case.early, case.late):
        case.issue(2, account)
    assert case.redeem(3, case.early) == case.redeem(3, case.late) == 25
    case.give(Settle, 8, cast.CLOCKWORK, account=case.early)
    case.amend(10, with_penalty(20, case.community))
    assert case.redeem(12, case.early) == case.redeem(12, case.late) == 0


def test_a_version_with_penalties_is_about_what_is_received_from_its_day_on() -> None:
    case = Case()
    case.issue(2, case.early)
    case.amend(3, with_penalty(30, case.community))
    case.issue(4, case.late)
    assert case.redeem(5, case.early) == 0
    assert case.redeem(5, case.late) == 25
    case.amend(8, FREE)
    assert case.redeem(9, case.late) == 0
