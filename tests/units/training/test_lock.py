import subprocess
import sys

import pytest

from seq2seq_keras.errors import InputError
from seq2seq_keras.training import FolderLock

HOLD = """
import sys
from seq2seq_keras.training.lock import FolderLock
lock = FolderLock(sys.argv[1]).acquire()
print("held", flush=True)
sys.stdin.read()
"""


def test_a_second_run_in_the_folder_is_refused_until_the_first_ends(tmp_path):
    first = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        assert first.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=f"process {first.pid}.*is writing here"):
            FolderLock(tmp_path).acquire()
        first.kill()  # a crash leaves no stale lock
        first.wait()
        with FolderLock(tmp_path):
            pass
    finally:
        first.kill()
        first.communicate()
