"""Writes the results as text.

There is a table for each size, workload and number of cores, and one of every tool against every
other."""

from rounds import GIB, KIB, MIB, WORKLOADS

SAID = {
    "encrypt-null": "encrypt, to /dev/null",
    "encrypt-file": "encrypt, to a file",
    "decrypt-null": "decrypt, to /dev/null",
    "decrypt-file": "decrypt, to a file",
}


class Medians:
    """The medians of one run, by tool, workload, size and cores."""

    def __init__(self, results: dict):
        self.results = results
        self.of = {
            (sample["tool"], sample["workload"], sample["size"], sample["cores"]): sample["median"]
            for sample in results["samples"]
        }
        self.tools = list(results["tools"])
        # Entries that are not tools to choose from.
        decrypting = {tool for tool, workload, *_ in self.of if workload.startswith("decrypt")}
        self.floors = [tool for tool in self.tools if tool not in decrypting]
        self.small_files = results.get("small_files")
        self.sizes = sorted({key[2] for key in self.of})
        self.cores = sorted({key[3] for key in self.of})

    def rows(self, workload: str, size: int, cores: int) -> dict[str, dict]:
        found = {tool: self.of.get((tool, workload, size, cores)) for tool in self.tools}
        return {tool: median for tool, median in found.items() if median}

    def reference_size(self) -> int:
        """Returns the size at which tools are compared: 1 GiB, or the next smaller one."""
        return max((size for size in self.sizes if size <= GIB), default=self.sizes[0])


def text(results: dict) -> str:
    medians = Medians(results)
    parts = [heading(results)]
    for size in medians.sizes:
        for cores in medians.cores:
            parts += [table(medians, workload, size, cores) for workload in WORKLOADS]
    size, cores = medians.reference_size(), medians.cores[-1]
    parts += [matrix(medians, workload, size, cores) for workload in WORKLOADS]
    parts += curves(results)
    parts.append(small_files(medians.small_files))
    return "\n\n".join(part for part in parts if part)


def heading(results: dict) -> str:
    machine = results["machine"]
    on = f"{machine['cpu']}, {machine['cores']} cores, Linux {machine['kernel']}"
    lines = [f"{on}; medians of {results['rounds']} rounds"]
    for name, tool in results["tools"].items():
        durable = ", durable" if tool["durable"] else ""
        lines.append(f"  {name:<15}{tool['version']}: {tool['does']}{durable}")
    return "\n".join(lines)


def table(medians: Medians, workload: str, size: int, cores: int) -> str:
    rows, floor = medians.rows(workload, size, cores), medians.results["floor_kib"]
    if not rows:
        return ""
    lines = [f"{SAID[workload]}: {size_name(size)}, {cores_name(cores)}"]
    lines.append(f"  {'':<15}{'wall':>11}{'GB/s':>8}{'user':>11}{'system':>11}{'peak MiB':>10}{'wall / sv2':>12}")
    for tool, median in rows.items():
        wall_s = median["wall_s"]
        times = [seconds(median[name]) for name in ("wall_s", "user_s", "system_s")]
        peak = ("" if median["peak_kib"] > floor else "<= ") + f"{median['peak_kib'] / KIB:.1f}"
        ratio = f"{wall_s / rows['sv2']['wall_s']:.2f}" if "sv2" in rows else ""
        lines.append(
            f"  {tool:<15}{times[0]:>11}{size / wall_s / 1e9:>8.3f}{times[1]:>11}{times[2]:>11}{peak:>10}{ratio:>12}"
        )
    return "\n".join(lines)


def matrix(medians: Medians, workload: str, size: int, cores: int) -> str:
    rows = medians.rows(workload, size, cores)
    lines = [f"{SAID[workload]}: {size_name(size)}, {cores_name(cores)}: wall of the row / wall of the column"]
    lines.append(" " * 17 + "".join(f"{tool:>15}" for tool in rows))
    for tool, median in rows.items():
        ratios = [median["wall_s"] / other["wall_s"] for other in rows.values()]
        lines.append(f"  {tool:<15}" + "".join(f"{ratio:>15.2f}" for ratio in ratios))
    return "\n".join(lines)


def curves(results: dict) -> list[str]:
    parts = []
    for tool, curve in dict.fromkeys((point["tool"], point["curve"]) for point in results["curves"]):
        points = [point for point in results["curves"] if (point["tool"], point["curve"]) == (tool, curve)]
        size, cores = points[0]["size"], points[0]["cores"]
        lines = [f"{tool}, over --{curve}: encrypt, to /dev/null: {size_name(size)}, {cores_name(cores)}"]
        lines.append(f"  {'':<15}{'wall':>11}{'user':>11}{'system':>11}{'peak MiB':>10}")
        for point in points:
            value = str(point["value"]) if curve == "jobs" else size_name(point["value"])
            times = "".join(f"{seconds(point['median'][name]):>11}" for name in ("wall_s", "user_s", "system_s"))
            lines.append(f"  {value:<15}{times}{point['median']['peak_kib'] / KIB:>10.1f}")
        parts.append("\n".join(lines))
    return parts


def small_files(each: dict | None) -> str:
    if not each:
        return ""
    lines = ["10,000 files of 1 KiB, through the library and through age's: processor time for each"]
    for operation in ("encrypt", "decrypt"):
        own, age = each[f"{operation}_us"], each[f"age_{operation}_us"]
        lines.append(f"  {operation:<15}{own:>8.1f} us{age:>8.1f} us   {age / own:.2f}")
    return "\n".join(lines)


def seconds(value: float) -> str:
    return f"{value:.3f} s" if value >= 0.1 else f"{value * 1e3:.2f} ms"


def size_name(size: int) -> str:
    for unit, name in ((GIB, "GiB"), (MIB, "MiB"), (KIB, "KiB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} B"


def cores_name(cores: int) -> str:
    return "1 core" if cores == 1 else f"{cores} cores"
