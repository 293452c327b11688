"""What the main of a nameko process does before it imports anything else."""

import os
import warnings


def prepare_eventlet() -> None:
    """Make sockets, threads and locks of the standard library cooperate under eventlet.

    To be called first of all: what was imported before keeps the unpatched parts. psycopg waits on its
    sockets in C unless PSYCOPG_WAIT_FUNC names a Python function before it is imported; "wait_selector" goes
    through the patched `selectors`. Names are resolved by the system, not by eventlet's own resolver.
    """
    os.environ["PSYCOPG_WAIT_FUNC"] = "wait_selector"
    os.environ["EVENTLET_NO_GREENDNS"] = "yes"
    # Its advice against new use is known to us, and written down with the decision.
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    import eventlet

    eventlet.monkey_patch()
