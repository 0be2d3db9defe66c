//! The conformance checks against plugins that keep their promises, as components in the real host, and
//! against fakes each of which breaks one.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail as tests do")]

mod fakes;
mod golden;
mod guests;
mod promises;

use std::path::Path;

use zenith_author::conformance::{self, Golden, Outcome, Report, Subject};
use zenith_core::{Limits, Plugin};

/// The report on a plugin, with these configurations and the golden samples in a folder.
fn report(plugin: &dyn Plugin, configs: &[&str], golden: Option<&Path>) -> Report {
    let golden = golden.map_or_else(Golden::default, |folder| Golden::read(folder, plugin.kind()).unwrap());
    let configs = configs.iter().map(|config| (*config).to_owned()).collect();
    conformance::run(&Subject { plugin, limits: Limits::default(), configs, golden })
}

/// The checks that failed: their names, and what came.
fn failures(report: &Report) -> Vec<(String, String)> {
    report
        .checks
        .iter()
        .filter_map(|check| match &check.outcome {
            Outcome::Failed(failure) => Some((check.name.clone(), failure.came.clone())),
            _ => None,
        })
        .collect()
}

/// The one check that a plugin fails, and what came.
fn failure(plugin: &dyn Plugin, configs: &[&str], golden: Option<&Path>) -> (String, String) {
    let report = report(plugin, configs, golden);
    let mut failures = failures(&report);
    assert_eq!(failures.len(), 1, "{failures:?}");
    failures.remove(0)
}
