"""What an operator sees of a dead letter's body."""

import json
import time

import pytest

from shared.messaging.redaction import HIDDEN, SHOWN_MAX_LENGTH, printable, shown

TOKEN = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJhbmEifQ.c2lnbmF0dXJl"
UUID = "01990a3c-5d2e-7b4f-8c61-3e9f2a7d5b10"


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "accessToken",
        "session",
        "e_mail_email",
        "display_name",
        "Authorization",
        "phone",
        "memo",
        "IBAN",
    ],
)
def test_fields_that_tell_of_persons_are_hidden_at_every_depth(name: str) -> None:
    text = shown(json.dumps({"data": [{name: "Ana", "id": UUID}]}).encode())
    assert json.loads(text) == {"data": [{name: HIDDEN, "id": UUID}]}


@pytest.mark.parametrize("secret", [TOKEN, "Bearer abc", "ana@example.org", "x" * 43])
@pytest.mark.parametrize("body", ['{{"at": "{}"}}', '{{"{}": 1}}', "broken {}", '{{"at": "{}'])
def test_tokens_and_addresses_are_hidden_wherever_they_stand(body: str, secret: str) -> None:
    text = shown(body.format(secret).encode())
    assert secret not in text
    assert HIDDEN in text


def test_fields_are_hidden_in_broken_json_too() -> None:
    text = shown(b'{"id": "' + UUID.encode() + b'", "name": "Ana \\" Maria", "password" : "never clo')
    assert UUID in text
    assert "Ana" not in text
    assert "never" not in text


def test_what_says_nothing_of_persons_stays() -> None:
    event = {"id": UUID, "type": "org.medtown.identity.person.registered.v1", "data": {"version": 1}}
    assert json.loads(shown(json.dumps(event).encode())) == event


@pytest.mark.parametrize(
    "body",
    [
        b"\xff\xfe\x00",
        b"[" * 100_000,
        b'"' + b"x y " * 100_000 + b'"',
        b"eyJ" * 300_000,
        b'"' + b"a@" * 500_000,
        b"",
    ],
)
def test_whatever_the_body_is_it_is_shown_shortly_and_harmlessly(body: bytes) -> None:
    started = time.monotonic()
    text = shown(body)
    assert time.monotonic() - started < 2
    assert len(text) < 4 * SHOWN_MAX_LENGTH
    assert text == printable(text)


def test_nothing_steers_the_terminal() -> None:
    assert printable("a\x1b[31m\u202eb\nc") == "a\\x1b[31m\\u202eb\nc"
