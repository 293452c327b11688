"""Whose accounts these are, in words. The ledger knows holders by opaque ids, identity knows their names."""

from collections.abc import Iterable

from gateway.asking import ask
from gateway.i18n import gettext as _
from gateway.pages.common import Currency, currency_name
from shared.contracts import identity, ledger


def names_of_holders(accounts: Iterable[str], currency: Currency) -> dict[str, str]:
    """A name for each account: its holder's, the currency's own, or the end of its id."""
    wanted = list(dict.fromkeys(accounts))
    own = {
        currency["issuance_account"]: _("%(currency)s, issued") % {"currency": currency_name(currency)},
        currency["redemption_account"]: _("%(currency)s, redeemed") % {"currency": currency_name(currency)},
    }
    others = [account for account in wanted if account not in own]
    holders = ask(ledger.SERVICE, "get_holders", accounts=others)["holders"] if others else {}
    known = [holder for holder in dict.fromkeys(holders.values()) if holder]
    names = ask(identity.SERVICE, "get_names", ids=known)["names"] if known else {}
    return {
        account: own.get(account) or names.get(holders.get(account)) or nameless(account)
        for account in wanted
    }


def nameless(account: str) -> str:
    """How an account is called whose holder has no name here."""
    return _("Account …%(end)s") % {"end": account[-6:]}
