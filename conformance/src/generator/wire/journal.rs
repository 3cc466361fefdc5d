//! §18: journals, as bytes that a case may alter.

use super::stream::Stream;
use crate::generator::plaintext::counting;
use crate::generator::primitives::{crc32c, hmac, le32};

/// The record types of commit and ending.
pub(crate) const COMMIT: u8 = 1;
pub(crate) const ENDING: u8 = 2;

/// A journal header before its header_mac.
#[derive(Clone)]
pub(crate) struct JournalHeader {
    pub(crate) magic: [u8; 8],
    pub(crate) version: u16,
    pub(crate) role: u8,
    pub(crate) reserved: [u8; 5],
    pub(crate) stream_header: Vec<u8>,
    pub(crate) source_len: u64,
    pub(crate) source_mtime: i64,
    pub(crate) journal_salt: [u8; 16],
}

/// A journal record before its record_mac.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) sequence: u64,
    pub(crate) record_type: u8,
    pub(crate) reserved: [u8; 3],
    pub(crate) segment_index: u32,
    pub(crate) position: u64,
    pub(crate) plaintext_len: u64,
    pub(crate) segment_tag: Vec<u8>,
    pub(crate) transcript: [u8; 32],
    pub(crate) run_first: u32,
}

/// A journal under construction.
#[derive(Clone)]
pub(crate) struct Journal {
    key: [u8; 32],
    pub(crate) header: JournalHeader,
    pub(crate) records: Vec<Record>,
}

impl Journal {
    /// Returns the journal of a writer of `stream` with a commit for each of these segments.
    pub(crate) fn of(stream: &Stream, segments: &[usize]) -> Self {
        let header = JournalHeader {
            magic: *b"\x89SVJ\r\n\x1a\n",
            version: 3,
            role: 1,
            reserved: [0; 5],
            stream_header: stream.head[..128].to_vec(),
            source_len: u64::MAX,
            source_mtime: i64::MIN,
            journal_salt: counting(0x70),
        };
        let records = segments
            .iter()
            .zip(0_u64..)
            .map(|(&segment, sequence)| commit(stream, segment, sequence))
            .collect();
        Self { key: stream.keys.journal, header, records }
    }

    /// Alters the journal before its tags and checksums.
    pub(crate) fn with(mut self, alter: impl FnOnce(&mut Self)) -> Self {
        alter(&mut self);
        self
    }

    /// Returns the bytes of the header, 212, and of each record, 136.
    pub(crate) fn parts(&self) -> Vec<Vec<u8>> {
        let header = &self.header;
        let bound = [
            &header.magic[..],
            &header.version.to_le_bytes(),
            &[header.role],
            &header.reserved,
            &header.stream_header,
            &header.source_len.to_le_bytes(),
            &header.source_mtime.to_le_bytes(),
            &header.journal_salt,
        ]
        .concat();
        let header_mac = hmac(&self.key, &[&bound]);
        let mut parts = vec![closed([&bound[..], &header_mac].concat())];
        parts.extend(self.records.iter().map(|record| record.seal(&self.key, &header_mac)));
        parts
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.parts().concat()
    }
}

impl Record {
    fn seal(&self, key: &[u8; 32], header_mac: &[u8; 32]) -> Vec<u8> {
        let bound = [
            &self.sequence.to_le_bytes()[..],
            &[self.record_type],
            &self.reserved,
            &self.segment_index.to_le_bytes(),
            &self.position.to_le_bytes(),
            &self.plaintext_len.to_le_bytes(),
            &self.segment_tag,
            &self.transcript,
            &self.run_first.to_le_bytes(),
        ]
        .concat();
        let record_mac = hmac(key, &[header_mac, &bound]);
        closed([&bound[..], &record_mac].concat())
    }
}

/// Returns the commit record of a segment.
fn commit(stream: &Stream, segment: usize, sequence: u64) -> Record {
    let position = stream.offset(segment) - stream.head.len();
    Record {
        sequence,
        record_type: COMMIT,
        reserved: [0; 3],
        segment_index: le32(segment),
        position: position as u64,
        plaintext_len: stream.released_len(segment + 1) as u64,
        segment_tag: stream.segments[segment].bytes[60..92].to_vec(),
        transcript: stream.segments[segment].transcript,
        run_first: stream.segments[segment].run_first(),
    }
}

/// Returns the ending record before the final segment of `stream`.
pub(crate) fn ending(stream: &Stream, sequence: u64) -> Record {
    let last = stream.segments.len() - 1;
    Record {
        sequence,
        record_type: ENDING,
        reserved: [0; 3],
        segment_index: le32(last),
        position: (stream.offset(last) - stream.head.len()) as u64,
        plaintext_len: stream.released_len(last) as u64,
        segment_tag: vec![0; 32],
        transcript: stream.segments[last].transcript,
        run_first: 0,
    }
}

/// Appends the checksum.
pub(crate) fn closed(mut bytes: Vec<u8>) -> Vec<u8> {
    let crc = crc32c(&bytes);
    bytes.extend_from_slice(&crc.to_le_bytes());
    bytes
}

/// Alters the bytes of a part and repairs its checksum, which is possible without the key.
pub(crate) fn forged(mut part: Vec<u8>, alter: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    alter(&mut part);
    part.truncate(part.len() - 4);
    closed(part)
}
