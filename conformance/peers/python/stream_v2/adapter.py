"""The adapter between the conformance runner and this package (conformance/PROTOCOL.md)."""
import hashlib
import json
import sys

from . import __version__, age, codec
from .errors import StreamError
from .header import UNIFORM, UNKNOWN, HeaderV1
from .ranges import RangeReader
from .reader import Reader
from .recover import recover, recover_keyless
from .resume import resume
from .rewrapping import NewSet, rewrap
from .unlocking import Unlocker, key_id
from .writer import Stopped, Writer

HELLO = {
    "protocol": 1, "name": "stream_v2", "language": "Python", "version": __version__,
    "operations": ["read", "range", "write", "crash", "recover", "resume", "unwrap", "rewrap"],
    "features": ["suite-2", "index", "argon2id", "age", "age-mlkem768x25519", "age-ssh-ed25519"] + codec.FEATURES,
    "reports": ["kind", "detail", "offset", "segment"],
}


def main():
    for line in sys.stdin:
        request = json.loads(line)
        operation = request["op"]
        if operation == "bye":
            return
        if operation == "hello":
            answer = HELLO
        elif operation in OPERATIONS:
            answer = OPERATIONS[operation](request) | {"id": request["id"]}
        else:
            answer = {"id": request["id"], "skipped": f"no operation {operation}"}
        print(json.dumps(answer), flush=True)


def keys(request):
    content_key = request["keys"]["content_key"]
    return content_key and bytes.fromhex(content_key), bytes.fromhex(request["keys"]["context"])


def refused(error, in_body=True):
    result = "unsupported" if error.kind.startswith("unsupported") else "reject"
    segment = error.segments if in_body and error.offset is not None else None
    return {"result": result, "error": error.kind, "offset": error.offset, "segment": segment}


def left_alone(error):
    """Rejects, also an `unsupported` stream, as `recover` and `resume` require."""
    return refused(error, error.segments is not None) | {"result": "reject"}


def read(request):
    content_key, context = keys(request)
    data, released = bytes.fromhex(request["input"]), []
    reader = Reader(released.append, content_key, context, salvage=request["mode"] == "salvage")
    piece = len(data) if request["delivery"] == "whole" else int(request["delivery"])
    answer = {"result": "accept"}
    try:
        for here in range(0, len(data), max(piece, 1)):
            reader.feed(data[here:here + piece])
        reader.finish()
    except StreamError as error:
        answer = refused(error, reader.in_body)
        if request["sticky"]:
            answer["again"] = {"error": again(reader), "released_len": sum(map(len, released))}
    return answer | summary(b"".join(released))


def again(reader):
    """Returns the reader's answer to more input after its error."""
    try:
        reader.feed(bytes(128))
        reader.finish()
    except StreamError as error:
        return error.kind
    return None


def ranges(request):
    if request["mode"] != "strict":
        return {"skipped": "ranges of sealed streams only"}
    content_key, context = keys(request)
    try:
        reader = RangeReader(bytes.fromhex(request["input"]), content_key, context, request.get("runs_max"))
    except StreamError as error:
        return refused(error, error.segments is not None)
    answers = [one_range(reader, wanted["offset"], wanted["len"]) for wanted in request["ranges"]]
    return {"result": "accept", "by": reader.by, "plaintext_len": reader.plaintext_len, "ranges": answers}


def one_range(reader, offset, length):
    released, answer = [], {"result": "accept"}
    try:
        reader.read(offset, length, released.append)
    except StreamError as error:
        answer = refused(error)
    return answer | summary(b"".join(released))


def summary(plaintext):
    return {"released_len": len(plaintext), "released_sha256": hashlib.sha256(plaintext).hexdigest()}


def writer_of(request, salts):
    content_key, context = keys(request)
    given = request["parameters"]
    plaintext_len = UNKNOWN if given["plaintext_len"] is None else given["plaintext_len"]
    header = HeaderV1(bytes.fromhex(given["stream_salt"]), given["suite"], UNIFORM if given["uniform"] else 0,
                      given["frame_size_log2"], given["segment_size"], given["epoch_segments"], plaintext_len,
                      bytes.fromhex(given["key_id"]))
    return Writer(header, content_key, salts, context, given["digest_alg"], bytes.fromhex(given["envelope"]),
                  given["index"])


def crash(request):
    writer = writer_of(request, {0: bytes.fromhex(request["run_salt"])})
    writer.stop(request["stop_after"])
    try:
        writer.write(bytes.fromhex(request["plaintext"]))
        writer.finish()
    except Stopped:
        return {"result": "crashed", "output": writer.out.hex(), "journal": writer.journal and writer.journal.out.hex()}
    raise AssertionError("stopped by nothing")


def write(request):
    writer = writer_of(request, {run["first_segment"]: bytes.fromhex(run["run_salt"]) for run in request["runs"]})
    plaintext, here = bytes.fromhex(request["plaintext"]), 0
    try:
        for flush in request["flushes"]:
            writer.write(plaintext[here:flush])
            writer.flush()
            here = flush
        writer.write(plaintext[here:])
        return {"result": "accept", "output": writer.finish().hex()}
    except StreamError as error:
        return {"result": "reject", "error": error.kind}


def recovered(request):
    content_key, context = keys(request)
    output = bytes.fromhex(request["output"])
    journal = None if request["journal"] is None else bytes.fromhex(request["journal"])
    try:
        found = recover(output, journal, content_key, context) if content_key else recover_keyless(output)
    except StreamError as error:
        return left_alone(error)
    return {"result": "nothing"} if found is None else {"result": "recovered"} | found._asdict()


def resumed(request):
    content_key, context = keys(request)
    output, source = bytes.fromhex(request["output"]), bytes.fromhex(request["source"])
    journal = None if request["journal"] is None else bytes.fromhex(request["journal"])
    salt, is_pipe = bytes.fromhex(request["run_salt"]), request["source_kind"] == "pipe"
    try:
        stream = resume(output, journal, source, is_pipe, salt, content_key, context, request.get("index", False))
    except StreamError as error:
        return left_alone(error)
    return {"result": "nothing"} if stream is None else {"result": "resumed", "output": stream.hex()}


def unlocker_of(request):
    brought, limits = request["brought"], request.get("limits", {})
    return Unlocker([bytes.fromhex(key) for key in brought["content_keys"]], key_files_of(brought),
                    [age.identity(text) for text in brought["identities"]],
                    [bytes.fromhex(password) for password in brought["passwords"]],
                    limits.get("memory_kib"), limits.get("work_kib"))


def key_files_of(lists):
    return [(bytes.fromhex(file["id"]), bytes.fromhex(file["key"])) for file in lists["key_files"]]


def unwrapped(request):
    unlocker = unlocker_of(request)
    detached = None if request["detached"] is None else bytes.fromhex(request["detached"])
    try:
        key, stanza = unlocker.open(bytes.fromhex(request["input"]), bytes.fromhex(request["context"]), detached)
    except StreamError as error:
        return refused(error, in_body=False)
    return {"result": "accept", "content_key_id": key_id(key).hex(), "stanza": stanza}


def rewrapped(request):
    new, detached = request["new"], request["detached"]
    passwords = [(bytes.fromhex(it["password"]), it["memory_kib"], it["passes"], it["lanes"]) for it in new["passwords"]]
    try:
        output, copy = rewrap(bytes.fromhex(request["input"]), unlocker_of(request),
                              NewSet(key_files_of(new), new["recipients"], passwords), request["form"],
                              bytes.fromhex(request["context"]), detached and bytes.fromhex(detached),
                              request["wraps_brought"], request["journal"] is not None)
    except StreamError as error:
        return refused(error, in_body=False)
    # Nothing is on a disk here, so the copy exists as long as it is asked for (SV2-ENV-032).
    return {"result": "accept", "output": output.hex(), "copy": copy.hex() if copy and request["keep_old"] else None}


OPERATIONS = {"read": read, "range": ranges, "write": write, "crash": crash, "recover": recovered, "resume": resumed,
              "unwrap": unwrapped, "rewrap": rewrapped}
