"""Who asks: the person or service that a verified internal token speaks for."""

from dataclasses import dataclass

from shared.contracts.errors import Refusal

ADMINISTRATOR = "administrator"
OPERATOR = "operator"
MEMBER = "member"
IMPORTER = "importer"
"""May give imported commands their own time and derived ids: the operator's tools, never a person's
session.
"""
JOURNAL_READER = "journal-reader"
TIMEKEEPER = "timekeeper"
"""May have the ledger do what time has made due: the ledger's own jobs."""
REGISTRAR = "registrar"
"""May register people by the operator's tools, before there is an administrator to do it."""


@dataclass(frozen=True, slots=True)
class Principal:
    """`subject` is a person's id, or a service's name. `expires_at` is Unix microseconds."""

    subject: str
    roles: frozenset[str]
    expires_at: int

    def has(self, *roles: str) -> bool:
        """Whether the principal holds at least one of the roles."""
        return not self.roles.isdisjoint(roles)

    def require(self, action: str, *roles: str) -> None:
        """Refuse, naming the action, unless the principal holds at least one of the roles."""
        if not self.has(*roles):
            raise Refusal("not-permitted", action=action)
