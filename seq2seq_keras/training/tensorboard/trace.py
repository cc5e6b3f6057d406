"""TensorFlow's own trace of what it did, summed by operation."""

import re
from collections import Counter
from pathlib import Path

EXECUTOR = "ExecutorState::Process"
"""What runs operations one after the other: the time of one holds theirs."""


def operations(folder: Path) -> tuple[Counter, Counter]:
    """Milliseconds and number of runs of every operation (SCOPE/OPERATION:KIND) that a CPU ran, and of `EXECUTOR`.

    Operations that TensorFlow found to take few microseconds it leaves out of the trace.

    Args:
        folder: that a trace was written to; several traces are added up.
    """
    from tensorflow.tsl.profiler.protobuf import xplane_pb2

    took, times = Counter(), Counter()
    for path in folder.rglob("*.xplane.pb"):
        space = xplane_pb2.XSpace.FromString(path.read_bytes())
        for plane in space.planes:
            if not plane.name.startswith("/host:CPU"):
                continue
            for event in (event for line in plane.lines for event in line.events):
                name = plane.event_metadata[event.metadata_id].name
                if name == EXECUTOR or re.fullmatch(r"[^ :]+:\w+", name):
                    took[name] += event.duration_ps / 1e9
                    times[name] += 1
    return took, times
