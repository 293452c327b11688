"""What is promised of the ledger's speed: of each goal the least that is acceptable, and the aim."""

from typing import Any, NamedTuple

from tests.bench.figures import Rounds


class Goal(NamedTuple):
    """`least` and `aim` are in `unit`; times and memory are better when smaller."""

    text: str
    unit: str
    least: float
    aim: float
    smaller: bool = False


GOALS = {
    "batch": Goal("engine, batch of 1000, against TPC-B", "x", 4, 8),
    "hot": Goal("engine, hot account against random accounts", "x", 0.9, 1.1),
    "callers": Goal("engine, 32 single callers against TPC-B", "x", 1.5, 2.5),
    "p99_32": Goal("engine, p99 with 32 callers", "ms", 10, 5, smaller=True),
    "p99_256": Goal("engine, p99 with 256 callers", "ms", 40, 25, smaller=True),
    "http": Goal("HTTP, distributed, single payments, 64 connections", "/s", 800, 2_500),
    "behind": Goal("dashboard behind the ledger meanwhile, at most", "s", 10, 10, smaller=True),
    "bulk": Goal("HTTP, distributed, bulk", "/s", 10_000, 30_000),
    "csv": Goal("HTTP, distributed, history of 50,000 as CSV", "s", 2, 2, smaller=True),
    "queries": Goal("HTTP, distributed, p95 of queries under load", "ms", 50, 50, smaller=True),
    "embedded": Goal("HTTP, embedded, single payments, 64 connections", "/s", 1_000, 1_600),
    "memory_service": Goal("memory of an idle service", "MB", 130, 90, smaller=True),
    "memory_jobs": Goal("memory of an idle jobs process", "MB", 250, 180, smaller=True),
    "growth": Goal("a payment's cost with the most books against 10 thousand", "x", 1.3, 1.05, smaller=True),
    "projection": Goal("1,000,000 transfers projected by the dashboard", "s", 600, 200, smaller=True),
    "projection_memory": Goal("memory of projecting and of rebuilding", "MB", 500, 250, smaller=True),
}


class Result(NamedTuple):
    """A goal's figure. `shown` is what was measured, in words, where the figure is a ratio."""

    goal: str
    figure: Rounds
    shown: str = ""

    @property
    def against_aim(self) -> float:
        """1 and more: the aim is reached."""
        aim, figure = GOALS[self.goal].aim, self.figure.median
        if GOALS[self.goal].smaller:
            return aim / figure if figure else float("inf")
        return figure / aim

    @property
    def met(self) -> str:
        goal, figure = GOALS[self.goal], self.figure.median
        if self.against_aim >= 1:
            return "aim"
        return "least" if (figure <= goal.least if goal.smaller else figure >= goal.least) else "no"

    def to_json(self) -> dict[str, Any]:
        goal = GOALS[self.goal]
        return {
            "goal": goal.text,
            "unit": goal.unit,
            "least": goal.least,
            "aim": goal.aim,
            "median": self.figure.median,
            "min": self.figure.least,
            "max": self.figure.most,
            "rounds": list(self.figure.values),
            "shown": self.shown,
            "met": self.met,
        }
