"""What a worker sees beside itself among the children of the process that it was forked from."""

import subprocess
import sys
from pathlib import Path

import pytest

from gradaudit.isolation.detached import Detached

#: A process with one child, which looks; it looks again once it has closed what it was reading, and once it has a
#: sibling.
FAMILY = """
import os
import sys
import time
from gradaudit.isolation.detached import Detached

parent = os.getpid()
go, stop = os.pipe()
if os.fork() == 0:
    looks = Detached(parent)
    print(looks.any())
    os.close(looks._descriptor)
    print(looks.any())
    os.close(looks._descriptor)
    assert os.dup(0) == looks._descriptor  # its number is another file's now
    print(looks.any(), flush=True)
    os.write(stop, b"x")
    while not looks.any():
        time.sleep(0.001)
    print(True, flush=True)
    os._exit(0)
os.read(go, 1)
if (sibling := os.fork()) == 0:
    time.sleep(60)
    os._exit(0)
os.wait()
os.kill(sibling, 9)
"""


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="only Linux lists the children of a process")
def test_a_sibling_is_seen_and_a_list_that_was_closed_is_opened_again():
    done = subprocess.run([sys.executable, "-c", FAMILY], capture_output=True, text=True, timeout=30, check=True)
    assert done.stdout.split() == ["False", "False", "False", "True"], done.stderr


def test_where_nothing_is_listed_nothing_is_seen():
    assert not Detached(2**22 + 1).any()
