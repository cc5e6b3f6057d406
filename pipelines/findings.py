"""The report of `inspect` as tables on the screen."""

from rich.console import Console
from rich.markup import escape
from rich.table import Table


def show(report: dict, console: Console | None = None) -> None:
    """Prints the report that `inspect.examine` made."""
    # Not a terminal: no width to keep to, and a file path cut in two cannot be copied.
    console = console or Console(soft_wrap=False, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 140)
    console.print(_lengths(report["parts"]))
    console.print(_counts(report))
    console.print(_characters(report["parts"]))
    if "vocabulary" in report:
        console.print(_vocabulary(report["vocabulary"]))
    for problem in report["problems"][1:]:  # the first ends the command, as its error message
        console.print(f"[bold red]also[/]: {escape(problem)}", soft_wrap=True)


def _table(title: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    for place, column in enumerate(columns):
        table.add_column(column, justify="left" if place < 2 else "right")
    return table


def _lengths(parts: dict) -> Table:
    table = _table("Lengths", "part", "side", "pairs", "unit", "mean", "median", "95 %", "99 %", "longest", "")
    for name, part in parts.items():
        for side in ("source", "target"):
            for unit in ("words", "characters_a_line"):
                figures = part[unit][side]
                values = [f"{figures[key]:,}" for key in ("mean", "median", "p95", "p99", "max")]
                bars = _bars(figures["histogram"]["counts"])
                table.add_row(name, side, f"{part['pairs']:,}", unit.split("_")[0], *values, bars)
    return table


def _counts(report: dict) -> Table:
    table = _table("Findings", "part", "finding", "pairs", "lines")
    for name, part in report["parts"].items():
        rows = {f"left out: {reason}": found for reason, found in part["rejected"].items()}
        rows |= {f"repeated {what}": found for what, found in part["duplicates"].items()}
        rows["identical sides"] = part["identical"]
        rows[f"odd ratio of lengths (usual {part['ratio']['median']})"] = part["ratio"]
        rows["sides look swapped"] = part.get("reversed", {"count": 0, "lines": []})
        rows |= {f"in train too: {what}": found for what, found in report["overlap"].get(name, {}).items()}
        for finding, found in rows.items():
            table.add_row(name, finding, f"{found['count']:,}", _some(found))
    return table


def _characters(parts: dict) -> Table:
    table = _table("Characters", "part", "side", "distinct", "rare", "control", "replacement", "lines")
    for name, part in parts.items():
        for side, found in part["characters"].items():
            damage = [one["line"] for one in found["control"]["first"]] + found["replacement"]["lines"]
            counts = [found["distinct"], *(found[key]["count"] for key in ("rare", "control", "replacement"))]
            lines = ", ".join(map(str, sorted(set(damage))[:5]))
            table.add_row(name, side, *(f"{count:,}" for count in counts), lines)
    return table


def _vocabulary(report: dict) -> Table:
    sizes = " and ".join(f"{size:,}" for size in dict.fromkeys(report["sizes"]))
    title = escape(f"Vocabulary {report['folder']} ({sizes} pieces)")
    table = _table(title, "part", "side", "tokens", "unknown", "share", "characters a token", "worst lines")
    for name, part in report["parts"].items():
        for side, found in part.items():
            counts = [f"{found['ids']:,}", f"{found['unknown']:,}", f"{found['share']:.2%}"]
            worst = ", ".join(map(str, found["lines"][:5]))
            table.add_row(name, side, *counts, f"{found['characters_an_id']}", worst)
    return table


def _some(found: dict) -> str:
    shown = ", ".join(map(str, found["lines"][:5]))
    return shown + (", ..." if found["count"] > 5 else "")


def _bars(counts: list[int]) -> str:
    """A histogram one line high, in at most 20 columns."""
    width = -(-len(counts) // 20)
    sums = [sum(counts[at : at + width]) for at in range(0, len(counts), width)]
    most = max(max(sums), 1)
    return "".join(" ▁▂▃▄▅▆▇█"[-(-8 * count // most)] for count in sums)
