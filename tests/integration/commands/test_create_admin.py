"""`medtown create-admin`: the first people, who may register others."""

import secrets

import pytest

from tests.integration.commands.site import Site
from tests.support.api import Api
from tests.support.deployment import Deployment

PASSWORD = "a long enough password"


def create(site: Site, email: str, *options: str, password: str = PASSWORD) -> tuple[str, ...]:
    return ("create-admin", "--email", email, "--name", "Ana Admin", "--password-stdin", *options)


def test_an_administrator_can_sign_in_and_register_others(deployment: Deployment) -> None:
    site, email = Site.of(deployment), f"{secrets.token_hex(6)}@example.org"
    done = site.run(*create(site, email), stdin=PASSWORD + "\n")
    assert done.code == 0, done
    assert done.out.rstrip().endswith(": administrator, member, operator")
    admin = Api(deployment.base_url).sign_in(email, PASSWORD)
    body = {"name": "Bea", "email": f"{secrets.token_hex(6)}@example.org", "password": PASSWORD}
    admin.expect(201, "POST", "/people", json=body)
    again = site.run(*create(site, email.upper()), stdin=PASSWORD + "\n")
    assert again.refusal == "Somebody has registered with this e-mail address already."


@pytest.mark.parametrize(
    ("email", "options", "stdin", "refusal"),
    [
        ("ana@example.org", (), "short\n", "/password"),
        ("ana@example.org", (), "\n", "/password"),
        ("ana@example.org", (), "", "/password"),
        ("ana@example.org", (), "x" * 2_000 + "\n", "/password"),
        ("no address", (), PASSWORD, "/email"),
        ("ana\udcff@example.org", (), PASSWORD, "--email is not UTF-8"),
        ("ana@example.org", ("--role", "emperor"), PASSWORD, "/roles"),
    ],
)
def test_what_identity_does_not_take_is_refused_in_one_line(
    alone: Site, email: str, options: tuple[str, ...], stdin: str, refusal: str
) -> None:
    done = alone.run(*create(alone, email, *options), stdin=stdin)
    assert refusal in done.refusal
    assert stdin.strip() not in done.err or not stdin.strip()
