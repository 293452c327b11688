"""The catalogue: what each indicator means, in which unit, who is left out, and where its formula comes from.

Operators see live figures. Everybody else sees those of closed periods alone, and none behind which fewer
than five people stand or mostly one account (`suppression`); simulated currencies are open throughout.

Texts are English and the keys of their translations. `version` grows whenever a formula would give another
figure.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Indicator:
    """`unit`: money (minor units), count, share (0 to 1), per_week, weeks, or number (a mean of counts). Not
    `of_currency`: one figure for the platform.
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
_NETWORK_SOURCE = "Newman (2010): Networks, Oxford University Press"
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
        "holding_period",
        "Holding period",
        "How long a unit is held between being received and being spent with a member, in weeks: the mean,"
        " weighted with the amounts, over what was spent in the period. Units are followed first in, first"
        " out in the journal's order; a time below zero counts as zero. Of what was spent, only what had been"
        " received before counts, which credit was not.",
        "weeks",
        _NOT_BETWEEN_MEMBERS,
        _VELOCITY_SOURCE,
    ),
    Indicator(
        "transfer_velocity",
        "Transfer velocity",
        "How often a unit that is spent changes hands in a week: the inverse of the holding period.",
        "per_week",
        _NOT_BETWEEN_MEMBERS,
        _VELOCITY_SOURCE,
    ),
    Indicator(
        "effective_balance",
        "Effective balance",
        "The balance that would make the volume if all of it changed hands at the transfer velocity: volume"
        " / (transfer velocity x weeks of the period), rounded to a whole minor unit. What is held without"
        " being spent does not count.",
        "money",
        _NOT_BETWEEN_MEMBERS,
        _VELOCITY_SOURCE,
    ),
    Indicator(
        "retention",
        "Retention of units",
        "Of the units issued in the period, the share that had not been redeemed or taken back by its end:"
        " 1 - redeemed / issued. Units are followed first in, first out in the journal's order.",
        "share",
        "Units that were issued in another period, and credit.",
        _HOUSE,
    ),
    Indicator(
        "user_retention",
        "Retention of users",
        "Of the accounts that took part in transfers between members in the period before, the share that did"
        " so in this period as well.",
        "share",
        _NOT_BETWEEN_MEMBERS,
        _HOUSE,
    ),
    Indicator(
        "edge_reciprocity",
        "Reciprocity",
        "Of all pairs of a payer and a payee, the share in which the payee also paid the payer in the period."
        " For a territory, as in all figures of the network: payments between its accounts.",
        "share",
        _NOT_BETWEEN_MEMBERS,
        _NETWORK_SOURCE,
    ),
    Indicator(
        "weighted_reciprocity",
        "Reciprocity by amounts",
        "Share of the volume that is matched by payments in the other direction: sum of min(w_ij, w_ji) over"
        " all pairs / sum of w_ij, where w_ij is what i paid to j in the period.",
        "share",
        _NOT_BETWEEN_MEMBERS,
        "Squartini, Picciolo, Ruzzenenti, Garlaschelli (2013): Reciprocity of weighted networks,"
        " arXiv 1208.4208",
    ),
    Indicator(
        "density",
        "Density",
        "Pairs of a payer and a payee among those that are possible: edges / (n (n - 1)), n being the"
        " accounts that paid or received in the period.",
        "share",
        _NOT_BETWEEN_MEMBERS,
        _NETWORK_SOURCE,
    ),
    Indicator(
        "strongly_connected_share",
        "Strongly connected share",
        "Of the accounts that paid or received in the period, the share in the largest group in which money"
        " can pass from each to each by payments of the period.",
        "share",
        _NOT_BETWEEN_MEMBERS,
        _NETWORK_SOURCE,
    ),
    Indicator(
        "counterparty_diversity",
        "Partners of an account",
        "With how many different partners an account exchanged payments in the period, whoever paid: the mean"
        " over the accounts that paid or received.",
        "number",
        _NOT_BETWEEN_MEMBERS,
        _HOUSE,
    ),
    Indicator(
        "spending_hhi",
        "Concentration of spending",
        "Herfindahl-Hirschman index of spending: the sum of the squared shares that accounts have in all that"
        " is paid in the period. Near 0 where many spend alike, 1 where one account spends all.",
        "share",
        _NOT_BETWEEN_MEMBERS,
        "Herfindahl-Hirschman index: sum of squared shares",
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
