"""The health server: what it answers, and that it also works where threads are green."""

import json
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator

import pytest

from shared.observability.health import HealthServer

TIMEOUT_SECONDS = 10.0


class Checks:
    """Two checks that can be made to fail."""

    def __init__(self) -> None:
        self.database, self.broker = True, True

    def failing_broker(self) -> bool:
        if not self.broker:
            raise ConnectionError("gone")
        return True


@pytest.fixture
def checks() -> Checks:
    return Checks()


@pytest.fixture
def base_url(checks: Checks) -> Iterator[str]:
    server = HealthServer(
        "127.0.0.1", 0, {"database": lambda: checks.database, "broker": checks.failing_broker}
    )
    port = server.start()
    yield f"http://127.0.0.1:{port}"
    server.stop()


def get(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT_SECONDS) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_ready_when_every_check_passes(base_url: str) -> None:
    assert get(f"{base_url}/readyz") == (200, '{"status": "ready"}')


def test_not_ready_names_what_fails_while_the_process_lives(base_url: str, checks: Checks) -> None:
    checks.database = checks.broker = False
    status, body = get(f"{base_url}/readyz")
    assert (status, json.loads(body)["failing"]) == (503, ["broker", "database"])
    assert get(f"{base_url}/livez")[0] == 200


def test_metrics_are_prometheus_text(base_url: str) -> None:
    status, body = get(f"{base_url}/metrics")
    assert status == 200
    assert "# TYPE python_info gauge" in body


def test_nothing_else_is_there(base_url: str) -> None:
    assert get(f"{base_url}/")[0] == 404


def test_a_stopped_server_frees_its_port() -> None:
    first = HealthServer("127.0.0.1", 0, {})
    port = first.start()
    first.stop()
    second = HealthServer("127.0.0.1", port, {})
    assert second.start() == port
    second.stop()


def test_a_slow_check_does_not_stop_others(checks: Checks) -> None:
    asked, finish = threading.Event(), threading.Event()

    def slow() -> bool:
        asked.set()
        return finish.wait(TIMEOUT_SECONDS)

    server = HealthServer("127.0.0.1", 0, {"slow": slow})
    url = f"http://127.0.0.1:{server.start()}"
    waiting = threading.Thread(target=get, args=(f"{url}/readyz",))
    waiting.start()
    try:
        assert asked.wait(TIMEOUT_SECONDS)
        assert get(f"{url}/livez")[0] == 200
    finally:
        finish.set()
        waiting.join()
        server.stop()


IN_A_PATCHED_PROCESS = """
import urllib.request
from shared.observability.health import HealthServer

server = HealthServer("127.0.0.1", 0, {})
port = server.start()
for path in ("livez", "readyz", "metrics"):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/{path}", timeout=10) as answer:
        assert answer.status == 200, path
server.stop()
"""


@pytest.mark.parametrize("patch", ["import eventlet", "from gevent import monkey as eventlet"])
def test_it_works_in_a_patched_process(patch: str) -> None:
    call = "eventlet.monkey_patch()" if patch == "import eventlet" else "eventlet.patch_all()"
    script = f"{patch}\n{call}\n{IN_A_PATCHED_PROCESS}"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr.decode()
