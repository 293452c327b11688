"""Who gives commands in random histories, and ids that are the same on every run."""

from shared.auth.principal import ADMINISTRATOR, IMPORTER, MEMBER, OPERATOR, TIMEKEEPER, Principal
from shared.contracts import clock

FAR_FUTURE = clock.from_text("2999-01-01T00:00:00Z")


class Ids:
    """UUIDv7 in a row: nothing is left to chance, so that a history found once is found again."""

    def __init__(self) -> None:
        self._last = 0

    def new(self, now_us: int, partition: int | None = None) -> str:
        self._last += 1
        rand_a = self._last % 4096 if partition is None else partition
        text = f"{now_us // 1000:012x}7{rand_a:03x}8{self._last:015x}"
        return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


def _person(number: int, *roles: str) -> Principal:
    return Principal(f"00000000-0000-7000-8000-{number:012x}", frozenset(roles), FAR_FUTURE)


PEOPLE = [_person(number, MEMBER) for number in range(4)]
OPERATORS = [_person(number, OPERATOR, MEMBER) for number in (10, 11)]
ADMIN = _person(12, ADMINISTRATOR)
TOOLS = Principal("tools", frozenset((IMPORTER,)), FAR_FUTURE)
CLOCKWORK = Principal("ledger", frozenset((TIMEKEEPER,)), FAR_FUTURE)
ALL = [*PEOPLE, *OPERATORS, ADMIN, TOOLS, CLOCKWORK]
BY_SUBJECT = {who.subject: who for who in ALL}
