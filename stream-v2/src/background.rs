//! The one thread behind a reader or a writer, and the buffers between the two.
//!
//! The pipeline pulls from a source and pushes into a sink. A caller who pushes into a writer, or
//! pulls from a reader, takes the place of one of them: the pipeline runs on a thread of its own,
//! and a fixed number of buffers goes around between the two. Each side waits if it has none. The
//! thread is joined before its owner is gone.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};

use crate::error::{Error, Problem};

/// A thread that is joined at the latest when this is dropped.
pub(crate) struct Background<T>(Option<JoinHandle<T>>);

impl<T: Send + 'static> Background<T> {
    pub(crate) fn run(name: &str, job: impl FnOnce() -> T + Send + 'static) -> Result<Self, Error> {
        let started = Builder::new().name(name.into()).spawn(job);
        started.map(|handle| Self(Some(handle))).map_err(|error| Problem::Io(error).into())
    }

    /// Waits for its result. It is there once.
    pub(crate) fn join(&mut self) -> Result<T, Error> {
        let joined = self.0.take().map(JoinHandle::join);
        let gone = || Error::from(Problem::Panic("its result was taken already".into()));
        joined.ok_or_else(gone)?.map_err(|panic| {
            let message = panic.downcast_ref::<&str>().map(ToString::to_string);
            let message = message.or_else(|| panic.downcast_ref::<String>().cloned());
            Problem::Panic(message.unwrap_or_else(|| "no message".into())).into()
        })
    }
}

impl<T> Drop for Background<T> {
    fn drop(&mut self) {
        // Its result is of no interest any more, nor is a panic.
        let _ = self.0.take().map(JoinHandle::join);
    }
}

/// Makes both ends of a loop of at most `buffers` buffers.
pub(crate) fn buffers(buffers: usize) -> (Filler, Drainer) {
    let (full, filled) = sync_channel(buffers + 1);
    let (empty, emptied) = sync_channel(buffers);
    let filler = Filler { full, empty: emptied, made: 0, most: buffers };
    (filler, Drainer { filled, empty, current: Vec::new(), at: 0, ended: false })
}

/// What goes through the loop.
enum Piece {
    Bytes(Vec<u8>),
    /// Nothing follows. A filler that is gone without it has given up.
    End,
}

/// The end that fills buffers.
pub(crate) struct Filler {
    full: SyncSender<Piece>,
    empty: Receiver<Vec<u8>>,
    made: usize,
    most: usize,
}

/// The other end is gone.
#[derive(Debug)]
pub(crate) struct Gone;

impl Filler {
    /// An empty buffer: a new one only as long as there are fewer than the loop may have.
    pub(crate) fn buffer(&mut self) -> Result<Vec<u8>, Gone> {
        if let Ok(buffer) = self.empty.try_recv() {
            return Ok(buffer);
        }
        if self.made < self.most {
            self.made += 1;
            return Ok(Vec::new());
        }
        self.empty.recv().map_err(|_| Gone)
    }

    pub(crate) fn send(&self, buffer: Vec<u8>) -> Result<(), Gone> {
        self.full.send(Piece::Bytes(buffer)).map_err(|_| Gone)
    }

    /// Says that nothing follows.
    pub(crate) fn end(self) -> Result<(), Gone> {
        self.full.send(Piece::End).map_err(|_| Gone)
    }
}

/// As a sink of verified plaintext: each write is a buffer.
impl Write for Filler {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let gone = |Gone| io::Error::from(ErrorKind::BrokenPipe);
        let mut buffer = self.buffer().map_err(gone)?;
        buffer.extend_from_slice(bytes);
        self.send(buffer).map_err(gone)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The end that empties buffers.
pub(crate) struct Drainer {
    filled: Receiver<Piece>,
    empty: SyncSender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
    ended: bool,
}

impl Drainer {
    /// The bytes at hand, or those of the next buffer; none at the end.
    pub(crate) fn pending(&mut self) -> Result<&[u8], Gone> {
        while self.at == self.current.len() && !self.ended {
            match self.filled.recv().map_err(|_| Gone)? {
                Piece::Bytes(bytes) => {
                    let mut emptied = std::mem::replace(&mut self.current, bytes);
                    self.at = 0;
                    if emptied.capacity() > 0 {
                        emptied.clear();
                        // A filler that is gone needs none.
                        let _ = self.empty.send(emptied);
                    }
                }
                Piece::End => self.ended = true,
            }
        }
        Ok(&self.current[self.at..])
    }

    pub(crate) fn consume(&mut self, len: usize) {
        self.at = self.current.len().min(self.at + len);
    }
}

/// As a source: its end is told, and a filler that gives up is an error, so that nothing is sealed.
impl Read for Drainer {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let gave_up =
            |Gone| io::Error::new(ErrorKind::BrokenPipe, "the writer was dropped before it was finished");
        let bytes = self.pending().map_err(gave_up)?;
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        self.consume(len);
        Ok(len)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buffers_go_around_and_no_more_are_made() {
        let (mut filler, mut drainer) = buffers(3);
        let filling = Background::run("filler", move || {
            for number in 0..100u8 {
                let mut buffer = filler.buffer().unwrap();
                assert!(buffer.is_empty());
                buffer.extend([number; 50]);
                filler.send(buffer).unwrap();
            }
            let made = filler.made;
            filler.end().unwrap();
            made
        });
        let mut read = Vec::new();
        drainer.read_to_end(&mut read).unwrap();
        assert!(read.iter().zip((0..100u8).flat_map(|number| [number; 50])).all(|(a, b)| *a == b));
        assert_eq!((read.len(), filling.unwrap().join().unwrap()), (5000, 3));
    }

    #[test]
    fn filler_waits_for_a_buffer_and_sees_the_end() {
        let (mut filler, mut drainer) = buffers(1);
        let mut buffer = filler.buffer().unwrap();
        buffer.push(1);
        filler.send(buffer).unwrap();
        assert!(filler.empty.try_recv().is_err());
        assert_eq!(drainer.pending().unwrap(), [1]);
        drop(drainer);
        assert!(filler.buffer().is_err());
    }

    #[test]
    fn a_dropped_filler_is_an_error_and_no_end() {
        let (mut filler, mut drainer) = buffers(2);
        let mut buffer = filler.buffer().unwrap();
        buffer.push(1);
        filler.send(buffer).unwrap();
        drop(filler);
        let mut read = [0; 2];
        assert_eq!(drainer.read(&mut read).unwrap(), 1);
        assert_eq!(drainer.read(&mut read).unwrap_err().kind(), ErrorKind::BrokenPipe);
    }

    #[test]
    fn a_panic_is_an_error() {
        let mut background = Background::run("panics", || panic!("of the test")).unwrap();
        assert!(
            matches!(background.join().unwrap_err().problem(), Problem::Panic(message) if message == "of the test")
        );
        assert!(background.join().is_err());
    }
}
