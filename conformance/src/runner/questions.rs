//! What is asked about one vector: a request, and the only right answer to it.

use std::io;

use super::protocol::{Peer, Request};
use super::suite::Suite;
use crate::vector::{
    Expect, Fault, RangeExpect, ReadVector, Recipe, RecoverExpect, ResumeExpect, ResumeVector, Vector,
    WriteExpect,
};

/// What is asked, without its number.
pub struct Question<'a> {
    /// Which of the vector's questions it is, for people: `delivery 7`, `bit 3 of byte 99`.
    pub which: String,
    /// The request of a given number.
    pub request: Box<dyn Fn(u64) -> Request<'a> + 'a>,
    /// For `read`: the bytes to be read.
    pub input: Vec<u8>,
    /// The only right answer.
    pub right: Right<'a>,
}

impl<'a> Question<'a> {
    /// A question that is asked in one way only.
    pub(super) fn once(right: Right<'a>, request: impl Fn(u64) -> Request<'a> + 'a) -> Self {
        Self { which: String::new(), request: Box::new(request), input: Vec::new(), right }
    }
}

/// The only right answer to a question.
pub enum Right<'a> {
    /// To `read`.
    Read(Expect),
    /// To `range`.
    Range(&'a RangeExpect),
    /// To `write`; the bytes, where it accepts.
    Write(&'a WriteExpect, Vec<u8>),
    /// To `crash`; what is left.
    Crash(Vec<u8>),
    /// To `recover`.
    Recover(RecoverExpect),
    /// To `resume`; the bytes, where it goes on.
    Resume(ResumeExpect, Vec<u8>),
}

/// Hands every question about `vector` to `ask`, until that says no.
///
/// # Errors
///
/// When a blob cannot be read, or a vector lacks the answer for a peer without one of its features.
pub fn each<'a>(
    suite: &Suite,
    vector: &'a Vector,
    peer: &Peer,
    ask: &mut dyn FnMut(Question<'a>) -> bool,
) -> io::Result<()> {
    match vector {
        Vector::Read(vector) => each_read(suite, vector, peer, ask),
        Vector::Range(vector) => {
            let input = hex::encode(suite.bytes(&vector.input)?);
            let request = move |id| Request::Range {
                id,
                vector: &vector.about.id,
                mode: &vector.mode,
                keys: &vector.keys,
                input: input.clone(),
                ranges: &vector.ranges,
                runs_max: vector.runs_max,
            };
            ask(Question::once(Right::Range(&vector.expect), request));
            Ok(())
        }
        Vector::Write(vector) => {
            let output = match &vector.expect {
                WriteExpect::Accept { output } => suite.bytes(output)?,
                WriteExpect::Reject { .. } => Vec::new(),
            };
            let plaintext = hex::encode(vector.plaintext.bytes());
            let request = move |id| Request::Write {
                id,
                vector: &vector.about.id,
                keys: &vector.keys,
                parameters: &vector.parameters,
                runs: &vector.runs,
                flushes: &vector.flushes,
                plaintext: plaintext.clone(),
            };
            ask(Question::once(Right::Write(&vector.expect, output), request));
            Ok(())
        }
        Vector::Recover(vector) => {
            let output = hex::encode(suite.bytes(&vector.output)?);
            let journal =
                vector.journal.as_ref().map(|journal| suite.bytes(journal)).transpose()?.map(hex::encode);
            let request = move |id| Request::Recover {
                id,
                vector: &vector.about.id,
                keys: &vector.keys,
                output: output.clone(),
                journal: journal.clone(),
            };
            ask(Question::once(Right::Recover(vector.expect.clone()), request));
            Ok(())
        }
        // Each question is about the answer to the one before: `crash`.
        Vector::Crash(_) => Ok(()),
        Vector::Resume(vector) => {
            ask(resume(suite, vector)?);
            Ok(())
        }
    }
}

fn resume<'a>(suite: &Suite, vector: &'a ResumeVector) -> io::Result<Question<'a>> {
    let [output, source] =
        [&vector.output, &vector.source].map(|stored| suite.bytes(stored).map(hex::encode));
    let (output, source) = (output?, source?);
    let journal = vector.journal.as_ref().map(|journal| suite.bytes(journal)).transpose()?.map(hex::encode);
    let right = match &vector.expect {
        ResumeExpect::Resumed { output } => suite.bytes(output)?,
        _ => Vec::new(),
    };
    let request = move |id| Request::Resume {
        id,
        vector: &vector.about.id,
        keys: &vector.keys,
        output: output.clone(),
        journal: journal.clone(),
        source: source.clone(),
        source_kind: &vector.source_kind,
        run_salt: &vector.run_salt,
        index: vector.index,
    };
    Ok(Question::once(Right::Resume(vector.expect.clone(), right), request))
}

fn each_read<'a>(
    suite: &Suite,
    vector: &'a ReadVector,
    peer: &Peer,
    ask: &mut dyn FnMut(Question<'a>) -> bool,
) -> io::Result<()> {
    let input = suite.bytes(&vector.input)?;
    let deliveries = if peer.deliveries { &vector.deliveries[..] } else { &vector.deliveries[..1] };
    if let Some(recipe) = &vector.recipe {
        follow(vector, recipe, &input, deliveries, ask);
        return Ok(());
    }
    let right = match peer.lacks(&vector.about.features) {
        Some(feature) => vector.expect_without.get(feature),
        None => vector.expect.as_ref(),
    };
    let right = right.ok_or_else(|| {
        let text = format!("{}: no answer for these features", vector.about.id);
        io::Error::new(io::ErrorKind::InvalidData, text)
    })?;
    for delivery in deliveries {
        if !ask(read(vector, format!("delivery {delivery}"), delivery, input.clone(), right.clone())) {
            break;
        }
    }
    Ok(())
}

fn read<'a>(
    vector: &'a ReadVector,
    which: String,
    delivery: &'a str,
    input: Vec<u8>,
    right: Expect,
) -> Question<'a> {
    let digits = hex::encode(&input);
    let request = move |id| Request::Read {
        id,
        vector: &vector.about.id,
        mode: &vector.mode,
        keys: &vector.keys,
        delivery,
        sticky: vector.sticky,
        input: digits.clone(),
    };
    Question { which, request: Box::new(request), input, right: Right::Read(right) }
}

/// Makes every change that the recipe describes: truncations in every delivery, flipped bits whole.
fn follow<'a>(
    vector: &'a ReadVector,
    recipe: &Recipe,
    input: &[u8],
    deliveries: &'a [String],
    ask: &mut dyn FnMut(Question<'a>) -> bool,
) {
    let places =
        recipe.ranges.iter().flat_map(|range| (range.from..range.to).map(move |place| (range, place)));
    for (range, place) in places {
        let truncates = recipe.change == "truncate";
        let right = Expect::Reject(Fault {
            error: range.error.clone(),
            offset: if truncates { Some(place) } else { range.offset },
            segment: range.segment,
            released_len: range.released_len,
            released_sha256: range.released_sha256.clone(),
        });
        let go_on = if truncates {
            deliveries.iter().all(|delivery| {
                let which = format!("the first {place} bytes, delivery {delivery}");
                ask(read(vector, which, delivery, input[..place].to_vec(), right.clone()))
            })
        } else {
            (0..8).all(|bit| {
                let mut flipped = input.to_vec();
                flipped[place] ^= 1 << bit;
                let which = format!("bit {bit} of byte {place} flipped");
                ask(read(vector, which, "whole", flipped, right.clone()))
            })
        };
        if !go_on {
            return;
        }
    }
}
