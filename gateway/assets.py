"""The hashed names of scripts and styles, from the manifest that Vite writes when it builds `web/`."""

import json
from functools import cached_property
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parent / "static"
MANIFEST = STATIC / "dist" / ".vite" / "manifest.json"


class Assets:
    """Where an entry's script and styles are served. Without a built front end, pages work, unstyled."""

    def __init__(self, manifest: Path = MANIFEST, base: str = "/static/dist/") -> None:
        self._manifest = manifest
        self._base = base

    @property
    def built(self) -> bool:
        return bool(self._entries)

    def script(self, entry: str) -> str:
        """The address of an entry's script; empty where the front end is not built."""
        found = self._entries.get(f"src/{entry}.ts")
        return self._base + found["file"] if found else ""

    def styles(self, entry: str) -> list[str]:
        """The addresses of an entry's style sheets."""
        found = self._entries.get(f"src/{entry}.ts")
        return [self._base + name for name in found.get("css", ())] if found else []

    @cached_property
    def _entries(self) -> dict[str, Any]:
        if not self._manifest.exists():
            return {}
        entries: dict[str, Any] = json.loads(self._manifest.read_text())
        return entries
