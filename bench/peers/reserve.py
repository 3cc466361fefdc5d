"""Keeps a virtual machine's memory from its host between two processes that are compared."""

import os
import pathlib
import time

KIB, MIB = 1 << 10, 1 << 20
# Seconds before the host takes free memory, and an amount too small to matter.
PATIENCE_S, LITTLE = 2.5, 64 * MIB
# Always left free, for the processes and for other users of the machine.
SPARE = 1024 * MIB


class Reserve:
    """A file of zeros in memory that holds all free memory except what the next process needs.

    A virtual machine gives memory that was free for two seconds back to its host. The machine stops
    meanwhile, and getting that memory again costs a process more than encrypting does.

    If all other memory is held, an output takes the memory released just before. The host has then
    had nothing to take for two seconds, and comes back after two more at the earliest."""

    def __init__(self, path: pathlib.Path):
        self.path = path
        self.is_needed = " hypervisor" in pathlib.Path("/proc/cpuinfo").read_text()

    def leave(self, size: int) -> None:
        """Leaves `size` bytes free, and holds the rest."""
        if not self.is_needed:
            return
        held = self._size()
        self._hold(0)
        if max(size, self._size() - held) > LITTLE:
            time.sleep(PATIENCE_S)
        self._hold(size)

    def _size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def _hold(self, all_but: int) -> None:
        wanted = max(0, self.room() - all_but)
        zeros = bytes(MIB)
        with self.path.open("ab", buffering=0) as file:
            file.truncate(min(wanted, file.tell()))
            while (missing := wanted - file.seek(0, os.SEEK_END)) > 0:
                file.write(zeros[:missing])

    def room(self) -> int:
        """Returns the memory that files can take beside it and in its place."""
        folder = self.path.parent
        disk = os.statvfs(folder)
        fields = dict(line.split(":") for line in pathlib.Path("/proc/meminfo").read_text().splitlines())
        free = min(disk.f_bavail * disk.f_frsize, int(fields["MemAvailable"].split()[0]) * KIB)
        return free + self._size() - SPARE
