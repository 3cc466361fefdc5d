"""Section 15.5: the runs of a sealed stream, and the segments that each holds."""
from . import digest
from .errors import check


class Runs:
    """Known runs as (first, run_salt), from the last one down."""

    def __init__(self, stream):
        self._known = [(stream.first, stream.run_salt)]

    @property
    def first(self):
        """Returns the first segment that a known run holds."""
        return self._known[-1][0]

    def add(self, link):
        run_salt, first = digest.split_run(link)
        self._known.append((first, run_salt))

    def check(self, s, at):
        """Checks SV2-RNG-005 of a segment that a known run holds."""
        first, run_salt = next(run for run in self._known if run[0] <= s.index)
        check(s.run_salt == run_salt and (s.index != first or s.run_start), "order.run", at + 12)
