//! The same pipeline for Tokio (feature `tokio`): `AsyncRead` in, [`AsyncOutputSink`] out.
//!
//! Segments are sealed and opened on the runtime's blocking threads. [`ReadAhead`] is the fastest
//! way to read files, and [`Offloaded`] sinks are the fastest way to write them.
//! [`Parallelism::on_tasks`](crate::Parallelism::on_tasks) sets a sufficient width.
//!
//! There is one pipeline: workers, framing, order, sinks and journals are those of the threads, and
//! either engine resumes the runs of the other. A run is one future, to be awaited within a Tokio
//! runtime. It starts no runtime and no task of its own.
//!
//! **Cancelling.** A dropped future leaves the same state as a crash of the process. That is whole
//! segments, and at most a torn one at the end, which a resumed run cuts. It leaves no task. Work
//! on a blocking thread at that moment, a segment to be sealed or a piece for the sink, ends there
//! by itself. It keeps the lock on the partial file as long as that takes.
//!
//! To wait for a clean end, with everything durable, raise [`Shutdown`](crate::Shutdown). It also
//! wakes a source that waits.
//!
//! ```
//! use stream_v2_pipeline::tokio::{AsyncManagers, AsyncWriterSink};
//! use stream_v2_pipeline::{ContentKey, DecryptPipeline, EncryptPipeline};
//!
//! # tokio::runtime::Builder::new_current_thread().build()?.block_on(async {
//! let key = ContentKey::new([7; 32]); // from a key file, never a constant
//! let mut stream = Vec::new(); // any AsyncWrite
//! let mut sink = AsyncWriterSink::new(&mut stream);
//! EncryptPipeline::new(&key).run_async(&b"hello"[..], &mut sink, AsyncManagers::none()).await?;
//!
//! let mut plaintext = Vec::new();
//! let mut sink = AsyncWriterSink::new(&mut plaintext);
//! DecryptPipeline::new(&key).run_async(&stream[..], &mut sink, AsyncManagers::none()).await?;
//! assert_eq!(plaintext, b"hello");
//! # Ok::<(), stream_v2_pipeline::Error>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod codec;
mod managers;
mod offload;
mod pipeline;
mod read_ahead;
mod sink;
mod source;

pub use codec::{SegmentDecoder, SegmentEncoder};
pub use managers::AsyncManagers;
pub use offload::Offloaded;
pub use read_ahead::ReadAhead;
pub use sink::{AsyncOutputSink, AsyncWriterSink, OwnedUnit};
pub use source::AsyncSource;
