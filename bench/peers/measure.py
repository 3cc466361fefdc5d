"""Measures one process: its wall time, its processor time, and its peak of memory."""

import os
import pathlib
import signal
import time
from typing import NamedTuple


class Cost(NamedTuple):
    wall_s: float
    user_s: float
    system_s: float
    # Both together. The kernel divides them by ticks, and their sum is exact.
    cpu_s: float
    peak_kib: int


class Failed(Exception):
    pass


def run(command: list[str], log: pathlib.Path, stdout: str = "/dev/null") -> Cost:
    """Runs `command` to its end. Standard error goes to `log`, and is shown if the command fails.

    The kernel counts the parent's peak at exec as the new process's peak. So no peak is below that
    of this process (see `floor_kib`).
    """
    write = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
    files = [
        (os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, stdout, write, 0o600),
        (os.POSIX_SPAWN_OPEN, 2, str(log), write, 0o600),
    ]
    environment = {name: os.environ[name] for name in ("HOME", "PATH") if name in os.environ}
    began = time.perf_counter()
    child = os.posix_spawn(command[0], command, environment, file_actions=files)
    try:
        _, status, used = os.wait4(child, 0)
    except BaseException:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        raise
    wall_s = time.perf_counter() - began
    if os.waitstatus_to_exitcode(status) != 0:
        raise Failed(f"{' '.join(command)}: status {status}: {log.read_text(errors='replace').strip()}")
    return Cost(wall_s, used.ru_utime, used.ru_stime, used.ru_utime + used.ru_stime, used.ru_maxrss)


def floor_kib(log: pathlib.Path) -> int:
    """Returns the measured peak of a process that needs no memory."""
    return max(run(["/bin/true"], log).peak_kib for _ in range(5))


def typical(costs: list[Cost]) -> Cost:
    """Returns the median of wall times, and the mean of processor times."""
    user_s, system_s, cpu_s = (sum(column) / len(costs) for column in list(zip(*costs))[1:4])
    return median(costs)._replace(user_s=user_s, system_s=system_s, cpu_s=cpu_s)


def median(costs: list[Cost]) -> Cost:
    """Returns the separate median of each time, and the highest peak."""
    *times, _ = (middle(list(column)) for column in zip(*costs))
    return Cost(*times, max(cost.peak_kib for cost in costs))


def middle(values: list[float]) -> float:
    values, half = sorted(values), len(values) // 2
    return values[half] if len(values) % 2 else (values[half - 1] + values[half]) / 2
