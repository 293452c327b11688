"""What a simulated town is made of, with the limits of every parameter."""

from dataclasses import dataclass
from datetime import date, timedelta

ACCOUNTS = (10, 1_000_000)
DAYS = (1, 3660)
SEED = (0, 2**63 - 1)
RATE = (0.05, 5.0)
SHARE = (0.0, 0.5)
START = (date(1990, 1, 1), date(2100, 1, 1))
NAME_LENGTH = (1, 100)

SEVILLE_ACCOUNTS = 300
SEVILLE_DAYS = 120
SEVILLE_SEED = 855142


@dataclass(frozen=True)
class Scenario:
    """A town to simulate. The same scenario always gives the same log, byte for byte.

    accounts: members (households, shops, suppliers, agents); the municipality's issuing account comes on top.
    days: length in days, `start` included. seed: picks the town and its life.
    token_name: written in every row.
    overdraw_share: share of all rows that overdraw their payer in file order.
    malformed_share: share of all rows with a field that cannot be read. Both together at most 0.5.
    extra_decimals: weights get up to 12 decimal places; rounding to the nearest cent gives the cents back.
    transfers_per_account_day: rows per account and day, averaged over the run (see `expected_rows`).

    Raises ValueError naming the field, its limits and what was given.
    """

    accounts: int
    days: int
    seed: int
    start: date = date(2023, 1, 2)
    token_name: str = "Tres Barrios-Amate (simulated)"
    overdraw_share: float = 0.0
    malformed_share: float = 0.0
    extra_decimals: bool = False
    transfers_per_account_day: float = 0.56

    def __post_init__(self) -> None:
        _whole("accounts", self.accounts, *ACCOUNTS)
        _whole("days", self.days, *DAYS)
        _whole("seed", self.seed, *SEED)
        _number("transfers_per_account_day", self.transfers_per_account_day, *RATE)
        _number("overdraw_share", self.overdraw_share, *SHARE)
        _number("malformed_share", self.malformed_share, *SHARE)
        if self.overdraw_share + self.malformed_share > SHARE[1]:
            raise ValueError(
                f"overdraw_share and malformed_share must together be at most {SHARE[1]}, so that at least "
                f"half of the rows hold: got {self.overdraw_share} + {self.malformed_share}"
            )
        if not isinstance(self.start, date) or not START[0] <= self.start <= START[1]:
            raise ValueError(f"start must be a date from {START[0]} to {START[1]}: got {self.start!r}")
        shortest, longest = NAME_LENGTH
        if not shortest <= len(self.token_name) <= longest or not self.token_name.isprintable():
            raise ValueError(
                f"token_name must be {shortest} to {longest} printable characters on one line: "
                f"got {self.token_name!r}"
            )

    @property
    def expected_rows(self) -> int:
        """About how many rows the log has: within a fifth from 100 accounts, 60 days and a rate of 0.3 on.

        1,000 accounts over 180 days give about 100,000 rows at the default rate. Shorter or smaller runs have
        more, since everybody's first credit weighs more in them. Faulty rows come on top of the genuine ones.
        """
        genuine = self.accounts * self.days * self.transfers_per_account_day
        return round(genuine / (1 - self.overdraw_share - self.malformed_share))


def seville_demo(ends_on: date) -> Scenario:
    """The demo's town: about the size of the Tres Barrios-Amate pilot, 120 days, the last of them `ends_on`.

    Rows run to about 21:30 UTC of the last day, so give a day that is over.
    """
    return Scenario(
        accounts=SEVILLE_ACCOUNTS,
        days=SEVILLE_DAYS,
        seed=SEVILLE_SEED,
        start=ends_on - timedelta(days=SEVILLE_DAYS - 1),
    )


def _whole(name: str, value: int, low: int, high: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise ValueError(f"{name} must be a whole number from {low:,} to {high:,}: got {value!r}")


def _number(name: str, value: float, low: float, high: float) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise ValueError(f"{name} must be a number from {low} to {high}: got {value!r}")
