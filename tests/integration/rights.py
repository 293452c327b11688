"""What each role may do with which table of a database, written out a second time: a right that is added in
`deploy/installing/database.py` must be added here too, so that nobody gets one unnoticed.
"""

from collections.abc import Mapping

READ = "SELECT"
ADD = "SELECT, INSERT"
CHANGE = "SELECT, INSERT, UPDATE"
FORGET = "SELECT, DELETE"
RELAY = "SELECT, UPDATE, DELETE"
ALL = "SELECT, INSERT, UPDATE, DELETE"
NUMBER = "USAGE"
"""Of a sequence."""

PROJECTION = (
    *("account_days", "accounts", "amount_days", "cells", "changed_days", "currencies", "entries"),
    *("movements", "pool_days", "pools", "positions"),
)

RIGHTS: Mapping[str, Mapping[str, Mapping[str, str]]] = {
    "ledger": {
        "ledger": {
            "accounts": READ,
            "alembic_version": READ,
            "balances": READ,
            "currencies": READ,
            "delegations": READ,
            "entries": READ,
            "journal": READ,
            "late_days": READ,
            "late_entries": READ,
            "notes": READ,
            "partitions": READ,
            "reading_cursors": READ,
            "things": READ,
        },
        "ledger_jobs": {
            "accounts": READ,
            "alembic_version": READ,
            "balances": READ,
            "currencies": READ,
            "delegations": "SELECT, INSERT, DELETE",
            "journal": READ,
            "late_days": CHANGE,
            "late_entries": ADD,
            "notes": READ,
            "partitions": READ,
            "reading_cursors": CHANGE,
            "refusals": FORGET,
            "relay_cursors": CHANGE,
            "things": READ,
        },
        "ledger_writer": {
            "accounts": "SELECT, INSERT, UPDATE (floor, ceiling, territory, category, terms)",
            "alembic_version": READ,
            "balances": ALL,
            "currencies": ADD,
            "entries": ADD,
            "journal": ADD,
            "notes": ADD,
            "partitions": (
                "SELECT, INSERT, UPDATE (term, last_sequence, last_hash, last_batch, recorded_at)"
            ),
            "refusals": ADD,
            "things": ALL,
        },
        "verify_ledger": {
            "accounts": READ,
            "alembic_version": READ,
            "balances": READ,
            "currencies": READ,
            "delegations": READ,
            "entries": READ,
            "journal": READ,
            "late_days": READ,
            "late_entries": READ,
            "notes": READ,
            "partitions": "SELECT, UPDATE (frozen)",
            "reading_cursors": READ,
            "refusals": READ,
            "relay_cursors": READ,
            "things": READ,
        },
    },
    "identity": {
        "identity": {
            "alembic_version": READ,
            "attempts": ALL,
            "outbox": ADD,
            "outbox_sequence_seq": NUMBER,
            "people": CHANGE,
            "sessions": ALL,
        },
        "identity_jobs": {
            "alembic_version": READ,
            "attempts": FORGET,
            "outbox": RELAY,
            "sessions": FORGET,
        },
    },
    "cop": {
        "cop": {
            "alembic_version": READ,
            "groups": CHANGE,
            "memberships": ALL,
            "outbox": ADD,
            "outbox_sequence_seq": NUMBER,
            "replies": CHANGE,
            "revisions": "SELECT, INSERT, DELETE",
            "topics": CHANGE,
        },
        "cop_jobs": {"alembic_version": READ, "outbox": RELAY},
    },
    "dashboard": {
        "dashboard": {
            "alembic_version": READ,
            "inbox": ADD,
            "registration_days": CHANGE,
            **dict.fromkeys(PROJECTION, READ),
        },
        "dashboard_jobs": {
            "alembic_version": READ,
            "accounts_account_seq": NUMBER,
            "inbox": FORGET,
            "pools_pool_seq": NUMBER,
            **dict.fromkeys(PROJECTION, ALL),
        },
        "rebuild_dashboard": {
            "alembic_version": READ,
            "accounts_account_seq": NUMBER,
            "pools_pool_seq": NUMBER,
            **dict.fromkeys(PROJECTION, ALL),
        },
    },
    "toolbox": {
        "toolbox": {
            "alembic_version": READ,
            "documents": CHANGE,
            "outbox": ADD,
            "outbox_sequence_seq": NUMBER,
            "versions": ADD,
        },
        "toolbox_jobs": {
            "alembic_version": READ,
            "documents": READ,
            "outbox": RELAY,
            "versions": "SELECT, UPDATE (file_removed_at)",
        },
    },
}
"""By service, role and table; a verb of single columns names them. All else is refused to everybody."""
