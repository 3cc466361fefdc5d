//! The faults that a request can meet, and when it meets them.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::request::Operation;

/// The fault that one request meets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error with a status, a code and a message, and no effect. With the status 200 it is the
    /// error within a success that S3 documents for `CompleteMultipartUpload`.
    Refuse(u16, &'static str, &'static str),
    /// The same error, but the request has its effect.
    RefuseAfter(u16, &'static str, &'static str),
    /// A successful answer with this body, and no effect.
    Answer(String),
    /// No answer, as long as the connection is open, and no effect.
    Silence,
    /// The connection is closed instead of an answer, and there is no effect.
    Hangup,
    /// The request has its effect, and the answer is lost as with [`Hangup`](Self::Hangup).
    Lose,
    /// The request has its effect, and the connection is closed within the head of the answer.
    CutHead,
    /// The request has its effect, and the connection is closed after this many bytes of the
    /// announced body.
    CutBody(usize),
    /// Fewer bytes of the range than requested, at least one. The answer says so.
    Fewer(usize),
    /// The object is replaced by this one from now on.
    Replace(Vec<u8>),
    /// The same as [`Replace`](Self::Replace), and the server ignores If-Match.
    ReplaceUnseen(Vec<u8>),
    /// The server ignores ranges.
    Whole,
}

impl Fault {
    /// Returns the object that replaces the current one.
    pub(crate) fn replacement(&self) -> Option<Bytes> {
        match self {
            Self::Replace(bytes) | Self::ReplaceUnseen(bytes) => Some(Bytes::copy_from_slice(bytes)),
            _ => None,
        }
    }
}

/// The pending faults.
#[derive(Default)]
pub(crate) struct Faults {
    /// For the next requests, of any operation.
    next: VecDeque<Option<Fault>>,
    /// For the request of an operation that follows this many others of the same operation.
    at: Vec<(Operation, usize, Fault)>,
}

impl Faults {
    pub(crate) fn set_next(&mut self, faults: impl Iterator<Item = Option<Fault>>) {
        self.next = faults.collect();
    }

    pub(crate) fn set_at(&mut self, operation: Operation, nth: usize, fault: Fault) {
        self.at.push((operation, nth, fault));
    }

    /// Takes the fault of a request. A fault meant for this request comes first, and then none of
    /// `next` is used up.
    pub(crate) fn take(&mut self, operation: Operation) -> Option<Fault> {
        let is_due = |(of, nth, _): &(Operation, usize, Fault)| *of == operation && *nth == 0;
        let due = self.at.iter().position(is_due).map(|index| self.at.remove(index).2);
        for (of, nth, _) in &mut self.at {
            if *of == operation {
                *nth = nth.saturating_sub(1);
            }
        }
        due.or_else(|| self.next.pop_front().flatten())
    }

    pub(crate) fn len(&self) -> usize {
        self.at.len() + self.next.iter().flatten().count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn faults_come_when_they_are_due() {
        let mut faults = Faults::default();
        faults.set_next([Some(Fault::Hangup), None, Some(Fault::Lose)].into_iter());
        faults.set_at(Operation::UploadPart, 1, Fault::CutHead);
        assert_eq!(faults.len(), 3);
        assert_eq!(faults.take(Operation::UploadPart), Some(Fault::Hangup));
        assert_eq!(faults.take(Operation::ListParts), None);
        assert_eq!(faults.take(Operation::UploadPart), Some(Fault::CutHead));
        assert_eq!(faults.take(Operation::UploadPart), Some(Fault::Lose));
        assert_eq!((faults.take(Operation::UploadPart), faults.len()), (None, 0));
    }
}
