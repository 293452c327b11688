"""Whether this process lives, and whether it reaches what it needs. Metrics are not served through the
public door.
"""

from collections.abc import Callable

from flask import Blueprint, Response

from gateway.api.answers import json
from gateway.asking import ask_openly, together
from gateway.wiring import wiring
from shared.contracts import cop, dashboard, identity, ledger, toolbox
from shared.contracts.errors import Refusal

UNREACHED = frozenset({"service-unavailable", "outcome-unknown", "late"})
REMEMBER_SECONDS = 1.0
"""Probes from everywhere cost the services one question a second."""

health = Blueprint("health", __name__)


@health.get("/livez")
def livez() -> Response:
    """The process answers."""
    return json({"status": "ok"})


@health.get("/readyz")
def readyz() -> Response:
    """Every service behind answers."""
    reached: dict[str, bool] = wiring().recent.get("readyz", REMEMBER_SECONDS, _reach_all)
    ready = all(reached.values())
    return json({"status": "ok" if ready else "unavailable", "services": reached}, 200 if ready else 503)


def _reach_all() -> dict[str, bool]:
    checks = {
        ledger.SERVICE: lambda: ask_openly(ledger.SERVICE, "list_currencies", {"limit": 1}),
        identity.SERVICE: lambda: ask_openly(
            identity.SERVICE, "exchange", {"session": "-", "audiences": ["-"]}
        ),
        cop.SERVICE: lambda: ask_openly(cop.SERVICE, "list_groups", {}),
        dashboard.SERVICE: lambda: ask_openly(dashboard.SERVICE, "list_indicators", {}),
        toolbox.SERVICE: lambda: ask_openly(toolbox.SERVICE, "list_documents", {"limit": 1}),
    }
    return dict(zip(checks, together(*(_reaches(check) for check in checks.values())), strict=True))


def _reaches(ask: Callable[[], object]) -> Callable[[], bool]:
    def reaches() -> bool:
        try:
            ask()
        except Refusal as refusal:
            # A service that refuses is there.
            return refusal.slug not in UNREACHED
        return True

    return reaches
