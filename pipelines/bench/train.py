"""Training speed of the three families, beside the machine's matrix products and, if asked, another toolkit.

    python -m pipelines bench train --train.source a.en --train.target a.de --output runs/bench \\
        --peer opennmt-tf --peer-python path/to/its/python

A turn measures each family and the peer, each from fresh weights, and the machine between them; medians over turns.
"""

import itertools

from pipelines import demands, runs
from pipelines.bench import corpora, fit, peers, tables
from pipelines.settings import Bench

REFERENCE = "transformer"
"""The family a peer is compared with: the one whose model it copies."""
PEER_PRECISION = "float32"
"""What the peer computes in, and what a row does that does not say."""


def run(settings: Bench) -> int:
    """The command; returns the exit code."""
    check(settings)
    peer = _peer(settings)
    material = corpora.prepare(settings)
    print(f"{material.name}: {len(material.examples):,} pairs, {material.vocabulary:,} entries", flush=True)
    turns = [row for number in range(1, settings.turns + 1) for row in _turn(number, settings, material, peer)]
    source, target = material.lengths
    report = {
        **tables.about(settings),
        "settings": runs.plain(settings),
        "data": {
            "name": material.name,
            "pairs": len(material.examples),
            "vocabulary": material.vocabulary,
            "mean_source_ids": float(source.mean()),
            "mean_target_ids": float(target.mean()),
        },
        "peer": peer,
        "turns": turns,
        "summary": summary(turns),
    }
    report["versions"] |= peer.get("versions", {})
    tables.show(tables.render(report), settings.output)
    if settings.json:
        runs.write_json(settings.json, report)
    return 0


def check(settings: Bench) -> None:
    """Refuses what cannot be measured."""
    demands.above_zero(settings, "width", "depth", "vocabulary", "batch_tokens", "pairs", "turns", "seconds")
    demands.some(settings, "family", "precision")
    demands.from_zero(settings, "warmup")
    fit.check_width(settings)
    if settings.output:
        runs.check_folder(settings.output)


def summary(turns: list[dict]) -> dict[str, dict[str, list[float]]]:
    """Name to figure to median, least and most over the turns.

    `of_peak` is useful work by the peak of the same turn; `by_peer` the speed of `REFERENCE`, in each precision, by
    that of the peer in the same turn, so that what slows the machine for a while cancels.
    """
    rows = {(row["turn"], row["name"]): row for row in turns}
    columns = {}
    for (number, name), row in rows.items():
        column = columns.setdefault(name, {})
        for figure in ("target_tokens_per_second", "padding", "useful_gflops", "peak_gflops", "of_peak"):
            column.setdefault(figure, []).append(row[figure])
        other = rows.get((number, "opennmt-tf"))
        if name.split()[0] == REFERENCE and other:
            ratio = row["target_tokens_per_second"] / other["target_tokens_per_second"]
            column.setdefault("by_peer", []).append(ratio)
    return {
        name: {figure: tables.spread(values) for figure, values in column.items()} for name, column in columns.items()
    }


def _turn(number: int, settings: Bench, material: corpora.Material, peer: dict) -> list[dict]:
    """Everything once, the machine's peaks between all of it: the best of these is the peak of the turn."""
    jobs = list(itertools.product(dict.fromkeys(settings.family), dict.fromkeys(settings.precision)))
    if "versions" in peer:
        jobs.append((settings.peer, PEER_PRECISION))
    rows, peaks = [], {precision: fit.peak(precision, settings) for _, precision in jobs}
    for model, precision in jobs:
        name = model if precision == PEER_PRECISION else f"{model} {precision}"
        try:
            if model == settings.peer:
                measured = peers.turn(settings, material)
            else:
                measured = fit.turn(model, precision, settings, material)
        except peers.PeerError as error:
            peer["skipped"] = f"turn {number}: {error}"
            print(f"{name} skipped: {peer['skipped']}", flush=True)
            continue
        rows.append({"turn": number, "name": name, "precision": precision, **measured.figures()})
        print(f"turn {number}: {name} {rows[-1]['target_tokens_per_second']:,.0f} target tokens/s", flush=True)
        peaks |= {each: max(before, fit.peak(each, settings)) for each, before in peaks.items()}
    for precision, best in peaks.items():
        print(f"turn {number}: peak {best / 1e9:,.0f} GFLOP/s in {precision}", flush=True)
    for row in rows:
        row["peak_gflops"] = peaks[row["precision"]] / 1e9
        row["of_peak"] = row["useful_gflops"] / row["peak_gflops"]
    return rows


def _peer(settings: Bench) -> dict:
    """Name and versions of the peer, or why it is skipped."""
    if settings.peer is None:
        return {}
    try:
        return {"name": settings.peer, "versions": peers.versions(settings)}
    except peers.PeerError as error:
        print(f"{settings.peer} skipped: {error}", flush=True)
        return {"name": settings.peer, "skipped": str(error)}
