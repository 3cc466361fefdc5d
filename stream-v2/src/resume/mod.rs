//! Runs into an output that resume what an earlier run has left.

mod decrypt;
mod encrypt;
mod follower;

use stream_v2_pipeline::{FileSink, OutputFile};

use crate::error::{Error, Problem};

pub(crate) use decrypt::decrypt_to;
pub(crate) use encrypt::encrypt_to;
pub(crate) use follower::Follower;

/// Refuses an output whose name is taken, unless it may be replaced.
fn refuse_existing(output: &OutputFile) -> Result<(), Error> {
    match !output.overwrites() && output.try_is_taken().map_err(Problem::Io)? {
        true => Err(Problem::Exists.into()),
        false => Ok(()),
    }
}

/// Creates the partial output, in the place of a leftover that holds no committed segment.
fn create(output: &OutputFile) -> Result<FileSink, Error> {
    let created = output.discard().and_then(|()| FileSink::create(output));
    created.map_err(|error| Problem::Create(error).into())
}

/// Discards the partial output of an earlier run, if a complete one does not stand in the way.
fn restart(output: &OutputFile) -> Result<(), Error> {
    refuse_existing(output)?;
    output.discard().map_err(|error| Problem::Discard(error).into())
}
