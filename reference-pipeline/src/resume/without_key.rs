//! Decides without any key whether a result with a journal is complete (§19.9).
//!
//! A writer that has published its stream removes its resume key, and then its journal. If it is
//! killed between the two, it can verify nothing any more. The journal and checksums decide.

use std::io::SeekFrom;

use stream_v2_format::Offset;
use stream_v2_format::limits::{FINAL_SEGMENT_LEN, SEGMENT_HEADER_LEN};
use stream_v2_format::wire::{
    HeaderV1, JOURNAL_HEADER_LEN, JournalHeader, JournalHeaderView, JournalRole, Parsed, STREAM_FIXED_LEN,
    SegmentHeaderView, SegmentKind, check_segment, crc32c,
};

use super::encrypt::sink_error;
use super::open::open_output;
use crate::error::{Error, Stage};
use crate::io::read_stream_header;
use crate::pipeline::EncryptPipeline;
use crate::recover::SourceStamp;
use crate::source::blocking::fill;
use crate::storage::{OutputFile, StoredFile};

impl EncryptPipeline<'_> {
    /// Completes an output that has its name and a journal, and whose resume key is gone (§19.9).
    ///
    /// [`InterruptedEncryption::find`](crate::InterruptedEncryption::find) has found nothing, and
    /// `stamp` is the source as it is now. Returns whether the output is that of an earlier run
    /// with the same source. Then its journal is removed, and all of the rest. Only checksums are
    /// compared, so the caller says so (SV2-NOK-001).
    ///
    /// # Errors
    ///
    /// - `io.sink` of kind `WouldBlock` if another process is writing.
    /// - any other error of the storage.
    pub fn complete_without_key(&self, output: &OutputFile, stamp: SourceStamp) -> Result<bool, Error> {
        if self.keys.recipients().is_none_or(|recipients| recipients.has_passphrase()) {
            return Ok(false);
        }
        let storage = output.storage();
        let partial = output.lock_partial().map_err(sink_error)?;
        if let Some(partial) = &partial
            && !(storage.discards_uploaded() && partial.is_named(output.target()).map_err(sink_error)?)
        {
            return Ok(false);
        }
        let Some(journal) = journal_header(output)? else { return Ok(false) };
        let Ok(mut result) = storage.open(output.target()) else { return Ok(false) };
        let Ok((header, envelope)) = read_stream_header(&mut result) else { return Ok(false) };
        if !fits(&journal, &header, stamp) || !ends_with_final_segment(&mut *result, &header)? {
            return Ok(false);
        }
        // With a key it can be verified, and was not taken for complete.
        let output = output.of_stream(&header.params().stream_salt);
        if !matches!(open_output(self, &output, &header, &envelope), Ok(Err(_))) {
            return Ok(false);
        }
        finish(&output, &mut *result, partial.as_deref()).map(|()| true)
    }
}

/// Returns the header of an output's journal, if there is one that is well formed.
fn journal_header(output: &OutputFile) -> Result<Option<JournalHeader>, Error> {
    let fault = |error| Error::io(Stage::Manager, None, error);
    let journal = output.open_if_there(&output.journal()).map_err(fault)?;
    let Some(mut journal) = journal else { return Ok(None) };
    let mut bytes = [0; JOURNAL_HEADER_LEN];
    let filled = fill(&mut journal, &mut bytes).map_err(fault)?;
    let header = JournalHeaderView::parse(&bytes[..filled]).ok().map(|view| view.header);
    Ok(header.filter(|header| header.role == JournalRole::Encrypt))
}

/// Returns whether a journal is of this stream, and of a source with this length and time.
fn fits(journal: &JournalHeader, header: &HeaderV1, stamp: SourceStamp) -> bool {
    let same_stream = journal.stream_header[..STREAM_FIXED_LEN] == header.to_bytes()[..STREAM_FIXED_LEN];
    let same_len = stamp.len.is_some() && journal.source_len == stamp.len;
    same_stream && same_len && stamp.mtime.is_some() && journal.source_mtime == stamp.mtime
}

/// Returns whether a file ends with a final segment whose checksums match.
fn ends_with_final_segment(file: &mut dyn StoredFile, header: &HeaderV1) -> Result<bool, Error> {
    let len = file.size().map_err(sink_error)?;
    let Some(begin) =
        len.checked_sub(FINAL_SEGMENT_LEN as u64).filter(|begin| *begin >= header.body_offset().0)
    else {
        return Ok(false);
    };
    let mut bytes = [0; FINAL_SEGMENT_LEN];
    let read = file.seek(SeekFrom::Start(begin)).and_then(|_| file.read_exact(&mut bytes));
    read.map_err(sink_error)?;
    let Ok(Parsed::Complete(view, _)) = SegmentHeaderView::parse(&bytes, Offset(begin), 0) else {
        return Ok(false);
    };
    let segment = view.header();
    let is_final = segment.kind == SegmentKind::Final
        && check_segment(header, &segment, Offset(begin), 0).is_ok()
        && segment.wire_len as usize == FINAL_SEGMENT_LEN - SEGMENT_HEADER_LEN;
    Ok(is_final && crc32c(&bytes[SEGMENT_HEADER_LEN..]) == segment.wire_crc32c)
}

/// Removes the rest of a complete output. Its name may not be durable yet.
fn finish(
    output: &OutputFile,
    result: &mut dyn StoredFile,
    partial: Option<&dyn StoredFile>,
) -> Result<(), Error> {
    if !output.storage().has_durable_names() {
        result.lock().and_then(|()| result.sync()).map_err(sink_error)?;
        output.storage().sync_folder(output.target()).map_err(sink_error)?;
    }
    // An earlier run has removed the resume key, perhaps not durably.
    match partial {
        Some(partial) => output.drop_partial_name(partial).map_err(sink_error)?,
        None => {
            output.remove_resume_key().map_err(|error| Error::io(Stage::Manager, None, error))?;
            // A record of the upload may be left without its partial file.
            if output.storage().discards_uploaded() {
                output.remove(&output.partial()).map_err(sink_error)?;
            }
        }
    }
    output.remove_journal().map_err(|error| Error::io(Stage::Manager, None, error))
}
