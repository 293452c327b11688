"""People's words as safe HTML: paragraphs, line ends and links; nothing of what they write is markup."""

import re

from markupsafe import Markup, escape

LINK = re.compile(r"""https?://[^\s<>"'\u2028\u2029]+""")
ENDS = ".,;:!?)]}»…،؛؟"
"""Signs that end a sentence around a link rather than the link."""


def html(text: str) -> Markup:
    """Paragraphs, each in the direction of its own first word."""
    paragraphs = [part for part in text.split("\n\n") if part.strip()]
    return Markup("\n").join(Markup('<p dir="auto">{}</p>').format(_lines(part)) for part in paragraphs)


def _lines(text: str) -> Markup:
    return Markup("<br>\n").join(_linked(line) for line in text.split("\n"))


def _linked(line: str) -> Markup:
    parts, end = [], 0
    for found in LINK.finditer(line):
        address = found.group().rstrip(ENDS)
        if found.group()[len(address) :].startswith(")") and "(" in address:
            address += ")"
        parts += [escape(line[end : found.start()]), _link(address)]
        end = found.start() + len(address)
    return Markup("").join([*parts, escape(line[end:])])


def _link(address: str) -> Markup:
    return Markup('<a href="{0}" dir="ltr" rel="nofollow ugc noopener">{0}</a>').format(address)
