"""Stream V2, format version 1: an independent reading of spec/stream-v2.md."""
__version__ = "1.0.0"

from .errors import StreamError
from .header import HeaderV1, UNKNOWN
from .ranges import RangeReader
from .reader import Reader, read_all
from .writer import Writer
__all__ = ["StreamError", "HeaderV1", "UNKNOWN", "RangeReader", "Reader", "read_all", "Writer"]
