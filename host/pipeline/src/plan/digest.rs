//! What a plan is identified by: everything that decides which samples come out and how they look (what
//! a plugin is given included), and nothing else. Workers, ranks, batch size and limits may change between save and resume.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{OperatorStep, Plan};

/// The digest of a plan, with this sampler in place of its own.
pub(super) fn of(plan: &Plan, sampler: &OperatorStep) -> String {
    let operators: Vec<_> = std::iter::once(sampler)
        .chain(plan.operators().skip(1))
        .map(|step| {
            let mut operator = vec![
                json!(step.role.word()),
                json!(step.plugin.identity().to_string()),
                json!(step.plugin.identity().digest),
                json!(canonical(&step.config)),
            ];
            // Only where there is one, so that a plan without any keeps the digest that it always had.
            let given = &step.plugin.permissions().given;
            if !given.is_empty() {
                operator.push(json!(given.to_string()));
            }
            json!(operator)
        })
        .collect();
    let content = json!({
        "format": 1,
        "source": [plan.source.len(), plan.source.fingerprint()],
        "fidelity": plan.fidelity,
        "operators": operators,
    });
    let digest: [u8; 32] = Sha256::digest(content.to_string()).into();
    zenith_core::Digest::from_bytes(digest).to_string()
}

/// A configuration with its keys in order: the same one may be written in several.
fn canonical(config: &str) -> BTreeMap<String, Value> {
    serde_json::from_str(config).unwrap_or_default()
}
