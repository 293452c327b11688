"""What a handler of a command gets and gives."""

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from services.ledger.kernel.draft import Draft
from services.ledger.kernel.state import State
from shared.auth.principal import Principal

CommandType = TypeVar("CommandType")


@dataclass(frozen=True, slots=True)
class Case(Generic[CommandType]):
    """A command to decide: who gives it, and the draft that its handler fills. `now` is Unix microseconds."""

    command: CommandType
    principal: Principal
    draft: Draft

    @property
    def state(self) -> State:
        return self.draft.state

    @property
    def now(self) -> int:
        return self.draft.now


@dataclass(slots=True)
class Decision:
    """What a handler found: the record's type, what it says beside what the draft holds, and what people
    wrote with it (memo or reason, case reference).

    `content` of a transfer has it under `transfer`; its note is committed there.
    """

    type: str
    content: dict[str, Any] = field(default_factory=dict)
    memo: str = ""
    case_reference: str = ""
