//! A blocking source that is read ahead, on a blocking thread of the runtime.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Read};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::{mem, thread};

use ::tokio::runtime::Handle;
use bytes::BytesMut;

use super::AsyncSource;
use crate::observe::shown::Len;
use crate::segment::buffers::resize;

/// Shortest chunk. A chunk is requested from the source at a time.
///
/// It is as long as a segment, within these limits.
const CHUNK_MIN: usize = 64 << 10;
const CHUNK_MAX: usize = 2 << 20;
/// Most chunks that are read ahead.
const CHUNKS: usize = 4;

/// Reads a blocking source, such as a file, ahead on a blocking thread of the runtime.
///
/// It reads up to four segments and no more than 8 MiB ahead. Bytes that were read ahead and not
/// requested are lost when this is dropped. A read that has begun then ends by itself.
///
/// For files it is faster than `tokio::fs::File`, which does not read ahead, and copies its bytes.
pub struct ReadAhead<R> {
    shared: Arc<Mutex<Shared<R>>>,
    /// The chunk that is handed out now, its length, and how many of its bytes were handed out.
    chunk: BytesMut,
    filled: usize,
    taken: usize,
}

impl<R> fmt::Debug for ReadAhead<R> {
    /// Omits the source, and the bytes that were read from it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadAhead").field("left", &Len(self.filled - self.taken)).finish_non_exhaustive()
    }
}

struct Shared<R> {
    /// `None` while it is read from.
    source: Option<R>,
    free: Vec<BytesMut>,
    /// Bytes of the next chunk, and of those after it.
    next_len: usize,
    chunk_len: usize,
    /// True once the length of chunks is known. Until then nothing is read ahead.
    ahead: bool,
    read: VecDeque<Chunk>,
    /// True after an end, an error or a panic. Nothing is read until that was handed out and more
    /// bytes are requested.
    paused: bool,
    waker: Option<Waker>,
}

/// The result of a call of the source: a chunk, and the number of bytes in it.
type Chunk = thread::Result<io::Result<(BytesMut, usize)>>;

impl<R: Read + Send + 'static> ReadAhead<R> {
    /// Reads from `source`. The first read starts with the first request.
    #[must_use]
    pub fn new(source: R) -> Self {
        let shared = Shared {
            source: Some(source),
            free: vec![BytesMut::new(); CHUNKS],
            next_len: CHUNK_MIN,
            chunk_len: CHUNK_MIN,
            ahead: false,
            read: VecDeque::with_capacity(CHUNKS),
            paused: true,
            waker: None,
        };
        Self { shared: Arc::new(Mutex::new(shared)), chunk: BytesMut::new(), filled: 0, taken: 0 }
    }

    /// Takes the next chunk, so that some bytes are left to be handed out, unless the source has
    /// ended.
    fn poll_chunk(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.taken < self.filled {
            return Poll::Ready(Ok(()));
        }
        let mut shared = held(&self.shared);
        let Some(chunk) = shared.read.pop_front() else {
            shared.paused = false;
            shared.waker = Some(context.waker().clone());
            return self.start(shared).map_or_else(|error| Poll::Ready(Err(error)), |()| Poll::Pending);
        };
        let (chunk, filled) = chunk.unwrap_or_else(|panic| resume_unwind(panic))?;
        let before = mem::replace(&mut self.chunk, chunk);
        (self.filled, self.taken) = (filled, 0);
        shared.free.push(before);
        Poll::Ready(self.start(shared))
    }

    /// Aligns chunks with the buffers that are exchanged.
    ///
    /// This buffer lacks `lacking` bytes, and `len` bytes are from one buffer to the next.
    fn align(&self, lacking: usize, len: usize) {
        let mut shared = held(&self.shared);
        let (first, idle) = (!mem::replace(&mut shared.ahead, true), shared.source.is_some());
        if (CHUNK_MIN..=CHUNK_MAX).contains(&len) && shared.read.is_empty() && (first || idle) {
            (shared.next_len, shared.chunk_len) = (lacking, len);
        }
    }

    /// Starts reading the source on a blocking thread, unless a read is running.
    fn start(&self, mut shared: MutexGuard<'_, Shared<R>>) -> io::Result<()> {
        if shared.paused || shared.free.is_empty() {
            return Ok(());
        }
        let runtime = Handle::try_current().map_err(io::Error::other)?;
        let Some(source) = shared.source.take() else { return Ok(()) };
        drop(shared);
        let mut reading = Reading { source: Some(source), shared: Arc::clone(&self.shared) };
        drop(runtime.spawn_blocking(move || reading.go_on()));
        Ok(())
    }
}

impl<R: Read + Send + 'static> super::source::sealed::Sealed for ReadAhead<R> {}

impl<R: Read + Send + 'static> AsyncSource for ReadAhead<R> {
    fn poll_read(&mut self, context: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        self.poll_chunk(context).map_ok(|()| {
            let left = self.chunk.get(self.taken..self.filled).unwrap_or_default();
            let len = left.len().min(buffer.len());
            buffer[..len].copy_from_slice(&left[..len]);
            self.taken += len;
            len
        })
    }

    fn poll_exchange(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut BytesMut,
        next: usize,
    ) -> Poll<io::Result<bool>> {
        let (wanted, there) = (buffer.len(), self.filled - self.taken);
        self.align((wanted + next).saturating_sub(there).max(1), wanted + next);
        self.poll_chunk(context).map_ok(|()| {
            let rest = self.filled.saturating_sub(wanted);
            let same = self.taken == 0 && self.filled >= wanted && rest <= next.min(wanted);
            if same {
                buffer[..rest].copy_from_slice(&self.chunk[wanted..self.filled]);
                mem::swap(&mut self.chunk, buffer);
                resize(buffer, wanted);
                (self.filled, self.taken) = (rest, 0);
            }
            same
        })
    }
}

impl<R> Drop for ReadAhead<R> {
    fn drop(&mut self) {
        held(&self.shared).paused = true;
    }
}

/// A source that is being read.
struct Reading<R> {
    source: Option<R>,
    shared: Arc<Mutex<Shared<R>>>,
}

impl<R: Read> Reading<R> {
    /// Reads into every chunk that is free.
    fn go_on(&mut self) {
        loop {
            let mut shared = held(&self.shared);
            let free = if shared.paused { None } else { shared.free.pop() };
            let (Some(mut chunk), Some(source)) = (free, self.source.as_mut()) else {
                shared.source = self.source.take();
                return;
            };
            let (len, chunk_len) = (shared.next_len, shared.chunk_len);
            shared.next_len = chunk_len;
            drop(shared);
            resize(&mut chunk, len);
            let read = catch_unwind(AssertUnwindSafe(|| source.read(&mut chunk)));
            let mut shared = held(&self.shared);
            shared.paused |= !shared.ahead || !matches!(read, Ok(Ok(1..)));
            if !matches!(read, Ok(Ok(_))) {
                // Replaces the chunk that goes with the bytes that were read.
                shared.free.push(BytesMut::new());
            }
            shared.read.push_back(read.map(|read| read.map(|filled| (chunk, filled))));
            wake(shared);
        }
    }
}

impl<R> Drop for Reading<R> {
    /// Handles a runtime that ended before the source was read.
    fn drop(&mut self) {
        let Some(source) = self.source.take() else { return };
        let mut shared = held(&self.shared);
        shared.source = Some(source);
        shared.paused = true;
        shared.read.push_back(Ok(Err(io::Error::other("the runtime has shut down"))));
        wake(shared);
    }
}

fn held<R>(shared: &Mutex<Shared<R>>) -> MutexGuard<'_, Shared<R>> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

fn wake<R>(mut shared: MutexGuard<'_, Shared<R>>) {
    let waker = shared.waker.take();
    drop(shared);
    waker.inspect(Waker::wake_by_ref);
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::future::poll_fn;
    use std::io::{Cursor, ErrorKind};

    use ::tokio::runtime::{Builder, Runtime};
    use proptest::prelude::*;

    use super::*;
    use crate::engine::Shutdown;
    use crate::source::Source;
    use crate::tokio::source::Awaited;

    /// Returns so many bytes at each call in turn, and is interrupted at 0.
    struct Cut {
        source: Cursor<Vec<u8>>,
        lens: VecDeque<usize>,
    }

    impl Read for Cut {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            self.lens.rotate_left(usize::from(!self.lens.is_empty()));
            match self.lens.front().map_or(buffer.len(), |len| *len.min(&buffer.len())) {
                0 => Err(ErrorKind::Interrupted.into()),
                len => self.source.read(&mut buffer[..len]),
            }
        }
    }

    fn runtime() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    fn bytes(len: usize) -> Vec<u8> {
        (0..len).flat_map(|at| (at as u64).to_le_bytes()).take(len).collect()
    }

    /// Requests `head` bytes and a buffer of `wire`, as a decrypting run does, until the source
    /// ends.
    fn read_all(source: impl Read + Send + 'static, head: usize, wire: usize) -> (Vec<u8>, u32) {
        let mut source = ReadAhead::new(source);
        let mut source = Awaited::new(&mut source, &Shutdown::new());
        runtime().block_on(async {
            let (mut all, mut exchanged) = (Vec::new(), 0);
            loop {
                let mut header = vec![0; head];
                let filled = crate::source::fill(&mut source, &mut header).await.unwrap();
                all.extend_from_slice(&header[..filled]);
                let mut buffer = BytesMut::zeroed(wire);
                let before = buffer.as_ptr();
                let filled = source.fill(&mut buffer, wire, head).await.unwrap();
                assert_eq!(buffer.len(), wire);
                all.extend_from_slice(&buffer[..filled]);
                exchanged += u32::from(before != buffer.as_ptr());
                if filled < wire {
                    return (all, exchanged);
                }
            }
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]

        #[test]
        fn reads_of_any_size_give_the_source_bytes(
            len in 0..2_000_000_usize,
            lens in prop::collection::vec(prop_oneof![Just(0), 1..5_000_usize, 60_000..300_000_usize], 0..6),
            head in 0..200_usize,
            wire in prop_oneof![1_000..5_000_usize, 60_000..300_000_usize],
        ) {
            prop_assume!(lens.is_empty() || lens.iter().any(|len| *len > 0));
            let whole = bytes(len);
            let source = Cut { source: Cursor::new(whole.clone()), lens: lens.into() };
            prop_assert!(read_all(source, head, wire).0 == whole);
        }
    }

    #[test]
    fn full_buffers_are_not_copied() {
        let (head, wire) = (96, 100_000);
        let whole = bytes(20 * (head + wire));
        let (all, exchanged) = read_all(Cursor::new(whole.clone()), head, wire);
        assert!(all == whole);
        // The first one is not aligned yet, and the last is not followed by a header.
        assert_eq!(exchanged, 19);
    }

    #[test]
    fn reading_continues_after_errors_and_ends() {
        struct Troubled(u32);
        impl Read for Troubled {
            fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                self.0 += 1;
                match self.0 % 3 {
                    1 => Ok(1.min(buffer.len())),
                    2 => Err(ErrorKind::WouldBlock.into()),
                    _ => Ok(0),
                }
            }
        }
        let mut source = ReadAhead::new(Troubled(0));
        runtime().block_on(async {
            for _ in 0..20 {
                let mut read = async || poll_fn(|context| source.poll_read(context, &mut [0; 10])).await;
                assert_eq!(read().await.unwrap(), 1);
                assert_eq!(read().await.unwrap_err().kind(), ErrorKind::WouldBlock);
                assert_eq!(read().await.unwrap(), 0);
            }
        });
    }

    #[test]
    fn without_a_runtime_there_is_an_error() {
        let mut source = ReadAhead::new(Cursor::new(bytes(10)));
        let read = source.poll_read(&mut Context::from_waker(Waker::noop()), &mut [0; 10]);
        assert!(matches!(read, Poll::Ready(Err(_))), "{read:?}");
    }
}
