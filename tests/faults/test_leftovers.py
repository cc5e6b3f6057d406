"""Row 13: what a killed process left unfinished goes, and nothing else does. (Unfinished checkpoints: test_kill.py.)"""

import os
import subprocess
import sys

from pipelines import leftovers


def test_leftovers_of_dead_processes_go_and_nothing_else(tmp_path):
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    kept = {"model", ".lock", "history.json", ".model", f".report.json.{os.getpid()}", f".target.new-{os.getpid()}"}
    left = {f".history.json.{gone.pid}", f".model.new-{gone.pid}", f".model.old-{gone.pid}", f".x.json.{2**80}"}
    for name in kept | left:
        if "json" in name or "lock" in name:
            (tmp_path / name).write_text("half")
        else:
            (tmp_path / name).mkdir()
            (tmp_path / name / "model.keras").write_text("half")
    leftovers.remove(tmp_path)
    assert {path.name for path in tmp_path.iterdir()} == kept
