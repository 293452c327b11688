"""Waiting after wrong passwords, and who may register people."""

import pytest

from services.cop.identity import passwords, rules
from shared.auth.principal import Principal
from shared.contracts.clock import MICROSECONDS
from shared.contracts.errors import Refusal


def test_five_wrong_passwords_are_free_then_the_wait_doubles_up_to_a_quarter_of_an_hour() -> None:
    waits = [rules.wait_seconds(failures, last_failed_at=0, now=0) for failures in range(4, 16)]
    assert waits == [0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]


def test_the_wait_ends_with_time() -> None:
    assert rules.wait_seconds(6, last_failed_at=0, now=3 * MICROSECONDS) == 1
    assert rules.wait_seconds(6, last_failed_at=0, now=4 * MICROSECONDS) == 0


def test_only_administrators_and_tools_register_people() -> None:
    for role in ("administrator", "registrar"):
        rules.require_registrar(Principal("x", frozenset({role}), 0))
    with pytest.raises(Refusal) as refused:
        rules.require_registrar(Principal("x", frozenset({"operator", "member"}), 0))
    assert refused.value.slug == "not-permitted"


def test_everybody_registered_is_a_member() -> None:
    assert rules.granted_roles([]) == ["member"]
    assert rules.granted_roles(["operator"]) == ["member", "operator"]


def test_e_mail_addresses_are_compared_without_case_and_blanks() -> None:
    assert rules.normal_email(" Ana@Example.ORG ") == "ana@example.org"


def test_a_password_matches_its_own_hash_alone() -> None:
    stored = passwords.hash_password("correct horse battery")
    assert "correct" not in stored
    assert passwords.matches(stored, "correct horse battery")
    assert not passwords.matches(stored, "Correct horse battery")


def test_an_unknown_address_costs_a_real_verification_and_never_matches() -> None:
    # The stand-in hash must be one that argon2 really computes, or unknown addresses would answer at once.
    assert passwords._NOBODY.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert passwords._hasher.check_needs_rehash(passwords._NOBODY) is False
    assert not passwords.matches(None, "anything at all")
