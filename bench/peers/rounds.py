"""Runs the tools in turn: A B C, B C A, and so on, each in all workloads.

The output of a round is removed outside the measured time."""

import os
import pathlib
import subprocess
import sys

import measure
from measure import Cost, Failed
from reserve import Reserve
from tools import Tool

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30
WORKLOADS = ["encrypt-null", "encrypt-file", "decrypt-null", "decrypt-file"]


class Bench:
    """A folder, the tools, and the measurements so far."""

    def __init__(self, folder: pathlib.Path, tools: list[Tool], rounds: int):
        self.folder, self.tools, self.rounds = folder, tools, rounds
        self.log, self.sealed, self.opened = folder / "stderr", folder / "sealed", folder / "opened"
        self.reserve = Reserve(folder / "reserve")
        self.samples: list[dict] = []

    def size(self, size: int, cores: list[int]) -> None:
        """Measures one size on each number of cores."""
        room = self.reserve.room()
        if room < 2 * size:
            print(f"bench: {self.folder} has no room for twice {size} bytes: LEFT OUT", file=sys.stderr)
            return
        files = room >= 3 * size
        if not files:
            print(f"bench: {self.folder} has no room for three times {size} bytes: to /dev/null only", file=sys.stderr)
        self.reserve.leave(3 * size)
        source = make_input(self.folder / "input", size)
        for tool in self.tools:
            self.check(tool, source if files else make_input(self.folder / "smaller", 64 * MIB))
        (self.folder / "smaller").unlink(missing_ok=True)
        for count in cores:
            with Cores(count):
                self.rounds_of(source, size, count, files)
        source.unlink()

    def check(self, tool: Tool, source: pathlib.Path) -> None:
        """Compares a tool's decrypted output with the input."""
        if tool.decrypt is None:
            return
        self.once(tool.encrypt, source, self.sealed)
        self.once(tool.decrypt, self.sealed, self.opened)
        if subprocess.run(["cmp", source, self.opened], check=False).returncode != 0:
            raise Failed(f"{tool.name} does not decrypt to what it encrypted")
        self.clear()

    def rounds_of(self, source: pathlib.Path, size: int, cores: int, files: bool) -> None:
        costs: dict[tuple[str, str], list[Cost]] = {}
        for number in range(self.rounds):
            print(f"bench: {size} bytes, {cores} cores, round {number + 1} of {self.rounds}", file=sys.stderr)
            first = number % len(self.tools)
            for tool in self.tools[first:] + self.tools[:first]:
                for workload, cost in self.turn(tool, source, processes(tool, size), files):
                    costs.setdefault((tool.name, workload), []).append(cost)
                self.clear()
        for (tool_name, workload), each in costs.items():
            self.samples.append(sample(each, tool=tool_name, workload=workload, size=size, cores=cores))

    def turn(self, tool: Tool, source: pathlib.Path, times: int, files: bool):
        """Runs all workloads of one tool. It decrypts the file that it encrypted before."""
        null, size = pathlib.Path(os.devnull), source.stat().st_size
        self.reserve.leave(0)
        if tool.only != "encrypt-file":
            yield "encrypt-null", self.several(tool.encrypt, source, null, times)
        if tool.only == "encrypt-null":
            return
        self.reserve.leave(size)
        yield "encrypt-file", self.several(tool.encrypt, source, self.sealed, times)
        if tool.decrypt is None:
            return
        sync(self.sealed)
        yield "decrypt-null", self.several(tool.decrypt, self.sealed, null, times)
        if files:
            self.reserve.leave(size)
            yield "decrypt-file", self.several(tool.decrypt, self.sealed, self.opened, times)

    def several(self, command, source: pathlib.Path, target: pathlib.Path, times: int) -> Cost:
        return measure.typical([self.once(command, source, target) for _ in range(times)])

    def once(self, command, source: pathlib.Path, target: pathlib.Path) -> Cost:
        if target != pathlib.Path(os.devnull):
            target.unlink(missing_ok=True)
        return measure.run(command(str(source), str(target)), self.log)

    def clear(self) -> None:
        self.sealed.unlink(missing_ok=True)
        self.opened.unlink(missing_ok=True)


class Cores:
    """A context in which this process and its children have only its first `count` cores."""

    def __init__(self, count: int):
        self.before = os.sched_getaffinity(0)
        if count > len(self.before):
            raise Failed(f"{count} cores were asked for, and {len(self.before)} are here")
        self.inside = set(sorted(self.before)[:count])

    def __enter__(self) -> None:
        os.sched_setaffinity(0, self.inside)

    def __exit__(self, *_raised) -> None:
        os.sched_setaffinity(0, self.before)


def sample(each: list[Cost], **what) -> dict:
    return {**what, "median": measure.median(each)._asdict(), "rounds": [cost._asdict() for cost in each]}


def processes(tool: Tool, size: int) -> int:
    """Returns the number of processes for one figure. A small file is too fast for one clock."""
    times = 50 if size <= 64 * KIB else 10 if size <= 8 * MIB else 1
    return min(times, 5) if tool.starts_slowly else times


def make_input(path: pathlib.Path, size: int) -> pathlib.Path:
    """Writes `size` random bytes, makes them durable, and reads them once."""
    with path.open("wb", buffering=0) as file:
        for offset in range(0, size, MIB):
            file.write(os.urandom(min(MIB, size - offset)))
    sync(path)
    with path.open("rb", buffering=0) as file:
        while file.read(MIB):
            pass
    return path


def sync(path: pathlib.Path) -> None:
    with path.open("rb") as file:
        os.fsync(file.fileno())
