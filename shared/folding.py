"""Texts as they are compared in a search."""

import unicodedata

_VARIANTS = str.maketrans(
    {
        "أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ؤ": "و", "ئ": "ي", "ى": "ي", "ی": "ي", "ة": "ه", "ک": "ك",
        "ـ": None, "ء": None, "ø": "o", "đ": "d", "ł": "l", "ı": "i",
        **{chr(zero + digit): str(digit) for zero in (0x660, 0x6F0) for digit in range(10)},
    }
)  # fmt: skip
"""Letters that people use for one another and that do not fall apart into a letter and its mark; Arabic's
lengthening stroke and its hamza alone vanish.
"""


def folded(text: str) -> str:
    """A text without case, accents, vowel signs and variants of letters, in one line with single blanks.

    Whoever changes it writes a migration for each table that keeps folded texts.
    """
    apart = unicodedata.normalize("NFKD", text.casefold())
    plain = "".join(sign for sign in apart if unicodedata.category(sign) not in ("Mn", "Cf"))
    return " ".join(plain.translate(_VARIANTS).split())
