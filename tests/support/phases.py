"""Runs the tests in phases, the quick ones first, and prints how long each phase took.

A test's phase is its folder under tests/ (unit, contract, model, browser, faults). Those of tests/integration
belong to the way of running whose marker they carry; without one, to distributed where they use its servers,
else to embedded.
"""

from collections import Counter, defaultdict

import pytest

# The seconds that `make test` may take for each on two cores, with everything installed.
BUDGET_SECONDS = {
    "unit": 60,
    "contract": 30,
    "model": 90,
    "embedded": 90,
    "distributed": 150,
    "browser": 120,
    "faults": 60,
}
PHASES = list(BUDGET_SECONDS)
MARKED = ("embedded", "distributed", "browser", "faults")
DISTRIBUTED_FIXTURES = {"broker", "cluster", "distributed"}
PHASE_KEY = pytest.StashKey[str]()

_seconds: defaultdict[str, float] = defaultdict(float)
_tests: Counter[str] = Counter()


def phase_of(item: pytest.Item) -> str:
    """The phase of a test, told by its folder, its marker or the servers that it uses."""
    parts = item.path.relative_to(item.config.rootpath).parts
    if len(parts) > 1 and parts[1] in PHASES:
        return parts[1]
    for marker in ("distributed", "embedded"):
        if item.get_closest_marker(marker) is not None:
            return marker
    fixtures = set(getattr(item, "fixturenames", ()))
    return "distributed" if fixtures & DISTRIBUTED_FIXTURES else "embedded"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give each test its phase and that phase's marker (before `-m` selects) and sort by phase."""
    for item in items:
        item.stash[PHASE_KEY] = phase_of(item)
        if item.stash[PHASE_KEY] in MARKED:
            item.add_marker(item.stash[PHASE_KEY])
    items.sort(key=lambda item: PHASES.index(item.stash[PHASE_KEY]))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> object:
    """Add what set-up, call and tear-down took to the phase."""
    _seconds[item.stash[PHASE_KEY]] += call.duration
    _tests[item.stash[PHASE_KEY]] += call.when == "call"
    return (yield)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the seconds of each phase beside its budget."""
    if not _seconds:
        return
    terminalreporter.section("time per phase")
    for phase in (name for name in PHASES if name in _seconds):
        seconds, budget = _seconds[phase], BUDGET_SECONDS[phase]
        remark = "" if seconds <= budget else "  over its budget"
        terminalreporter.line(
            f"{phase:<12} {_tests[phase]:>5} tests {seconds:>7.1f} s of {budget:>3} s{remark}"
        )
