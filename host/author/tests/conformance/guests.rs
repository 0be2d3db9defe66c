//! Well-behaved guests of every kind, as components in the real host.

use std::{
    fs,
    sync::{Arc, OnceLock},
};

use zenith_core::Plugin;
use zenith_plugin::{CacheOption, Host, HostOptions};
use zenith_test_artifacts as guests;

use super::{failures, report};

pub(super) fn load(module: &[u8]) -> Arc<dyn Plugin> {
    static HOST: OnceLock<Host> = OnceLock::new();
    let host = HOST.get_or_init(|| Host::new(HostOptions { cache: CacheOption::Off }).unwrap());
    let bytes = guests::component(module);
    host.load(guests::identity(&bytes), &bytes).unwrap()
}

#[test]
fn a_guest_that_keeps_its_promises_passes_every_check_of_its_kind() {
    for (module, least) in [
        (guests::TRANSFORM_ECHOES, 8),
        (guests::BATCH_TRANSFORM_ADDS, 5),
        (guests::SAMPLER_COUNTS, 9),
        (guests::POLICY_PACKS, 7),
    ] {
        let plugin = load(module);
        let report = report(&*plugin, &[], None);
        assert_eq!(failures(&report), [], "{report:?}");
        assert!(report.counts().0 >= least, "{report:?}");
        assert_eq!(plugin.stats().replaced, 0, "no instance was lost");
    }
}

#[test]
fn a_decoder_is_tested_on_its_golden_samples_and_on_what_is_left_of_them() {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("small");
    fs::create_dir(&case).unwrap();
    // The format of the guest: width, height, and a byte for each pixel.
    let mut sample = b"RW".to_vec();
    sample.extend((0..u32::from(b'R') * u32::from(b'W')).map(|pixel| pixel.to_le_bytes()[0]));
    fs::write(case.join("sample.raw"), sample).unwrap();
    fs::write(case.join("case.json"), r#"{"input": {"file": "sample.raw"}}"#).unwrap();
    let report = report(&*load(guests::DECODER_ECHOES), &[], Some(folder.path()));
    // This guest believes the size that a header tells, and reads past the end of what is cut short.
    let failed: Vec<_> = failures(&report).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        failed,
        [
            "no bytes, a few bytes and random bytes are an error",
            "a sample that is cut short is decoded or declined",
            "a sample with flipped bits is decoded or declined"
        ],
        "{report:?}"
    );
    assert!(report.counts().0 >= 7, "{report:?}");
}

#[test]
fn a_guest_that_loops_when_configured_is_told_so_and_no_more_is_tried() {
    let plugin = load(guests::TRANSFORM_LOOPS_WHEN_CONFIGURED);
    let subject = zenith_author::conformance::Subject {
        plugin: &*plugin,
        limits: zenith_core::Limits { time: std::time::Duration::from_millis(50), ..Default::default() },
        configs: Vec::new(),
        golden: zenith_author::conformance::Golden::default(),
    };
    let failed = failures(&zenith_author::conformance::run(&subject));
    assert_eq!(failed[0].0, "the empty configuration is taken, or declined by name");
    assert!(failed[0].1.contains("longer than its time limit"), "{failed:?}");
}
