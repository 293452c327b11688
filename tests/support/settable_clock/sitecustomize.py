"""Python runs this at its start where the folder is on PYTHONPATH: the clock can then be set while the
process works, by whoever writes the file that TEST_CLOCK names (8 bytes: by how many microseconds the clock
is ahead). Time that only ever goes on (`time.monotonic`) stays as it is, as on a machine whose clock is set.

Only tests have this folder: no installation can be told to go by another clock than its machine's.
"""

import mmap
import os
import struct
import time

_real_ns = time.time_ns
_ahead_us = struct.Struct("=q")

with open(os.environ["TEST_CLOCK"], "rb") as _file:
    _shared = mmap.mmap(_file.fileno(), _ahead_us.size, access=mmap.ACCESS_READ)


def _time_ns() -> int:
    return _real_ns() + _ahead_us.unpack_from(_shared)[0] * 1000


def _time() -> float:
    return _time_ns() / 1e9


time.time_ns = _time_ns
time.time = _time
