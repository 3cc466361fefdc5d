"""Section 17: errors."""


class StreamError(Exception):
    """An error of a stream: `kind.detail`, an offset, and the number of segments before the place.

    That number is None in the stream header."""

    def __init__(self, kind, offset=None, segments=None, message=""):
        super().__init__(kind, offset, segments, message)
        self.kind, self.offset, self.segments, self.message = kind, offset, segments, message

    def __str__(self):
        text = f"{self.kind} at offset {self.offset} after {self.segments} segments"
        return f"{text}: {self.message}" if self.message else text

    def as_tuple(self):
        return self.kind, self.offset, self.segments


def check(condition, kind, offset):
    if not condition:
        raise StreamError(kind, offset)


def check_zero(data, start, end, kind, base=0):
    """Checks reserved bytes. The fault is at the first one that is not zero."""
    for at in range(start, end):
        check(data[at] == 0, kind, base + at)
