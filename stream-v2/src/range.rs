//! Random access to the plaintext of a stored stream.
//!
//! [`Decryptor::over`](crate::Decryptor::over) reads the stream header of anything that implements
//! [`ReadAt`], and [`unlock_ranges`](crate::Decryptor::unlock_ranges) gives a [`RangeReader`].
//! [`PlaintextReader`] makes a [`Read`](std::io::Read) with [`Seek`](std::io::Seek) of it.
//!
//! # Examples
//!
//! ```
//! use std::io::{Read, Seek, SeekFrom};
//! use stream_v2::range::PlaintextReader;
//! use stream_v2::{ContentKey, Decryptor, Unlock, encrypt};
//!
//! let key = ContentKey::new([7; 32]); // from a key file, never a constant
//! let stream = encrypt(&key, "hello, world")?;
//! let ranges = Decryptor::over(stream)?.unlock_ranges(&Unlock::new(&key))?;
//! let mut reader = PlaintextReader::new(ranges);
//! reader.seek(SeekFrom::Start(7))?;
//! let mut rest = String::new();
//! reader.read_to_string(&mut rest)?;
//! assert_eq!(rest, "world");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub use stream_v2_pipeline::{PlaintextReader, RangeBy, RangeReader, ReadAt};
