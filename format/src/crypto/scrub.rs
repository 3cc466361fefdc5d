//! What calls leave on the stack: arguments by value, registers that were spilled, blocks of a
//! cipher.
//!
//! Keys have a place of their own and are overwritten there. But who computes with them has copies
//! on the stack, also in crates and in the C and assembler of a backend, and a thread's stack
//! outlives the call by far. What stays in registers cannot be reached from here.

use core::hint::black_box;

/// Bytes of stack that a MAC takes at most.
const MAC_DEPTH: usize = 2048;
/// Bytes of stack that setting up, sealing or opening takes at most: AES with wide registers holds
/// each round key four times.
const CIPHER_DEPTH: usize = 16_384;

/// Computes a MAC, and overwrites the stack that it had.
pub(super) fn scrub_mac<T>(work: impl FnOnce() -> T) -> T {
    scrubbed::<MAC_DEPTH, T>(work)
}

/// Does something with an AEAD, and overwrites the stack that it had.
pub(super) fn scrub_cipher<T>(work: impl FnOnce() -> T) -> T {
    scrubbed::<CIPHER_DEPTH, T>(work)
}

fn scrubbed<const DEPTH: usize, T>(work: impl FnOnce() -> T) -> T {
    let done = call(work);
    overwrite_stack::<DEPTH>();
    done
}

/// A frame of its own, which lies where the one of `overwrite_stack` will.
#[inline(never)]
fn call<T>(work: impl FnOnce() -> T) -> T {
    work()
}

#[inline(never)]
fn overwrite_stack<const DEPTH: usize>() {
    let mut zeros = [0u8; DEPTH];
    black_box(&mut zeros);
}
