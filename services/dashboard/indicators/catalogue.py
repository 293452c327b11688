"""The catalogue: what each indicator means, in which unit, who is left out, and where its formula comes from.

Texts are English and the keys of their translations. `version` grows whenever a formula would give another
figure.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Indicator:
    """`unit`: money (minor units), count, share (0 to 1) or per_week. Not `of_currency`: one figure for the
    platform.
    """

    code: str
    name: str
    definition: str
    unit: str
    excludes: str
    source: str
    version: int = 1
    of_currency: bool = True

    def view(self) -> dict[str, Any]:
        """The indicator as `shared.contracts.dashboard.IndicatorView` has it."""
        view = asdict(self)
        del view["of_currency"]
        return view


_OWN = "The currency's own accounts that issue and redeem."
_NOT_BETWEEN_MEMBERS = (
    "Issuance, redemption and every transfer to or from an account that neither a person nor an organisation"
    " holds."
)
_HOUSE = "MedTOWN"
_VELOCITY_SOURCE = (
    "Mattsson, Criscione, Takes (2022): Circulation of a digital community currency, arXiv 2209.01512"
)
_GINI_SOURCE = "Gini index: sum((2i - n - 1) x_i) / (n sum x), values ascending"

_TABLE = (
    Indicator(
        "supply",
        "Supply",
        "What is in circulation at the end of the period, or now while it runs. In backed and time"
        " currencies: issued less redeemed, which always equals the sum of all balances. In mutual credit:"
        " the sum of the positive balances. For a territory: the balances of its accounts.",
        "money",
        _OWN,
        _HOUSE,
    ),
    Indicator(
        "volume",
        "Volume",
        "Sum of all transfers between members, people and organisations alike, that occurred in the"
        " period. A transfer counts for the territory of its payer.",
        "money",
        _NOT_BETWEEN_MEMBERS,
        _HOUSE,
    ),
    Indicator(
        "transfer_count",
        "Transfers",
        "Number of transfers between members, people and organisations alike, that occurred in the period."
        " A transfer counts for the territory of its payer.",
        "count",
        _NOT_BETWEEN_MEMBERS,
        _HOUSE,
    ),
    Indicator(
        "mean_transfer",
        "Mean transfer",
        "Volume divided by the number of transfers, rounded to a whole minor unit, halves to the even one.",
        "money",
        _NOT_BETWEEN_MEMBERS,
        _HOUSE,
    ),
    Indicator(
        "median_transfer",
        "Median transfer",
        "The size that half of the transfers of the period do not exceed; of two in the middle their mean,"
        " rounded to a whole minor unit, halves to the even one.",
        "money",
        _NOT_BETWEEN_MEMBERS,
        _HOUSE,
    ),
    Indicator(
        "velocity",
        "Velocity",
        "How often the mean balance changes hands in a week: volume / (time-weighted mean of the sum of"
        " balances x weeks of the period). In mutual credit only positive balances count. Of a period that"
        " still runs, the part up to now counts.",
        "per_week",
        _NOT_BETWEEN_MEMBERS,
        _VELOCITY_SOURCE,
    ),
    Indicator(
        "active_accounts",
        "Active accounts",
        "Members' and organisations' accounts that paid or received at least one transfer between members"
        " in the period.",
        "count",
        _NOT_BETWEEN_MEMBERS,
        _HOUSE,
    ),
    Indicator(
        "new_accounts",
        "New accounts",
        "Members' and organisations' accounts whose first transfer between members occurred in the period.",
        "count",
        _NOT_BETWEEN_MEMBERS,
        _HOUSE,
    ),
    Indicator(
        "gini_balances",
        "Inequality of balances",
        "Gini index of the balances at the end of the period, or now while it runs, over all members' and"
        " organisations' accounts opened by then, empty and inactive ones included: 0 where all have the"
        " same, towards 1 where one has all. Not defined where a balance is negative.",
        "share",
        _OWN,
        _GINI_SOURCE,
    ),
    Indicator(
        "gini_received",
        "Inequality of receipts",
        "Gini index of what accounts received by transfers between members in the period, over all"
        " members' and organisations' accounts opened before its end, inactive ones included: 0 where all"
        " received the same, towards 1 where one received all.",
        "share",
        _NOT_BETWEEN_MEMBERS,
        _GINI_SOURCE,
    ),
    Indicator(
        "registered_people",
        "Registrations",
        "People and organisations that registered on the platform in the period.",
        "count",
        "Nobody.",
        _HOUSE,
        of_currency=False,
    ),
)

INDICATORS: Mapping[str, Indicator] = {indicator.code: indicator for indicator in _TABLE}
