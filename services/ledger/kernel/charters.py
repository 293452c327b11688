"""Which version of a currency's charter is in force."""

from services.ledger.kernel import calendar
from services.ledger.kernel.rules import Rules, simple_charter
from services.ledger.kernel.state import Currency, State
from shared.contracts.charters import Charter, read


def version_at(versions: list[list[int]], now: int) -> int:
    """The version that holds at a moment, of `[[version, valid_from], ...]` in the order of their coming."""
    held = [version for version, valid_from in versions if valid_from <= now]
    return held[-1] if held else versions[0][0]


def versions_of(state: State, currency: Currency) -> list[list[int]]:
    """All versions of a currency's charter, `[[version, valid_from], ...]`: past, in force and to come. One
    that was created without a charter has its first version from its creation on.
    """
    listed = state.things["charters", currency.code]
    return [[1, currency.created_at]] if listed is None else list(listed.body["versions"])


def held_since(versions: list[list[int]], day: str, now: int) -> list[tuple[int, int]]:
    """The versions that have been in force since the end of a day, each with its last moment until now.

    What was in force on that day alone is none of them, not even while it is: units that were received later
    on the day look the same, and what becomes of them must not depend on whether somebody looked in time.
    """
    ends = [valid_from - 1 for _, valid_from in versions[1:]] + [now]
    held = [(version, min(end, now)) for (version, _), end in zip(versions, ends, strict=True)]
    in_force = version_at(versions, now)
    return [
        (version, last) for version, last in held if version <= in_force and calendar.day_of(last + 1) > day
    ]


def charter_key(code: str, version: int) -> tuple[str, str]:
    """Where a version stands among the things."""
    return ("charter", f"{code}/{version}")


def rules_at(state: State, currency: Currency, now: int) -> Rules:
    """The rules of a currency in force at a moment (Unix microseconds); read once, then kept."""
    return rules_of(state, currency, version_at(versions_of(state, currency), now))


def rules_of(state: State, currency: Currency, version: int) -> Rules:
    """The rules of one version of a currency's charter."""
    key = (currency.code, str(version))
    rules = state.rules.get(key)
    if rules is None:
        thing = state.things[charter_key(currency.code, version)]
        charter = _simple(currency) if thing is None else read(thing.body["document"])
        began = next(began for each, began in versions_of(state, currency) if each == version)
        rules = Rules(charter, version, calendar.day_of(began))
        state.rules[key] = rules
    return rules


def _simple(currency: Currency) -> Charter:
    return simple_charter(
        currency.names,
        currency.kind,
        currency.minor_units,
        currency.default_credit_limit,
        currency.maximum_balance,
    )
