"""Faults of processes and servers: killed, stopped, paused, overtaken, cut off."""

import random
import signal

from tests.support.faults.site import REPLICAS, STANDBY, WRITER, Site, answers
from tests.support.waiting import wait_until

WAIT_SECONDS = 60.0
FENCE_LOST = 3
LEADER = """
    SELECT a.pid, a.state FROM pg_locks l JOIN pg_stat_activity a USING (pid)
    WHERE l.locktype = 'advisory' AND l.granted AND a.application_name = 'medtown-ledger-writer'
    AND a.datname = current_database()
"""
KILL_AT_WORK = f"SELECT pg_terminate_backend(pid) FROM ({LEADER}) leader WHERE state = 'active'"


def kill_writer(site: Site, chance: random.Random) -> None:
    site.kill(WRITER)


def kill_replica(site: Site, chance: random.Random) -> None:
    site.kill(chance.choice(REPLICAS))


def kill_gateway(site: Site, chance: random.Random) -> None:
    site.kill("gateway")


def kill_identity(site: Site, chance: random.Random) -> None:
    site.kill("identity")


def kill_relay(site: Site, chance: random.Random) -> None:
    site.kill("ledger-jobs")


def kill_projector(site: Site, chance: random.Random) -> None:
    site.kill("dashboard-jobs")


def kill_rabbitmq(site: Site, chance: random.Random) -> None:
    site.broker.kill()
    site.broker.start()


def stop_rabbitmq(site: Site, chance: random.Random) -> None:
    site.broker.stop()
    site.load.wait_until_hampered()
    site.broker.start()


def kill_postgresql(site: Site, chance: random.Random) -> None:
    site.cluster.kill()
    site.cluster.start()


def stop_postgresql(site: Site, chance: random.Random) -> None:
    site.cluster.stop()
    site.load.wait_until_hampered()
    site.cluster.start()


def cut_before_commit(site: Site, chance: random.Random) -> None:
    """The writer's batch never reaches its database."""
    _cut(site, answered=False)


def cut_after_commit(site: Site, chance: random.Random) -> None:
    """The batch is committed, and the writer does not hear of it."""
    _cut(site, answered=True)


def end_backend_at_work(site: Site, chance: random.Random) -> None:
    """The database ends the writer's connection while it writes or commits."""
    wait_until(lambda: (True,) in site.rows("ledger", KILL_AT_WORK), WAIT_SECONDS, "the writer at work")


def start_second_writer(site: Site, chance: random.Random) -> None:
    """It waits while the first one works."""
    _start_standby(site)
    site.load.wait_until_moving()
    assert site.metric(STANDBY, "process_ready", check="leading") == 0
    assert site.metric(WRITER, "process_ready", check="leading") == 1
    site.deployment.forget(STANDBY)


def pause_writer(site: Site, chance: random.Random) -> None:
    """A writer stands still, and keeps its connection, until another has taken over by itself; awake again,
    it must find itself overtaken.
    """
    _start_standby(site)
    lost = site.supervisor.exits[WRITER][FENCE_LOST]
    site.send_signal(WRITER, signal.SIGSTOP)
    try:
        ready = f"{STANDBY} to lead"
        url = site.deployment.metrics_url(STANDBY)
        wait_until(lambda: answers(url, "/readyz"), WAIT_SECONDS, ready)
        site.load.wait_until_moving()
    finally:
        site.send_signal(WRITER, signal.SIGCONT)
    wait_until(
        lambda: site.supervisor.exits[WRITER][FENCE_LOST] > lost, WAIT_SECONDS, "the first writer to give up"
    )
    site.deployment.forget(STANDBY)


def _start_standby(site: Site) -> None:
    site.deployment.start(STANDBY)
    url = site.deployment.metrics_url(STANDBY)
    wait_until(lambda: answers(url, "/livez"), WAIT_SECONDS, "the second writer to have started")


def _cut(site: Site, *, answered: bool) -> None:
    cuts = site.proxy.cuts
    site.proxy.cut_at(b'"transfer.posted"', answered=answered)
    wait_until(lambda: site.proxy.cuts > cuts, WAIT_SECONDS, "the cut")
