"""The small types that commands, charters and views are made of: patterns, limits, amounts and words."""

from collections.abc import Mapping
from typing import Annotated, Any

from marshmallow import fields, validate
from msgspec import Meta

from shared.contracts.money import MAX_AMOUNT

# In Python, `$` alone also stands before a newline at the end.
CODE_PATTERN = r"^[A-Z][A-Z0-9]{1,9}(?!\n)$"
ID_PATTERN = r"^[0-9a-f]{8}-[0-9a-f]{4}-[78][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}(?!\n)$"
TAG_PATTERN = r"^[a-z0-9][a-z0-9-]{0,39}(?!\n)$"
LANGUAGE_PATTERN = r"^[a-z]{2}(?!\n)$"
DATE_PATTERN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}(?!\n)$"
TEXT_PATTERN = r"^[^\u0000]*$"
"""PostgreSQL stores no text with this character."""

PATTERN_MEANINGS: Mapping[str, str] = {
    CODE_PATTERN: "2 to 10 capital letters and digits, a letter first",
    ID_PATTERN: "a UUIDv7 in lower case, with its hyphens",
    TAG_PATTERN: "1 to 40 small letters, digits and hyphens, no hyphen first",
    LANGUAGE_PATTERN: "a language's code of two small letters",
    DATE_PATTERN: "a date such as 2026-11-23",
    TEXT_PATTERN: "text without the character U+0000",
}
"""What would be right, for those who sent something else."""

MEMO_MAX_LENGTH = 140
REASON_MAX_LENGTH = 500

CURRENCY_KINDS = ("mutual_credit", "backed", "time")
ACCOUNT_KINDS = ("member", "organisation", "issuance", "redemption")
HOLDER_KINDS = ("member", "organisation")
"""The kinds of account that people and organisations hold; the others belong to the currency itself."""
TRANSFER_KINDS = ("issuance", "payment", "redemption", "refund", "reversal", "correction")

Id = Annotated[str, Meta(pattern=ID_PATTERN, description="UUIDv7 in canonical form")]
Code = Annotated[
    str, Meta(pattern=CODE_PATTERN, description="2 to 10 capital letters and digits, a letter first")
]
Amount = Annotated[int, Meta(ge=1, le=MAX_AMOUNT, description="minor units")]
Limit = Annotated[int, Meta(ge=0, le=MAX_AMOUNT)]
Tag = Annotated[str, Meta(pattern=TAG_PATTERN)]
Memo = Annotated[str, Meta(max_length=MEMO_MAX_LENGTH, pattern=TEXT_PATTERN)]
CaseReference = Annotated[str, Meta(max_length=60, pattern=TEXT_PATTERN)]
Reason = Annotated[str, Meta(min_length=1, max_length=REASON_MAX_LENGTH, pattern=TEXT_PATTERN)]
Language = Annotated[str, Meta(pattern=LANGUAGE_PATTERN)]
Name = Annotated[str, Meta(min_length=1, max_length=60, pattern=TEXT_PATTERN)]
MAX_LANGUAGES = 30
"""In how many languages one thing is said at most."""
Names = Annotated[dict[Language, Name], Meta(max_length=MAX_LANGUAGES)]
"""A name by language; English is compulsory."""
Date = Annotated[str, Meta(pattern=DATE_PATTERN, description="a day in UTC, as 2026-11-23")]
BasisPoints = Annotated[int, Meta(ge=0, le=10_000, description="hundredths of a per cent")]
Moment = Annotated[int, Meta(ge=0, description="Unix time in microseconds")]


def matching(pattern: str) -> validate.Regexp:
    """A check that a field is as one of the patterns here, which otherwise says what would be right."""
    return validate.Regexp(pattern, error=PATTERN_MEANINGS[pattern])


class StrictBoolean(fields.Boolean):
    """true or false, and nothing that merely resembles them."""

    def _deserialize(self, value: Any, attr: Any, data: Any, **rest: Any) -> Any:
        if not isinstance(value, bool):
            raise self.make_error("invalid", input=value)
        return value
