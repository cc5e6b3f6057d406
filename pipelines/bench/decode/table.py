"""What a bench of decoding found: medians, a table, a plot."""

from pathlib import Path

from matplotlib.figure import Figure

from pipelines import plots
from pipelines.bench import tables

FILE = "bench_decode.md"
PLOT = "bench_decode.png"
PEER = "ctranslate2"
"""Whose speed the others are given by."""


def summary(turns: list[dict]) -> dict[str, dict[str, dict]]:
    """Case to system to figures: median, least and most over the turns, and `same`, the share of live's outputs.

    `by_peer` is the speed by that of `PEER` in the same turn, in ids a second.
    """
    peers = {(row["turn"], row["name"]): row["tokens_per_second"] for row in turns if row["system"] == PEER}
    found: dict[str, dict[str, dict]] = {}
    for row in turns:
        column = found.setdefault(row["name"], {}).setdefault(row["system"], {"same": row["same"]})
        for figure in ("tokens_per_second", "sentences_per_second"):
            column.setdefault(figure, []).append(row[figure])
        if (row["turn"], row["name"]) in peers and row["system"] != PEER:
            ratio = row["tokens_per_second"] / peers[row["turn"], row["name"]]
            column.setdefault("by_peer", []).append(ratio)
    for column in (column for case in found.values() for column in case.values()):
        for figure, values in column.items():
            if figure != "same":
                column[figure] = tables.spread(values)
    return found


def render(report: dict) -> str:
    """The report as Markdown."""
    titles = ("", "tokens/s", "sentences/s", f"by {PEER}", "as live")
    rows = [
        (
            f"{name}: {system}",
            tables.span(figures["tokens_per_second"], "{:,.0f}"),
            tables.span(figures["sentences_per_second"], "{:,.1f}"),
            tables.span(figures["by_peer"], "{:.2f}x") if "by_peer" in figures else "",
            f"{figures['same']:.1%}",
        )
        for name, case in report["summary"].items()
        for system, figures in case.items()
    ]
    pages = [tables.page(titles, rows, _notes(report))]
    if report["profile"]:
        pages.append(_profiled(report["profile"]))
    return "\n".join(pages)


def draw(summary: dict[str, dict[str, dict]], path: Path) -> None:
    """Bars of ids a second, a group for each case and a colour for each system."""
    systems = list(dict.fromkeys(system for case in summary.values() for system in case))
    figure = Figure(figsize=(8, 0.6 + 0.2 * len(summary) * (len(systems) + 1)), layout="constrained")
    axes = figure.subplots()
    height = 1 / (len(systems) + 1)
    for place, system in enumerate(systems):
        held = [(row, case[system]["tokens_per_second"]) for row, case in enumerate(summary.values()) if system in case]
        middles = [middle for _, (middle, _, _) in held]
        reach = [[middle - least for _, (middle, least, _) in held], [most - middle for _, (middle, _, most) in held]]
        places = [row + (place + 1) * height - 0.5 for row, _ in held]
        axes.barh(places, middles, height, xerr=reach, label=system)
    axes.set(xlabel="output tokens a second", yticks=range(len(summary)), yticklabels=list(summary))
    axes.invert_yaxis()
    figure.legend(loc="outside upper center", ncols=3)
    plots.save(figure, path)


def _notes(report: dict) -> list[str]:
    data, settings = report["data"], report["settings"]
    models = "" if settings["run"] else f", random weights, {settings['max_length']} ids an output"
    return [
        *(f"{name} skipped: {why}." for name, why in report["skipped"].items()),
        f"Median (least to most) of {settings['turns']} turns over {data['sentences']:,} {data['name']}{models}; "
        "float32, but for int8; batches of the size named, from short to long where sorted.",
        "Vocabulary: " + ", ".join(f"{size:,} of {name}" for name, size in report["vocabulary"].items()) + ".",
        "Tokens are ids of outputs with their end. All take texts and give texts, but for ctranslate2, whose "
        "tokenizers are left out. Its length penalty is the score by length ^ penalty; keras-hub has none.",
        *tables.origin(report),
    ]


def _profiled(profiles: dict[str, dict]) -> str:
    """Where the time of a step goes."""
    titles = ("", "ms a step", "share", "traced operations a step")
    rows = []
    for name, found in profiles.items():
        rows.append((name, f"{found['milliseconds']:.2f}", "", ""))
        rows += [
            (f"· {part}", f"{one['milliseconds']:.2f}", f"{one['share']:.1%}", f"{one['operations']:.1f}")
            for part, one in found["parts"].items()
        ]
    notes = [
        "First the milliseconds of a step of the live model by the clock, then those of its parts, of all threads "
        "together. The trace itself makes both slower."
    ]
    return tables.page(titles, rows, notes)
