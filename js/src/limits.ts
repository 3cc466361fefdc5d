// The limits of §14.
export const STREAM_HEADER_LEN = 128;
export const SEGMENT_HEADER_LEN = 96;
export const FRAME_HEADER_LEN = 8;
export const TAG_LEN = 16;
export const FRAME_OVERHEAD = 24;
export const DIGEST_LEN = 36;
export const FINAL_SEGMENT_LEN = 256;
export const FRAME_SIZE_LOG2_MIN = 12;
export const FRAME_SIZE_LOG2_MAX = 24;
export const SEGMENT_SIZE_MAX = 2 ** 26;
export const ENVELOPE_LEN_MAX = 65_532;
export const SEGMENT_INDEX_MAX = 2 ** 32 - 2;
export const KEY_EPOCH_MAX = 65_535;
export const INDEX_ENTRIES_MAX = 65_536;
export const SUITE2_RUN_BYTES_MAX = 2 ** 40;
export const ARGON2ID_MEMORY_KIB_MAX = 1_048_576;
export const ARGON2ID_PASSES_MAX = 16;
export const ARGON2ID_LANES_MAX = 16;
export const JOURNAL_RECORDS_MAX = 4096;
export const SUITE2_EPOCH_SEGMENTS = 65_536;
export const DURABLE_BYTES_MAX = 268_435_456;
export const AGE_STANZAS_MAX = 256;

/** A plaintext_len of the stream header that is not known (§4). */
export const UNKNOWN_LEN = 2n ** 64n - 1n;
