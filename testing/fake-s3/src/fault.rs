//! What can go wrong with a request, and when it does.

use std::collections::VecDeque;

use bytes::Bytes;

use crate::request::Operation;

/// What becomes of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// An error with a status, a code and a message, and no effect. With the status 200 it is the error within a success that S3 knows of
    /// `CompleteMultipartUpload`.
    Refuse(u16, &'static str, &'static str),
    /// The same, and the request has its effect.
    RefuseAfter(u16, &'static str, &'static str),
    /// An answer of success with this body, and no effect.
    Answer(String),
    /// No answer, as long as the connection is open, and no effect.
    Silence,
    /// The connection is closed in the place of an answer, and there is no effect.
    Hangup,
    /// The same, and the request has its effect: the answer is lost.
    Lose,
    /// The request has its effect, and the connection is closed within the head of the answer.
    CutHead,
    /// The request has its effect, and the connection is closed after so many bytes of the body that was announced.
    CutBody(usize),
    /// Fewer bytes of the range than were asked for, and that is said; at least one.
    Fewer(usize),
    /// The object is another one from here on.
    Replace(Vec<u8>),
    /// The same, and the server does not know If-Match.
    ReplaceUnseen(Vec<u8>),
    /// The server does not know ranges.
    Whole,
}

impl Fault {
    /// What the object is from here on.
    pub(crate) fn replacement(&self) -> Option<Bytes> {
        match self {
            Self::Replace(bytes) | Self::ReplaceUnseen(bytes) => Some(Bytes::copy_from_slice(bytes)),
            _ => None,
        }
    }
}

/// The faults that are to come.
#[derive(Default)]
pub(crate) struct Faults {
    /// Of the next requests, whatever they are.
    next: VecDeque<Option<Fault>>,
    /// Of the request of an operation that comes after so many others of it.
    at: Vec<(Operation, usize, Fault)>,
}

impl Faults {
    pub(crate) fn set_next(&mut self, faults: impl Iterator<Item = Option<Fault>>) {
        self.next = faults.collect();
    }

    pub(crate) fn set_at(&mut self, operation: Operation, nth: usize, fault: Fault) {
        self.at.push((operation, nth, fault));
    }

    /// What becomes of a request. The one that is meant for it in particular comes first, and then costs none of the others.
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
