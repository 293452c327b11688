"""Under gevent, as the distributed gateway runs, drawing stops nobody."""

import subprocess
import sys

PROGRAM = """
from gevent import monkey
monkey.patch_all()
import gevent
from gateway.charts import specs
from gateway.charts.renderer import ChartRenderer

ticks = 0

def tick():
    global ticks
    while True:
        gevent.sleep(0.01)
        ticks += 1

gevent.spawn(tick)
renderer = ChartRenderer()
line = specs.Line("Volume", specs.SEA, [specs.Point("Nov", 7, True, "seven")])
[drawn] = renderer.draw([specs.bars(line, 1, str)])
renderer.close()
assert "seven" in drawn
print(ticks)
"""


def test_other_greenlets_go_on_while_a_chart_is_drawn() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    # Starting the drawing process alone takes a third of a second: some thirty ticks.
    assert int(done.stdout) >= 10
