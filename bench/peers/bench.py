"""Measures sv2 beside its peers. .ci/bench installs them and starts this.

README.md describes the measurements."""

import argparse
import json
import os
import pathlib
import signal
import sys
import tempfile

import bounds
import curves
import measure
import report
import tools
from rounds import GIB, KIB, MIB, Bench

OUT = pathlib.Path("target/bench")
PUBLISHED = pathlib.Path("spec/benchmarks")
SIZES = [KIB, MIB, 100 * MIB, GIB, 4 * GIB]
PLOTS = ["throughput.svg", "sizes.svg", "scaling.svg"]
# The tools that the bounds need.
CHECKED = {"sv2", "sv2 aes", "age", "rage", "cat", "cp", "bare AEAD", "bare files"}


def main() -> int:
    options = parse()
    OUT.mkdir(parents=True, exist_ok=True)
    if options.plot_only or options.publish:
        results = json.loads((OUT / "results.json").read_text())
        redraw(results)
        if options.publish:
            publish(results)
        return 0
    if options.check:
        options.sizes, options.cores, options.curve_size, options.tools = bounds.SIZES, [bounds.CORES], 0, None
    results = run(options)
    # A check measures less, so it must not replace the data of the plots.
    path = OUT / ("check.json" if options.check else "results.json")
    path.write_text(json.dumps(results, indent=1) + "\n")
    print(report.text(results))
    hold = True
    if not options.tools and set(bounds.SIZES) <= set(options.sizes) and bounds.CORES in options.cores:
        print()
        hold = bounds.check(results)
    if options.check:
        return 0 if hold else 1
    redraw(results)
    return 0


def parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=".ci/bench", description="Measures sv2 beside its peers.")
    parser.add_argument("--sv2", default="target/tools/bench/sv2/bin/sv2", help="a binary; by default the release build is built and copied there")
    parser.add_argument("--sizes", type=size, nargs="+", default=SIZES, help="such as 1K 100M 4G")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--tools", nargs="+", help="only these, by name; sv2 is always among them")
    parser.add_argument("--folder", default="/dev/shm", help="where files are, in a fresh folder; best in memory")
    parser.add_argument("--curve-size", type=size, default=GIB, help="for the curves of sv2; 0 for none")
    mode = parser.add_mutually_exclusive_group()
    mode.add_argument("--check", action="store_true", help="measures what the bounds speak of; 1 where one is missed")
    mode.add_argument("--plot-only", action="store_true", help="draws target/bench/results.json again")
    mode.add_argument("--publish", action="store_true", help=f"copies the medians and the plots to {PUBLISHED}")
    options = parser.parse_args()
    if options.rounds < 1 or min(options.cores) < 1:
        parser.error("rounds and cores begin at 1")
    return options


def size(text: str) -> int:
    units = {"K": KIB, "M": MIB, "G": GIB}
    return int(text[:-1]) * units[text[-1]] if text[-1:] in units else int(text)


def run(options: argparse.Namespace) -> dict:
    # A termination ends like an exception, so that the folder is removed.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tempfile.TemporaryDirectory(prefix="sv2-bench-", dir=options.folder) as name:
        folder = pathlib.Path(name)
        chosen = tools.all_tools(str(pathlib.Path(options.sv2).resolve()), folder)
        names = CHECKED if options.check else {"sv2", *options.tools} if options.tools else None
        bench = Bench(folder, [tool for tool in chosen if names is None or tool.name in names], options.rounds)
        for one in sorted(options.sizes):
            bench.size(one, sorted(options.cores))
        if not bench.samples:
            raise measure.Failed("nothing was measured")
        points = curves.measure_curves(bench, options.curve_size, max(options.cores)) if options.curve_size else []
        return {
            "machine": machine(),
            "rounds": options.rounds,
            "floor_kib": measure.floor_kib(bench.log),
            "tools": {
                tool.name: {"does": tool.does, "version": tool.version, "durable": tool.durable} for tool in bench.tools
            },
            "samples": bench.samples,
            "curves": points,
            "small_files": None if options.tools else tools.small_files(folder),
        }


def machine() -> dict:
    lines = pathlib.Path("/proc/cpuinfo").read_text().splitlines()
    processor = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": processor[0] if processor else os.uname().machine,
        "cores": len(os.sched_getaffinity(0)),
        "memory": memory,
        "kernel": os.uname().release,
    }


def redraw(results: dict) -> None:
    # Imported late, because this process's memory is a floor under every peak that it measures.
    import plots

    plots.draw(results, OUT)
    drawn = [plot for plot in PLOTS if (OUT / plot).exists()]
    print(f"\n{OUT}: results.json, {', '.join(drawn)}", file=sys.stderr)


def publish(results: dict) -> None:
    """Copies the plots and the results, without the figures of each round."""
    PUBLISHED.mkdir(parents=True, exist_ok=True)
    for sample in results["samples"] + results["curves"]:
        del sample["rounds"]
    (PUBLISHED / "results.json").write_text(json.dumps(results, indent=1) + "\n")
    for plot in PLOTS:
        if (OUT / plot).exists():
            (PUBLISHED / plot).write_bytes((OUT / plot).read_bytes())


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (measure.Failed, FileNotFoundError) as failed:
        sys.exit(f"bench: {failed}")
