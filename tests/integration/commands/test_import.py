"""`medtown import-transfers`, without a server, beside one, and over RabbitMQ."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.commands.site import Site, new_code
from tests.support.research_log import Expected, exceptions, line, log_of

Log = tuple[Path, Expected]


def import_log(site: Site, path: Path, currency: str, *options: str) -> dict[str, Any]:
    """The summary of an import that must go through."""
    done = site.run(
        "import-transfers", str(path), "--currency", currency, "--format", "ukds", "--json", *options
    )
    assert done.code == 0, done
    summary: dict[str, Any] = json.loads(done.out)
    return summary


def test_a_log_becomes_books_and_figures(site: Site, log: Log, tmp_path: Path) -> None:
    path, expected = log
    currency, told = new_code(), tmp_path / "exceptions.csv"
    summary = import_log(site, path, currency, "--exceptions", str(told))

    assert summary["rows"] == expected.rows
    assert summary["applied"] == expected.applied
    assert summary["volumes"] == expected.volumes
    assert summary["accounts"] == len(expected.balances)
    assert summary["supply"] == summary["sum"] == expected.supply > 0
    refused = exceptions(told)
    assert [int(row["row"]) for row in refused] == expected.refused
    assert {row["reason"] for row in refused} == {"insufficient-balance", "unreadable-row"}
    assert all(row["detail"] for row in refused)
    assert sum(summary["refused"].values()) == len(refused)
    report = site.verified()

    with site.services() as services:
        assert services.balances(currency, expected.balances) == expected.balances
        services.wait_for_figure(currency, "transfer_count", len(expected.payments))
        # Rows stand on the days of the log, whenever it was imported.
        days = {"from": "2023-01-01", "to": "2023-03-01"}
        assert services.figures(currency, "volume", "day", **days) == expected.volume_by_day
        assert services.figure(currency, "supply") == expected.supply
        assert services.figure(currency, "active_accounts") == len(expected.active)

    told_before = told.read_bytes()
    assert import_log(site, path, currency, "--exceptions", str(told)) == summary
    assert told.read_bytes() == told_before
    assert site.verified() == report
    with site.services() as services:
        assert services.balances(currency, expected.balances) == expected.balances


def test_a_closing_summary_is_readable(alone: Site, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    issued = line(1, "DISBURSEMENT", weight="1234.5")
    path.write_text(log_of(issued, line(2, source="bea", target="ana"), line(3, weight="2000"), "spoilt"))
    done = alone.run("import-transfers", str(path), "--currency", "PUMA", "--format", "ukds")
    assert done.out.splitlines() == [
        "4 rows, 2 accounts",
        "  applied  DISBURSEMENT            1   1234.50 PUMA",
        "  applied  STANDARD                1   1.00 PUMA",
        "  refused  insufficient-balance              1",
        "  refused  unreadable-row                    1",
        "supply by this log: 1234.50 PUMA",
        "sum of all balances of PUMA: 1234.50 PUMA",
        f"exceptions: {path}.exceptions.csv",
    ]


def test_a_scale_that_differs_is_refused(alone: Site, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(log_of(line(1, "DISBURSEMENT", weight="0.25")))
    first = import_log(alone, path, "PUMA", "--minor-units", "1000")
    assert first["volumes"] == {"DISBURSEMENT": 250}
    arguments = ("import-transfers", str(path), "--currency", "PUMA", "--format", "ukds")
    refused = alone.run(*arguments, "--minor-units", "100")
    assert refused.refusal == "--minor-units is 100, but PUMA exists with 1000; leave the option out"
    assert import_log(alone, path, "PUMA") == first


FORMAT = ("--format", "ukds")
CURRENCY = ("--currency", "PUMA")


@pytest.mark.parametrize(
    ("content", "options", "refusal"),
    [
        (log_of(), (*CURRENCY, "--format", "csv"), "Invalid value for '--format'"),
        (log_of(), CURRENCY, "Missing option '--format'"),
        (log_of(), FORMAT, "Missing option '--currency'"),
        (log_of(), (*CURRENCY, *FORMAT, "--minor-units", "7"), "Invalid value for '--minor-units'"),
        (None, (*CURRENCY, *FORMAT), "does not exist"),
        ("", (*CURRENCY, *FORMAT), "is no ukds log: its first line must be id,timeset"),
        ("a,b\n1,2\n", (*CURRENCY, *FORMAT), "is no ukds log: its first line must be id,timeset"),
        (log_of(line(1, "DISBURSEMENT")), ("--currency", "puma", *FORMAT), "/code"),
        (log_of(line(1, "DISBURSEMENT")), (*CURRENCY, *FORMAT, "--territory", "No Town"), "/territory"),
    ],
)
def test_what_cannot_be_imported_is_refused_in_one_line(
    alone: Site, tmp_path: Path, content: str | None, options: tuple[str, ...], refusal: str
) -> None:
    path = tmp_path / "log.csv"
    if content is not None:
        path.write_text(content)
    assert refusal in alone.run("import-transfers", str(path), *options).refusal


def test_the_log_is_never_overwritten_by_its_exceptions(alone: Site, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(log_of())
    (tmp_path / "same.csv").symlink_to(path)
    arguments = (
        "import-transfers",
        str(path),
        *CURRENCY,
        *FORMAT,
        "--exceptions",
        str(tmp_path / "same.csv"),
    )
    assert "which would be overwritten" in alone.run(*arguments).refusal
    assert path.read_text() == log_of()


@pytest.mark.parametrize("lines", [(), (line(1, weight="0"), line(2, timeset="never"))])
def test_a_log_without_a_row_that_counts_leaves_the_ledger_empty(
    alone: Site, tmp_path: Path, lines: tuple[str, ...]
) -> None:
    path = tmp_path / "log.csv"
    path.write_text(log_of(*lines))
    summary = import_log(alone, path, "PUMA")
    assert (summary["rows"], summary["applied"], summary["accounts"]) == (len(lines), {}, 0)
    assert (summary["supply"], summary["sum"]) == (0, 0)
    assert len(exceptions(Path(summary["exceptions"]))) == len(lines)
    assert alone.verified()["records"] == 0


def test_bytes_that_no_log_has_are_told_row_by_row(alone: Site, tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    spoilt = [
        b"n\xff",
        b"nul\0",
        b"x" * 200_000,
        b'open,"',
        line(6, weight="1e2").encode(),
        b"9" * 50 + b"," * 60,
    ]
    good = [line(1, "DISBURSEMENT", target="ana"), line(8)]
    path.write_bytes(b"\n".join([log_of(good[0]).encode().rstrip(), *spoilt, good[1].encode()]))
    summary = import_log(alone, path, "PUMA")
    assert summary["applied"] == {"DISBURSEMENT": 1, "STANDARD": 1}
    told = exceptions(Path(summary["exceptions"]))
    assert [int(row["row"]) for row in told] == [2, 3, 4, 5, 6, 7]
    assert {row["reason"] for row in told} == {"unreadable-row"}
    assert alone.verified()["sums"] == {"PUMA": 0}
