"""Currencies come into being."""

from shared.auth.principal import Principal
from shared.contracts import ids
from shared.contracts.charters import Charter, LimitClause
from shared.contracts.commands import CreateCurrency
from tests.support.model import amending
from tests.support.model.book import Account, Book, Money, No

PARTITION = 0


def create_currency(book: Book, command: CreateCurrency, who: Principal) -> None:
    if "en" not in command.names:
        raise No("invalid-request")
    if command.code in book.moneys:
        raise No("currency-exists")
    issuance = ids.derived_account_id(PARTITION, "issuance", command.code, command.id)
    redemption = ids.derived_account_id(PARTITION, "redemption", command.code, command.id)
    charter = command.charter or simplest(command)
    if charter.names != command.names or amending.accounts_of(charter):
        raise No("charter-contradicts")
    book.moneys[command.code] = Money(
        command.code, command.kind, command.minor_units, issuance, redemption, ((1, book.now, charter),)
    )
    book.accounts[issuance] = Account(issuance, command.code, "issuance")
    book.accounts[redemption] = Account(redemption, command.code, "redemption")


def simplest(command: CreateCurrency) -> Charter:
    """The rules of a currency without a charter: two limits, no fee, nothing lapses."""
    limits = [
        LimitClause(
            kind=kind,
            credit_limit=command.default_credit_limit,
            maximum_balance=command.maximum_balance,
        )
        for kind in ("member", "organisation")
    ]
    return Charter(names=command.names, kind=command.kind, minor_units=command.minor_units, limits=limits)
