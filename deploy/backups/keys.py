"""The keys in a backup, and where they belong. In containers they are mounted to be read: a backup takes them
from there, and a restore sees to it that they are the right ones.
"""

import os
from pathlib import Path

from deploy.backups import manifest as manifests
from deploy.backups.manifest import Manifest
from deploy.refusals import CommandRefused
from shared.config import Config

FOLDER = "keys"


def is_key(name: str) -> bool:
    """Whether a file of a backup is a key."""
    return name.startswith(f"{FOLDER}/")


def place(config: Config, name: str) -> Path:
    """Where a key of a backup belongs."""
    return config.keys / name.removeprefix(f"{FOLDER}/")


def is_there(config: Config, manifest: Manifest, name: str) -> bool:
    """Whether a key of a backup is in its place already."""
    path = place(config, name)
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return manifests.hashed(file) == manifest.files[name]


def check(config: Config, manifest: Manifest) -> None:
    """Raises CommandRefused where keys would have to change and cannot."""
    others = [name for name in manifest.files if is_key(name) and not is_there(config, manifest, name)]
    if others and config.keys.exists() and not os.access(config.keys, os.W_OK):
        raise CommandRefused(
            f"{place(config, others[0])} is not the one in the backup and cannot be replaced: put the "
            f"backup's folder {FOLDER}/ there first"
        )
