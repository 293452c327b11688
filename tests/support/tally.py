"""Counts what tests have gone through, and prints it at the end: "all passed" says nothing of how much."""

from collections import Counter

import pytest

_counts: Counter[str] = Counter()


def count(what: str, how_many: int = 1) -> None:
    """Add to what has been gone through."""
    _counts[what] += how_many


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the counts."""
    if _counts:
        terminalreporter.section("gone through")
        for what, how_many in _counts.items():
            terminalreporter.line(f"{how_many:>10,} {what}")
