"""Settings: each refused by its name where it is wrong, and all of them in the operator's guide."""

import re
from importlib import import_module
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import deploy.embedded
import gateway.app
from deploy.services import SERVICES
from shared.config import VARIABLES, ConfigError, load
from tests.support.commands import medtown

EVERYTHING = (deploy.embedded, gateway.app)
"""What imports all that measures something."""

GUIDE = Path(__file__).parents[3] / "docs" / "operating.md"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MEDTOWN_PORT", "0"),
        ("MEDTOWN_PORT", "65536"),
        ("MEDTOWN_PORT", "80a"),
        ("MEDTOWN_PORT", ""),
        ("MEDTOWN_PORT", "-1"),
        ("MEDTOWN_PORT", "٨٠٠٠"),
        ("MEDTOWN_METRICS_PORT", "none"),
        ("MEDTOWN_PARTITION", "4096"),
        ("MEDTOWN_LOG_LEVEL", "INFO"),
        ("MEDTOWN_DEMO", "yes"),
        ("MEDTOWN_AMQP_URL", "http://localhost"),
        ("MEDTOWN_AMQP_URL", "amqp://u:p@host:port/"),
        ("MEDTOWN_DATABASE_URL", "postgresql://localhost/ledger"),
        ("MEDTOWN_DATABASE_URL", "postgresql+psycopg://host:99999/ledger"),
    ],
)
def test_a_wrong_value_is_refused_by_the_name_of_its_variable(name: str, value: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} "):
        load({name: value})
    assert name in medtown("up", environment={name: value}).refusal


def test_a_secret_in_a_url_is_not_repeated() -> None:
    with pytest.raises(ConfigError) as refused:
        load({"MEDTOWN_DATABASE_URL": "mysql://user:hunter2@host/ledger"})
    assert "hunter2" not in str(refused.value)


def test_the_defaults_are_an_embedded_installation_on_this_machine() -> None:
    config = load({})
    assert not config.distributed
    assert (config.host, config.port, config.data, config.keys) == (
        "127.0.0.1",
        8000,
        Path("data"),
        Path("data/keys"),
    )
    assert config.database_for("ledger") == f"sqlite:///{Path('data').resolve()}/ledger.sqlite3"


def test_the_guide_lists_every_variable_as_it_is() -> None:
    rows = re.findall(
        r"^\| `(MEDTOWN_[A-Z_]+)` \| (.*?) \| (.*?) \|$", GUIDE.read_text(encoding="utf-8"), re.M
    )
    listed = [(name, default.strip("`"), meaning) for name, default, meaning in rows]
    assert listed == [(one.name, one.default or "(empty)", one.meaning) for one in VARIABLES]


def test_the_guide_lists_every_metric() -> None:
    for owner in SERVICES.values():
        for module in ("service", "jobs"):
            import_module(f"{owner.package}.{module}")
    told = set(re.findall(r"^\| `([a-z_]+)(?:\{[a-z,]+\})?` \|", GUIDE.read_text(encoding="utf-8"), re.M))
    ours = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in REGISTRY.collect()
        if not family.name.startswith(("python_", "process_", "probe_"))
    }
    assert told == ours
