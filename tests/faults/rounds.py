"""Seeded rounds of faults on one distributed installation under load: in each, one thing goes wrong, and
then everything must be as if it had not.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tests.support import tally
from tests.support.faults import clocks, messages, processes, small_disk
from tests.support.faults.checks import Checks
from tests.support.faults.shadow import Shadow
from tests.support.faults.site import Site

Fault = Callable[[Site, random.Random], None]

FAULTS: Sequence[Fault] = (
    processes.kill_writer,
    processes.kill_replica,
    processes.kill_gateway,
    processes.kill_identity,
    processes.kill_relay,
    processes.kill_projector,
    processes.kill_rabbitmq,
    processes.stop_rabbitmq,
    processes.kill_postgresql,
    processes.stop_postgresql,
    processes.cut_before_commit,
    processes.cut_after_commit,
    processes.end_backend_at_work,
    processes.start_second_writer,
    processes.pause_writer,
    clocks.set_clock_back,
    messages.poison_journal,
    messages.forge_journal,
    messages.poison_events,
    messages.failing_handler,
    messages.repeat_batches,
    messages.lose_batches,
    small_disk.fill_database,
)
QUICK: Sequence[Fault] = (
    processes.kill_postgresql,
    processes.cut_after_commit,
    processes.kill_replica,
    messages.lose_batches,
    messages.repeat_batches,
    messages.poison_journal,
)
"""Faults that a run of every day has time for."""
FULL_EVERY = 10
"""Rounds after which everything is looked at, not what is new alone."""


def run(
    site: Site, seed: int, rounds: int, faults: Sequence[Fault] = FAULTS, *, in_full: bool = True
) -> None:
    """Raises where something does not hold, naming seed, round and fault; counts what was gone through.

    `in_full` looks at everything now and then, which takes as long as all rounds before it, and at all of the
    dashboard after each round; else at the end alone.
    """
    with Shadow(site.deployment.database_url("ledger")) as shadow:
        _run(site, seed, rounds, faults, Checks(site, seed, shadow), in_full=in_full)


def _run(
    site: Site, seed: int, rounds: int, faults: Sequence[Fault], checks: Checks, *, in_full: bool
) -> None:
    chance = random.Random(seed)
    done: Counter[str] = Counter()
    possible = [fault for fault in faults if _is_possible(fault)]
    chosen = _in_turn(chance, possible)
    for number in range(1, rounds + 1):
        fault = next(chosen)
        try:
            site.load.wait_until_moving()
            fault(site, chance)
            site.load.wait_until_moving()
            site.load.settle()
            if in_full and (number % FULL_EVERY == 0 or number == rounds):
                site.wait_until_ready()
                checks.check_in_full()
            else:
                checks.check()
            if in_full or number == rounds:
                # Each time, since a fault that has the dashboard made anew would hide what came before it.
                checks.check_projection()
            site.load.go_on()
        except BaseException as error:
            error.add_note(f"seed {seed}, round {number}: {fault.__name__}, after {dict(done)}")
            raise
        done[fault.__name__] += 1
    left_out = [fault.__name__ for fault in faults if fault not in possible]
    _count(done, left_out, site)


def _in_turn(chance: random.Random, faults: Sequence[Fault]) -> Iterator[Fault]:
    """Each as often as the others, in an order that is by chance."""
    while True:
        yield from chance.sample(faults, len(faults))


def _is_possible(fault: Fault) -> bool:
    return fault is not small_disk.fill_database or small_disk.can_mount()


def _count(done: Counter[str], left_out: Sequence[str], site: Site) -> None:
    tally.count("rounds of faults", done.total())
    for name, rounds in sorted(done.items()):
        tally.count(f"rounds of {name}", rounds)
    for name in left_out:
        tally.count(f"faults left out, for they are impossible here: {name}")
    memory = site.load.memory
    tally.count("commands acknowledged under faults", len(memory.accepted))
    tally.count("commands refused by the rules under faults", len(memory.refused))
    tally.count("commands without an answer at first and then with one", memory.resolved)
    ended = sum(codes.total() for codes in site.supervisor.exits.values())
    tally.count("processes that ended under faults and were started again", ended)
