"""Section 14.1: lengths, without codecs and flushes. From an object's size they are a claim.

See SV2-LEN-002."""
from .errors import StreamError
from .segment import FINAL_LEN, LENGTH, OVERHEAD, DIGEST_LEN, PROOF_LEN, index_entries_max


def segment_len(payload_len, head, proves=False):
    """Returns the length of one data or index segment."""
    frames = -(-payload_len // head.frame_size) + 2
    return LENGTH + DIGEST_LEN + payload_len + OVERHEAD * frames + (PROOF_LEN if proves else 0)


def full_len(head):
    """Returns w, the length of a full data segment of a stream with UNIFORM."""
    return segment_len(head.segment_size, head, True)


def uniform_position(plaintext_len, head):
    """Returns the position of the final segment, and the number of segments before it."""
    full, rest = divmod(plaintext_len, head.segment_size)
    position = full * full_len(head) + (segment_len(rest, head, True) if rest else 0)
    return position, full + (rest > 0)


def one_run_position(plaintext_len, head, index):
    full, rest = divmod(plaintext_len, head.segment_size)
    count = full + (rest > 0)
    position = full * segment_len(head.segment_size, head) + (segment_len(rest, head) if rest else 0)
    position += PROOF_LEN if count else 0
    if index:
        most = index_entries_max(head)
        whole, left = divmod(count, most)
        position += whole * segment_len(24 + 24 * most, head, True)
        position += segment_len(24 + 24 * left, head, True) if left else 0
        count += whole + (left > 0)
    return position, count


def stream_len(plaintext_len, head, index=False):
    """Returns L of P for a stream of one run, or with UNIFORM of any number of runs."""
    if plaintext_len < 0 or (head.uniform and index):
        raise StreamError("misuse")
    position, count = uniform_position(plaintext_len, head) if head.uniform else one_run_position(
        plaintext_len, head, index)
    if count > head.last_segment_index + 1:
        raise StreamError("limit.segment_index")
    return head.body + position + FINAL_LEN


def plaintext_len(length, head, index=False):
    """Returns P of L, or raises `misuse` for a length that cannot occur."""
    found = _back(length - head.body - FINAL_LEN, head) if head.uniform else _search(length, head, index)
    if found is None or found < 0 or stream_len(found, head, index) != length:
        raise StreamError("misuse", message="no stream has this length")
    return found


def _back(position, head):
    """Computes P by the closed form."""
    if position < 0:
        return None
    full, rest = divmod(position, full_len(head))
    if rest == 0:
        return full * head.segment_size
    if rest < 257:
        return None
    frames = -(-(rest - 232) // (head.frame_size + OVERHEAD))
    last = rest - 232 - OVERHEAD * frames
    fits = head.frame_size * (frames - 1) < last < head.segment_size
    return full * head.segment_size + last if fits else None


def _search(length, head, index):
    """Finds the only possible P by halving, because L grows with P."""
    low, high = 0, max(length, 0)
    while low < high:
        middle = (low + high) // 2
        if head.body + one_run_position(middle, head, index)[0] + FINAL_LEN < length:
            low = middle + 1
        else:
            high = middle
    return low
