"""Calls and messages that somebody forged are refused, change nothing, and are counted where an operator
sees it.
"""

import base64
import json
import time
from collections.abc import Callable, Iterator
from typing import Any

import jwt
import msgspec
import pytest
import requests
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from shared.auth.keys import load_signer, private_key_file
from shared.auth.principal import ADMINISTRATOR, JOURNAL_READER, MEMBER, OPERATOR, TIMEKEEPER
from shared.auth.tokens import ALGORITHM, Signer
from shared.contracts import clock, cop, dashboard, events, identity, ids, journal, ledger, toolbox
from shared.contracts.commands import Command, Settle, Transfer, WriteCall, WriteItem
from shared.contracts.errors import Refusal
from shared.contracts.journal import encode_batch
from shared.messaging.amqp.client import AmqpClient
from shared.messaging.amqp.publisher import AmqpPublisher
from shared.messaging.client import Client
from shared.messaging.publisher import Message
from tests.support.api import Town, administrator
from tests.support.broker import PrivateBroker
from tests.support.deployment import Deployment, DistributedDeployment
from tests.support.ledger import open_account, pay
from tests.support.waiting import wait_until

pytestmark = pytest.mark.distributed

WRITER = ledger.writer_service(0)
OTHERS = (identity, cop, dashboard, toolbox)
"""Contracts of the services beside the ledger."""
ASKED: dict[str, tuple[str, dict[str, Any]]] = {
    identity.SERVICE: ("get_names", {"ids": []}),
    cop.SERVICE: ("list_groups", {}),
    # These are open to all, but not to who says wrongly who they are.
    dashboard.SERVICE: ("list_indicators", {}),
    toolbox.SERVICE: ("list_documents", {}),
}
"""A call of each of them."""
WAIT_SECONDS = 20.0
SHORT_SECONDS = 1


@pytest.fixture(scope="module")
def town(distributed: Deployment) -> Town:
    return Town(administrator(distributed.base_url))


@pytest.fixture(scope="module")
def client(broker: PrivateBroker) -> Iterator[Client]:
    client = AmqpClient(broker.amqp_url, name="forger")
    yield client
    client.close()


@pytest.fixture(scope="module")
def signed_by(distributed: Deployment) -> Callable[[str], Signer]:
    """The signer of an issuer, with its real key: whoever has stolen that key."""
    return lambda issuer: load_signer(private_key_file(distributed.folder / "keys", issuer), issuer)


def counted(deployment: DistributedDeployment, process: str, name: str, **labels: str) -> float:
    text = requests.get(deployment.metrics_url(process) + "/metrics", timeout=10).text
    wanted = [f'{label}="{value}"' for label, value in labels.items()]
    return sum(
        float(line.rsplit(" ", 1)[1])
        for line in text.splitlines()
        if line.startswith(name + "{") and all(part in line for part in wanted)
    )


def refusal_of(
    client: Client, method: str, token: str | None, service: str = ledger.SERVICE, **arguments: Any
) -> str:
    with pytest.raises(Refusal) as raised:
        client.call(service, method, arguments, token=token, not_after=clock.deadline(10))
    return raised.value.slug


def refusals(deployment: DistributedDeployment, reason: str, *processes: str) -> list[float]:
    """How many tokens each process has refused for this reason."""
    return [counted(deployment, process, "auth_refusals_total", reason=reason) for process in processes]


def decided(client: Client, command: Command, token: str) -> str:
    """What the writer refuses a command as."""
    call = WriteCall([token], [WriteItem(0, command)], clock.deadline(10))
    answer = client.call(WRITER, "decide", msgspec.to_builtins(call), not_after=call.not_after)
    slug: str = answer["outcomes"][0]["refusal"]["slug"]
    return slug


def tampered(token: str, **claims: Any) -> str:
    """A genuine token whose claims were changed afterwards."""
    header, payload, signature = token.split(".")
    changed = {**json.loads(base64.urlsafe_b64decode(payload + "==")), **claims}
    encoded = base64.urlsafe_b64encode(json.dumps(changed).encode()).rstrip(b"=").decode()
    return f"{header}.{encoded}.{signature}"


def unsigned(subject: str, audience: str) -> str:
    claims = {"iss": "identity", "sub": subject, "aud": audience, "roles": [OPERATOR], "iat": 0, "exp": 2**40}
    return jwt.encode(claims, None, algorithm="none")  # type: ignore[arg-type]


def of_the_future(signer: Signer, audience: str) -> str:
    signed = int(time.time()) + 3600
    claims = {"iss": signer.issuer, "sub": "x", "aud": audience, "roles": [OPERATOR], "iat": signed}
    return jwt.encode({**claims, "exp": signed + 300}, signer._key, algorithm=ALGORITHM)


def tokens(signer: Signer, audience: str = ledger.AUDIENCE) -> dict[str, tuple[str, str]]:
    """Tokens that nobody must believe, and what each is counted as."""
    good = signer.sign(ids.new_id(), audience, frozenset({MEMBER}))
    own_key = Ed25519PrivateKey.generate()
    everything = frozenset({OPERATOR, ADMINISTRATOR})
    another = Signer("identity", own_key).sign("x", audience, everything)
    elsewhere = signer.sign(
        "x", identity.AUDIENCE if audience != identity.AUDIENCE else cop.AUDIENCE, everything
    )
    return {
        "another's subject": (tampered(good, sub=ids.new_id()), "wrong-signature"),
        "more roles": (tampered(good, roles=[OPERATOR]), "wrong-signature"),
        "a longer life": (tampered(good, exp=2**40), "wrong-signature"),
        "another key": (another, "wrong-signature"),
        "nobody's": (Signer("nobody", own_key).sign("x", audience, everything), "unknown-issuer"),
        "another audience": (elsewhere, "wrong-audience"),
        "expired": (signer.sign("x", audience, everything, lifetime_seconds=-1), "expired"),
        "of the future": (of_the_future(signer, audience), "not-yet-good"),
        "not signed": (unsigned("x", audience), "wrong-algorithm"),
        "no token": ("not.a.token", "malformed"),
        "nothing": ("", "missing"),
    }


FORGED = list(tokens(Signer("identity", Ed25519PrivateKey.generate())))


@pytest.mark.parametrize("forged", FORGED)
def test_a_forged_token_is_believed_neither_by_queries_nor_by_the_writer(
    distributed: DistributedDeployment, client: Client, signed_by: Callable[[str], Signer], forged: str
) -> None:
    token, reason = tokens(signed_by("identity"))[forged]

    before = refusals(distributed, reason, "ledger", "ledger-writer")
    assert refusal_of(client, "get_account", token, id=ids.new_id()) == "not-signed-in"
    assert decided(client, open_account(ids.new_id(), "PUMA"), token) == "not-signed-in"
    assert refusals(distributed, reason, "ledger", "ledger-writer") == [count + 1 for count in before]


@pytest.mark.parametrize("forged", FORGED)
@pytest.mark.parametrize("service", list(ASKED))
def test_a_forged_token_is_believed_by_no_service(
    distributed: DistributedDeployment,
    client: Client,
    signed_by: Callable[[str], Signer],
    service: str,
    forged: str,
) -> None:
    token, reason = tokens(signed_by("identity"), service)[forged]
    method, arguments = ASKED[service]
    before = refusals(distributed, reason, service)
    assert refusal_of(client, method, token, service, **arguments) == "not-signed-in"
    assert refusals(distributed, reason, service) == [count + 1 for count in before]


def test_a_token_that_was_overheard_is_good_for_no_other_service(
    distributed: DistributedDeployment, client: Client, town: Town
) -> None:
    """Within its five minutes and for its own audience a token is who has it; nowhere else."""
    session = str(town.operator.http.headers["Authorization"]).removeprefix("Bearer ")
    audiences = [ledger.AUDIENCE, *(each.AUDIENCE for each in OTHERS)]
    asked = {"session": session, "audiences": audiences}
    genuine: dict[str, str] = client.call(identity.SERVICE, "exchange", asked)["tokens"]
    for service, (method, arguments) in ASKED.items():
        assert client.call(service, method, arguments, token=genuine[service]) is not None
        elsewhere = [audience for audience in audiences if audience != service]
        [before] = refusals(distributed, "wrong-audience", service)
        for audience in elsewhere:
            assert refusal_of(client, method, genuine[audience], service, **arguments) == "not-signed-in"
        assert refusals(distributed, "wrong-audience", service) == [before + len(elsewhere)]
    [before] = refusals(distributed, "wrong-audience", "ledger-writer")
    for audience in audiences[1:]:
        assert decided(client, opening(town), genuine[audience]) == "not-signed-in"
    assert refusals(distributed, "wrong-audience", "ledger-writer") == [before + len(OTHERS)]


def test_a_token_that_was_good_is_refused_after_its_end(
    distributed: DistributedDeployment, client: Client, town: Town, signed_by: Callable[[str], Signer]
) -> None:
    account = town.account()
    token = signed_by("identity").sign(
        "an operator", ledger.AUDIENCE, frozenset({OPERATOR}), lifetime_seconds=SHORT_SECONDS + 1
    )
    seen = client.call("ledger", "get_account", {"id": account}, token=token)
    assert seen["id"] == account
    before = refusals(distributed, "expired", "ledger", "ledger-writer")

    def is_over() -> bool:
        try:
            client.call("ledger", "get_account", {"id": account}, token=token)
        except Refusal as refusal:
            return refusal.slug == "not-signed-in"
        return False

    wait_until(is_over, WAIT_SECONDS, "the token to end")
    assert decided(client, open_account(ids.new_id(), town.currency), token) == "not-signed-in"
    assert refusals(distributed, "expired", "ledger", "ledger-writer") == [count + 1 for count in before]


def test_a_person_sees_and_spends_nothing_of_anothers(
    distributed: DistributedDeployment, client: Client, town: Town, signed_by: Callable[[str], Signer]
) -> None:
    victim, thief = town.account(issued=100), town.account()
    token = signed_by("identity").sign(ids.new_id(), ledger.AUDIENCE, frozenset({MEMBER}))

    def seen() -> list[float]:
        asked = {"method": "ledger.get_account", "outcome": "not-permitted"}
        return [
            counted(distributed, "ledger", "rpc_request_duration_seconds_count", **asked),
            counted(distributed, "ledger-writer", "ledger_commands_total", outcome="not-permitted"),
        ]

    before = seen()
    assert refusal_of(client, "get_account", token, id=victim) == "not-permitted"
    command = pay(victim, thief, 100, town.currency)
    assert isinstance(command, Transfer)
    assert decided(client, command, token) == "not-permitted"
    assert seen() == [count + 1 for count in before]
    assert town.operator.balance(victim) == 100


def timekeeping(town: Town) -> Command:
    return Settle(id=ids.new_id(), account=town.account())


def opening(town: Town) -> Command:
    return open_account(ids.new_id(), town.currency)


@pytest.mark.parametrize(
    ("issuer", "role", "command"),
    [
        ("identity", TIMEKEEPER, timekeeping),
        ("dashboard", OPERATOR, opening),
        ("dashboard", TIMEKEEPER, timekeeping),
        ("ledger", OPERATOR, opening),
        ("toolbox", ADMINISTRATOR, opening),
    ],
)
def test_a_role_that_the_issuer_may_not_give_does_not_count(
    distributed: DistributedDeployment,
    client: Client,
    town: Town,
    signed_by: Callable[[str], Signer],
    issuer: str,
    role: str,
    command: Callable[[Town], Command],
) -> None:
    token = signed_by(issuer).sign(ids.new_id(), ledger.AUDIENCE, frozenset({role}))
    before = counted(distributed, "ledger-writer", "auth_roles_withheld_total", audience=ledger.AUDIENCE)
    assert decided(client, command(town), token) == "not-permitted"
    after = counted(distributed, "ledger-writer", "auth_roles_withheld_total", audience=ledger.AUDIENCE)
    assert after == before + 1


@pytest.mark.parametrize("service", list(ASKED))
def test_no_service_lets_an_issuer_give_roles_that_are_not_its_own(
    distributed: DistributedDeployment, client: Client, signed_by: Callable[[str], Signer], service: str
) -> None:
    token = signed_by("toolbox").sign(ids.new_id(), service, frozenset({ADMINISTRATOR}))
    method, arguments = ASKED[service]
    before = counted(distributed, service, "auth_roles_withheld_total", audience=service)
    assert client.call(service, method, arguments, token=token) is not None
    assert counted(distributed, service, "auth_roles_withheld_total", audience=service) == before + 1


def test_who_may_not_give_the_role_registers_nobody(
    client: Client, signed_by: Callable[[str], Signer]
) -> None:
    token = signed_by("toolbox").sign(ids.new_id(), identity.AUDIENCE, frozenset({ADMINISTRATOR}))
    person = {"name": "Nobody", "email": "nobody@example.org", "password": "a long enough password"}
    assert refusal_of(client, "create_person", token, identity.SERVICE, **person) == "not-permitted"


def test_only_readers_of_the_journal_get_it(client: Client, signed_by: Callable[[str], Signer]) -> None:
    position: dict[str, Any] = {
        "partition": 0,
        "timeline": "",
        "sequence": 0,
        "hash": journal.GENESIS_HASH,
        "limit": 1,
    }
    for issuer, role in (("identity", JOURNAL_READER), ("ledger", JOURNAL_READER), ("identity", MEMBER)):
        token = signed_by(issuer).sign("somebody", ledger.AUDIENCE, frozenset({role}))
        assert refusal_of(client, "journal_since", token, **position) == "not-permitted"


def test_an_event_in_anothers_name_is_parked_and_counted(
    distributed: DistributedDeployment, broker: PrivateBroker
) -> None:
    queue = f"dashboard.{events.PERSON_REGISTERED.key}"
    person = ids.new_id()
    genuine = events.new_event(events.PERSON_REGISTERED, person, {"id": person, "version": 1})
    forged = msgspec.structs.replace(genuine, source=events.source_of("cop"))

    def seen() -> list[float]:
        return [
            counted(distributed, "dashboard", "consumer_messages_total", queue=queue, outcome="parked"),
            counted(distributed, "dashboard", "consumer_dead_lettered_total", queue=queue),
        ]

    before = seen()
    publish(broker, "identity.events", genuine.routing_key, events.encode(forged), events.CONTENT_TYPE)
    wait_until(lambda: seen() == [count + 1 for count in before], WAIT_SECONDS, "the event to be parked")


def test_a_batch_that_follows_another_record_than_ours_is_left_aside_and_counted(
    distributed: DistributedDeployment, broker: PrivateBroker, town: Town
) -> None:
    payer, payee = town.payer(issued=100), town.account()
    town.member.pay(payer, payee, 1, town.currency)
    town.wait_for_indicator("volume", 1)
    body = town.operator.get("/events", params={"limit": 1, "after": last_sequence(town) - 1})
    last = journal.from_cloud_event(body["data"][-1])
    entries = [[payer, "", -99, 0], [payee, "", 99, 100]]
    forged = msgspec.structs.replace(
        last,
        sequence=last.sequence + 1,
        prev_hash="00" * 32,
        hash="11" * 32,
        payload={**last.payload, "entries": entries},
    )
    before = counted(distributed, "dashboard-jobs", "projection_foreign_batches_total")
    publish(broker, "ledger.events", "journal.v1.0", encode_batch([forged]), events.BATCH_CONTENT_TYPE)
    wait_until(
        lambda: counted(distributed, "dashboard-jobs", "projection_foreign_batches_total") == before + 1,
        WAIT_SECONDS,
        "the forged batch to be counted",
    )
    town.member.pay(payer, payee, 2, town.currency)
    town.wait_for_indicator("volume", 3)


def last_sequence(town: Town) -> int:
    """The number of the journal's last record."""
    after = 0
    while True:
        page = town.operator.get("/events", params={"after": after, "limit": 500})
        after = page["up_to"]
        if not page["has_more"]:
            return int(after)


def publish(broker: PrivateBroker, exchange: str, key: str, body: bytes, content_type: str) -> None:
    publisher = AmqpPublisher(broker.amqp_url, name="forger")
    try:
        assert publisher.publish([Message(exchange, key, body, content_type, ids.new_id())]) == [True]
    finally:
        publisher.close()
