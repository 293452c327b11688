"""The rules of documents: who may do what, and how names are kept, and texts found."""

import re
import unicodedata
from collections.abc import Iterable

from shared.auth.principal import ADMINISTRATOR, MEMBER, OPERATOR, Principal
from shared.contracts.errors import Refusal
from shared.contracts.toolbox import MAX_TITLE_LENGTH, PUBLIC
from shared.folding import folded

FILE_NAME_BYTES = 255
"""What every usual file system takes."""
LONGEST_ENDING = 16
NAMELESS = "document"
MAX_SEARCH_WORDS = 10

_INVISIBLE = frozenset({"Cc", "Cs", "Cn", "Co", "Zl", "Zp"})
"""Unicode's categories of control characters, of what has no meaning, and of separators that no name has."""
_JOINERS = frozenset("\u200c\u200d")
"""Of the format characters, those that belong to the spelling of words; the others, among them all that
turn the direction of what stands around them, are left out.
"""
_NOT_IN_FILE_NAMES = str.maketrans(dict.fromkeys('<>:"|?*', "_"))
_DEVICE = re.compile(r"(con|prn|aux|nul|com[1-9]|lpt[1-9])(\..*)?", re.IGNORECASE)


def require_contributor(caller: Principal) -> None:
    """Documents are added by members."""
    caller.require("add documents", MEMBER, OPERATOR, ADMINISTRATOR)


def may_read(caller: Principal | None, access: str) -> bool:
    """Public documents are everybody's, the others belong to whoever is signed in."""
    return access == PUBLIC or caller is not None


def may_change(caller: Principal | None, owner: str) -> bool:
    """Versions are added, and documents deleted, by who added them and by operators."""
    return caller is not None and (caller.subject == owner or caller.has(OPERATOR))


def require_change(caller: Principal, owner: str, action: str) -> None:
    if not may_change(caller, owner):
        raise Refusal("not-permitted", action=action)


def clean_line(text: str) -> str:
    """Words in one line, without what cannot be seen and without what turns the text around it."""
    return " ".join(_visible(text.replace("\n", " ").replace("\t", " ")).split())


def clean_text(text: str) -> str:
    """As `clean_line`, with its lines kept and at most one empty one between them."""
    lines = [clean_line(line) for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Each tag once, whatever its case, in the order given."""
    cleaned = (clean_line(tag.replace(",", " ")) for tag in tags)
    return list({tag.casefold(): tag for tag in reversed([*filter(None, cleaned)])}.values())[::-1]


def clean_file_name(name: str) -> str:
    """A name under which the file can be saved anywhere, as near to the original as that allows.

    No folders, nothing invisible, nothing that turns the direction, none of the signs and names that some
    systems reserve; at most 255 bytes, of which the ending is kept.
    """
    last = clean_line(re.split(r"[/\\]", name)[-1]).translate(_NOT_IN_FILE_NAMES).strip(" .")
    stem, ending = split_ending(last or NAMELESS)
    if _DEVICE.fullmatch(stem + ending):
        stem = "_" + stem
    return _shortened(stem, FILE_NAME_BYTES - len(ending.encode())) + ending


def split_ending(name: str) -> tuple[str, str]:
    """A file's name and its ending: ("minutes", ".pdf"); the ending is empty where there is none."""
    stem, dot, ending = name.rpartition(".")
    is_ending = ending.isascii() and ending.isalnum() and not ending.isdigit()
    if not stem or not dot or not is_ending or len(ending) > LONGEST_ENDING:
        return name, ""
    return stem, f".{ending}"


def title_of(title: str, file_name: str) -> str:
    """The title given, or else the file's name without its ending."""
    return clean_line(title) or split_ending(file_name)[0][:MAX_TITLE_LENGTH]


def search_words(text: str) -> list[str]:
    """The words that a document must hold to be found."""
    return folded(clean_line(text)).split()[:MAX_SEARCH_WORDS]


def _visible(text: str) -> str:
    kept = (
        sign
        for sign in unicodedata.normalize("NFC", text)
        if sign in _JOINERS or unicodedata.category(sign) not in (*_INVISIBLE, "Cf")
    )
    return "".join(kept)


def _shortened(text: str, size: int) -> str:
    if len(text.encode()) <= size:
        return text
    cut = text.encode()[:size].decode(errors="ignore")
    # A letter does not lose the marks that stand upon it.
    while cut and unicodedata.combining(text[len(cut)]):
        cut = cut[:-1]
    return cut.rstrip(" .")
