"""Measures how sv2 scales with segment size, frame size and number of workers.

It encrypts one file to /dev/null, with all points in turn."""

import os
import sys

import measure
from rounds import KIB, MIB, Bench, Cores, make_input, sample

CURVES = {
    "segment-size": [64 * KIB, 256 * KIB, MIB, 4 * MIB, 16 * MIB, 64 * MIB],
    "frame-size": [4 * KIB, 16 * KIB, 64 * KIB, 256 * KIB, MIB],
    "jobs": [1, 2, 4, 8],
}


def measure_curves(bench: Bench, size: int, cores: int) -> list[dict]:
    bench.reserve.leave(2 * size)
    source = make_input(bench.folder / "input", size)
    points = [
        (tool, curve, value)
        for tool in bench.tools
        if tool.name.startswith("sv2")
        for curve, values in CURVES.items()
        for value in values
    ]
    costs = {(tool.name, curve, value): [] for tool, curve, value in points}
    with Cores(cores):
        for number in range(bench.rounds):
            print(f"bench: curves of sv2, round {number + 1} of {bench.rounds}", file=sys.stderr)
            for tool, curve, value in points:
                command = [*tool.encrypt(str(source), os.devnull), f"--{curve}", str(value)]
                # Large segments take memory, as files do.
                bench.reserve.leave(size)
                costs[tool.name, curve, value].append(measure.run(command, bench.log))
    source.unlink()
    return [
        sample(each, tool=tool, curve=curve, value=value, size=size, cores=cores)
        for (tool, curve, value), each in costs.items()
    ]
