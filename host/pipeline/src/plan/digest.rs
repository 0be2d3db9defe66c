//! What a plan is identified by: everything that decides which samples come out and how they look,
//! and nothing else. Workers, ranks, batch size and limits may change between save and resume.

use serde_json::json;
use sha2::{Digest as _, Sha256};

use super::Plan;

pub(super) fn of(plan: &Plan) -> String {
    let operators: Vec<_> = plan
        .operators()
        .map(|step| {
            json!([
                step.role.word(),
                step.plugin.identity().to_string(),
                step.plugin.identity().digest,
                &*step.config
            ])
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
