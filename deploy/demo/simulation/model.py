"""The life of a simulated town: every day's intentions met with the money that is really there."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from random import Random
from typing import NamedTuple

from deploy.demo.simulation import trades
from deploy.demo.simulation.plan import Act, Planner
from deploy.demo.simulation.scenario import Scenario
from deploy.demo.simulation.ties import Ties
from deploy.demo.simulation.town import HOARDER_APPETITE, ISSUER, NO_AID, Town

DISBURSEMENT = "DISBURSEMENT"
RECLAMATION = "RECLAMATION"
STANDARD = "STANDARD"
AGENT_OUT = "AGENT_OUT"
SUBTYPES = (DISBURSEMENT, RECLAMATION, STANDARD, AGENT_OUT)

EURO = 100
NOTE = 5 * EURO
WEEKS_PER_MONTH = 52 / 12
MONTH_DAYS = 365.25 / 12
PAUSED_ABOVE_GRANTS = 2
FLOAT_CENTS = 40 * EURO
SMALLEST_REDEMPTION = 20 * EURO
SMALLEST_ORDER = 15 * EURO
# In parts of what an average household spends a month. Suppliers pay twice that, for deliveries too.
MONTH_WAGE, WEEK_WAGE = 0.4, 0.1
WAGE_SHARE = 0.2
COOPERATIVE_SHARE = 0.5
SHOP_TO_SHOP_SHARE = 0.12


class Move(NamedTuple):
    """Money that changed hands: account numbers and cents."""

    subtype: str
    source: int
    target: int
    cents: int


class Model:
    """A town with its balances, in cents: the issuer's is minus what circulates, no other falls below 0."""

    def __init__(self, scenario: Scenario) -> None:
        self.town = Town(scenario)
        self._rng = Random(f"{scenario.seed}/life")
        self._ties = Ties(self.town, self._rng)
        self._planner = Planner(self.town, self._ties, self._rng)
        self.balances = [0] * (scenario.accounts + 1)
        # What an average household spends in an average month, and so about what an average grant must be.
        self._budget = self._planner.visits * 0.87 * MONTH_DAYS * trades.mean_purchase_cents()
        self._baskets = [trades.basket(month) for month in range(1, 13)]
        self._basket = self._baskets[0]
        self._acts: dict[Act, Callable[[int], Move | None]] = {
            Act.GRANT_MONTH: lambda household: self._grant(household, 1.0),
            Act.GRANT_WEEK: lambda household: self._grant(household, 1 / WEEKS_PER_MONTH),
            Act.GRANT_URGENT: lambda household: self._grant(household, 0.5),
            Act.WELCOME: self._welcome,
            Act.EXCHANGE: self._exchange,
            Act.BUY: self._buy,
            Act.GIVE: self._give,
            Act.CASH_OUT: self._cash_out,
            Act.RESTOCK: self._restock,
            Act.WAGE_MONTH: lambda job: self._wage(job, MONTH_WAGE),
            Act.WAGE_WEEK: lambda job: self._wage(job, WEEK_WAGE),
            Act.REDEEM: self._redeem,
        }

    def day(self, number: int) -> Iterator[tuple[int, Move]]:
        """Live a day, counted from 0; days must be lived in order, each to its end.

        Yields (microseconds of the local day, move) in order of time, each move already booked in `balances`.
        """
        self._ties.begin(number)
        today = self.town.scenario.start + timedelta(days=number)
        self._basket = self._baskets[today.month - 1]
        balances, acts = self.balances, self._acts
        for when, act, actor in self._planner.day(number):
            move = acts[act](actor)
            if move is not None:
                balances[move.source] -= move.cents
                balances[move.target] += move.cents
                yield when, move

    def _monthly_grant(self, household: int) -> float:
        """Who shops more often, for more people, gets more; nobody below two fifths of the average."""
        return self._budget * (0.4 + 0.6 * self.town.appetite[household])

    def _grant(self, household: int, part: float) -> Move | None:
        grant = self._monthly_grant(household)
        if self.balances[household] > PAUSED_ABOVE_GRANTS * grant:
            return None  # unspent aid is not added to
        return Move(DISBURSEMENT, ISSUER, household, _in_notes(grant * part))

    def _welcome(self, household: int) -> Move:
        """The first grant of those who get aid; the others change some euros to begin with."""
        part = 0.15 if self.town.aid_of(household) == NO_AID else 0.5
        return Move(DISBURSEMENT, ISSUER, household, _in_notes(self._monthly_grant(household) * part))

    def _exchange(self, household: int) -> Move | None:
        """Households without aid bring euros when they run low, if they believe in the currency."""
        grant = self._monthly_grant(household)
        if self.balances[household] > grant / 10 or self.town.appetite[household] <= HOARDER_APPETITE:
            return None
        return Move(DISBURSEMENT, ISSUER, household, _in_notes(grant * (0.15 + 0.3 * self._rng.random())))

    def _buy(self, household: int) -> Move | None:
        """A purchase; who has less pays what there is, and the rest in euros. A full purse buys more."""
        purse = self.balances[household]
        if purse < trades.SMALLEST_CENTS:
            return None
        trade = self._basket[int(self._rng.random() * len(self._basket))]
        cents = trades.price(trade, self._rng)
        if purse > self._budget:
            cents = int(cents * min(3.0, purse / self._budget))
        return Move(STANDARD, household, self._ties.shop_for(household, trade), min(cents, purse))

    def _give(self, household: int) -> Move | None:
        """A gift, a loan or a small job paid between neighbours, in whole units."""
        friend = self._ties.friend_of(household)
        if friend is None:
            return self._buy(household)
        cents = EURO * (1 + int(self._rng.expovariate(1 / 7)))
        return Move(STANDARD, household, friend, cents) if cents <= self.balances[household] else None

    def _cash_out(self, household: int) -> Move | None:
        agents = self.town.agents
        cents = NOTE * (1 + int(4 * self._rng.random()))
        if cents > self.balances[household]:
            return None
        return Move(AGENT_OUT, household, agents[household % len(agents)], cents)

    def _restock(self, business: int) -> Move | None:
        """An order paid: by shops to suppliers, or to shops; by suppliers to each other and to shops."""
        cents = int(self.balances[business] * (0.15 + 0.3 * self._rng.random()))
        seller = self._seller_to(business)
        if cents < SMALLEST_ORDER or seller == business:
            return None
        return Move(STANDARD, business, seller, cents)

    def _seller_to(self, business: int) -> int:
        suppliers = self.town.suppliers
        elsewhere = self._rng.random()
        if business in suppliers:
            cooperative = suppliers.start
            if elsewhere < COOPERATIVE_SHARE:
                return cooperative if business != cooperative else suppliers[-1]
        elif elsewhere > SHOP_TO_SHOP_SHARE:
            return self._ties.supplier_of(business)
        return self._ties.popular_shop(self._basket[int(self._rng.random() * len(self._basket))])

    def _wage(self, job: int, part: float) -> Move | None:
        """A part of the wage is in the currency: what is usual, or a fifth of what the employer has."""
        employer, household = self._ties.employments[job]
        usual = self._budget * part * (2 if employer in self.town.suppliers else 1)
        cents = int(min(usual, self.balances[employer] * WAGE_SHARE)) // EURO * EURO
        return Move(STANDARD, employer, household, cents) if cents else None

    def _redeem(self, business: int) -> Move | None:
        """Takings beyond what is needed for orders and change are turned into euros, in whole units."""
        keep = 0 if business in self.town.agents else FLOAT_CENTS
        cents = (self.balances[business] - keep) // EURO * EURO
        return Move(RECLAMATION, business, ISSUER, cents) if cents >= SMALLEST_REDEMPTION else None


def _in_notes(cents: float) -> int:
    return max(1, round(cents / NOTE)) * NOTE
