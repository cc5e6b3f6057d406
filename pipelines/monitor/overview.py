"""Runs beside each other: what they reached, and what they differ in."""

from pipelines import runs
from pipelines.monitor.event_files import Events
from pipelines.monitor.folders import Run
from seq2seq_keras.training.tensorboard import flat

_NO_DIFFERENCE = ("output", "json", "train", "valid", "board")
"""Settings that say where files lie, or what is shown."""
_VALID = ("loss", "perplexity", "accuracy", "bleu", "chrf", "wer", "per")
_SPEED = {"tokens_per_second": "tokens/s", "padding": "padding", "utilisation": "utilisation"}
_SHARES = ("accuracy", "padding", "utilisation")


def reached(found: list[Run], events: list[Events]) -> list[dict[str, str]]:
    """A row of figures a run, title to text; figures that no run has are left out."""
    return _filled([_row(run, seen) for run, seen in zip(found, events)])


def differences(found: list[Run]) -> list[dict[str, str]]:
    """A row of settings a run, of those alone that are not the same in all."""
    every = [_settings(run) for run in found]
    names = sorted({name for settings in every for name in settings})
    changed = [name for name in names if len({settings.get(name) for settings in every}) > 1]
    if not changed:
        return []
    return [{"run": run.name} | {name: each.get(name, "") for name in changed} for run, each in zip(found, every)]


def settings(run: Run) -> dict[str, str]:
    """All settings of a run, for people."""
    return {name: str(value) for name, value in flat(run.settings).items()}


def last(run: Run, events: Events) -> dict[str, float]:
    """Figures after the last epoch, those of TensorBoard's too; of a finished run `val_` figures are of its weights."""
    figures = {tag.removeprefix("epoch/"): values[-1] for tag, (_, values) in events.scalars.items() if "epoch/" in tag}
    figures |= run.history[-1] if run.history else {}
    return figures | {f"val_{name}": value for name, value in run.report.get("valid", {}).items()}


def shown(name: str, value: float) -> str:
    """A number for people."""
    if any(name.endswith(share) for share in _SHARES):
        return f"{value:.1%}"
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"


def _row(run: Run, events: Events) -> dict[str, str]:
    figures = last(run, events)
    numbers = {f"val. {name}": (name, figures.get(f"val_{name}")) for name in _VALID}
    numbers |= {title: (name, figures.get(name)) for name, title in _SPEED.items()}
    numbers["skipped updates"] = "", figures.get("skipped_updates")
    numbers["minutes"] = "", run.report.get("minutes")
    row = {"run": run.name, "state": _state(run), "family": _family(run)}
    row["parameters"] = f"{run.report['parameters']:,}" if "parameters" in run.report else ""
    return row | {title: "" if value is None else shown(name, value) for title, (name, value) in numbers.items()}


def _state(run: Run) -> str:
    epochs = f"{len(run.history)} of {run.settings.get('epochs', '?')} epochs"
    return f"finished, {epochs}" if run.finished else epochs


def _family(run: Run) -> str:
    return str(runs.family(run.settings)) if "model" in run.settings else ""


def _settings(run: Run) -> dict[str, str]:
    kept = {name: value for name, value in run.settings.items() if name not in _NO_DIFFERENCE}
    return {name: str(value) for name, value in flat(kept).items()}


def _filled(rows: list[dict[str, str]]) -> list[dict[str, str]]:
    """Without the columns that are empty in all rows."""
    filled = [title for title in (rows[0] if rows else ()) if any(row[title] for row in rows)]
    return [{title: row[title] for title in filled} for row in rows]
