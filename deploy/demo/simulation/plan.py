"""What everybody means to do on a day, and at what time; whether they can is seen when the time comes."""

from bisect import bisect_left
from calendar import FRIDAY
from datetime import date, timedelta
from enum import IntEnum
from random import Random

from deploy.demo.simulation import rhythm
from deploy.demo.simulation.ties import Ties
from deploy.demo.simulation.town import AID_MONTHLY, AID_WEEKLY, NO_AID, WORKERS, Town


class Act(IntEnum):
    """Things that people do. The actor is an account's number, for wages the place in the employments."""

    GRANT_MONTH = 0
    GRANT_WEEK = 1
    GRANT_URGENT = 2
    WELCOME = 3
    EXCHANGE = 4
    BUY = 5
    GIVE = 6
    CASH_OUT = 7
    RESTOCK = 8
    WAGE_MONTH = 9
    WAGE_WEEK = 10
    REDEEM = 11


Intention = tuple[int, Act, int]  # microseconds of the local day, what, who

GIVE_SHARE = 0.08
CASH_SHARE = 0.02
URGENT_PER_DAY = 0.004
EXCHANGE_PER_DAY = 0.03
RESTOCK_PER_DAY = 0.22
SUPPLIER_RESTOCK_PER_DAY = 0.3
WEEKLY_PAID = 4  # every fourth job is paid by the week
# Measured over seeds, sizes and lengths: the part of the visits that there is money for, and the rows per
# account and day that are no visits (credits, wages, orders, redemptions), besides one welcome each.
VISITS_PAID = 0.75
OTHER_ROWS_PER_DAY = 0.06


class Planner:
    """Plans days. `visits` is how often an average household shops on an average day."""

    def __init__(self, town: Town, ties: Ties, rng: Random) -> None:
        self._town = town
        self._ties = ties
        self._rng = rng
        self.visits = _visits(town)
        self._caseloads: dict[tuple[int, int], list[int]] = {
            (kind, worker): [h for h in town.households if h % WORKERS == worker and town.aid_of(h) == kind]
            for kind in (AID_MONTHLY, AID_WEEKLY)
            for worker in range(WORKERS)
        }

    def day(self, number: int) -> list[Intention]:
        """The intentions of a day, counted from 0, in order of time."""
        today = self._town.scenario.start + timedelta(days=number)
        plan = self._shopping(number, today)
        plan += self._welcomes(number)
        if rhythm.working(today):
            plan += self._aid(number, today)
            plan += self._wages(number, today)
        if not rhythm.closed(today):
            plan += self._business(number, today)
        plan.sort()
        return plan

    def _time(self, slots: list[int]) -> int:
        """A time of the day by a table of quantiles, spread over half an hour so that no two look alike."""
        return slots[int(self._rng.random() * len(slots))] + int((self._rng.random() - 0.5) * rhythm.HOUR / 2)

    def _shopping(self, number: int, today: date) -> list[Intention]:
        random, appetite, slots = self._rng.random, self._town.appetite, rhythm.shopping_hours(today)
        chance = self.visits * rhythm.spending(today)
        plan = []
        for household in self._town.households_in(number):
            for _ in range(int(chance * appetite[household] + random())):
                plan.append((self._time(slots), _errand(random()), household))
        return plan

    def _welcomes(self, number: int) -> list[Intention]:
        """A newcomer's first credit comes early, so that the card can be tried the same day."""
        return [
            (8 * rhythm.HOUR + int(self._rng.random() * rhythm.HOUR), Act.WELCOME, household)
            for household in self._town.newcomers(number)
        ]

    def _aid(self, number: int, today: date) -> list[Intention]:
        """Each social worker grants a caseload in one go: early in the month, or weekly on a day."""
        plan: list[Intention] = []
        of_month = rhythm.working_day_of_month(today)
        if of_month <= WORKERS:
            plan += self._batch(number, AID_MONTHLY, of_month - 1, Act.GRANT_MONTH)
        plan += self._batch(number, AID_WEEKLY, today.weekday(), Act.GRANT_WEEK)
        households = self._town.households_in(number)
        for _ in range(int(len(households) * URGENT_PER_DAY + self._rng.random())):
            household = households[int(self._rng.random() * len(households))]
            if self._town.aid_of(household) != NO_AID:
                plan.append((self._time(rhythm.OFFICE_HOURS), Act.GRANT_URGENT, household))
        return plan

    def _batch(self, number: int, kind: int, worker: int, act: Act) -> list[Intention]:
        caseload = self._caseloads[kind, worker]
        there = caseload[: bisect_left(caseload, self._town.households_in(number).stop)]
        begin = self._time(rhythm.OFFICE_HOURS)
        # About two a second, but never past the afternoon however long the list is.
        step = min(rhythm.SECOND // 2, 4 * rhythm.HOUR // max(1, len(there)))
        return [(begin + place * step, act, household) for place, household in enumerate(there)]

    def _wages(self, number: int, today: date) -> list[Intention]:
        month, week = rhythm.month_payday(today), rhythm.week_payday(today)
        if not (month or week):
            return []
        open_until = self._town.shops_open(number).stop
        hired_until = self._town.households_in(number).stop
        plan = []
        for job, (employer, household) in enumerate(self._ties.employments):
            weekly = job % WEEKLY_PAID == 0
            if (week if weekly else month) and employer < open_until and household < hired_until:
                act = Act.WAGE_WEEK if weekly else Act.WAGE_MONTH
                plan.append((self._time(rhythm.OFFICE_HOURS), act, job))
        return plan

    def _business(self, number: int, today: date) -> list[Intention]:
        """Orders are paid and takings redeemed in office hours, the latter on each business's own day."""
        random, appetite, slots, town = self._rng.random, self._town.appetite, rhythm.OFFICE_HOURS, self._town
        weekday, week = today.weekday(), today.toordinal() // 7
        plan = []
        for shop in town.shops_open(number):
            if random() < RESTOCK_PER_DAY * appetite[shop]:
                plan.append((self._time(slots), Act.RESTOCK, shop))
            if shop % 5 == weekday and (shop // 5 + week) % 2 == 0 and random() < appetite[shop]:
                plan.append((self._time(slots), Act.REDEEM, shop))
        for supplier in town.suppliers:
            if random() < SUPPLIER_RESTOCK_PER_DAY:
                plan.append((self._time(slots), Act.RESTOCK, supplier))
            if supplier % 5 == weekday and (supplier + week) % 4 == 0:
                plan.append((self._time(slots), Act.REDEEM, supplier))
        if weekday == FRIDAY:
            plan += [(self._time(slots), Act.REDEEM, agent) for agent in town.agents]
        households = town.households_in(number)
        for _ in range(int(len(households) * EXCHANGE_PER_DAY + random())):
            household = households[int(random() * len(households))]
            if town.aid_of(household) == NO_AID:
                plan.append((self._time(slots), Act.EXCHANGE, household))
        return plan


def _errand(lot: float) -> Act:
    if lot < GIVE_SHARE:
        return Act.GIVE
    return Act.CASH_OUT if lot < GIVE_SHARE + CASH_SHARE else Act.BUY


def _visits(town: Town) -> float:
    """The rate at which households must shop for the run to have the rows that the scenario asks for."""
    scenario = town.scenario
    temper = sum(town.appetite[h] for h in town.households) / len(town.households)
    chances = sum(
        len(town.households_in(number)) * rhythm.spending(scenario.start + timedelta(days=number))
        for number in range(scenario.days)
    )
    rows = scenario.accounts * scenario.days * scenario.transfers_per_account_day
    others = scenario.accounts * scenario.days * OTHER_ROWS_PER_DAY + len(town.households)
    return max(rows - others, rows / 5) / (VISITS_PAID * chances * temper)
