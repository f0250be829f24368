"""Draw starts.json: what the first call of a process costs, as SVG and PNG.

bench/load/picture.py FILE...
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt

INK, GREY, ACCENT = "#24292f", "#b8c0c8", "#d1495b"


def main() -> None:
    found = json.loads((Path(__file__).parent / "starts.json").read_text())
    millions = {name: row["instructions"] / 1e6 for name, row in found.items()}
    order = sorted(millions, key=lambda name: millions[name], reverse=True)
    plt.rcParams.update(
        {
            "font.size": 11,
            "font.family": "DejaVu Sans",
            "svg.fonttype": "none",
            "svg.hashsalt": "epy",
        }
    )
    figure, axes = plt.subplots(figsize=(9, 3.4))
    mine = [name.startswith("epy") for name in order]
    values = [millions[name] for name in order]
    axes.barh(
        range(len(order)),
        values,
        height=0.68,
        color=[ACCENT if epy else GREY for epy in mine],
    )
    for place, (value, epy) in enumerate(zip(values, mine, strict=True)):
        color, weight = (ACCENT, "bold") if epy else (INK, "normal")
        axes.text(value + 0.5, place, f"{value:.1f}", va="center", color=color, weight=weight)
    axes.set_yticks(range(len(order)), order)
    for label, epy in zip(axes.get_yticklabels(), mine, strict=True):
        label.set_color(ACCENT if epy else INK)
    axes.set_title(
        "The first call, which starts Python: millions of instructions of the process",
        loc="left",
        x=-0.35,
        weight="bold",
        color=INK,
    )
    axes.set_xlim(0, max(values) * 1.1)
    axes.xaxis.set_visible(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    figure.tight_layout()
    for picture in map(Path, sys.argv[1:]):
        metadata = {"Date": None} if picture.suffix == ".svg" else None
        figure.savefig(picture, dpi=110, facecolor="white", metadata=metadata)


if __name__ == "__main__":
    main()
