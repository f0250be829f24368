"""Draw results.json: what a call costs, in the four conditions, as SVG and PNG."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from statistics import geometric_mean

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from report import BASE

PEERS = {
    "epy": "epy",
    "capi": "C API by hand",
    "cython": "Cython",
    "nanobind": "nanobind",
    "cffi": "cffi, embedding",
    "cffi_abi": "cffi, callback",
    "pybind11": "pybind11",
    "ctypes": "ctypes",
}
TITLES = {
    "T1": "On the main thread",
    "T2": "On a thread that the host made",
    "T3": "With the GIL held already",
    "T4": "On two such threads at once",
}
INK, GREY, ACCENT = "#24292f", "#b8c0c8", "#d1495b"


def draw(axes: Axes, condition: str, ns: dict[str, dict[str, float]]) -> None:
    means = {name: geometric_mean(ns[signature][name] for signature in BASE) for name in PEERS}
    order = sorted(means, key=lambda name: means[name], reverse=True)
    values = [means[name] for name in order]
    axes.barh(
        range(len(order)),
        values,
        height=0.68,
        color=[ACCENT if name == "epy" else GREY for name in order],
    )
    for place, (name, value) in enumerate(zip(order, values, strict=True)):
        axes.text(
            value + max(values) * 0.015,
            place,
            f"{value:,.0f}",
            va="center",
            color=ACCENT if name == "epy" else INK,
            weight="bold" if name == "epy" else "normal",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 1},
        )
    axes.set_yticks(range(len(order)), [PEERS[name] for name in order])
    for label, name in zip(axes.get_yticklabels(), order, strict=True):
        label.set_weight("bold" if name == "epy" else "normal")
        label.set_color(ACCENT if name == "epy" else INK)
    if "capi_held" in ns["f"]:
        limit = geometric_mean(ns[signature]["capi_held"] for signature in BASE)
        label = f"C API, GIL never touched: {limit:,.0f}"
        axes.axvline(limit, color=INK, linewidth=0.9, linestyle=(0, (3, 3)))
        axes.text(
            limit,
            len(order) - 0.4,
            label,
            ha="center",
            va="bottom",
            fontsize=9,
            color=INK,
        )
    axes.set_title(TITLES[condition], loc="left", weight="bold", color=INK, pad=20)
    axes.set_xlim(0, max(values) * 1.14)
    axes.xaxis.set_visible(False)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def main() -> None:
    results, *pictures = map(Path, sys.argv[1:])
    ns = json.loads(results.read_text())["ns"]
    plt.rcParams.update(
        {
            "font.size": 11,
            "font.family": "DejaVu Sans",
            "svg.fonttype": "none",
            "svg.hashsalt": "epy",
        }
    )
    figure, grid = plt.subplots(2, 2, figsize=(12, 8.4))
    for axes, condition in zip(grid.flat, TITLES, strict=True):
        draw(axes, condition, ns[condition])
    figure.suptitle(
        "What it costs C to call a Python function",
        x=0.02,
        ha="left",
        fontsize=18,
        weight="bold",
        color=INK,
    )
    figure.text(
        0.02,
        0.925,
        "nanoseconds per call, geometric mean over six signatures; shorter is better",
        color=INK,
    )
    figure.tight_layout(rect=(0.01, 0, 1, 0.95), h_pad=1.5, w_pad=3)
    for picture in pictures:
        metadata = {"Date": None} if picture.suffix == ".svg" else None
        figure.savefig(picture, dpi=110, facecolor="white", metadata=metadata)


if __name__ == "__main__":
    main()
