"""Measured values: rounds summed up, latencies, and what the machine itself can do."""

import os
import platform
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

SYNC_BYTES = 8192


class Rounds(NamedTuple):
    """The same figure measured again and again: its median, and between what it varied."""

    median: float
    least: float
    most: float
    values: tuple[float, ...]


def rounds(values: Iterable[float]) -> Rounds:
    listed = tuple(values)
    return Rounds(statistics.median(listed), min(listed), max(listed), listed)


def ratios(figures: Sequence[float], bases: Sequence[float]) -> Rounds:
    """Each figure against what was measured beside it in the same round."""
    return rounds(figure / base for figure, base in zip(figures, bases, strict=True))


def percentile(ordered: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 1) of the ordered ones lie; 0 where there are none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))] if ordered else 0.0


def latencies(seconds: Iterable[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    ordered = sorted(seconds)
    return {f"p{share}_ms": 1000 * percentile(ordered, share / 100) for share in (50, 95, 99)}


def fdatasyncs_a_second(folder: Path | None = None, seconds: float = 1.0) -> float:
    """How often this machine makes 8 KiB durable: what no group of commits can go beyond."""
    with tempfile.TemporaryFile(dir=folder) as file:
        block, count = os.urandom(SYNC_BYTES), 0
        file.write(block)
        started = time.perf_counter()
        while (passed := time.perf_counter() - started) < seconds:
            file.seek(0)
            file.write(block)
            file.flush()
            os.fdatasync(file.fileno())
            count += 1
        return count / passed


def machine() -> dict[str, Any]:
    """What the figures were measured on, and how busy it was before."""
    return {
        "cores": os.cpu_count(),
        "memory_mib": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20,
        "system": platform.platform(),
        "python": platform.python_version(),
        "load_before": os.getloadavg()[0],
    }
