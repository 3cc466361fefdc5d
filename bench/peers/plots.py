"""Draws the plots of the documentation from the medians of one run.

The same results give the same files."""

import pathlib

import matplotlib
from matplotlib.figure import Figure

from curves import CURVES
from report import SAID, Medians, cores_name, size_name
from rounds import WORKLOADS

COLOURS = {
    "sv2": "#0b5394",
    "sv2 aes": "#6fa8dc",
    "age": "#e69138",
    "rage": "#b45f06",
    "secretstream": "#38761d",
    "tink": "#741b47",
    "openssl enc": "#999999",
    "bare AEAD": "#999999",
    "bare AEAD aes": "#999999",
    "bare files": "#0b5394",
    "bare files aes": "#6fa8dc",
    "cat": "#666666",
    "cp": "#666666",
}
WITHOUT_AUTHENTICATION = {"openssl enc": "openssl enc\n(no authentication)"}


def draw(results: dict, folder: pathlib.Path) -> None:
    # A fixed salt for the ids, no date, and text as text.
    matplotlib.rcParams.update({"svg.hashsalt": "sv2", "svg.fonttype": "none", "font.size": 9, "axes.axisbelow": True})
    medians = Medians(results)
    save(throughput(medians), folder / "throughput.svg")
    save(sizes(medians), folder / "sizes.svg")
    # Removes the plot of another run.
    (folder / "scaling.svg").unlink(missing_ok=True)
    if results["curves"]:
        save(scaling(results["curves"]), folder / "scaling.svg")


def save(figure: Figure, path: pathlib.Path) -> None:
    figure.savefig(path, metadata={"Date": None})


def throughput(medians: Medians) -> Figure:
    size, cores = medians.reference_size(), medians.cores[-1]
    figure = Figure(figsize=(9, 6.5), layout="constrained")
    axes = figure.subplots(2, 2)
    figure.suptitle(f"{size_name(size)}, {cores_name(cores)}: GB/s of plaintext, more is better")
    for ax, workload in zip(axes.flat, WORKLOADS):
        speeds = {tool: size / row["wall_s"] / 1e9 for tool, row in medians.rows(workload, size, cores).items()}
        floors = [f"{floor}: {speeds.pop(floor):.2f}" for floor in medians.floors if floor in speeds]
        names = [WITHOUT_AUTHENTICATION.get(tool, tool) for tool in speeds]
        bars = ax.barh(names, list(speeds.values()), color=[COLOURS[tool] for tool in speeds])
        ax.bar_label(bars, fmt="%.2f", padding=2)
        ax.margins(x=0.15)
        ax.invert_yaxis()
        ax.set_title(SAID[workload], loc="left")
        # Not a bar, because `cat` is so much faster that the other bars could not be seen.
        ax.set_xlabel("\n".join("   ".join(floors[begin : begin + 3]) for begin in range(0, len(floors), 3)), fontsize=8)
        ax.grid(axis="x", alpha=0.3)
    return figure


def sizes(medians: Medians) -> Figure:
    cores = medians.cores[-1]
    figure = Figure(figsize=(9, 7.5), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    figure.suptitle(f"Wall time of the process by size, {cores_name(cores)}: less is better")
    for ax, workload in zip(axes.flat, WORKLOADS):
        for tool in medians.tools:
            walls = {size: medians.of.get((tool, workload, size, cores)) for size in medians.sizes}
            points = {size: row["wall_s"] for size, row in walls.items() if row}
            if points:
                label = WITHOUT_AUTHENTICATION.get(tool, tool).replace("\n", " ")
                dashes = "--" if tool in medians.floors else "-"
                ax.plot(list(points), list(points.values()), dashes, marker=".", color=COLOURS[tool], label=label)
        ax.set(xscale="log", yscale="log", title=SAID[workload])
        ax.set_xticks(medians.sizes, [size_name(size) for size in medians.sizes], minor=False)
        ax.tick_params(axis="x", which="minor", bottom=False)
        ax.grid(alpha=0.3)
    for ax in axes[:, 0]:
        ax.set_ylabel("s")
    # The two plots of encrypting have every label: `cat` is in one, `cp` in the other.
    named = {line.get_label(): line for ax in axes[0] for line in ax.lines}
    figure.legend(named.values(), named.keys(), loc="outside lower center", ncols=5)
    return figure


def scaling(points: list[dict]) -> Figure:
    figure = Figure(figsize=(11, 3.8), layout="constrained")
    axes = figure.subplots(1, len(CURVES), sharey=True)
    size, cores = points[0]["size"], points[0]["cores"]
    figure.suptitle(f"sv2, encrypting {size_name(size)} to /dev/null, {cores_name(cores)}")
    for ax, (curve, values) in zip(axes, CURVES.items()):
        for tool in dict.fromkeys(point["tool"] for point in points):
            own = [point for point in points if (point["tool"], point["curve"]) == (tool, curve)]
            for figure_name, style in (("wall_s", "-"), ("user_s", ":")):
                ys = [point["median"][figure_name] for point in own]
                label = f"{tool}, {'wall' if figure_name == 'wall_s' else 'user CPU'}"
                ax.plot([point["value"] for point in own], ys, style, marker=".", color=COLOURS[tool], label=label)
        names = [str(value) if curve == "jobs" else size_name(value) for value in values]
        ax.set_xscale("log", base=2)
        ax.set_xticks(values, names, rotation=0 if curve == "jobs" else 45)
        ax.set_xlabel(f"--{curve}")
        ax.grid(alpha=0.3)
    axes[0].set_ylabel("s")
    axes[0].set_ylim(bottom=0)
    axes[0].legend(fontsize=7)
    return figure
