"""Every process of a distributed installation, and what it is given: a broker user, a database role, keys."""

from collections.abc import Mapping
from dataclasses import dataclass

from deploy.services import SERVICES
from shared.auth.keys import ISSUERS

WRITER = "ledger-writer"
GATEWAY = "gateway"
TOOLS = "tools"
VERIFIER = "verify-ledger"
REBUILDER = "rebuild-dashboard"
SIGNING_BY_JOBS_ALONE = frozenset({"ledger"})
"""Services that answer calls without signing anything; their jobs do."""


@dataclass(frozen=True, slots=True)
class Process:
    """A process. `service` is the one whose database it uses, "" for none; `user` its name at the broker, ""
    where it does not go there; `keys` are the issuers whose private keys it holds.
    """

    name: str
    arguments: tuple[str, ...]
    service: str = ""
    user: str = ""
    keys: tuple[str, ...] = ()

    @property
    def role(self) -> str:
        """Its role in the database of `service`."""
        return self.name.replace("-", "_")


def owner_role(service: str) -> str:
    """The role that owns a service's database and migrates it; no process runs as it."""
    return f"{service.replace('-', '_')}_owner"


def migrations() -> dict[str, str]:
    """The name of the step that migrates each service's database."""
    return {service: f"migrate-{service}" for service in SERVICES}


def running() -> dict[str, Process]:
    """Everything that runs all the time, by name."""
    found = [Process(WRITER, ("serve", WRITER), "ledger", WRITER)]
    for service in SERVICES:
        keys = (service,) if service in ISSUERS else ()
        jobs = f"{service}-jobs"
        answering = () if service in SIGNING_BY_JOBS_ALONE else keys
        found.append(Process(service, ("serve", service), service, service, answering))
        found.append(Process(jobs, ("serve", "jobs", "--service", service), service, jobs, keys))
    found.append(Process(GATEWAY, ("serve", GATEWAY), "", GATEWAY))
    return _by_name(found)


def tools() -> dict[str, Process]:
    """What the operator runs when it is needed, by name."""
    return _by_name(
        [
            Process(TOOLS, (), "", TOOLS, (TOOLS,)),
            Process(VERIFIER, (VERIFIER,), "ledger"),
            Process(REBUILDER, (REBUILDER,), "dashboard", TOOLS, (TOOLS, "dashboard")),
        ]
    )


def everything() -> dict[str, Process]:
    return running() | tools()


def _by_name(processes: list[Process]) -> dict[str, Process]:
    return {process.name: process for process in processes}


def users() -> Mapping[str, Process]:
    """The users of the broker, each with the process that it was made for."""
    return {process.user: process for process in reversed(everything().values()) if process.user}
