"""The toolbox's own metrics."""

from prometheus_client import Counter

FILES = Counter(
    "toolbox_files_total",
    "Files handed in as documents or versions: added, replayed, or the refusal",
    ["outcome"],
)
FILE_BYTES = Counter("toolbox_file_bytes_total", "Bytes of the files that were added")
FILES_REMOVED = Counter("toolbox_files_removed_total", "Files of deleted documents removed from the store")
STAGED_FORGOTTEN = Counter(
    "toolbox_staged_forgotten_total", "Staged files that came to nothing and were dropped"
)
