"""How long and how much: `quick` to look, `full` for the figures that are written down."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """`books` are the numbers of transfers at which growth is measured, the smallest first; `projected` are
    the transfers that the dashboard projects as they come, `rebuilt` those from which it is built again.
    """

    name: str
    rounds: int
    round_seconds: float
    warm_seconds: float
    accounts: int
    connections: tuple[int, ...]
    http_rounds: int
    http_seconds: float
    bulk_transfers: int
    history: int
    books: tuple[int, ...]
    sustained_seconds: float
    projected: int
    rebuilt: int


QUICK = Settings(
    name="quick",
    rounds=3,
    round_seconds=0.8,
    warm_seconds=0.2,
    accounts=2_000,
    connections=(1, 64),
    http_rounds=1,
    http_seconds=4,
    bulk_transfers=10_000,
    history=5_000,
    books=(10_000, 50_000),
    sustained_seconds=5,
    projected=20_000,
    rebuilt=20_000,
)
FULL = Settings(
    name="full",
    rounds=3,
    round_seconds=6,
    warm_seconds=1,
    accounts=100_000,
    connections=(1, 16, 64, 256),
    http_rounds=3,
    http_seconds=10,
    bulk_transfers=200_000,
    history=50_000,
    books=(10_000, 1_000_000, 10_000_000),
    sustained_seconds=600,
    projected=1_000_000,
    rebuilt=10_000_000,
)
LENGTHS = {settings.name: settings for settings in (QUICK, FULL)}
