"""PostgreSQL's own benchmark, TPC-B, on the same server: what the ledger is compared with."""

import re
import shutil
import subprocess
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.cluster import PrivateCluster

SCALE = 10
CLIENTS = 8
THREADS = 2
DATABASE = "pgbench"


class TpcB:
    """A database of pgbench's (scale 10) on a cluster."""

    def __init__(self, cluster: PrivateCluster) -> None:
        self._url = urlsplit(cluster.create_database(DATABASE))
        self._run("-i", "-q", "-s", str(SCALE))

    def transactions_a_second(self, seconds: float) -> float:
        """Prepared statements, 8 clients."""
        output = self._run(
            *("-M", "prepared", "-c", str(CLIENTS), "-j", str(THREADS), "-n"),
            *("-T", str(max(1, round(seconds)))),
        )
        found = re.search(r"^tps = ([0-9.]+)", output, re.MULTILINE)
        if found is None:
            raise RuntimeError(f"pgbench said nothing of its speed:\n{output}")
        return float(found[1])

    def _run(self, *options: str) -> str:
        url = self._url
        address = ("-h", str(url.hostname), "-p", str(url.port), "-U", str(url.username))
        command = [str(_program()), *address, *options, url.path.removeprefix("/")]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"pgbench failed:\n{done.stderr}")
        return done.stdout


def _program() -> Path:
    """Debian keeps it beside the server's programs, in the server's package."""
    versions = [path for path in Path("/usr/lib/postgresql").glob("*/bin/pgbench") if path.exists()]
    if versions:
        return max(versions, key=lambda path: int(path.parent.parent.name))
    found = shutil.which("pgbench")
    if found is None:
        raise FileNotFoundError("pgbench is missing: it comes with the package postgresql")
    return Path(found)
