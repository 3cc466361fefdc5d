"""Reads streams of this writer with this reader in every way, to test changes without vectors."""
import itertools

from stream_v2 import lengths, segment
from stream_v2.errors import StreamError
from stream_v2.header import UNIFORM, HeaderV1
from stream_v2.journal import HEADER_LEN as JOURNAL_HEADER, RECORD_LEN as JOURNAL_RECORD
from stream_v2.ranges import RangeReader
from stream_v2.reader import read_all
from stream_v2.recover import recover
from stream_v2.resume import resume
from stream_v2.writer import Stopped, Writer

KEY = bytes(range(32))
F, S = 4096, 8192


def salt(name):
    return bytes([name]) * 16


def data(length):
    return bytes(here * here // 7 % 251 for here in range(length))


def head(uniform=False, suite=1, epoch=0):
    return HeaderV1(bytes(range(32, 64)), suite, UNIFORM if uniform else 0, 12, S, epoch)


def stream(plaintext, runs, header, digest_alg=1, index=False):
    writer = Writer(header, KEY, runs, digest_alg=digest_alg, index=index)
    writer.write(plaintext)
    return writer.finish()


def pieces(sealed, header):
    """Returns every segment of a stream, as (index, bytes)."""
    at, found = header.body, []
    while at < len(sealed):
        s = segment.parse(sealed[at:at + segment.LENGTH], header, at)
        found.append(sealed[at:at + s.end])
        at += s.end
    return found


def ranges_of(sealed, plaintext, wanted, runs_max=None):
    """Compares the released bytes with the plaintext, and returns the errors."""
    reader, errors = RangeReader(sealed, KEY, runs_max=runs_max), []
    for offset, length in wanted:
        released = []
        try:
            reader.read(offset, length, released.append)
            assert b"".join(released) == plaintext[offset:offset + length]
        except StreamError as error:
            assert plaintext[offset:offset + length].startswith(b"".join(released)), "foreign bytes"
            errors.append(error.as_tuple())
    return errors


def check_streams():
    for uniform, suite, epoch, alg in itertools.product((False, True), (1, 2), (0, 3), (1, 2)):
        if suite == 2 and epoch == 0:
            continue
        for length in (0, 1, S - 1, S, S + 1, 5 * S, 5 * S + F, 5 * S + F + 1):
            count = -(-length // S)
            for starts in ([], [1], [count], [1, 2], [2, 3, 4]):
                runs = {0: salt(65)} | {start: salt(66 + n) for n, start in enumerate(starts) if start <= count}
                plaintext = data(length)
                for index in (False, True):
                    if index and uniform:
                        continue
                    header = head(uniform, suite, epoch)
                    sealed = stream(plaintext, runs, header, alg, index)
                    assert read_all(sealed, KEY) == (plaintext, None)
                    wanted = [(0, length), (length, 5), (S, 1), (length // 2, length), (S - 1, 2), (4 * S, S)]
                    assert ranges_of(sealed, plaintext, wanted) == []
                    if uniform or len(runs) == 1:
                        assert lengths.stream_len(length, header, index) == len(sealed)
                        assert lengths.plaintext_len(len(sealed), header, index) == length


def check_lengths():
    for uniform, index in ((True, False), (False, False), (False, True)):
        header = head(uniform)
        known = {lengths.stream_len(length, header, index): length for length in range(2 * S + 2)}
        for length in range(max(known)):
            try:
                assert lengths.plaintext_len(length, header, index) == known[length]
            except StreamError as error:
                assert error.kind == "misuse" and length not in known


def check_resumes():
    for uniform, index, length in itertools.product((False, True), (False, True), (3 * S, 3 * S + 5)):
        if uniform and index:
            continue
        plaintext, whole = data(length), len(stream(data(length), {0: salt(65)}, head(uniform), 2, index))
        for stop in range(0, whole, 211):
            writer = Writer(head(uniform), KEY, {0: salt(65)}, digest_alg=2, index=index)
            writer.stop(stop)
            try:
                writer.write(plaintext)
                writer.finish()
                raise AssertionError("not stopped")
            except Stopped:
                output = bytes(writer.out)
            journal = writer.journal and bytes(writer.journal.out)
            for kept in (journal, None):
                found = recover(output, kept, KEY)
                assert (found is None) == (stop < 128)
                sealed = resume(output, kept, plaintext, False, salt(66), KEY, asks_index=index)
                if found is None:
                    assert sealed is None
                    continue
                assert read_all(sealed, KEY) == (plaintext, None)
                assert ranges_of(sealed, plaintext, [(0, length), (S + 1, S)]) == []
                algs = {s.digest_alg for s in headers(sealed, head(uniform))}
                assert algs == ({2} if found.segments else {1})


def headers(sealed, header):
    return [segment.parse(piece[:segment.LENGTH], header, 0) for piece in pieces(sealed, header)]


def trees(segments, runs):
    """Returns every tree of `runs` runs over `segments` segments.

    A history is the run of each of its segments."""
    found = [[(0,) * segments]]
    for run in range(1, runs):
        found = [tree + [parent[:keep] + (run,) * (segments - keep)]
                 for tree in found for parent in tree for keep in range(1, segments)]
    return {tuple(sorted(set(tree))) for tree in found}


def run_salts(history):
    return {i: salt(65 + run) for i, run in enumerate(history) if i == 0 or history[i - 1] != run}


def check_histories(segments=4, runs=4):
    """Answers with any genuine segment anywhere. A range reader must release nothing foreign."""
    refused, accepted, size = 0, 0, 4096
    for uniform, index in ((False, False), (True, False), (False, True)):
        header = HeaderV1(bytes(range(32, 64)), 1, UNIFORM if uniform else 0, 12, size)
        sealed = {}
        for tree in sorted(trees(segments, runs)):
            for history in set(tree) - set(sealed):
                text = b"".join(bytes([run + 1]) * size for run in history)
                whole = stream(text, run_salts(history), header, index=index)
                sealed[history] = text, pieces(whole, header), whole[:header.body]
            for last in tree:
                text, parts, begin = sealed[last]
                for chosen in mixtures(tree, sealed, len(parts) - 1):
                    mixed = begin + b"".join(chosen) + parts[-1]
                    for wanted in range(segments):
                        try:
                            errors = ranges_of(mixed, text, [(wanted * size, 1)])
                        except StreamError as error:
                            errors = [error.as_tuple()]
                        refused, accepted = refused + bool(errors), accepted + (not errors)
    assert refused > 5000 and accepted > 1000, (refused, accepted)


def mixtures(tree, sealed, count):
    """Returns any segment of any branch at each place, once."""
    return itertools.product(*({sealed[history][1][place] for history in tree} for place in range(count)))


def check_resumed_histories(segments=4, runs=3):
    """Mixes branches and journals before a resume. The result reads as the commit's history."""
    size, resumed, refused = 4096, 0, 0
    for uniform, index in ((False, False), (True, False), (False, True)):
        header = HeaderV1(bytes(range(32, 64)), 1, UNIFORM if uniform else 0, 12, size)
        for tree in sorted(trees(segments, runs)):
            sealed = {history: pieces_of(history, header, size, False) for history in tree}
            for history, committed in itertools.product(tree, range(1, segments + 1)):
                text, parts, journal = sealed[history]
                begin, commits = parts[0], journal[:JOURNAL_HEADER + committed * JOURNAL_RECORD]
                kept = [{sealed[other][1][1 + place] for other in tree} for place in range(segments)]
                for chosen in itertools.product(*kept):
                    end = resumed_with(begin, chosen, commits, text, index)
                    refused, resumed = refused + (end is None), resumed + (end is not None)
                    if end is None:
                        continue
                    right = text[:committed * size] + after_the_commit(chosen, committed, sealed, text, size)
                    for wanted in range(segments):
                        try:
                            ranges_of(end, right, [(wanted * size, 1)])
                        except StreamError:
                            pass
    assert refused > 1000 and resumed > 500, (refused, resumed)


def pieces_of(history, header, size, index):
    """Returns the text, the stream header and every segment, and the journal, of one branch."""
    text = b"".join(bytes([run + 1]) * size for run in history)
    header = HeaderV1(header.stream_salt, 1, header.flags, 12, size)
    writer = Writer(header, KEY, run_salts(history), index=index)
    writer.stop(10**9)
    writer.write(text)
    output = bytes(writer.out)
    return text, [output[:header.body]] + pieces(output, header), bytes(writer.journal.out)


def resumed_with(begin, chosen, journal, source, index):
    try:
        return resume(begin + b"".join(chosen), journal, source, False, salt(99), KEY, asks_index=index)
    except StreamError:
        return None


def after_the_commit(chosen, committed, sealed, text, size):
    """Returns the plaintext that a resume keeps after its commit, or seals itself."""
    texts = {part: other[here * size:(here + 1) * size]
             for other, parts, _ in sealed.values() for here, part in enumerate(parts[1:])}
    return b"".join(texts[part] for part in chosen[committed:]) or text[committed * size:]


def check_forks_under_an_index():
    """Restores an abandoned run's segments before a resume. No index names them (SV2-IDX-011)."""
    header, plaintext = head(), data(12 * S)
    writer = Writer(head(), KEY, {0: salt(65), 5: salt(66), 10: salt(67)})
    writer.stop(10**9)
    writer.write(plaintext[:11 * S])
    output, journal = bytes(writer.out), bytes(writer.journal.out)
    fork = pieces(stream(data(10 * S), {0: salt(65), 5: salt(68)}, header), header)
    mine = pieces(output, header)
    swapped = output[:header.body] + b"".join(mine[:5] + fork[5:10] + mine[10:])
    assert read_all(resume(output, journal, plaintext, False, salt(69), KEY, asks_index=True), KEY) == (plaintext, None)
    for asks_index in (True, False):
        try:
            resume(swapped, journal, plaintext, False, salt(69), KEY, asks_index=asks_index)
            raise AssertionError("resumed")
        except StreamError as error:
            # The link of segment 10 names another run than the one before it.
            assert (error.kind, error.segments) == ("malformed.damaged", 10), error


def check_links():
    header, plaintext = head(True), data(4 * S)
    sealed = stream(plaintext, {0: salt(65), 1: salt(66), 2: salt(67), 4: salt(68)}, header)
    w = lengths.full_len(header)
    assert ranges_of(sealed, plaintext, [(2 * S, 1), (S, 1), (0, 1)], runs_max=1) == [("limit.policy", 128 + w, 1)]
    trailer = sealed[-segment.FINAL_LEN:]
    assert pieces(sealed, header)[-1] == trailer
    for cut, kind in ((1, "truncated"), (256, "truncated"), (w, "truncated"), (-3, "trailing")):
        changed = sealed[:-cut] if cut > 0 else sealed + bytes(-cut)
        try:
            RangeReader(changed, KEY)
            raise AssertionError("opened")
        except StreamError as error:
            assert (error.kind, error.offset) == (kind, min(len(changed), len(sealed))), error


if __name__ == "__main__":
    for run in (check_lengths, check_streams, check_resumes, check_forks_under_an_index, check_links, check_resumed_histories,
                check_histories):
        run()
        print(run.__name__, "passed")
