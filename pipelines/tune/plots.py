"""The picture of a search: what each trial came to, in the order of the trials."""

import io

from matplotlib.figure import Figure

from pipelines.tune import trial_record
from pipelines.tune.trial_record import Record


def draw(records: list[Record], objective: str, sign: int) -> bytes:
    """Objective by trial as PNG, with the best so far and, where it was trained, the baseline.

    Args:
        records: in the order of the trials; those that failed have no point.
        sign: 1 where less is better, -1 where more is.
    """
    trials = [record for record in records if record.trial != trial_record.BASELINE]
    own = next(
        (record for record in records if record.trial == trial_record.BASELINE and record.score is not None), None
    )
    found = [(int(record.trial), record) for record in trials if record.score is not None]
    figure = Figure(figsize=(7, 4.2), layout="constrained")
    axes = figure.subplots()
    for whole, marker, label in ((True, "o", "trial"), (False, "x", "stopped early")):
        held = [(place, record.score) for place, record in found if (record.stopped is None) == whole]
        if held:
            axes.plot(*zip(*held), marker, color="C0" if whole else "C7", label=label)
    best, line = None, []
    for place, record in found:
        best = record.score if best is None else sign * min(sign * best, sign * record.score)
        line.append((place, best))
    if line:
        axes.step(*zip(*line), where="post", color="C1", label="best so far")
    if own is not None:
        axes.axhline(own.score, color="C2", linestyle="--", label="the pipeline's own settings")
    axes.set(xlabel="trial", ylabel=objective.removeprefix("val_") + " on the validation pairs")
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    written = io.BytesIO()
    figure.savefig(written, format="png", dpi=110)
    return written.getvalue()
