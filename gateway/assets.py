"""The hashed names of scripts and styles, from the manifest that Vite writes when it builds `web/`."""

import json
from pathlib import Path
from typing import Any

STATIC = Path(__file__).parent / "static"
MANIFEST = STATIC / "dist" / ".vite" / "manifest.json"


class Assets:
    """Where an entry's script and styles are served. Without a built front end, pages work, unstyled."""

    def __init__(self, manifest: Path = MANIFEST, base: str = "/static/dist/") -> None:
        self._manifest = manifest
        self._base = base
        self._read_at = 0
        self._entries: dict[str, Any] = {}

    def script(self, entry: str) -> str:
        """The address of an entry's script; empty where the front end is not built."""
        found = self._known().get(f"src/{entry}.ts")
        return self._base + found["file"] if found else ""

    def styles(self, entry: str) -> list[str]:
        """The addresses of an entry's style sheets."""
        found = self._known().get(f"src/{entry}.ts")
        return [self._base + name for name in found.get("css", ())] if found else []

    def _known(self) -> dict[str, Any]:
        """The manifest, read anew when a build has written another: the old files are gone."""
        try:
            written_at = self._manifest.stat().st_mtime_ns
        except FileNotFoundError:
            return {}
        if written_at != self._read_at:
            self._entries = json.loads(self._manifest.read_text())
            self._read_at = written_at
        return self._entries
