"""The measured programs: each tool's commands and keys, as in its own documentation."""

import json
import os
import pathlib
import shutil
import subprocess
import sys
from collections.abc import Callable
from typing import NamedTuple

HERE = pathlib.Path(__file__).parent
INSTALLED = HERE.parents[1] / "target/tools/bench"
SMALL_FILES = INSTALLED / "small-files/release/small-files"
BARE_AEAD = HERE.parents[1] / "target/release/bare-aead"
SV2_AES = "aes-256-gcm"


class Tool(NamedTuple):
    name: str
    # Its cipher, or its work if it does not encrypt.
    does: str
    version: str
    # Whether its output is on the disk, and not only in a cache, when it ends.
    durable: bool
    # Returns the command for a source and a target. Without `decrypt` the tool is a floor.
    encrypt: Callable[[str, str], list[str]]
    decrypt: Callable[[str, str], list[str]] | None = None
    # Whether an interpreter's start is most of its time on a small file. It is then run less often.
    starts_slowly: bool = False
    # The only workload of a floor that lacks the other one.
    only: str | None = None


def all_tools(sv2: str, keys: pathlib.Path) -> list[Tool]:
    """Returns every installed tool, and reports the others on standard error.

    Makes their keys in the folder `keys`."""
    tools = sv2_tools(sv2, keys)
    for peer in (age, rage, secretstream, tink, openssl):
        if tool := peer(keys):
            tools.append(tool)
        else:
            print(f"bench: {peer.__name__} is not installed: LEFT OUT", file=sys.stderr)
    return tools + floors()


def sv2_tools(sv2: str, keys: pathlib.Path) -> list[Tool]:
    key, version = str(keys / "sv2.key"), said(sv2, "--version")
    said(sv2, "keygen", "-o", key)

    def decrypt(source: str, target: str) -> list[str]:
        return [sv2, "decrypt", "-k", key, source, "-o", target, "--quiet"]

    def suite(name: str, does: str, *options: str) -> Tool:
        def encrypt(source: str, target: str) -> list[str]:
            return [sv2, "encrypt", "-k", key, *options, source, "-o", target, "--quiet"]

        return Tool(name, does, version, True, encrypt, decrypt)

    tools = [suite("sv2", "XChaCha20-Poly1305")]
    if SV2_AES in said(sv2, "encrypt", "--help"):
        tools.append(suite("sv2 aes", "AES-256-GCM", "--suite", SV2_AES))
    else:
        print(f"bench: this sv2 has no --suite {SV2_AES}: LEFT OUT", file=sys.stderr)
    return tools


def age(keys: pathlib.Path) -> Tool | None:
    return age_like("age", INSTALLED / "age/usr/bin", keys)


def rage(keys: pathlib.Path) -> Tool | None:
    return age_like("rage", INSTALLED / "rage/bin", keys)


def age_like(name: str, binaries: pathlib.Path, keys: pathlib.Path) -> Tool | None:
    program, key = str(binaries / name), str(keys / f"{name}.key")
    if not os.path.exists(program):
        return None
    said(f"{program}-keygen", "-o", key)
    recipient = next(word for word in pathlib.Path(key).read_text().split() if word.startswith("age1"))
    return Tool(
        name,
        "ChaCha20-Poly1305, to a recipient (X25519)",
        said(program, "--version"),
        False,
        lambda source, target: [program, "-r", recipient, "-o", target, source],
        lambda source, target: [program, "-d", "-i", key, "-o", target, source],
    )


def secretstream(keys: pathlib.Path) -> Tool | None:
    program, key = str(INSTALLED / "secretstream/bin/secretstream"), keys / "secretstream.key"
    if not os.path.exists(program):
        return None
    key.write_bytes(os.urandom(32))
    return Tool(
        "secretstream",
        "libsodium, XChaCha20-Poly1305, messages of 64 KiB",
        f"libsodium {said(program, 'version')}",
        False,
        lambda source, target: [program, "encrypt", str(key), source, target],
        lambda source, target: [program, "decrypt", str(key), source, target],
    )


def tink(keys: pathlib.Path) -> Tool | None:
    program, keyset = [str(INSTALLED / "venv/bin/python"), str(HERE / "tink_stream.py")], str(keys / "tink.json")
    try:
        version = said(program[0], "-c", "import importlib.metadata; print(importlib.metadata.version('tink'))")
        said(*program, "keygen", keyset)
    except (OSError, subprocess.CalledProcessError):
        return None
    return Tool(
        "tink",
        "AES256_GCM_HKDF_1MB, by Python",
        version,
        False,
        lambda source, target: [*program, "encrypt", keyset, source, target],
        lambda source, target: [*program, "decrypt", keyset, source, target],
        starts_slowly=True,
    )


def openssl(_keys: pathlib.Path) -> Tool | None:
    program = shutil.which("openssl")
    if program is None:
        return None
    cipher = ["enc", "-aes-256-ctr", "-K", os.urandom(32).hex(), "-iv", os.urandom(16).hex()]
    return Tool(
        "openssl enc",
        "AES-256-CTR: NO AUTHENTICATION",
        said(program, "version").split(" (")[0],
        False,
        lambda source, target: [program, *cipher, "-in", source, "-out", target],
        lambda source, target: [program, *cipher, "-d", "-in", source, "-out", target],
    )


def floors() -> list[Tool]:
    """Returns the floors.

    `cat` to /dev/null and `cp` to a file are the cost of reading and writing alone. sv2's AEAD over
    as many bytes, on as many cores, without a file, is the cost of sealing. The last one is both
    together, in any order, with nothing around it."""
    cat, cp = shutil.which("cat"), shutil.which("cp")
    floors = [
        Tool("cat", "copies: a floor", first_line(cat), False, lambda source, _: [cat, source], only="encrypt-null"),
        Tool("cp", "copies: a floor", first_line(cp), False, lambda *ends: [cp, *ends], only="encrypt-file"),
    ]
    if not BARE_AEAD.exists():
        print("bench: bare-aead is not built: LEFT OUT", file=sys.stderr)
        return floors

    def bare(suite: str, suffix: str) -> list[Tool]:
        def seal(source: str, _target: str) -> list[str]:
            return [str(BARE_AEAD), suite, str(os.path.getsize(source))]

        def seal_files(source: str, target: str) -> list[str]:
            return [str(BARE_AEAD), suite, source, target]

        of = "of the backend of sv2"
        return [
            Tool(f"bare AEAD{suffix}", f"{suite}, no file: a floor", of, False, seal, only="encrypt-null"),
            Tool(f"bare files{suffix}", f"{suite}, file to file, in any order: a floor", of, False, seal_files),
        ]

    return floors + bare("xchacha20-poly1305", "") + bare(SV2_AES, " aes")


def small_files(folder: pathlib.Path) -> dict | None:
    """Measures 10,000 files of 1 KiB with the library and with age's, in CPU microseconds each."""
    if not SMALL_FILES.exists():
        print("bench: small-files is not built: LEFT OUT", file=sys.stderr)
        return None
    print("bench: 10,000 files of 1 KiB through the libraries", file=sys.stderr)
    return json.loads(said(str(SMALL_FILES), str(folder)))


def first_line(program: str) -> str:
    return said(program, "--version").splitlines()[0]


def said(*command: str) -> str:
    """Returns a command's output. If the command fails, the run ends."""
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True).stdout
    return output.strip()
