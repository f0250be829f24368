"""Turn the host's lines into results.json and tables.

    report.py RESULTS TABLES FOLDER [OTHER FOLDER...]

A folder has what was measured under one CPython, the first one under the system's.

Each figure is a median over the rounds. A ratio is the median of the rounds' own ratios, not the
ratio of medians: both sides of it were measured within the same milliseconds.
"""

from __future__ import annotations

import json
import re
import sys
from collections import defaultdict
from pathlib import Path
from statistics import geometric_mean, median

from contenders import NAMES, SIGNATURES

CONDITIONS = {
    "T1": "main thread, GIL free",
    "T2": "a thread that the host made",
    "T3": "GIL held",
    "T4": "two such threads at once, time per call of both together",
}
BASE = ("f", "add", "f3", "len", "process", "mixed")  # what a mean is over

Cells = dict[tuple[str, str, str], list[float]]


def read_times(path: Path) -> Cells:
    """Nanoseconds by condition, signature and contender, one for each round; not what epy lacks."""
    cells: Cells = defaultdict(list)
    for line in path.read_text().splitlines():
        condition, signature, contender, _, nanoseconds = line.split()
        cells[condition, signature, contender].append(float(nanoseconds))
    return {key: times for key, times in cells.items() if (*key[:2], "epy") in cells}


def read_instructions(folder: Path) -> dict[str, dict[str, float]]:
    """Instructions per call by signature and contender, from callgrind's dumps of two numbers of
    calls each."""
    totals: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for dump in folder.glob("callgrind.*"):
        text = dump.read_text()
        label = re.search(r"^desc: Trigger: Client Request: (\w+) (\w+) (\d+)$", text, re.MULTILINE)
        total = re.search(r"^totals: (\d+)$", text, re.MULTILINE)
        if label and total:
            totals[label[1], label[2]][int(label[3])] = int(total[1])
    return {
        signature: {
            name: _slope(totals[signature, name]) for name in NAMES if (signature, name) in totals
        }
        for signature in SIGNATURES
    }


def _slope(totals: dict[int, int]) -> float:
    (few, start), (many, end) = sorted(totals.items())
    return round((end - start) / (many - few), 1)


def paired(cells: Cells, condition: str, signature: str, name: str, to: str) -> float:
    """How long `name` takes for each nanosecond of `to`."""
    sides = zip(cells[condition, signature, name], cells[condition, signature, to], strict=True)
    return median(ours / theirs for ours, theirs in sides)


def mean(cells: Cells, condition: str, name: str, to: str) -> float:
    return geometric_mean(paired(cells, condition, signature, name, to) for signature in BASE)


def goals(cells: Cells) -> list[dict[str, str | float]]:
    """What epy is to reach: a figure, its limit, and which side of the limit is right."""
    slot = median(
        slot - direct
        for signature in BASE
        for slot, direct in zip(
            cells["T1", signature, "c_slot"], cells["T1", signature, "c"], strict=True
        )
    )
    rows: list[tuple[str, float, str, float]] = [
        ("T1, of cffi's time", mean(cells, "T1", "epy", "cffi"), "at most", 0.62),
        ("T2, of cffi's time", mean(cells, "T2", "epy", "cffi"), "at most", 0.62),
        *(
            (f"T2, times faster than {peer}", mean(cells, "T2", peer, "epy"), "at least", 40)
            for peer in ("ctypes", "cython", "pybind11")
        ),
        ("T3, int add, of cffi's time", paired(cells, "T3", "add", "epy", "cffi"), "at most", 0.42),
        (
            "T3, 8 mixed, of cffi's time",
            paired(cells, "T3", "mixed", "epy", "cffi"),
            "at most",
            0.42,
        ),
        ("T4, times cffi's throughput", mean(cells, "T4", "cffi", "epy"), "at least", 1.6),
        ("T1, of the C API's time", mean(cells, "T1", "epy", "capi"), "at most", 0.93),
        ("exported native address, ns over a direct call", slot, "at most", 1.0),
    ]
    return [
        {"goal": goal, "reached": round(reached, 3), "limit": limit, "side": side}
        for goal, reached, side, limit in rows
    ]


def results(cells: Cells, instructions: dict[str, dict[str, float]]) -> dict[str, object]:
    ns: dict[str, dict[str, dict[str, float]]] = {}
    ratios: dict[str, dict[str, dict[str, float]]] = {}
    for condition, signature, name in cells:
        ns.setdefault(condition, {}).setdefault(signature, {})[name] = round(
            median(cells[condition, signature, name]), 2
        )
        ratios.setdefault(condition, {}).setdefault(signature, {})[name] = round(
            paired(cells, condition, signature, name, "cffi"), 4
        )
    means = {
        condition: {
            name: round(mean(cells, condition, name, "cffi"), 4)
            for name in NAMES
            if (condition, "f", name) in cells
        }
        for condition in CONDITIONS
    }
    return {
        "ns": ns,
        "ratio_to_cffi": ratios,
        "mean_ratio_to_cffi": means,
        "instructions": instructions,
        "goals": goals(cells),
    }


def table(found: dict[str, object]) -> str:
    """The results as Markdown."""
    ns, means, instructions, reached = (
        found[key] for key in ("ns", "mean_ratio_to_cffi", "instructions", "goals")
    )
    assert isinstance(ns, dict) and isinstance(means, dict)
    assert isinstance(instructions, dict) and isinstance(reached, list)
    lines = []
    for condition, title in CONDITIONS.items():
        signatures = list(ns[condition])
        lines += [
            f"{condition}, {title}; ns, and the mean ratio to cffi",
            "",
            f"| | {' | '.join(signatures)} | of cffi |",
            "| --- " + "| ---: " * (len(signatures) + 1) + "|",
        ]
        for name in NAMES:
            if name in means[condition]:
                times = [
                    f"{cell:.{0 if cell >= 100 else 1}f}" if cell is not None else ""
                    for cell in (ns[condition][signature].get(name) for signature in signatures)
                ]
                row = [_strong(name), *times, f"{means[condition][name]:.3f}"]
                lines.append(f"| {' | '.join(row)} |")
        lines.append("")
    lines += table_of_instructions(instructions)
    lines += ["", "| goal of epy | reached | limit | |", "| --- | ---: | ---: | --- |"]
    for row in reached:
        signed = 1 if row["side"] == "at most" else -1
        met = "yes" if signed * row["reached"] <= signed * row["limit"] else "no"
        lines.append(f"| {row['goal']} | {row['reached']} | {row['side']} {row['limit']} | {met} |")
    return "\n".join(lines) + "\n"


def table_of_instructions(counted: dict[str, dict[str, float]]) -> list[str]:
    lines = [
        "Instructions of one call, T1 (`capi_held`: T3)",
        "",
        f"| | {' | '.join(counted)} |",
        "| --- " + "| ---: " * len(counted) + "|",
    ]
    for name in NAMES:
        if any(name in cells for cells in counted.values()):
            row = [f"{cells[name]:,.0f}" if name in cells else "" for cells in counted.values()]
            lines.append(f"| {' | '.join([_strong(name), *row])} |")
    return lines


def table_of_others(found: dict[str, dict[str, object]]) -> str:
    """What the means are under other CPythons, as Markdown."""
    head = ["CPython", "", *CONDITIONS, "instructions"]
    lines = [
        "The same under other CPythons: mean ratios to cffi there, and instructions of one int add",
        "",
        f"| {' | '.join(head)} |",
        "| --- | --- |" + " ---: |" * (len(head) - 2),
    ]
    for version, one in found.items():
        means, counted = one["mean_ratio_to_cffi"], one["instructions"]
        assert isinstance(means, dict) and isinstance(counted, dict)
        instructions = counted["add"]
        for name in NAMES:
            cells = [means[condition].get(name) for condition in CONDITIONS]
            row = [f"{cell:.3f}" if cell is not None else "" for cell in cells]
            lines.append(
                f"| {version} | {_strong(name)} | {' | '.join(row)} | {instructions[name]:,.0f} |"
            )
    return "\n".join(lines) + "\n"


def _strong(name: str) -> str:
    return f"**{name}**" if name == "epy" else name


def main() -> None:
    output, tables, folder, *others = map(Path, sys.argv[1:])
    found = _results_in(folder)
    text = table(found)
    if others:
        under = {other.name: _results_in(other) for other in others}
        found["other_pythons"] = under
        text += "\n" + table_of_others(under)
    output.write_text(json.dumps(found, indent=1) + "\n")
    tables.write_text(text)
    print(text, end="")


def _results_in(folder: Path) -> dict[str, object]:
    return results(read_times(folder / "times"), read_instructions(folder))


if __name__ == "__main__":
    main()
