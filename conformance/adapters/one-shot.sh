#!/bin/sh
# A one-shot program to copy, for an implementation that is a command. It checks stream headers (§4)
# and leaves out what follows them. The runner starts it for each input, with a file at the end:
#
#   sv2-conformance run --one-shot -- conformance/adapters/one-shot.sh
#
# The content key is in SV2_CONTENT_KEY, the context in SV2_CONTEXT (hex), and the mode in SV2_MODE.
# Plaintext goes to standard output. The exit code is the result: "One-shot mode" in PROTOCOL.md.
set -eu
ACCEPT=0 REJECT=1 UNSUPPORTED=2 TRUNCATED=3 SKIP=77
file=$1

# FILL IN: a command of your own replaces the rest of this file. Map its exit codes:
#   my-sv2 read --key "$SV2_CONTENT_KEY" "$file" && exit "$ACCEPT" || exit "$REJECT"

# Sets $1 to $128 to the bytes of the stream header.
set -- $(od -An -v -tu1 -N128 "$file")
[ $# -eq 128 ] || exit "$TRUNCATED"

# Applies steps 2 to 8 of §15.1 in their order. The first line is the magic.
[ "$1 $2 $3 $4 $5 $6 $7 $8" = "137 83 86 50 13 10 26 10" ] || exit "$REJECT"

crc=4294967295 at=0
for byte; do
  at=$((at + 1))
  [ "$at" -le 124 ] || break
  crc=$((crc ^ byte))
  for bit in 1 2 3 4 5 6 7 8; do crc=$((crc >> 1 ^ (crc & 1) * 2197175160)); done
done
shift 8
version=$(($1 | $2 << 8)) suite=$(($3 | $4 << 8)) flags=$(($5 | $6 << 8)) log2=$7 reserved=$8
shift 8
segment=$(($1 | $2 << 8 | $3 << 16 | $4 << 24)) epoch=$(($5 | $6 << 8 | $7 << 16 | $8 << 24))
shift 96
envelope=$(($1 | $2 << 8 | $3 << 16 | $4 << 24))
for byte in "$5" "$6" "$7" "$8" "$9" "${10}" "${11}" "${12}"; do reserved=$((reserved | byte)); done
[ $((crc ^ 4294967295)) -eq $((${13} | ${14} << 8 | ${15} << 16 | ${16} << 24)) ] || exit "$REJECT"
[ "$version" -eq 1 ] || exit "$UNSUPPORTED"
[ "$reserved" -eq 0 ] || exit "$REJECT"
[ "$suite" -eq 1 ] || [ "$suite" -eq 2 ] || exit "$UNSUPPORTED"
[ "$flags" -le 1 ] || exit "$UNSUPPORTED"
[ "$log2" -ge 12 ] && [ "$log2" -le 24 ] || exit "$REJECT"
frame=$((1 << log2))
[ "$segment" -ge "$frame" ] && [ "$segment" -le 67108864 ] || exit "$REJECT"
if [ "$suite" -eq 2 ]; then
  [ "$epoch" -gt 0 ] && [ $((epoch * segment)) -le 1099511627776 ] || exit "$REJECT"
fi
[ "$envelope" -le 65532 ] && [ $((segment % frame)) -eq 0 ] || exit "$REJECT"
[ "$envelope" -eq 0 ] || [ $((envelope % 8)) -eq 4 ] || exit "$REJECT"

# FILL IN: read the segments, write their plaintext to standard output, and exit with $ACCEPT.
exit "$SKIP"
