"""Garbage collection of processes that every payment goes through."""

import gc

THRESHOLDS = (50_000, 20, 100)


def collect_seldom() -> None:
    """Look for cycles seldom, and never among what the start has made: it lives as long as the process.

    With Python's defaults, every few hundred commands make the collector walk through all accounts in
    memory; that took a fifth of the writer's time (measured). Our own values form no cycles, so nothing
    piles up.
    """
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
