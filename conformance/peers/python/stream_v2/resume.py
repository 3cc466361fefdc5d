"""Section 19.2, steps 8 to 11: resuming an interrupted encryption.

The run_salt is given, which is for test vectors only."""
from .errors import StreamError, check
from .header import LENGTH, UNKNOWN
from .recover import look
from .writer import Writer


def resume(output, journal, source, is_pipe, run_salt, content_key, context=b"", asks_index=False):
    """Returns the sealed stream, or None if nothing was committed.

    Raises StreamError, and then nothing must be changed."""
    walk, read, _fate = look(output, journal, content_key, context)
    if walk is None:
        return None
    used = read if read is not None and not read.damaged and not walk.lost else None
    ending = used is not None and used.has_ending           # that the source has ended: SV2-RES-030
    with_index = walk.covering.last_at is not None or asks_index
    if asks_index:
        _check_index_is_possible(walk, ending)
    _check_source(walk, read, used, source, is_pipe, ending)
    if walk.sealed:
        return output[:walk.at]
    envelope = output[LENGTH:max(LENGTH, walk.head.body - 4)]
    digest_alg = walk.before.digest_alg if walk.before else 1                       # SV2-RES-005
    writer = Writer(walk.head, content_key, {walk.count: run_salt}, context, digest_alg, envelope, with_index)
    writer.take_up(output[:walk.at], walk.count, walk.total, walk.history)
    writer.cover(walk.covering)
    writer.write(source[walk.total:])
    return writer.finish()


def _check_index_is_possible(walk, ending):
    """Checks SV2-IDX-010 for a caller that asks for index segments."""
    uncovered, none_yet = len(walk.covering.entries), walk.covering.last_at is None
    too_many = none_yet and uncovered > walk.covering.most
    too_late = uncovered and (ending or walk.sealed)
    if walk.head.uniform or too_many or too_late:
        raise StreamError("misuse")


def _check_source(walk, read, used, source, is_pipe, ending):
    """Checks SV2-RES-008. Offsets count from the start of the source."""
    if is_pipe:
        for begin, committed in walk.plaintexts_from_the_start():
            _same(source, begin, committed)
    else:
        known = read is not None and read.source_len != UNKNOWN
        check(not known or read.source_len == len(source), "journal.source", 0)
        if used and walk.confirmed is not None:
            _same(source, used.commit.plaintext_len - len(walk.confirmed), walk.confirmed)
        if walk.data_before is not None:
            last = walk.plaintext(walk.data_at, walk.data_before)
            _same(source, walk.total - len(last), last)
    head, last = walk.head, walk.data_before
    short = head.uniform and last is not None and last.plaintext_len < head.segment_size or walk.covering.ends
    belongs = min(len(source), head.plaintext_len)          # UNKNOWN is the largest number there is
    check(belongs <= walk.total or not (ending or walk.sealed or short), "journal.source", walk.total)


def _same(source, begin, committed):
    """Returns the first byte that differs or is missing."""
    for at, (found, right) in enumerate(zip(source[begin:], committed), begin):
        check(found == right, "journal.source", at)
    if len(source) < begin + len(committed):
        raise StreamError("journal.source", len(source))
