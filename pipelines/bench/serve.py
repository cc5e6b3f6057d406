"""Speed of the server under many clients, with and without batching, and its memory while versions change.

    python -m pipelines bench serve --model saved_models/en_de --clients 32 --texts texts.en --output runs/bench

A turn starts both servers one after the other and lets all clients ask each; medians over turns. A lone client tells
what the server adds to the run of the SavedModel: what it waits for beyond it. The same texts in this process, in
batches and by as many threads as clients, tell the gain that a server which costs nothing would have. At last new
versions come and go under the same load.
"""

import shutil
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import numpy as np
import tensorflow as tf
import tensorflow_text  # noqa: F401 (registers the ops of the tokenizers)

from pipelines import demands, runs
from pipelines.bench import corpora, tables, traffic
from pipelines.bench.served import Clients, Server, newest, publish
from pipelines.settings import BenchServe
from seq2seq_keras import cores
from seq2seq_keras.errors import InputError

FILE = "bench_serve.md"
KINDS = {"batching": True, "alone": False}
"""Rows of the table, and whether such a server batches."""
_FIGURES = "requests_per_second texts_per_second p50_ms p99_ms single_ms in_process_ms added_ms failed".split()
_MADE_UP = 1_000
"""Texts to make up."""


def run(settings: BenchServe) -> int:
    """The command; returns the exit code."""
    check(settings)
    cores.for_batches()
    version, texts = newest(settings.model), _texts(settings)
    call = InProcess(version)
    turns, free = [], []
    for number in range(1, settings.turns + 1):
        turns += _turn(number, settings, texts, call)
        free.append(_without_server(settings, texts, call))
    report = {
        **tables.about(settings),
        "settings": runs.plain(settings),
        "data": {
            "name": settings.texts.name if settings.texts else "made-up texts",
            "texts": len(texts),
            "mean_characters": statistics.mean(map(len, texts)),
        },
        "turns": turns,
        "summary": summary(turns),
        "without_server": free,
        "swaps": _swaps(settings, version, texts) if settings.swaps else None,
    }
    tables.show(render(report), settings.output, FILE)
    if settings.json:
        runs.write_json(settings.json, report)
    return 0


def check(settings: BenchServe) -> None:
    """Refuses what cannot be measured."""
    demands.above_zero(settings, "clients", "rows", "seconds", "turns", "singles")
    demands.from_zero(settings, "warmup", "swaps")
    if settings.swaps and not Path("/proc/self/status").exists():
        raise InputError("this system does not tell the memory of a process", remedy="add --swaps 0")
    if settings.output:
        runs.check_folder(settings.output)


class InProcess:
    """The SavedModel as a plain call: texts in, arrays out.

    Args:
        version: folder of it.
    """

    def __init__(self, version: Path):
        self._loaded = tf.saved_model.load(str(version))  # its variables live as long as it does
        self._signature = self._loaded.signatures["serving_default"]
        (self._name,) = self._signature.structured_input_signature[1]

    def __call__(self, *texts: str) -> list[np.ndarray]:
        return [output.numpy() for output in self._signature(**{self._name: tf.constant(texts)}).values()]


def summary(turns: list[dict]) -> dict[str, dict[str, list[float]]]:
    """Name to figure to median, least and most over the turns.

    `gain` is the texts a second with batching by those without in the same turn.
    """
    columns: dict[str, dict[str, list[float]]] = {}
    for row in turns:
        column = columns.setdefault(row["name"], {})
        for figure in _FIGURES:
            value = row[figure]
            column.setdefault(figure, []).append(sum(value.values()) if figure == "failed" else value)
    speeds = {name: column["texts_per_second"] for name, column in columns.items()}
    if all(speeds.get("alone", [0])):
        columns["batching"]["gain"] = [ours / other for ours, other in zip(speeds["batching"], speeds["alone"])]
    return {
        name: {figure: tables.spread(values) for figure, values in column.items()} for name, column in columns.items()
    }


def render(report: dict) -> str:
    """The report as Markdown."""
    titles = ("", "requests/s", "texts/s", "p50 ms", "p99 ms", "lone client ms", "added ms", "failed", "gain")
    forms = {
        "requests_per_second": "{:,.1f}",
        "texts_per_second": "{:,.1f}",
        "p50_ms": "{:,.0f}",
        "p99_ms": "{:,.0f}",
        "single_ms": "{:,.1f}",
        "added_ms": "{:,.2f}",
        "failed": "{:,.0f}",
        "gain": "{:.2f}x",
    }
    rows = [
        (name, *(tables.span(found[figure], form) if figure in found else "" for figure, form in forms.items()))
        for name, found in report["summary"].items()
    ]
    data, settings = report["data"], report["settings"]
    notes = [
        f"Median (least to most) of {settings['turns']} turns of {settings['seconds']:g} seconds after a warm-up of "
        f"{settings['warmup']:g}; {settings['clients']} clients over REST, {settings['rows']} to a request.",
        f"Lone client: {settings['singles']} requests of one text; what it waits beyond the model's run in the server.",
        _of_none(report["without_server"], settings["clients"]),
        f"Data: {data['name']}, {data['texts']:,} texts of {data['mean_characters']:.1f} characters.",
        *([_of_swaps(report["swaps"])] if report["swaps"] else []),
        *tables.origin(report),
    ]
    return tables.page(titles, rows, notes)


def _of_none(free: list[dict], clients: int) -> str:
    batches, alone = (tables.span(tables.spread([one[name] for one in free]), "{:,.1f}") for name in KINDS)
    gain = tables.span(tables.spread([one["batching"] / one["alone"] for one in free]), "{:.2f}x")
    return (
        f"Without a server, in one process: {batches} texts a second with all requests in a batch a core, {alone} by "
        f"{clients} threads with a request each; gain {gain}."
    )


def _of_swaps(swaps: dict) -> str:
    resident = swaps["resident_mib"]
    return (
        f"{len(resident) - 1} changes of version under the same load: "
        f"{tables.span(swaps['seconds'], '{:.1f}')} seconds each, {swaps['answered']:,} requests answered, "
        f"{sum(swaps['failed'].values()):,} failed; memory {resident[0]:,.0f} MiB before, {resident[1]:,.0f} after the "
        f"first, {resident[-1]:,.0f} after the last."
    )


def _texts(settings: BenchServe) -> list[str]:
    if settings.texts is None:
        return corpora.made_up(_MADE_UP).source
    try:
        lines = settings.texts.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"cannot be read ({error})", where=settings.texts, expected="text, one a line") from None
    texts = [line for line in lines if line.strip()]
    if not texts:
        raise InputError("holds no text", where=settings.texts, expected="one a line")
    return texts


def _turn(number: int, settings: BenchServe, texts: list[str], call) -> list[dict]:
    """Both servers once; every other turn begins with the other one."""
    rows = []
    for name in sorted(KINDS, reverse=bool(number % 2)):
        with Server(settings.model, KINDS[name], settings.batching_parameters_file) as server:
            alone = _compared(server, texts[: settings.singles], call)
            size = settings.rows, settings.clients
            with Clients(server, texts, *size, settings.warmup, settings.seconds) as clients:
                clients.await_warm()
                seen = clients.end()
        rows.append({"turn": number, "name": name, **figures(seen), **alone})
        print(f"turn {number}: {name} {rows[-1]['texts_per_second']:,.1f} texts/s", flush=True)
    return rows


def figures(seen: dict) -> dict:
    """What `bench.traffic.load` saw, as speed and waiting times."""
    took = seen["milliseconds"]
    if not took:
        raise RuntimeError(f"no request was answered: {seen['failed']}")
    return {
        "requests_per_second": len(took) / seen["seconds"],
        "texts_per_second": seen["texts"] / seen["seconds"],
        "p50_ms": float(np.percentile(took, 50)),
        "p99_ms": float(np.percentile(took, 99)),
        "failed": seen["failed"],
    }


def _without_server(settings: BenchServe, texts: list[str], call) -> dict[str, float]:
    """Texts a second in this process: all clients' requests as a batch a core, or each in a thread."""
    threads = cores.available()
    share = -(-settings.rows * settings.clients // threads)
    return {
        "batching": _texts_per_second(call, texts, share, threads, settings.seconds),
        "alone": _texts_per_second(call, texts, settings.rows, settings.clients, settings.seconds),
    }


def _texts_per_second(call, texts: list[str], rows: int, threads: int, seconds: float) -> float:
    """Threads that call, each with so many rows, over and over."""
    bodies, places = traffic.requests(texts, rows), count()
    call(*bodies[0])  # of this size the first one is slow
    begin = time.perf_counter()

    def work(_) -> int:
        calls = 0
        while time.perf_counter() < begin + seconds:
            call(*bodies[next(places) % len(bodies)])
            calls += 1
        return calls

    with ThreadPoolExecutor(threads) as pool:
        calls = sum(pool.map(work, range(threads)))
    return calls * rows / (time.perf_counter() - begin)


def _compared(server: Server, texts: list[str], call) -> dict:
    """A lone client and the call in this process by turns, text by text, so that both see the machine in the same mood.

    What is added is what the client waits beyond the run of the model in the server itself: two processes that run the
    same model differ by more than that.
    """
    connection = server.connect()
    served, called, added = [], [], []
    try:
        server.ask(connection, texts[0])  # the first ones are slow
        call(texts[0])
        before = server.run_ms()
        for text in texts:
            served.append(_milliseconds(server.ask, connection, text))
            after = server.run_ms()
            added.append(served[-1] - (after - before))
            before = after
            called.append(_milliseconds(call, text))
    finally:
        connection.close()
    return {
        "single_ms": statistics.median(served),
        "in_process_ms": statistics.median(called),
        "added_ms": statistics.median(added),
    }


def _milliseconds(call, *given) -> float:
    begin = time.perf_counter()
    call(*given)
    return (time.perf_counter() - begin) * 1000


def _swaps(settings: BenchServe, version: Path, texts: list[str]) -> dict:
    """New versions come under load, and each replaces the one before, whose folder then goes."""
    size = settings.rows, settings.clients
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        publish(version, folder, 1)
        with (
            Server(folder, True, settings.batching_parameters_file) as server,
            Clients(server, texts, *size, settings.warmup) as clients,
        ):
            clients.await_warm()
            resident, seconds = [server.resident_mib()], []
            for number in range(2, settings.swaps + 2):
                publish(version, folder, number)
                seconds.append(server.await_only(number))
                shutil.rmtree(folder / str(number - 1))
                resident.append(server.resident_mib())
                print(f"version {number}: {resident[-1]:,.0f} MiB", flush=True)
            time.sleep(settings.warmup)  # what fails a little after the last change counts too
            seen = clients.end()
    return {
        "seconds": tables.spread(seconds),
        "resident_mib": resident,
        "answered": len(seen["milliseconds"]),
        "failed": seen["failed"],
    }
