"""A disk so small that it can be filled: a file system in memory, for whoever may mount one."""

import os
import random
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support.cluster import SYSTEM_USER
from tests.support.faults.site import Site

MEGABYTE = 1024 * 1024
TABLES = ("journal", "entries")
FILLER = "filler"


def can_mount() -> bool:
    """Whether this process may mount a file system."""
    if os.geteuid() != 0 or shutil.which("mount") is None:
        return False
    folder = tempfile.mkdtemp(prefix="medtown-disk-")
    mounted = _mount(Path(folder), MEGABYTE).returncode == 0
    if mounted:
        subprocess.run(["umount", folder], check=True)
    os.rmdir(folder)
    return mounted


@contextmanager
def small_disk(size: int) -> Iterator[Path]:
    """A file system of so many bytes, gone after the block."""
    folder = Path(tempfile.mkdtemp(prefix="medtown-disk-"))
    _mount(folder, size).check_returncode()
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)
        folder.rmdir()


def fill(disk: Path) -> None:
    """Leave no byte free."""
    with (disk / FILLER).open("wb", buffering=0) as file:
        try:
            while file.write(bytes(64 * 1024)):
                pass
        except OSError:  # no space left on device: what is wanted
            return


def make_room(disk: Path) -> None:
    (disk / FILLER).unlink()


def fill_database(site: Site, chance: random.Random) -> None:
    """The disk on which the books lie is full for a while."""
    [(size,)] = site.rows(
        "ledger", "SELECT sum(pg_table_size(t::regclass))::bigint FROM unnest(%s::text[]) t", list(TABLES)
    )
    with small_disk(int(size * 1.5) + 16 * MEGABYTE) as disk:
        shutil.chown(disk, SYSTEM_USER, SYSTEM_USER)
        space = f"small_{chance.randrange(10**9)}"
        site.rows("ledger", f"CREATE TABLESPACE {space} LOCATION '{disk}'")
        for table in TABLES:
            site.rows("ledger", f"ALTER TABLE {table} SET TABLESPACE {space}")
        try:
            fill(disk)
            site.load.wait_until_hampered()
        finally:
            make_room(disk)
            for table in TABLES:
                site.rows("ledger", f"ALTER TABLE {table} SET TABLESPACE pg_default")
            site.rows("ledger", f"DROP TABLESPACE {space}")


def _mount(folder: Path, size: int) -> "subprocess.CompletedProcess[bytes]":
    options = ["-t", "tmpfs", "-o", f"size={size},mode=0700", "medtown-tests"]
    return subprocess.run(["mount", *options, folder], check=False, capture_output=True)
