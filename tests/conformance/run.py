"""`medtown-conformance`: runs the suite against a ledger and sums it up by chapter."""

import argparse
import inspect
import os
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar

import pytest

FOLDER = Path(__file__).parent
CHAPTERS = "chapter_*.py"
REQUIREMENT = re.compile(r"(\d+)\.(\d+) (.+)", re.DOTALL)
OUTCOMES = ("passed", "failed", "skipped")


@dataclass(frozen=True)
class Settings:
    """Which ledger, and as whom."""

    KEY: ClassVar[pytest.StashKey["Settings"]] = pytest.StashKey()

    url: str
    token: str
    second_token: str | None = None
    member_token: str | None = None


@dataclass
class Chapter:
    """What became of one chapter's requirements, by number."""

    title: str
    outcomes: dict[str, str] = field(default_factory=dict)

    def count(self, outcome: str) -> int:
        return sum(1 for each in self.outcomes.values() if each == outcome)


class Summary:
    """A plug-in of pytest that keeps what becomes of each requirement, and says it at the end."""

    def __init__(self, settings: Settings | None) -> None:
        self.settings = settings
        self.chapters: dict[str, Chapter] = {}
        self.sentences: dict[str, str] = {}
        self._numbers: dict[str, tuple[str, str]] = {}

    def pytest_configure(self, config: pytest.Config) -> None:
        if self.settings is not None:
            config.stash[Settings.KEY] = self.settings

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        for item in items:
            assert isinstance(item, pytest.Function)
            found = REQUIREMENT.match(inspect.getdoc(item.function) or "")
            assert found, f"{item.nodeid} states no requirement"
            chapter, number = found[1], f"{found[1]}.{found[2]}"
            title = (inspect.getdoc(item.module) or "").split("\n")[0]
            self.chapters.setdefault(chapter, Chapter(title))
            said = self.sentences.setdefault(number, " ".join(found[3].split()))
            assert said == " ".join(found[3].split()), f"{number} is stated twice"
            self._numbers[item.nodeid] = (chapter, number)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" and report.outcome == "passed":
            return
        chapter, number = self._numbers[report.nodeid]
        outcomes = self.chapters[chapter].outcomes
        # One requirement may be tried several times: it fails if one of them does.
        if outcomes.get(number) != "failed":
            outcomes[number] = report.outcome

    def lines(self) -> Iterator[str]:
        """The summary, a line a chapter and a line a requirement that was not met."""
        width = max((len(chapter.title) for chapter in self.chapters.values()), default=0)
        for number, chapter in self.chapters.items():
            counts = ", ".join(f"{n} {each}" for each in OUTCOMES if (n := chapter.count(each)))
            verdict = "FAIL" if chapter.count("failed") else "pass" if chapter.count("passed") else "skip"
            yield f"{verdict}  {number:>2}  {chapter.title:<{width}}  {counts}"
            for name, outcome in chapter.outcomes.items():
                if outcome == "failed":
                    yield f"          {name} {self.sentences[name]}"
        every = [outcome for chapter in self.chapters.values() for outcome in chapter.outcomes.values()]
        yield ", ".join(f"{every.count(each)} {each}" for each in OUTCOMES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite; 0 where every requirement that was tried is met."""
    parser = argparse.ArgumentParser(prog="medtown-conformance", description=__doc__)
    parser.add_argument("--url", help="the ledger's address, as https://example.org")
    parser.add_argument("--token", help="of somebody who may create currencies, open accounts and issue")
    parser.add_argument("--second-token", help="of another operator: tries what needs a second person")
    parser.add_argument("--member-token", help="of somebody without a role: tries what only others may")
    parser.add_argument("--chapter", action="append", default=[], help="only this chapter's number")
    parser.add_argument("--list", action="store_true", help="print the requirements instead")
    parser.add_argument("--verbose", action="store_true", help="tell of each failure in full")
    given = parser.parse_args(arguments)
    if given.list:
        for line in requirements():
            print(line)
        return 0
    if not given.url or not given.token:
        parser.error("--url and --token are needed")
    summary = Summary(Settings(given.url, given.token, given.second_token, given.member_token))
    chapters = [f"chapter_{int(number):02d}_" for number in given.chapter]
    files = [
        str(file)
        for file in sorted(FOLDER.glob(CHAPTERS))
        if not chapters or file.name.startswith(tuple(chapters))
    ]
    code = _pytest(summary, "-q", f"--tb={'long' if given.verbose else 'short'}", "--no-header", *files)
    print("\n" + "\n".join(summary.lines()))
    return code


def requirements() -> list[str]:
    """Every requirement by number, under its chapter's title, as the README states them."""
    summary = Summary(None)
    with open(os.devnull, "w") as nowhere:
        stdout, sys.stdout = sys.stdout, nowhere
        try:
            code = _pytest(summary, "--collect-only", "-q", *map(str, sorted(FOLDER.glob(CHAPTERS))))
        finally:
            sys.stdout = stdout
    if code:
        raise RuntimeError("the chapters could not be read")
    lines: list[str] = []
    for number, chapter in summary.chapters.items():
        lines += ["", f"### {number}. {chapter.title}", ""]
        lines += [
            f"- **{each}** {said}" for each, said in summary.sentences.items() if each.split(".")[0] == number
        ]
    return lines[1:]


def _pytest(summary: Summary, *arguments: str) -> int:
    """Apart from whatever project this folder lies in: neither its settings nor its fixtures are read."""
    apart = ["-c", os.devnull, "--rootdir", str(FOLDER), "--confcutdir", str(FOLDER)]
    apart += ["-p", "no:cacheprovider", "-o", f"python_files={CHAPTERS}"]
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    return int(pytest.main([*apart, *arguments], plugins=[summary]))
