"""How a row of `people` is shown."""

from typing import Any


def person_view(row: Any) -> dict[str, Any]:
    """`PersonView` of the contract."""
    return {
        "id": row.id,
        "kind": row.kind,
        "name": row.name,
        "roles": row.roles.split(),
        "locale": row.locale,
    }
