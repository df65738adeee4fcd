"""The short form of `benchmarks/faults/run.py`, a group at a time: faults done on purpose to the command line."""

from __future__ import annotations

import subprocess
import sys

import pytest
from scripted import ROOT

GROUPS = ("endpoint", "input", "kills", "disk", "two runs", "budget")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
@pytest.mark.parametrize("group", GROUPS)
def test_nothing_is_lost_doubled_hung_leaked_or_crashed(group: str) -> None:
    command = [sys.executable, str(ROOT / "benchmarks/faults/run.py"), "--short", "--only", group]
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "lost 0, doubled 0, hung 0, leaked 0, traceback 0" in done.stdout
