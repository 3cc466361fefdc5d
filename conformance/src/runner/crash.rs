//! A writer is stopped, and what it left is recovered and resumed: three questions, each about the answer before.

use super::judge::{Judgement, Verdict, judge};
use super::protocol::{Answer, Peer, Request};
use super::questions::{Question, Right};
use super::suite::Suite;
use crate::vector::{CrashVector, RecoverExpect, ResumeExpect};

/// The first judgement that is not a pass, or a pass.
///
/// # Errors
///
/// When a blob cannot be read, or `ask` fails.
pub(super) fn judgement<'a>(
    suite: &Suite,
    peer: &Peer,
    vector: &'a CrashVector,
    mut ask: impl FnMut(&Question<'a>) -> Result<Result<Answer, Judgement>, String>,
) -> Result<Judgement, String> {
    let text = |error: std::io::Error| error.to_string();
    let plaintext = hex::encode(vector.plaintext.bytes());
    let left = suite.bytes(&vector.expect.left).map_err(text)?;
    let output = hex::encode(&left);
    let crash = Question::once(Right::Crash(left), {
        let plaintext = plaintext.clone();
        move |id| Request::Crash {
            id,
            vector: &vector.about.id,
            keys: &vector.keys,
            parameters: &vector.parameters,
            run_salt: &vector.run_salt,
            plaintext: plaintext.clone(),
            stop_after: vector.stop_after,
        }
    });
    let crashed = match ask(&crash)? {
        Ok(answer) => answer,
        Err(grief) => return Ok(grief),
    };
    let judged = judge(peer, &crash.right, &crashed);
    if judged.verdict != Verdict::Pass {
        return Ok(of("crash", judged));
    }
    // A writer without a journal is one too (§19.3).
    let journal = crashed.journal;
    let mut found = vector.expect.recovered.clone();
    if let (RecoverExpect::Recovered { journal: fate, .. }, None) = (&mut found, &journal) {
        "none".clone_into(fate);
    }
    let recover = Question::once(Right::Recover(found), {
        let (output, journal) = (output.clone(), journal.clone());
        move |id| Request::Recover {
            id,
            vector: &vector.about.id,
            keys: &vector.keys,
            output: output.clone(),
            journal: journal.clone(),
        }
    });
    let right = match &vector.expect.resumed {
        Some(resumed) => Right::Resume(
            ResumeExpect::Resumed { output: resumed.clone() },
            suite.bytes(resumed).map_err(text)?,
        ),
        None => Right::Resume(ResumeExpect::Nothing, Vec::new()),
    };
    let resume = Question::once(right, move |id| Request::Resume {
        id,
        vector: &vector.about.id,
        keys: &vector.keys,
        output: output.clone(),
        journal: journal.clone(),
        source: plaintext.clone(),
        source_kind: "file",
        run_salt: &vector.resume_salt,
        // Where no index segment is committed yet, the caller says again that there are to be some.
        index: vector.parameters.index,
    });
    for (step, question) in [("recover", recover), ("resume", resume)] {
        let judged = match ask(&question)? {
            Ok(answer) => judge(peer, &question.right, &answer),
            Err(grief) => grief,
        };
        if judged.verdict != Verdict::Pass {
            return Ok(of(step, judged));
        }
    }
    Ok(Judgement::pass())
}

fn of(step: &str, judgement: Judgement) -> Judgement {
    Judgement { detail: format!("{step}: {}", judgement.detail), ..judgement }
}
