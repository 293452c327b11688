"""Charters follow each other."""

from dataclasses import replace
from itertools import pairwise

from shared.auth.principal import Principal
from shared.contracts.charters import Charter, PurposeClause
from shared.contracts.commands import PROPOSAL_DAYS, AmendCharter
from tests.support.model.book import Book, Money, No, Proposal
from tests.support.model.dates import DAY_US, day_of

CRITERIA = ("categories", "places", "groups", "goods")


def amend(book: Book, command: AmendCharter, who: Principal) -> None:
    money = book.money(command.currency)
    _check_follows(money, command)
    if not book.now < command.valid_from <= book.now + 3660 * DAY_US:
        raise No("invalid-request")
    if contradicts(book, money, command.charter, command.valid_from):
        raise No("charter-contradicts")
    if command.charter == money.versions[-1][2]:
        raise No("nothing-changes")
    lapses_at = min(book.now + PROPOSAL_DAYS * DAY_US, command.valid_from)
    book.proposals[command.id] = Proposal(command.id, command, who.subject, lapses_at)


def adopt(book: Book, command: AmendCharter) -> None:
    money = book.money(command.currency)
    _check_follows(money, command)
    if contradicts(book, money, command.charter, command.valid_from):
        raise No("charter-contradicts")
    version = (command.version, command.valid_from, command.charter)
    book.moneys[money.code] = replace(money, versions=(*money.versions, version))


def _check_follows(money: Money, command: AmendCharter) -> None:
    last, began, _ = money.versions[-1]
    if command.version != last + 1:
        raise No("charter-outdated")
    if command.valid_from <= began:
        raise No("invalid-request")


def contradicts(book: Book, money: Money, charter: Charter, valid_from: int) -> bool:
    """Whether a charter as these histories make them contradicts itself, the version before or the accounts.

    What else a charter may not say is not the model's concern: such ones are not made.
    """
    versions = [version[2] for version in money.versions]
    before = {purpose.code: purpose for purpose in versions[-1].purposes}
    used = {purpose.code for version in versions for purpose in version.purposes}
    first_day = day_of(valid_from).isoformat()
    faults = [charter.kind != money.kind]
    for named in accounts_of(charter):
        account = book.accounts.get(named)
        faults.append(
            account is None or account.currency != money.code or not account.is_held or account.closed
        )
    for purpose in charter.purposes:
        until, former = purpose.until or "9999", before.get(purpose.code)
        if former is None:
            faults.append(until < first_day or not charter.issuance.allowed or purpose.code in used)
        else:
            faults.append(until < (former.until or "9999"))
            faults.append((purpose.since or "") > max(first_day, former.since or ""))
            faults.append(any(_suits_fewer(purpose, former, name) for name in CRITERIA))
    return any(faults) or _promises_nobody(charter)


def _suits_fewer(purpose: PurposeClause, former: PurposeClause, criterion: str) -> bool:
    asked, asked_before = getattr(purpose, criterion), getattr(former, criterion)
    return bool(asked) and (not asked_before or any(tag not in asked for tag in asked_before))


def accounts_of(charter: Charter) -> set[str]:
    """The accounts that a charter pays into."""
    named = {charter.fee.to} if charter.fee else set()
    return named | ({charter.redemption.penalty_to} if charter.redemption.penalty_to else set())


def _promises_nobody(charter: Charter) -> bool:
    """Whether waiting longer would be punished."""
    by_time = sorted(charter.redemption.penalties, key=lambda penalty: penalty.under_days)
    return any(one.basis_points <= other.basis_points for one, other in pairwise(by_time))
