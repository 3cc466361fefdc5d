"""The plots of the documentation, from the medians of one run: the same results give the same files."""

import pathlib

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402  the backend is chosen first

from curves import CURVES  # noqa: E402
from report import SAID, Medians, cores_name, size_name  # noqa: E402
from rounds import KIB, WORKLOADS  # noqa: E402

COLOURS = {
    "sv2": "#0b5394",
    "sv2 aes": "#6fa8dc",
    "age": "#e69138",
    "rage": "#b45f06",
    "secretstream": "#38761d",
    "tink": "#741b47",
    "openssl enc": "#999999",
    "cat": "#cccccc",
    "cp": "#cccccc",
}
WITHOUT_AUTHENTICATION = {"openssl enc": "openssl enc\n(no authentication)"}


def draw(results: dict, folder: pathlib.Path) -> None:
    # A fixed salt for the ids, no date, and text as text.
    plt.rcParams.update({"svg.hashsalt": "sv2", "svg.fonttype": "none", "font.size": 9, "axes.axisbelow": True})
    medians = Medians(results)
    save(throughput(medians), folder / "throughput.svg")
    save(sizes(medians), folder / "sizes.svg")
    if results["curves"]:
        save(scaling(results["curves"]), folder / "scaling.svg")


def save(figure, path: pathlib.Path) -> None:
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def throughput(medians: Medians):
    size, cores = medians.reference_size(), medians.cores[-1]
    figure, axes = plt.subplots(2, 2, figsize=(9, 6.5), layout="constrained")
    figure.suptitle(f"{size_name(size)}, {cores_name(cores)}: GB/s of plaintext, more is better")
    for ax, workload in zip(axes.flat, WORKLOADS):
        speeds = {tool: size / row["wall_s"] / 1e9 for tool, row in medians.rows(workload, size, cores).items()}
        # A floor is a line: what no tool can be faster than.
        for floor in ("cat", "cp"):
            if (speed := speeds.pop(floor, None)) and workload.endswith("file"):
                ax.axvline(speed, color="#444444", linestyle="--", linewidth=1)
                ax.text(speed, 1.0, floor, transform=ax.get_xaxis_transform(), ha="center", va="bottom")
        names = [WITHOUT_AUTHENTICATION.get(tool, tool) for tool in speeds]
        bars = ax.barh(names, list(speeds.values()), color=[COLOURS[tool] for tool in speeds])
        ax.bar_label(bars, fmt="%.2f", padding=2)
        ax.margins(x=0.12)
        ax.invert_yaxis()
        ax.set_title(SAID[workload], loc="left")
        ax.grid(axis="x", alpha=0.3)
    return figure


def sizes(medians: Medians):
    cores = medians.cores[-1]
    figure, axes = plt.subplots(2, 2, figsize=(9, 7.5), sharex=True, sharey=True, layout="constrained")
    figure.suptitle(f"Wall time of the process by size, {cores_name(cores)}: less is better")
    for ax, workload in zip(axes.flat, WORKLOADS):
        for tool in medians.tools:
            walls = {size: medians.of.get((tool, workload, size, cores)) for size in medians.sizes}
            points = {size: row["wall_s"] for size, row in walls.items() if row}
            if points:
                label = WITHOUT_AUTHENTICATION.get(tool, tool).replace("\n", " ")
                dashes = "--" if tool in ("cat", "cp") else "-"
                ax.plot(list(points), list(points.values()), dashes, marker=".", color=COLOURS[tool], label=label)
        ax.set(xscale="log", yscale="log", title=SAID[workload])
        ax.set_xticks(medians.sizes, [size_name(size) for size in medians.sizes], minor=False)
        ax.tick_params(axis="x", which="minor", bottom=False)
        ax.grid(alpha=0.3)
        ax.legend(fontsize=7)
    for ax in axes[:, 0]:
        ax.set_ylabel("s")
    return figure


def scaling(points: list[dict]):
    figure, axes = plt.subplots(1, len(CURVES), figsize=(11, 3.8), sharey=True, layout="constrained")
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
