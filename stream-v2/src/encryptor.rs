//! Encrypting into a writer, a sink or an output.

use std::fmt;
use std::io::{self, Write};

use stream_v2_pipeline::{Managers, OutputFile, OutputSink, Summary, WriterSink};

use crate::background::{Background, Drainer, Filler, Gone, buffers};
use crate::error::{Error, Problem};
use crate::options::Options;
use crate::report::{Event, Report};
use crate::resume::{Follower, encrypt_to};
use crate::source::Source;

/// Buffers between a writer and its thread, and the bytes that are gathered in each.
const BUFFERS: usize = 4;
const BUFFER_LEN: usize = 256 << 10;

/// Encrypts streams, with checked [`Options`].
///
/// One encryptor can write any number of streams, one after the other or at the same time. Each
/// stream has fresh salts, so no two are equal.
///
/// # Examples
///
/// ```
/// use std::io::Write;
/// use stream_v2::{ContentKey, Encryptor, Options, decrypt};
///
/// let key = ContentKey::new([7; 32]); // from a key file, never a constant
/// let mut writer = Encryptor::new(&Options::new(&key))?.wrap_write(Vec::new())?;
/// writer.write_all(b"hello")?;
/// let stream = writer.finish()?;
/// assert_eq!(decrypt(&key, stream)?, b"hello");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Encryptor {
    options: Options,
}

impl Encryptor {
    /// Checks `options`, and takes a copy of them.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Option`](crate::error::ErrorKind::Option) for parameters that no stream can
    ///   have.
    pub fn new(options: &Options) -> Result<Self, Error> {
        options.check()?;
        Ok(Self { options: options.clone() })
    }

    /// Makes a writer that encrypts what it is given into `out`.
    ///
    /// The pipeline runs on one background thread, which `finish` and dropping the writer join.
    /// About 1 MiB waits for it at most, beside the segments of the pipeline's window.
    ///
    /// The stream is complete only after [`EncryptWriter::finish`].
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the thread cannot be started.
    pub fn wrap_write<W: Write + Send + 'static>(&self, out: W) -> Result<EncryptWriter<W>, Error> {
        let (filler, source) = buffers(BUFFERS);
        let options = self.options.clone();
        let background = Background::run("sv2-encrypt", move || encrypt_all(&options, source, out))?;
        Ok(EncryptWriter { state: State::Open { filler, buffer: Vec::new() }, background })
    }

    /// Encrypts all of `source` into `sink` on the caller's thread, and seals it.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if `source` or `sink` fails.
    /// - [`ErrorKind::Interrupted`](crate::error::ErrorKind::Interrupted) after a shutdown was
    ///   requested.
    pub fn encrypt_into(
        &self,
        mut source: Source<'_>,
        sink: &mut dyn OutputSink,
        observer: &mut dyn FnMut(Event<'_>),
    ) -> Result<Summary, Error> {
        let mut pipeline = self.options.pipeline();
        pipeline.set_source_file(source.take_file());
        let mut follower = Follower::of_plaintext(&self.options.settings, source.len(), observer);
        let managers = Managers { log: Some(&mut follower), crash: None };
        pipeline.run(source, sink, managers).map_err(|error| Problem::Run(error).into())
    }

    /// Encrypts all of `source` into `output`, or resumes the partial output of an earlier run.
    ///
    /// This is [`encrypt_file`](crate::encrypt_file) for any source and any storage. `observer` is
    /// called with each event, on the caller's thread.
    ///
    /// # Errors
    ///
    /// - the errors of [`encrypt_file`](crate::encrypt_file).
    pub fn encrypt_to(
        &self,
        source: Source<'_>,
        output: &OutputFile,
        observer: &mut dyn FnMut(Event<'_>),
    ) -> Result<Report, Error> {
        encrypt_to(&self.options, source, output, observer)
    }
}

type Encrypted<W> = (Result<Summary, stream_v2_pipeline::Error>, W);

/// What the thread of a writer does.
fn encrypt_all<W: Write>(options: &Options, source: Drainer, mut out: W) -> Encrypted<W> {
    let result = options.pipeline().run(source, &mut WriterSink::new(&mut out), Managers::none());
    (result, out)
}

/// Encrypts all bytes that are written to it. Made by [`Encryptor::wrap_write`].
///
/// The stream is complete only after [`finish`](Self::finish) has returned. A writer that is
/// dropped before leaves an unsealed stream, which no reader takes for a complete one. After an
/// error every call reports that error.
///
/// `flush` passes gathered bytes to the encrypting thread. Bytes that do not fill a segment stay in
/// memory until more are written.
pub struct EncryptWriter<W> {
    // Dropped before the thread is joined, which then ends without sealing.
    state: State,
    background: Background<Encrypted<W>>,
}

enum State {
    Open { filler: Filler, buffer: Vec<u8> },
    Failed(Error),
}

impl<W> fmt::Debug for EncryptWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncryptWriter").finish_non_exhaustive()
    }
}

impl<W: Send + 'static> EncryptWriter<W> {
    /// Seals the stream and gives the writer back.
    ///
    /// # Errors
    ///
    /// - [`ErrorKind::Io`](crate::error::ErrorKind::Io) if the writer below fails.
    /// - [`ErrorKind::Interrupted`](crate::error::ErrorKind::Interrupted) after a shutdown was
    ///   requested.
    pub fn finish(mut self) -> Result<W, Error> {
        self.hand_over()?;
        let ended = State::Failed(Problem::Panic("written to after its end".into()).into());
        match std::mem::replace(&mut self.state, ended) {
            State::Failed(error) => return Err(error),
            // Whether it was heard is what the result says.
            State::Open { filler, .. } => drop(filler.end()),
        }
        let (result, out) = self.background.join()?;
        result.map(|_| out).map_err(|error| Problem::Run(error).into())
    }

    /// Gives what was gathered to the thread.
    fn hand_over(&mut self) -> Result<(), Error> {
        match &mut self.state {
            State::Failed(error) => Err(error.clone()),
            State::Open { buffer, .. } if buffer.is_empty() => Ok(()),
            State::Open { filler, buffer } => {
                let sent = filler.send(std::mem::take(buffer));
                sent.map_err(|Gone| self.fail())
            }
        }
    }

    /// The thread has ended although something was still to come: its error is that of every later
    /// call.
    fn fail(&mut self) -> Error {
        let error = match self.background.join() {
            Ok((Err(error), _)) => Problem::Run(error).into(),
            Ok((Ok(_), _)) => {
                Problem::Option("the plaintext is longer than the declared plaintext_len".into()).into()
            }
            Err(error) => error,
        };
        self.state = State::Failed(Error::clone(&error));
        error
    }
}

impl<W: Send + 'static> Write for EncryptWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let State::Open { filler, buffer } = &mut self.state else {
            return self.hand_over().map(|()| 0).map_err(Into::into);
        };
        if buffer.capacity() == 0 {
            match filler.buffer() {
                Ok(empty) => *buffer = empty,
                Err(Gone) => return Err(self.fail().into()),
            }
            buffer.reserve_exact(BUFFER_LEN);
        }
        let len = bytes.len().min(BUFFER_LEN - buffer.len());
        buffer.extend_from_slice(&bytes[..len]);
        if buffer.len() == BUFFER_LEN {
            self.hand_over()?;
        }
        Ok(len)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.hand_over().map_err(Into::into)
    }
}
