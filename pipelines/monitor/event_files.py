"""What TensorBoard was shown, read back by TensorBoard's own reader."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import tensorflow as tf
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util


class Events(NamedTuple):
    """Of one run, by tag."""

    scalars: dict[str, tuple[np.ndarray, np.ndarray]]
    """Steps (n,) and values (n,); of a step that was taken again, after a resume, the last value."""
    texts: dict[str, str]
    """The last of each."""
    images: dict[str, bytes]
    """The last of each, PNG."""
    histograms: dict[str, list[np.ndarray]]
    """Buckets (k, 3) of left edge, right edge and count, one array a step."""


def read(folder: Path) -> Events:
    """The events of a folder of logs; nothing where there are none. What is cut short is read up to the cut."""
    events = Events({}, {}, {}, {})
    if not any(folder.glob("*tfevents*")):
        return events
    reader = EventAccumulator(str(folder), size_guidance={"tensors": 0})
    reader.Reload()
    for tag in reader.Tags()["tensors"]:
        kind = reader.SummaryMetadata(tag).plugin_data.plugin_name
        by_step = {event.step: event for event in reader.Tensors(tag)}
        steps = sorted(by_step)
        if kind == "scalars":
            values = [tensor_util.make_ndarray(by_step[step].tensor_proto).item() for step in steps]
            events.scalars[tag] = np.array(steps), np.array(values, np.float64)
        elif kind == "histograms":
            events.histograms[tag] = [tensor_util.make_ndarray(by_step[step].tensor_proto) for step in steps]
        elif kind == "text":
            text = tensor_util.make_ndarray(by_step[steps[-1]].tensor_proto).item()
            events.texts[tag] = text.decode(errors="replace")
        elif kind == "images":
            # Width and height come before the pictures.
            events.images[tag] = tensor_util.make_ndarray(by_step[steps[-1]].tensor_proto)[2]
    return events


def vectors(folder: Path) -> dict[str, tuple[list[str], np.ndarray]]:
    """What the projector was given: name of a table to labels and vectors (N, D) float32; nothing if it was not."""
    state = tf.train.latest_checkpoint(str(folder))
    if state is None:
        return {}
    try:
        reader = tf.train.load_checkpoint(state)
        names = sorted(reader.get_variable_to_shape_map())
        tables = {name: (folder / f"{name}.tsv", reader.get_tensor(name)) for name in names}
    except tf.errors.OpError:  # cut short, or being written at this moment
        return {}
    labelled = {
        name: (path.read_text(encoding="utf-8"), rows) for name, (path, rows) in tables.items() if path.exists()
    }
    return {name: (labels.removesuffix("\n").split("\n"), rows) for name, (labels, rows) in labelled.items()}
