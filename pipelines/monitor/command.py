"""Watch runs: TensorBoard on a folder, or the same as one HTML file to mail.

    python -m pipelines monitor runs
    python -m pipelines monitor runs/en_de --report en_de.html

TensorBoard shows what runs, studies and tunings write into their `logs/`, also while they train. The file holds the
table of runs, curves, samples beside references, attention maps, settings, and the tables of studies and tunings;
pictures lie inside, and it asks nothing of a network.
"""

from pipelines import runs
from pipelines.monitor import folders, html, viewer
from pipelines.settings import Monitor
from seq2seq_keras.errors import InputError


def run(settings: Monitor) -> int:
    """The command; returns the exit code."""
    if not settings.folder.is_dir():
        raise InputError("no such folder", where=settings.folder, remedy="name a run, or a folder of runs")
    if settings.report is None:
        return viewer.serve(settings)
    runs.check_writable(settings.report)
    found = folders.find(settings.folder)
    if not found.runs and not found.tables:
        raise InputError(
            "holds no run, no study and no tuning", where=settings.folder, remedy="name the folder that holds them"
        )
    report = html.write(settings.folder, found, settings.report)
    size = settings.report.stat().st_size
    print(
        f"{len(found.runs)} runs, {len(found.tables)} tables of studies and tunings: {settings.report} ({size:,} bytes)"
    )
    if settings.json:
        runs.write_json(settings.json, report)
    return 0
