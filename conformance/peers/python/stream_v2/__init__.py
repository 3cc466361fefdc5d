"""Stream V2, format version 1: an independent reading of spec/stream-v2.md."""
from .errors import StreamError
from .header import HeaderV1, UNKNOWN
from .reader import Reader, read_all
from .writer import Writer
__all__ = ["StreamError", "HeaderV1", "UNKNOWN", "Reader", "read_all", "Writer"]
