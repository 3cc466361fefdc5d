"""A file through Tink's streaming AEAD, AES256_GCM_HKDF_1MB.

tink_stream.py keygen KEYSET
tink_stream.py encrypt|decrypt KEYSET INPUT OUTPUT
"""

import sys

import tink
from tink import cleartext_keyset_handle, streaming_aead

# The bytes that are read at a time, which is a segment of Tink's.
PIECE_LEN = 1 << 20


def make_keyset(path: str) -> None:
    handle = tink.new_keyset_handle(streaming_aead.streaming_aead_key_templates.AES256_GCM_HKDF_1MB)
    with open(path, "w", encoding="ascii") as file:
        cleartext_keyset_handle.write(tink.JsonKeysetWriter(file), handle)


def primitive(keyset: str) -> streaming_aead.StreamingAead:
    with open(keyset, encoding="ascii") as file:
        return cleartext_keyset_handle.read(tink.JsonKeysetReader(file.read())).primitive(streaming_aead.StreamingAead)


def encrypt(keyset: str, source: str, target: str) -> None:
    # Unbuffered, because Tink writes more at a time than Python's buffer holds.
    with open(source, "rb", buffering=0) as plaintext, open(target, "wb", buffering=0) as out:
        with primitive(keyset).new_encrypting_stream(out, b"") as sealing:
            while piece := plaintext.read(PIECE_LEN):
                sealing.write(piece)


def decrypt(keyset: str, source: str, target: str) -> None:
    with open(source, "rb", buffering=0) as sealed, open(target, "wb", buffering=0) as out:
        with primitive(keyset).new_decrypting_stream(sealed, b"") as opening:
            while piece := opening.read(PIECE_LEN):
                out.write(piece)


def main() -> None:
    streaming_aead.register()
    operation, *paths = sys.argv[1:]
    {"keygen": make_keyset, "encrypt": encrypt, "decrypt": decrypt}[operation](*paths)


if __name__ == "__main__":
    main()
