"""A currency's charter in sentences of the reader's language, clause by clause in a fixed order.

The sentences follow from the document alone; what its authors wrote in it (names, description) is given in
the reader's language where they wrote it in that, else in English.
"""

from collections.abc import Mapping
from typing import NamedTuple

from babel.lists import format_list

from gateway import formats, i18n
from gateway.i18n import gettext as _
from gateway.i18n import ngettext
from shared.contracts import money
from shared.contracts.charters import (
    Charter,
    ExpiryClause,
    FeeClause,
    LimitClause,
    PurposeClause,
    RedemptionClause,
)
from shared.contracts.money import MAX_AMOUNT


class Section(NamedTuple):
    """Clauses that belong together. `place` is where they stand in the document, a JSON pointer."""

    place: str
    title: str
    sentences: list[str]


def sections(charter: Charter, code: str) -> list[Section]:
    """The whole charter of the currency with this code, in the present language."""
    cash = _Cash(code, charter.minor_units)
    found = [Section("/kind", _("The currency"), _kind(charter))]
    rows = sorted(enumerate(charter.limits), key=lambda row: (row[1].kind, row[1].level))
    found += [Section(f"/limits/{number}", _holders(row), _limits(row, cash)) for number, row in rows]
    if charter.kind == "mutual_credit":
        found.append(Section("/issuance", _("Issuing and redeeming"), [_no_units()]))
    else:
        found.append(Section("/issuance", _("Issuing"), _issuance(charter)))
        found.append(Section("/redemption", _("Redeeming"), _redemption(charter, cash)))
    found.append(Section("/fee", _("Fee"), _fee(charter.fee, cash)))
    if charter.kind != "mutual_credit":
        found.append(Section("/expiry", _("Validity"), _expiry(charter.expiry)))
    found += [
        Section(f"/purposes/{number}", _("Units for a purpose: %(name)s") % {"name": name}, _purpose(purpose))
        for number, purpose in enumerate(charter.purposes)
        if (name := formats.isolated(own_words(purpose.names)))
    ]
    return found


def own_words(by_language: Mapping[str, str]) -> str:
    """What the authors wrote in the reader's language, or in English; empty where they wrote neither."""
    return by_language.get(i18n.language()) or by_language.get(i18n.DEFAULT) or ""


class _Cash(NamedTuple):
    """Writes amounts of a currency."""

    code: str
    minor_units: int

    def __call__(self, amount: int) -> dict[str, str]:
        return {"amount": self.text(amount)}

    def text(self, amount: int) -> str:
        return formats.cash(amount, self.code, self.minor_units)


def _kind(charter: Charter) -> list[str]:
    kinds = {
        "mutual_credit": _("Mutual credit: whoever pays may owe, and all balances together are always zero."),
        "backed": _("A backed currency: units are issued against something, and redeemed for it."),
        "time": _("A time currency: what people give each other is counted in hours and minutes."),
    }
    said = [kinds[charter.kind], _scale(charter.minor_units)]
    if charter.symbols:
        said.append(_("Its symbol is %(symbol)s.") % {"symbol": formats.isolated(own_words(charter.symbols))})
    return said


def _scale(minor_units: int) -> str:
    if minor_units == 60:
        return _("Amounts are hours and minutes.")
    if minor_units == 1:
        return _("Amounts are whole numbers.")
    decimals = money.decimals(minor_units)
    told = ngettext("Amounts have %(number)s decimal.", "Amounts have %(number)s decimals.", decimals)
    return told % {"number": formats.count(decimals)}


def _holders(row: LimitClause) -> str:
    if row.level == 0:
        return _("Accounts of members") if row.kind == "member" else _("Accounts of organisations")
    level = {"level": formats.count(row.level)}
    if row.kind == "member":
        return _("Accounts of members from level %(level)s on") % level
    return _("Accounts of organisations from level %(level)s on") % level


def _limits(row: LimitClause, cash: _Cash) -> list[str]:
    levels = {
        1: _("The holder's contact details have been checked."),
        2: _("The holder's identity has been checked."),
        3: _("The holder's identity has been checked in person."),
    }
    said = [levels[row.level]] if row.level in levels else []
    if row.credit_limit:
        said.append(_("The account may owe up to %(amount)s.") % cash(row.credit_limit))
    else:
        said.append(_("The account cannot go below zero."))
    if row.maximum_balance < MAX_AMOUNT:
        said.append(_("The account may hold up to %(amount)s.") % cash(row.maximum_balance))
    else:
        said.append(_("There is no limit to what the account may hold."))
    for limit, told in (
        (row.per_transfer, _("Up to %(amount)s may be spent at a time.")),
        (row.per_day, _("Up to %(amount)s may be spent in a day.")),
        (row.per_month, _("Up to %(amount)s may be spent in a month.")),
        (row.soft_credit_limit, _("Whoever comes to owe more than %(amount)s is warned.")),
        (row.soft_per_day, _("Whoever spends more than %(amount)s in a day is warned.")),
        (row.soft_per_month, _("Whoever spends more than %(amount)s in a month is warned.")),
    ):
        if limit is not None:
            said.append(told % cash(limit))
    return said


def _no_units() -> str:
    return _("Units are neither issued nor redeemed: they arise when somebody pays on credit.")


def _issuance(charter: Charter) -> list[str]:
    if not charter.issuance.allowed:
        return [_("No units are issued under this version.")]
    said = [_("Operators issue units.")]
    if charter.issuance.case_reference_required:
        said.append(_("Each issuance needs a case reference."))
    return said


def _redemption(charter: Charter, cash: _Cash) -> list[str]:
    clause = charter.redemption
    if not clause.allowed:
        return [_("No units are redeemed under this version.")]
    said = [_redeemers(clause)]
    if any(row.credit_limit for row in charter.limits):
        said.append(_("Credit is not redeemed."))
    if charter.purposes:
        said.append(_("Units for a purpose are not redeemed."))
    if clause.minimum is not None:
        said.append(_("The least that is redeemed at a time is %(amount)s.") % cash(clause.minimum))
    if clause.case_reference_required:
        said.append(_("Each redemption needs a case reference."))
    return said + (_penalties(clause) if clause.penalties else [])


def _redeemers(clause: RedemptionClause) -> str:
    if len(set(clause.kinds)) > 1:
        return _("Members and organisations may have units redeemed.")
    if clause.kinds[0] == "member":
        return _("Members may have units redeemed.")
    return _("Organisations may have units redeemed.")


def _penalties(clause: RedemptionClause) -> list[str]:
    said = []
    for penalty in sorted(clause.penalties, key=lambda penalty: penalty.under_days):
        told = ngettext(
            "Of units held for less than %(days)s day, %(share)s is kept back.",
            "Of units held for less than %(days)s days, %(share)s is kept back.",
            penalty.under_days,
        )
        days, share = formats.count(penalty.under_days), formats.share(penalty.basis_points)
        said.append(told % {"days": days, "share": share})
    if clause.lot == "week":
        said.append(_("Days are counted from the beginning of the week in which units were received."))
    elif clause.lot == "month":
        said.append(_("Days are counted from the beginning of the month in which units were received."))
    if clause.penalty_to is not None:
        account = formats.isolated(clause.penalty_to)
        said.append(_("What is kept back goes to the account %(account)s.") % {"account": account})
    return [*said, _rounding()]


def _fee(fee: FeeClause | None, cash: _Cash) -> list[str]:
    if fee is None:
        return [_("Payments are free of charge.")]
    parts = {"fixed": cash.text(fee.fixed), "share": formats.share(fee.basis_points)}
    if fee.paid_by == "payer":
        both = _("On top of each payment, the payer pays %(fixed)s and %(share)s of the amount.")
        fixed = _("On top of each payment, the payer pays %(fixed)s.")
        share = _("On top of each payment, the payer pays %(share)s of the amount.")
    else:
        both = _("Of each payment, the payee gives up %(fixed)s and %(share)s of the amount.")
        fixed = _("Of each payment, the payee gives up %(fixed)s.")
        share = _("Of each payment, the payee gives up %(share)s.")
    told = share if not fee.fixed else both if fee.basis_points else fixed
    account = _("The fee goes to the account %(account)s.") % {"account": formats.isolated(fee.to)}
    return [told % parts, account, *([_rounding()] if fee.basis_points else [])]


def _rounding() -> str:
    return _("Fractions are rounded down.")


def _expiry(expiry: ExpiryClause | None) -> list[str]:
    if expiry is None:
        return [_("Units do not lapse, unless their purpose has an end.")]
    days = {"days": formats.count(expiry.after_days)}
    lots = {
        "day": ngettext(
            "Units lapse %(days)s day after they were issued.",
            "Units lapse %(days)s days after they were issued.",
            expiry.after_days,
        ),
        "week": ngettext(
            "Units lapse %(days)s day after the end of the week in which they were issued.",
            "Units lapse %(days)s days after the end of the week in which they were issued.",
            expiry.after_days,
        ),
        "month": ngettext(
            "Units lapse %(days)s day after the end of the month in which they were issued.",
            "Units lapse %(days)s days after the end of the month in which they were issued.",
            expiry.after_days,
        ),
    }
    said = [lots[expiry.lot] % days]
    if expiry.carries:
        said.append(_("The last day goes with the units when they are paid on."))
    else:
        said.append(_("Whoever is paid with them keeps them for good."))
    if expiry.notice_days:
        told = ngettext(
            "Holders are told %(days)s day before.",
            "Holders are told %(days)s days before.",
            expiry.notice_days,
        )
        said.append(told % {"days": formats.count(expiry.notice_days)})
    return said


def _purpose(purpose: PurposeClause) -> list[str]:
    said = []
    for tags, told in (
        (purpose.categories, _("They can be spent only with payees of the category %(tags)s.")),
        (purpose.places, _("They can be spent only with payees in the place %(tags)s.")),
        (purpose.groups, _("They can be spent only with payees of the group %(tags)s.")),
        (purpose.goods, _("They can be spent only for goods of the category %(tags)s.")),
    ):
        if tags:
            said.append(told % {"tags": _any_of(tags)})
    if purpose.since:
        said.append(_("They can be spent from %(day)s on.") % {"day": formats.day(purpose.since)})
    if purpose.until:
        last = formats.day(purpose.until)
        said.append(_("Their last day is %(day)s; what is left then lapses.") % {"day": last})
    if purpose.carries:
        said.append(_("The restriction goes with the units when they are paid on."))
    else:
        said.append(_("Whoever is paid with them may spend them on anything."))
    return said


def _any_of(tags: list[str]) -> str:
    """ "grocer, baker or market"."""
    return format_list([formats.isolated(tag) for tag in tags], style="or", locale=i18n.locale())
