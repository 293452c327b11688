"""What may stand at a place of a body that takes one of a few words or numbers, for who sent another."""

from collections.abc import Sequence
from typing import Any

from msgspec import inspect

_known: dict[Any, inspect.Type] = {}
"""Kinds of bodies as they describe themselves: not to be asked again for each of ten thousand lines."""


def choices_at(kind: type[Any], steps: Sequence[str]) -> tuple[str, ...]:
    """The values that a kind of struct takes at a place, which is named by fields and positions (of a map's
    value: without its key); none where it takes others as well.
    """
    if kind not in _known:
        _known[kind] = inspect.type_info(kind)
    return _choices(_known[kind], steps)


def _choices(found: inspect.Type, steps: Sequence[str]) -> tuple[str, ...]:
    match found:
        case inspect.LiteralType(values) if not steps:
            return tuple(map(str, values))
        case inspect.UnionType(types):
            return next((values for each in types if (values := _choices(each, steps))), ())
        case inspect.Metadata(type):
            return _choices(type, steps)
        case inspect.DictType(value_type=values_are):
            return _choices(values_are, steps)
        case inspect.ListType(item_type) if steps:
            return _choices(item_type, steps[1:])
        case inspect.StructType(fields=fields) if steps:
            inside = [field.type for field in fields if field.encode_name == steps[0]]
            return _choices(inside[0], steps[1:]) if inside else ()
    return ()
