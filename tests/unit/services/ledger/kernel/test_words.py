"""Case references and reasons say something, or are not there."""

from typing import Any

import pytest

from shared.contracts.charters import IssuanceClause, RedemptionClause
from shared.contracts.commands import Correct, FreezeAccount, LinkedTransfers
from shared.contracts.errors import Refusal
from tests.unit.services.ledger.kernel.books import Books, leg

BLANK = [" ", "\t\r\n", "\u00a0", "\u3000", "\u200b", "\u2060 \u200d", "\x01"]


@pytest.fixture
def books() -> Books:
    books = Books()
    books.currency(
        issuance=IssuanceClause(case_reference_required=True),
        redemption=RedemptionClause(case_reference_required=True),
    )
    return books


def pointed_at(refusal: Refusal) -> str:
    [fault] = refusal.faults
    return fault.pointer


@pytest.mark.parametrize("blank", BLANK)
def test_a_case_reference_that_shows_nothing_is_none(books: Books, blank: str) -> None:
    payer, payee = books.account(), books.account()
    books.accept(books.issue(payer, 100, case_reference="\u0667"))
    given: dict[str, Any] = {"case_reference": blank}
    for command in (
        books.issue(payer, 1, **given),
        books.redeem(payer, 1, **given),
        books.pay(payer, payee, 1, **given),
        LinkedTransfers(id=books.id(), legs=[leg(payer, payee, 1)] * 2, **given),
    ):
        assert pointed_at(books.refuse("invalid-request", command)) == "/case_reference"
    books.accept(books.pay(payer, payee, 1, case_reference=""))


@pytest.mark.parametrize("blank", BLANK)
def test_a_reason_that_shows_nothing_is_none(books: Books, blank: str) -> None:
    payer, payee = books.account(), books.account()
    books.accept(books.issue(payer, 100, case_reference="C-1"))
    parties: dict[str, Any] = {"currency": "PUMA", "payer": payer, "payee": payee}
    for command in (
        FreezeAccount(id=books.id(), account=payer, reason=blank),
        Correct(id=books.id(), amount=1, reason=blank, **parties),
    ):
        assert pointed_at(books.refuse("invalid-request", command)) == "/reason"
    books.accept(Correct(id=books.id(), amount=1, reason=" \u2026 ", **parties))
