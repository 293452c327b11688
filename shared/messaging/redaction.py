"""The body of a message for an operator's eyes: without tokens, passwords and what tells of persons.

What is JSON loses the values of fields whose names say so, at every depth; whatever looks like a token or an
e-mail address goes wherever it stands.
"""

import json
import re
from typing import Any

import msgspec

from shared.contracts.events import MAX_EVENT_BYTES
from shared.observability.logs import REDACTED

SHOWN_MAX_LENGTH = 20_000
HIDDEN = "[redacted]"

_WORDS = REDACTED | {
    "address", "assertion", "bearer", "birth", "birthday", "body", "content", "credential", "credentials",
    "description", "display", "excerpt", "filename", "iban", "key", "memo", "mobile", "note", "passphrase",
    "phone", "surname", "telephone", "text", "title",
}  # fmt: skip
_NAME_PARTS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_QUOTED_FIELD = re.compile(r'"([^"\\]{1,60})"(\s*:\s*)"(?:[^"\\]|\\.)*"?')
# Bounded, or of one run alone: a hostile body must not keep them busy.
_SECRET = re.compile(
    r"eyJ[\w.-]*"  # a JSON web token
    r"|[Bb]earer\s+[^\s\"]+"
    r"|[\w-]{40,}"  # a secret in base64; ids are shorter
)
_E_MAIL = re.compile(r"[^\s\"<>@:,;]{1,64}@[^\s\"<>@:,;]{1,255}")


def shown(body: bytes) -> str:
    """A body as text, at most SHOWN_MAX_LENGTH characters of it, with unprintable characters escaped."""
    text = _as_json(body) if len(body) <= MAX_EVENT_BYTES else None
    if text is None:
        text = _without_telling(body[:SHOWN_MAX_LENGTH].decode(errors="backslashreplace"))
    if max(len(text), len(body)) > SHOWN_MAX_LENGTH:
        text = f"{text[:SHOWN_MAX_LENGTH]}\n... ({len(body)} bytes)"
    return printable(text)


def printable(text: str) -> str:
    """The text with whatever could steer a terminal, or turn its writing around, escaped."""
    return "".join(
        sign if sign.isprintable() or sign == "\n" else sign.encode("unicode_escape").decode()
        for sign in text
    )


def _as_json(body: bytes) -> str | None:
    """A JSON body, redacted; None where it is none."""
    try:
        return json.dumps(_redacted(msgspec.json.decode(body)), indent=2, ensure_ascii=False)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None


def _redacted(value: Any) -> Any:
    if isinstance(value, dict):
        return {
            _hide(name): HIDDEN if _is_telling(name) and content not in (None, "") else _redacted(content)
            for name, content in value.items()
        }
    if isinstance(value, list):
        return [_redacted(each) for each in value]
    return _hide(value) if isinstance(value, str) else value


def _is_telling(name: str) -> bool:
    return any(part.lower() in _WORDS for part in _NAME_PARTS.findall(name))


def _hide(text: str) -> str:
    text = _SECRET.sub(HIDDEN, text[:SHOWN_MAX_LENGTH])
    return _E_MAIL.sub(HIDDEN, text) if "@" in text else text


def _without_telling(text: str) -> str:
    """As `_redacted`, for what is no JSON but may look like it."""

    def of_field(found: re.Match[str]) -> str:
        name, between = found.group(1), found.group(2)
        return f'"{name}"{between}"{HIDDEN}"' if _is_telling(name) else found.group(0)

    return _hide(_QUOTED_FIELD.sub(of_field, text))
