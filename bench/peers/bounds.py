"""Compares the project's promises for sv2 with one run.

They are ratios of medians, on 2 cores, over 1 GiB."""

from collections.abc import Callable
from typing import NamedTuple

from report import Medians
from rounds import GIB, KIB

CORES = 2
SIZES = [KIB, GIB]


class Bound(NamedTuple):
    what: str
    # None if a figure that it needs was not measured.
    measured: Callable[[Medians], float | None]
    limit: float
    at_least: bool
    unit: str = ""

    def holds(self, value: float) -> bool:
        return value >= self.limit if self.at_least else value <= self.limit


def ratio(workload: str, tool: str, to: str) -> Callable[[Medians], float | None]:
    def measured(medians: Medians) -> float | None:
        above, below = (medians.of.get((name, workload, GIB, CORES)) for name in (tool, to))
        return above["wall_s"] / below["wall_s"] if above and below else None

    return measured


def user_of_aead(workload: str) -> Callable[[Medians], float | None]:
    """Measures the ratio of sv2's user CPU time to that of its AEAD alone."""

    def measured(medians: Medians) -> float | None:
        sv2, aead = (medians.of.get(("sv2", workload, GIB, CORES)), bare_aead(medians))
        return sv2["user_s"] / aead["user_s"] if sv2 and aead else None

    return measured


def cpu_of_floor(workload: str) -> Callable[[Medians], float | None]:
    """Measures the ratio of sv2's CPU time to that of its AEAD and of reading the file."""

    def measured(medians: Medians) -> float | None:
        parts = [bare_aead(medians), medians.of.get(("cat", "encrypt-null", GIB, CORES))]
        sv2 = medians.of.get(("sv2", workload, GIB, CORES))
        return sv2["cpu_s"] / sum(part["cpu_s"] for part in parts) if sv2 and all(parts) else None

    return measured


def bare_aead(medians: Medians) -> dict | None:
    return medians.of.get(("bare AEAD", "encrypt-null", GIB, CORES))


def small_file_ms(medians: Medians) -> float | None:
    """Returns the slower one of the two outputs."""
    each = [medians.of.get(("sv2", workload, KIB, CORES)) for workload in ("encrypt-null", "encrypt-file")]
    return max(median["wall_s"] for median in each) * 1e3 if all(each) else None


def small_files(operation: str) -> Callable[[Medians], float | None]:
    """Measures the ratio of the library's CPU time for a small file to that of age's library."""

    def measured(medians: Medians) -> float | None:
        each = medians.small_files
        return each[f"{operation}_us"] / each[f"age_{operation}_us"] if each else None

    return measured


def peak_mib(medians: Medians) -> float | None:
    """Returns the highest peak of all runs. A median keeps the highest peak of its rounds."""
    peaks = [median["peak_kib"] for (tool, *_), median in medians.of.items() if tool.startswith("sv2")]
    return max(peaks) / KIB if peaks else None


BOUNDS = [
    Bound("encrypt to /dev/null, user CPU: sv2 / bare AEAD", user_of_aead("encrypt-null"), 1.1, False),
    Bound("decrypt to /dev/null, user CPU: sv2 / bare AEAD", user_of_aead("decrypt-null"), 1.1, False),
    Bound("encrypt to /dev/null, CPU: sv2 / (bare AEAD + cat)", cpu_of_floor("encrypt-null"), 1.15, False),
    Bound("decrypt to /dev/null, CPU: sv2 / (bare AEAD + cat)", cpu_of_floor("decrypt-null"), 1.15, False),
    Bound("encrypt to /dev/null, wall: sv2 / bare files", ratio("encrypt-null", "sv2", "bare files"), 1.1, False),
    Bound("encrypt to /dev/null, wall: age / sv2", ratio("encrypt-null", "age", "sv2"), 1.9, True),
    Bound("encrypt to /dev/null, wall: rage / sv2", ratio("encrypt-null", "rage", "sv2"), 3.0, True),
    Bound("encrypt to /dev/null, wall: age / sv2 with AES-256-GCM", ratio("encrypt-null", "age", "sv2 aes"), 3.0, True),
    Bound("encrypt to a file, wall: age / sv2", ratio("encrypt-file", "age", "sv2"), 1.7, True),
    Bound("decrypt to a file, wall: age / sv2", ratio("decrypt-file", "age", "sv2"), 2.2, True),
    Bound("encrypt to a file, wall: sv2 with AES-256-GCM / cp", ratio("encrypt-file", "sv2 aes", "cp"), 1.3, False),
    Bound("encrypt 1 KiB, wall of the process, the slower output", small_file_ms, 2.0, False, " ms"),
    Bound("encrypt 10,000 files of 1 KiB, library, CPU: sv2 / age", small_files("encrypt"), 1.0, False),
    Bound("decrypt 10,000 files of 1 KiB, library, CPU: sv2 / age", small_files("decrypt"), 1.0, False),
    Bound("peak memory of sv2 in every run", peak_mib, 64.0, False, " MiB"),
]


def check(results: dict) -> bool:
    """Prints each bound, its measured value, and whether it holds. Without a value it does not."""
    medians, all_hold = Medians(results), True
    for bound in BOUNDS:
        value = bound.measured(medians)
        verdict = "not measured" if value is None else "holds" if bound.holds(value) else "misses"
        all_hold &= verdict == "holds"
        shown = "-" if value is None else f"{value:.2f}{bound.unit}"
        sign = ">=" if bound.at_least else "<="
        print(f"{bound.what:<58}{shown:>12}   {sign} {bound.limit:g}{bound.unit}: {verdict}")
    return all_hold
