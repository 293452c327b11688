"""People's words, made fit to be kept: no control characters, nothing that turns the text around it."""

import hashlib
import json
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from shared.contracts.errors import Fault, Refusal

UNWANTED = frozenset({"Cc", "Cs", "Cn"})
"""Unicode's categories of control characters, lone surrogates and what has no meaning yet."""
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Overrides and isolates of direction: left open, they would turn what a page writes after them."""
BLANK_LINES = re.compile(r"\n[^\S\n]*(?:\n[^\S\n]*)+")


def line(text: str) -> str:
    """Words in one line, with single blanks between them."""
    return " ".join(_cleaned(text, "\n\t").split())


def prose(text: str) -> str:
    """Words in paragraphs: single line ends kept, paragraphs parted by one empty line."""
    cleaned = _cleaned(text.replace("\r\n", "\n").replace("\r", "\n"), "\n\t")
    return BLANK_LINES.sub("\n\n", cleaned).strip()


def required(field: str, text: str, shortest: int = 1) -> str:
    """The text, of which something must be left to see. Raises Refusal `invalid-request` where nothing
    is.
    """
    if len(text) < shortest or all(unicodedata.category(sign)[0] in "CZ" for sign in text):
        fault = Fault(f"/{field}", "invalid", f"Shorter than minimum length {shortest}.")
        raise Refusal("invalid-request", (fault,))
    return text


def digest(arguments: Mapping[str, Any]) -> bytes:
    """What tells two requests with the same id apart: the hash of all that they say."""
    return hashlib.sha256(json.dumps(dict(arguments), sort_keys=True).encode()).digest()


def _cleaned(text: str, kept: str) -> str:
    return unicodedata.normalize(
        "NFC",
        "".join(
            sign
            for sign in text
            if sign in kept or (sign not in TURNING and unicodedata.category(sign) not in UNWANTED)
        ),
    )
