import os
import signal
import subprocess
import sys

import psutil
import pytest

STARTS = """
import subprocess, sys, time
from tests.undertaker import attended
with attended():
    detached = subprocess.Popen(["sleep", "600"], start_new_session=True)
    print(detached.pid, flush=True)
    if sys.argv[1] == "waits":
        time.sleep(600)
"""


@pytest.mark.parametrize("ending", ["by itself", signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_nothing_outlives_the_tests(ending):
    """However they end, what they have started and detached ends with them."""
    how = "ends" if ending == "by itself" else "waits"
    tests = subprocess.Popen(
        [sys.executable, "-c", STARTS, how], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    assert tests.stdout is not None
    with tests.stdout:
        left = psutil.Process(int(tests.stdout.readline()))
    if how == "waits":
        os.kill(tests.pid, ending)
    tests.wait()
    assert left.pid not in [one.pid for one in psutil.wait_procs([left], timeout=30)[1]]
