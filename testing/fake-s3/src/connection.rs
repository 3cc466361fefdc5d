//! A connection that can be cut at any byte of an answer.

use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use hyper::rt::ReadBufCursor;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const HEAD_END: &[u8] = b"\r\n\r\n";

/// The point at which further output is cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cut {
    Nowhere,
    /// After this many bytes.
    After(usize),
    /// After this many bytes of the body. `seen` bytes of the end of the head are already written.
    InBody {
        seen: usize,
        len: usize,
    },
}

impl Cut {
    pub(crate) const fn in_body(len: usize) -> Self {
        Self::InBody { seen: 0, len }
    }

    /// Returns how much of `bytes` may be written, and the cut that remains afterwards.
    fn pass(self, bytes: &[u8]) -> (usize, Self) {
        match self {
            Self::Nowhere => (bytes.len(), self),
            Self::After(left) => {
                let len = left.min(bytes.len());
                (len, Self::After(left - len))
            }
            Self::InBody { mut seen, len } => {
                for (index, byte) in bytes.iter().enumerate() {
                    seen = if *byte == HEAD_END[seen] { seen + 1 } else { usize::from(*byte == HEAD_END[0]) };
                    if seen == HEAD_END.len() {
                        let head = index + 1;
                        let (body, rest) = Self::After(len).pass(&bytes[head..]);
                        return (head + body, rest);
                    }
                }
                (bytes.len(), Self::InBody { seen, len })
            }
        }
    }
}

/// The cut that the server sets for its connection.
pub(crate) type Knife = Arc<Mutex<Cut>>;

/// An accepted connection, for hyper.
pub(crate) struct Connection {
    stream: TcpStream,
    knife: Knife,
}

impl Connection {
    pub(crate) const fn new(stream: TcpStream, knife: Knife) -> Self {
        Self { stream, knife }
    }
}

impl hyper::rt::Read for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut bytes = [0; 16 << 10];
        let len = bytes.len().min(buffer.remaining());
        let mut read = ReadBuf::new(&mut bytes[..len]);
        ready!(Pin::new(&mut self.stream).poll_read(context, &mut read))?;
        buffer.put_slice(read.filled());
        Poll::Ready(Ok(()))
    }
}

impl hyper::rt::Write for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let cut = *self.knife.lock().unwrap();
        let (len, _) = cut.pass(bytes);
        if len == 0 && !bytes.is_empty() {
            return Poll::Ready(Err(ErrorKind::ConnectionAborted.into()));
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[..len]))?;
        // The operating system may have taken fewer bytes.
        *self.knife.lock().unwrap() = cut.pass(&bytes[..written]).1;
        Poll::Ready(Ok(written))
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns the bytes that pass when they are written in pieces of `piece` bytes.
    fn passing(cut: Cut, piece: usize) -> Vec<u8> {
        let mut cut = cut;
        let mut passed = Vec::new();
        for bytes in b"HTTP/1.1 200\r\nA: b\r\n\r\nbody\r\n\r\nof it".chunks(piece) {
            let (len, rest) = cut.pass(bytes);
            passed.extend_from_slice(&bytes[..len]);
            cut = rest;
        }
        passed
    }

    #[test]
    fn cuts_are_at_the_byte() {
        for piece in 1..40 {
            assert_eq!(passing(Cut::After(0), piece), b"");
            assert_eq!(passing(Cut::After(5), piece), b"HTTP/");
            assert_eq!(passing(Cut::in_body(0), piece), b"HTTP/1.1 200\r\nA: b\r\n\r\n");
            assert_eq!(passing(Cut::in_body(6), piece), b"HTTP/1.1 200\r\nA: b\r\n\r\nbody\r\n");
            assert_eq!(passing(Cut::Nowhere, piece).len(), passing(Cut::in_body(99), piece).len());
        }
    }
}
