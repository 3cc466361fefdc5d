//! Every requirement is tested from both sides, by a vector that keeps it and one that breaks it.

use std::collections::BTreeMap;

use crate::golden::tree::Findings;
use crate::operations::Vector;
use crate::operations::operation::Coverage;
use crate::vector::Waiver;

/// Returns the requirements that are tested from one side without a reason, or from both sides in
/// spite of one.
pub(crate) fn lint(vectors: &[Vector], reasons: &[Waiver]) -> Findings {
    let by_id: BTreeMap<&str, &Vector> =
        vectors.iter().map(|vector| (vector.about().id.as_str(), vector)).collect();
    let mut found: BTreeMap<&str, Coverage> = BTreeMap::new();
    for vector in vectors {
        let operation = vector.operation();
        let mut coverage = operation.coverage();
        // The base of a vector differs in the fault alone.
        if let Some(base) = operation.base().and_then(|base| by_id.get(base)) {
            coverage.accepting |= base.operation().coverage().accepting;
        }
        for requirement in &operation.about().requirements {
            let before = found.entry(requirement).or_default();
            *before = before.or(coverage);
        }
    }
    let reasons: BTreeMap<&str, &str> =
        reasons.iter().map(|waiver| (waiver.requirement.as_str(), waiver.reason.as_str())).collect();
    let mut findings = Findings::new();
    for (requirement, Coverage { accepting, rejecting }) in &found {
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
