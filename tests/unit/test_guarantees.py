"""Every promise of docs/guarantees.md names tests that exist."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REFERENCES = sorted(
    set(re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", (ROOT / "docs/guarantees.md").read_text()))
)


@pytest.mark.parametrize(("file", "test"), REFERENCES)
def test_a_promise_names_tests_that_exist(file: str, test: str) -> None:
    path = ROOT / file
    assert path.is_file()
    if test:
        # By itself, or in a class that is run on both buses.
        assert re.search(rf"^(    )?def {test}\(", path.read_text(), re.MULTILINE)


def test_every_promise_names_a_test() -> None:
    rows = [line for line in (ROOT / "docs/guarantees.md").read_text().splitlines() if line.startswith("| ")]
    promises = [row for row in rows if not row.startswith("| Promise")]
    assert promises
    assert all("`tests/" in row for row in promises)
