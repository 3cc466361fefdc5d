//! Every requirement is tested from both sides: by a vector that keeps it and one that breaks it.

use std::collections::BTreeMap;

use crate::lint::Findings;
use crate::vector::{Expect, RangeExpect, RecoverExpect, ResumeExpect, Vector, Waiver, WriteExpect};

/// What a vector shows of the requirements that it tests.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
struct Sides {
    accepting: bool,
    rejecting: bool,
}

impl Sides {
    fn or(self, other: Self) -> Self {
        Self { accepting: self.accepting || other.accepting, rejecting: self.rejecting || other.rejecting }
    }
}

/// Requirements that are tested from one side without a reason, or from both in spite of one.
pub(crate) fn lint(vectors: &[Vector], reasons: &[Waiver]) -> Findings {
    let by_id: BTreeMap<&str, &Vector> =
        vectors.iter().map(|vector| (vector.about().id.as_str(), vector)).collect();
    let mut found: BTreeMap<&str, Sides> = BTreeMap::new();
    for vector in vectors {
        let mut sides = own(vector);
        // What a vector was made from differs in the fault alone.
        if let Some(base) = base(vector).and_then(|base| by_id.get(base)) {
            sides.accepting |= own(base).accepting;
        }
        for requirement in &vector.about().requirements {
            let before = found.entry(requirement).or_default();
            *before = before.or(sides);
        }
    }
    let reasons: BTreeMap<&str, &str> =
        reasons.iter().map(|waiver| (waiver.requirement.as_str(), waiver.reason.as_str())).collect();
    let mut findings = Findings::new();
    for (requirement, Sides { accepting, rejecting }) in &found {
        match (accepting & rejecting, reasons.contains_key(requirement)) {
            (false, false) => {
                let missing = if *accepting { "rejecting" } else { "accepting" };
                findings.push(format!("{requirement}: no {missing} vector, and no reason"));
            }
            (true, true) => findings.push(format!("{requirement}: tested from both sides, and excused")),
            _ => {}
        }
    }
    findings.extend(
        reasons
            .keys()
            .filter(|requirement| !found.contains_key(*requirement))
            .map(|requirement| format!("{requirement}: excused, and not tested at all")),
    );
    findings
}

fn base(vector: &Vector) -> Option<&str> {
    match vector {
        Vector::Read(vector) => vector.made.base.as_deref(),
        Vector::Range(vector) => vector.made.base.as_deref(),
        _ => None,
    }
}

fn own(vector: &Vector) -> Sides {
    let accepting = Sides { accepting: true, rejecting: false };
    let rejecting = Sides { accepting: false, rejecting: true };
    match vector {
        // The input of a recipe is accepted as it stands.
        Vector::Read(read) if read.recipe.is_some() => accepting.or(rejecting),
        Vector::Read(read) => {
            let answers = read.expect.iter().chain(read.expect_without.values());
            let side = |answer: &Expect| match answer {
                Expect::Accept { .. } => accepting,
                _ => rejecting,
            };
            answers.map(side).fold(Sides::default(), Sides::or)
        }
        Vector::Range(range) => match &range.expect {
            RangeExpect::Accept { ranges, .. }
                if ranges.iter().all(|part| matches!(part, Expect::Accept { .. })) =>
            {
                accepting
            }
            _ => rejecting,
        },
        Vector::Write(write) => match write.expect {
            WriteExpect::Accept { .. } => accepting,
            WriteExpect::Reject { .. } => rejecting,
        },
        Vector::Crash(_) => accepting,
        Vector::Recover(recover) => match &recover.expect {
            // The output is taken up, and the journal is not.
            RecoverExpect::Recovered { journal, .. } if !matches!(journal.as_str(), "none" | "used") => {
                rejecting
            }
            RecoverExpect::Recovered { .. } | RecoverExpect::Nothing => accepting,
            RecoverExpect::Reject { .. } => rejecting,
        },
        Vector::Resume(resume) => match resume.expect {
            ResumeExpect::Reject { .. } => rejecting,
            _ => accepting,
        },
    }
}
