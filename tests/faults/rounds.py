"""Seeded rounds of faults on one distributed installation under load: in each, one thing goes wrong, and
then everything must be as if it had not.
"""

import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence

from tests.support.faults import messages, processes, small_disk
from tests.support.faults.checks import Checks
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
    """Raises where something does not hold, naming seed, round and fault; prints what was counted.

    `in_full` looks at everything now and then, which takes as long as all rounds before it.
    """
    chance = random.Random(seed)
    checks = Checks(site, seed)
    done: Counter[str] = Counter()
    seconds: defaultdict[str, float] = defaultdict(float)
    started = time.monotonic()
    chosen = _in_turn(chance, [fault for fault in faults if _is_possible(fault)])
    for number in range(1, rounds + 1):
        fault = next(chosen)
        began = time.monotonic()
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
            site.load.go_on()
        except BaseException as error:
            error.add_note(f"seed {seed}, round {number}: {fault.__name__}, after {dict(done)}")
            raise
        done[fault.__name__] += 1
        seconds[fault.__name__] += time.monotonic() - began
    _print(site, seed, done, seconds, time.monotonic() - started)


def _in_turn(chance: random.Random, faults: Sequence[Fault]) -> Iterator[Fault]:
    """Each as often as the others, in an order that is by chance."""
    while True:
        yield from chance.sample(faults, len(faults))


def _is_possible(fault: Fault) -> bool:
    return fault is not small_disk.fill_database or small_disk.can_mount()


def _print(
    site: Site, seed: int, done: Counter[str], seconds: defaultdict[str, float], duration: float
) -> None:
    memory = site.load.memory
    print(f"\nseed {seed}: {done.total()} rounds in {duration:.0f} s")
    for name, count in sorted(done.items()):
        print(f"  {name:<22} {count:>3} rounds, {seconds[name] / count:>5.1f} s each")
    print(
        f"  accepted {len(memory.accepted):,}, refused {len(memory.refused):,}, "
        f"without an answer at first and then with one {memory.resolved:,}"
    )
    print(f"  in place of answers: {dict(memory.not_answers)}")
    exits = {process: dict(codes) for process, codes in site.supervisor.exits.items()}
    print(f"  ended and started again, by exit code: {exits}")
