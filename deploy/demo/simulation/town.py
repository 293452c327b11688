"""Who lives in a simulated town: fixed before its first day, drawn from the seed."""

import hashlib
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from datetime import date, timedelta
from itertools import accumulate
from random import Random
from typing import NamedTuple

from deploy.demo.simulation import rhythm, trades
from deploy.demo.simulation.scenario import Scenario

ISSUER = 0
ADDRESS_BYTES = 20
WORKERS = 5

AID_MONTHLY, AID_WEEKLY, NO_AID = 0, 1, 2
AID_SHARES = (0.42, 0.18)
WHOLESALER, COOPERATIVE = "wholesaler", "cooperative"

# Shares of the members; what is left are households.
SHOPS, SUPPLIERS, AGENTS = 0.09, 0.015, 0.0003
SHOPS_AT_LAUNCH, HOUSEHOLDS_AT_LAUNCH = 0.6, 0.4
LAUNCH_DAYS = 10
HOARDERS = 0.08
HOARDER_APPETITE = 0.1
UNAIDED_APPETITE = 0.5


class Participant(NamedTuple):
    """An account: 0x address, role (municipality, agent, supplier, shop, household), category, a label that
    counts within the category, and the date it joined. No person behind it, so no names."""

    address: str
    role: str
    category: str
    label: str
    joined: date


class Town:
    """Accounts by number: 0 issues and redeems, then agents, suppliers, shops, households, each kind a range.

    Shops and households are numbered in the order in which they join, so that those there on a given day are
    the first ones of their range.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        rng = Random(f"{scenario.seed}/town")
        accounts = scenario.accounts
        agents = max(1, round(accounts * AGENTS))
        suppliers = max(1, round(accounts * SUPPLIERS))
        shops = max(2, round(accounts * SHOPS))
        self.agents = range(1, 1 + agents)
        self.suppliers = range(self.agents.stop, self.agents.stop + suppliers)
        self.shops = range(self.suppliers.stop, self.suppliers.stop + shops)
        self.households = range(self.shops.stop, accounts + 1)
        self.trade = trades.deal(shops)
        growth = _growth(scenario)
        # Shops sign up before the first aid is granted; households come over the first days.
        self._shop_days = _join_days(shops, SHOPS_AT_LAUNCH, 1, growth, rng)
        launch = min(LAUNCH_DAYS, 1 + scenario.days // 6)
        self._household_days = _join_days(len(self.households), HOUSEHOLDS_AT_LAUNCH, launch, growth, rng)
        self.aid = bytes(_aid(rng.random()) for _ in self.households)
        # How often a household shops, and how readily a business pays on: 1 on average, hoarders far below.
        self.appetite = array("d", (_temper(rng, 0.55) for _ in range(accounts + 1)))
        for household in self.households:
            if self.aid_of(household) == NO_AID:
                self.appetite[household] *= UNAIDED_APPETITE
        self._addresses = _addresses(scenario.seed, accounts + 2)

    def shops_open(self, day: int) -> range:
        """The shops that have joined by a day, counted from 0."""
        return self.shops[: bisect_right(self._shop_days, day)]

    def households_in(self, day: int) -> range:
        """The households that have joined by a day, counted from 0."""
        return self.households[: bisect_right(self._household_days, day)]

    def newcomers(self, day: int) -> range:
        """The households that join on a day."""
        days = self._household_days
        return self.households[bisect_left(days, day) : bisect_right(days, day)]

    def aid_of(self, household: int) -> int:
        """AID_MONTHLY, AID_WEEKLY or NO_AID."""
        return self.aid[household - self.households.start]

    def address(self, account: int) -> str:
        """0x and 40 hexadecimal digits, opaque: derived from the seed and the account's number."""
        return "0x" + self._addresses[account * ADDRESS_BYTES : (account + 1) * ADDRESS_BYTES].hex()

    @property
    def token_address(self) -> str:
        """The currency's own address, nobody's account."""
        return self.address(self.scenario.accounts + 1)

    def participants(self) -> Iterator[Participant]:
        """Everybody, in the order of their numbers."""
        start = self.scenario.start
        yield Participant(self.address(ISSUER), "municipality", "social services", "social services 1", start)
        counted: dict[str, int] = {}
        for account in range(1, self.scenario.accounts + 1):
            role, category, day = self._kind(account)
            counted[category] = counted.get(category, 0) + 1
            label = f"{category} {counted[category]}"
            yield Participant(self.address(account), role, category, label, start + timedelta(days=day))

    def _kind(self, account: int) -> tuple[str, str, int]:
        if account in self.agents:
            return "agent", "cash agent", 0
        if account in self.suppliers:
            return "supplier", COOPERATIVE if account == self.suppliers.start else WHOLESALER, 0
        if account in self.shops:
            place = account - self.shops.start
            return "shop", trades.TRADES[self.trade[place]].name, self._shop_days[place]
        place = account - self.households.start
        category = "circulating household" if self.aid[place] == NO_AID else "aided household"
        return "household", category, self._household_days[place]


def describe(scenario: Scenario) -> Iterator[Participant]:
    """Everybody who takes part in a scenario: the issuing municipality first, then its `accounts` members."""
    return Town(scenario).participants()


def _growth(scenario: Scenario) -> list[float]:
    """Running sums of how many newcomers each day draws."""
    days = (scenario.start + timedelta(days=day) for day in range(scenario.days))
    return list(accumulate(rhythm.GROWTH[day.month - 1] for day in days))


def _join_days(number: int, at_launch: float, launch: int, growth: list[float], rng: Random) -> list[int]:
    """The days, ascending, on which so many join: a share in the `launch` first days, the rest by season."""
    first = max(1, round(number * at_launch))
    days = [int(launch * rng.random()) for _ in range(first)]
    last = len(growth) - 1
    days += [min(bisect_right(growth, growth[-1] * rng.random()), last) for _ in range(number - first)]
    days[0] = 0
    return sorted(days)


def _aid(chance: float) -> int:
    monthly, weekly = AID_SHARES
    return AID_MONTHLY if chance < monthly else AID_WEEKLY if chance < monthly + weekly else NO_AID


def _temper(rng: Random, spread: float) -> float:
    if rng.random() < HOARDERS:
        return HOARDER_APPETITE
    return min(4.0, rng.lognormvariate(-(spread**2) / 2, spread))


def _addresses(seed: int, number: int) -> bytes:
    """The addresses end to end: a million take 20 MB so, and several times that as text."""
    return b"".join(hashlib.sha256(f"{seed}/{n}".encode()).digest()[:ADDRESS_BYTES] for n in range(number))
