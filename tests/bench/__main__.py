"""`python -m tests.bench [--length quick|full] [chapter ...]`: the table of goals, and build/bench.json."""

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.bench import engine, growth, idle, over_http, projection, report
from tests.bench.figures import fdatasyncs_a_second, machine
from tests.bench.goals import Result
from tests.bench.settings import LENGTHS, Settings
from tests.support.cluster import PrivateCluster
from tests.support.deployment import PROJECT

CHAPTERS: dict[str, Callable[[PrivateCluster, Settings], tuple[list[Result], dict[str, Any]]]] = {
    "engine": engine.measure,
    "http": over_http.distributed,
    "embedded": over_http.embedded,
    "growth": growth.measure,
    "memory": idle.measure,
    "sustained": over_http.sustained,
    "projection": projection.measure,
}
OUTPUT = PROJECT / "build" / "bench.json"


def main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="tests.bench", description=__doc__)
    parser.add_argument("--length", choices=sorted(LENGTHS), default="quick")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("chapters", nargs="*", metavar="chapter", help=" ".join(CHAPTERS))
    given = parser.parse_args(arguments)
    if unknown := set(given.chapters) - set(CHAPTERS):
        parser.error(f"no such chapter: {', '.join(sorted(unknown))} (there are: {', '.join(CHAPTERS)})")
    settings = LENGTHS[given.length]
    results: list[Result] = []
    measured: dict[str, Any] = {}
    about: dict[str, Any] = {"length": settings.name, **machine()}
    about["fdatasyncs_a_second"] = [fdatasyncs_a_second()]
    for chapter in given.chapters or CHAPTERS:
        started = time.monotonic()
        with PrivateCluster() as cluster:
            found, figures = CHAPTERS[chapter](cluster, settings)
        results += found
        measured[chapter] = figures
        about["fdatasyncs_a_second"].append(fdatasyncs_a_second())
        print(f"\n{chapter}, {time.monotonic() - started:.0f} s\n{report.lines(figures)}", flush=True)
        # Hours may follow, and a run that is broken off must not have been for nothing.
        report.save(given.output, about, results, measured)
    print(f"\n{report.lines(about)}\n\n{report.table(results)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
