//! Overwrites the stack after calls that handle keys.
//!
//! Calls leave arguments by value, spilled registers and cipher blocks there. Stored keys are
//! overwritten in place, but computing with a key leaves copies on the stack. This is also true of
//! crates, and of the C and assembler code of a backend. The stack of a thread outlives such a call
//! by far. Registers cannot be reached from here.

use core::hint::black_box;

/// Maximum stack bytes of a MAC.
const MAC_DEPTH: usize = 2048;
/// Maximum stack bytes of setting up an AEAD, sealing or opening.
///
/// AES with wide registers holds each round key four times.
const CIPHER_DEPTH: usize = 16_384;

/// Computes a MAC and overwrites the stack that it used.
pub(super) fn scrub_mac<T>(work: impl FnOnce() -> T) -> T {
    scrubbed::<MAC_DEPTH, T>(work)
}

/// Runs `work` with an AEAD and overwrites the stack that it used.
pub(super) fn scrub_cipher<T>(work: impl FnOnce() -> T) -> T {
    scrubbed::<CIPHER_DEPTH, T>(work)
}

fn scrubbed<const DEPTH: usize, T>(work: impl FnOnce() -> T) -> T {
    let done = call(work);
    overwrite_stack::<DEPTH>();
    done
}

/// Calls `work` in a stack frame of its own, at the same place as that of `overwrite_stack`.
#[inline(never)]
fn call<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite_stack<const DEPTH: usize>() {
    let mut zeros = [0u8; DEPTH];
    black_box(&mut zeros);
}
