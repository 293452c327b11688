"""Bodies read by compiled schemas: the one value, or a refusal that points at the first field at fault."""

import re
from typing import Any, Generic, TypeVar

import msgspec
from flask import request

from gateway.api.answers import UNREADABLE, malformed
from gateway.api.choices import choices_at
from gateway.asking import signed_in
from shared.contracts.errors import Fault, Refusal
from shared.contracts.primitives import PATTERN_MEANINGS
from shared.messaging.dispatch import escaped

LONGEST_AMOUNT, LONGEST_NAME, LONGEST_SENTENCE = 40, 100, 200
"""How much of what was wrong is repeated in the answer, in characters."""

Kind = TypeVar("Kind")

_FIELD = re.compile(r"(missing|unknown).* field `(.*)`$", re.DOTALL)
_PLACE = re.compile(r" - at (?:`key` in )?`\$(.*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+)\]")
_NO_CHOICE = "Invalid enum value "
_REGEX = re.compile(r"matching regex (.*)$")


class Reader(Generic[Kind]):
    """Reads JSON into one kind of struct."""

    def __init__(self, kind: type[Kind]) -> None:
        self.kind = kind
        self._decode = msgspec.json.Decoder(kind).decode

    def read(self, raw: bytes) -> Kind:
        """The value in a body or a line. Raises Refusal, pointing at the field at fault."""
        try:
            return self._decode(raw)
        except msgspec.ValidationError as error:
            raise _invalid(raw, str(error), self.kind) from error
        except UNREADABLE as error:
            raise malformed(error) from error

    def body(self) -> Kind:
        """The value in this request's body. Whoever is not signed in is refused before it is looked at."""
        signed_in()
        return self.read(request.get_data(cache=False))


def convert(plain: object, kind: type[Kind], pointer: str) -> Kind:
    """A value from plain data that stood at `pointer`. Raises Refusal, pointing at the field at fault."""
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError as error:
        fault, _steps = fault_of(str(error), kind)
        raise Refusal("invalid-request", (fault._replace(pointer=pointer + fault.pointer),)) from error


def fault_of(message: str, kind: type[Any]) -> tuple[Fault, list[str]]:
    """The fault that the compiled schema of a kind tells of, and the way to it."""
    found = _PLACE.search(message)
    # A value of a map is told as `[...]`, without its key.
    way = found.group(1).replace("[...]", "") if found else ""
    steps = [name or number for name, number in _STEP.findall(way)]
    sentence = _PLACE.sub("", message)
    field = _FIELD.search(sentence)
    code = {"missing": "required", "unknown": "unknown"}[field.group(1)] if field else "invalid"
    if field:
        steps.append(field.group(2)[:LONGEST_NAME])
    pointer = "".join(f"/{escaped(step)}" for step in steps)
    if sentence.startswith(_NO_CHOICE) and (choices := choices_at(kind, steps)):
        sentence = "one of " + ", ".join(choices)
    return Fault(pointer, code, _in_words(sentence)[:LONGEST_SENTENCE]), steps


def _invalid(raw: bytes, message: str, kind: type[Any]) -> Refusal:
    fault, steps = fault_of(message, kind)
    if steps and steps[-1] == "amount" and fault.code == "invalid":
        # Where an object was asked for, the money's form is wrong rather than its amount.
        amount = None if fault.detail.startswith("Expected `object`") else _written_at(raw, steps)
        if amount is not None:
            return Refusal("invalid-amount", (fault,), amount=amount)
    return Refusal("invalid-request", (fault,))


def _in_words(sentence: str) -> str:
    """What would be right, rather than the regular expression that says so."""
    pattern = _REGEX.search(sentence)
    return next(
        (words for known, words in PATTERN_MEANINGS.items() if pattern and pattern[1] == repr(known)),
        sentence,
    )


def _written_at(raw: bytes, steps: list[str]) -> str | None:
    """What stands at a place as it was written, whatever it is; None where more than that is wrong."""
    value: Any = raw
    try:
        for step in steps:
            if step.isdigit():
                value = msgspec.json.decode(value, type=list[msgspec.Raw])[int(step)]
            else:
                value = msgspec.json.decode(value, type=dict[str, msgspec.Raw])[step]
        return bytes(value).decode()[:LONGEST_AMOUNT]
    except (msgspec.ValidationError, KeyError, IndexError, *UNREADABLE):
        return None
