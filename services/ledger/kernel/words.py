"""What people must write so that somebody else understands it later."""

from shared.contracts.errors import Fault, Refusal


def check_says_something(pointer: str, text: str) -> None:
    """Refuse a text that shows nothing where it is read; an empty one says that there is none.

    Raises Refusal `invalid-request`, pointing at the field.
    """
    if text and not any(sign.isprintable() and not sign.isspace() for sign in text):
        fault = Fault(pointer, "invalid", "a text with at least one character that can be seen")
        raise Refusal("invalid-request", (fault,))
