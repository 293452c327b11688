"""The file that says that a data folder holds demo accounts, and how to sign in with them."""

import json
import os
import secrets
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from shared.config import Config

WORDS = ("tile", "olive", "lemon", "harbour", "cedar", "saffron", "almond", "terrace", "fountain", "fig")


class SignIn(NamedTuple):
    """One demo account: what it is for, and how to sign in."""

    purpose: str
    email: str
    password: str


def path(config: Config) -> Path:
    return config.data / "demo.json"


def pending_path(config: Config) -> Path:
    return config.data / "demo.pending"


def exists(config: Config) -> bool:
    """Whether the data folder holds demo accounts."""
    return path(config).exists()


def is_pending(config: Config) -> bool:
    """Whether seeding was begun and not finished."""
    return pending_path(config).exists()


def new_password() -> str:
    """A password that is easy to type and belongs to this data folder alone."""
    return "-".join([*(secrets.choice(WORDS) for _ in range(3)), f"{secrets.randbelow(10_000):04d}"])


def begin(config: Config, sign_ins: Sequence[SignIn]) -> None:
    """Remember the demo accounts before there are any; only the owner of the data folder may read them."""
    descriptor = os.open(path(config), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump([sign_in._asdict() for sign_in in sign_ins], file, indent=2)
    pending_path(config).touch(0o600)


def ends_on(config: Config, proposed: date) -> date:
    """The last day of the simulation: that of the first attempt, also where a later one goes on."""
    text = pending_path(config).read_text()
    if text:
        return date.fromisoformat(text)
    pending_path(config).write_text(proposed.isoformat())
    return proposed


def finish(config: Config) -> None:
    """Seeding is done."""
    pending_path(config).unlink()


def read(config: Config) -> list[SignIn]:
    """The demo accounts of the data folder; none where it has none."""
    if not exists(config):
        return []
    return [SignIn(**entry) for entry in json.loads(path(config).read_text(encoding="utf-8"))]


def sign_in_lines(config: Config) -> list[str]:
    """What `medtown up` prints of the demo accounts."""
    sign_ins = read(config)
    if not sign_ins:
        return []
    width = max(len(sign_in.purpose) for sign_in in sign_ins)
    longest = max(len(sign_in.email) for sign_in in sign_ins)
    rows = [f"  {one.purpose:<{width}}  {one.email:<{longest}}  {one.password}" for one in sign_ins]
    return ["Simulated demo data. Sign in as:", *rows]
