//! Each broken promise is found, by the check that is named after it and by no other.

use zenith_core::{Decode, Kind, OperatorError, Policy, Sampler, TensorType, Transform};

use super::{
    failure, failures,
    fakes::{Applied, Fake, FakeDecoder, FakePolicy, FakeSampler, FakeTransform, strict},
    report,
};

fn transform(apply: fn(u64, &[u8], &[u32], u64) -> Applied) -> Fake {
    Fake::Transform(strict::<dyn Transform>(move || {
        Box::new(FakeTransform { apply, ..FakeTransform::default() })
    }))
}

fn trap() -> OperatorError {
    OperatorError::Trap { reason: "it aborted".into(), backtrace: String::new() }
}

#[test]
fn fakes_that_break_nothing_pass() {
    let plugins = [
        transform(|_, data, _, _| Ok(data.to_vec())),
        Fake::Sampler(strict::<dyn Sampler>(|| Box::<FakeSampler>::default())),
        Fake::Policy(strict::<dyn Policy>(|| Box::<FakePolicy>::default())),
        Fake::Decoder(strict::<dyn Decode>(|| Box::<FakeDecoder>::default())),
    ];
    for plugin in plugins {
        let report = report(&plugin, &[], None);
        // Ranks of the fake sampler draw the same indices, which is told and not refused.
        assert_eq!(failures(&report), [], "{report:?}");
        assert!(!report.checks.is_empty());
    }
}

#[test]
fn a_configuration_that_is_taken_whatever_is_in_it_is_told() {
    let plugin = Fake::Transform(Box::new(|_| Ok(Box::<FakeTransform>::default())));
    let (name, came) = failure(&plugin, &[], None);
    assert_eq!(name, "a key that it does not know is refused by name");
    assert_eq!(came, "it was taken, with `zenith-conformance` in it");
}

#[test]
fn a_value_of_the_wrong_type_must_be_refused_by_its_key() {
    let plugin = Fake::Transform(Box::new(|config| {
        let table: serde_json::Map<String, serde_json::Value> = serde_json::from_str(config)
            .map_err(|error| OperatorError::Config { key: String::new(), reason: error.to_string() })?;
        match table.keys().find(|key| *key != "size") {
            Some(key) => Err(OperatorError::Config { key: key.clone(), reason: "is not known".into() }),
            None => Ok(Box::<FakeTransform>::default()),
        }
    }));
    let (name, came) = failure(&plugin, &[r#"{"size": 3}"#], None);
    assert_eq!(name, "a value of the wrong type is refused by its key");
    assert!(came.contains("`size`"), "{came}");
}

#[test]
fn a_trap_when_configured_is_told_for_what_it_is() {
    let plugin = Fake::Transform(Box::new(|config| match config {
        "{}" => Ok(Box::<FakeTransform>::default()),
        "null" => Err(trap()),
        _ => Err(OperatorError::Config { key: "zenith-conformance".into(), reason: "is not known".into() }),
    }));
    let (name, came) = failure(&plugin, &[], None);
    assert_eq!(
        (name.as_str(), came.as_str()),
        ("what is no configuration does not trap", "the plugin trapped: it aborted")
    );
}

#[test]
fn a_plugin_that_takes_no_configuration_at_hand_asks_for_one() {
    let plugin = Fake::Transform(Box::new(|_| {
        Err(OperatorError::Config { key: String::new(), reason: "lacks `size`".into() })
    }));
    let (name, came) = failure(&plugin, &[], None);
    assert_eq!(name, "there is a configuration to test with");
    assert!(came.contains("--config"), "{came}");
}

#[test]
fn a_trap_on_one_pixel_is_found() {
    let plugin = transform(|_, data, extents, _| match extents {
        [1, 1, _] => Err(trap()),
        _ => Ok(data.to_vec()),
    });
    let (name, came) = failure(&plugin, &[], None);
    assert_eq!(name, "images of one pixel, one row and one column are made or declined");
    assert_eq!(came, "the plugin trapped: it aborted");
}

#[test]
fn fewer_bytes_than_planned_are_found() {
    let plugin = transform(|_, data, extents, _| match extents {
        [33, 130, _] => Ok(data[1..].to_vec()),
        _ => Ok(data.to_vec()),
    });
    let report = report(&plugin, &[], None);
    let failed = failures(&report);
    assert_eq!(failed[0].0, "it writes exactly what it planned");
    assert!(failed[0].1.contains("it wrote 12869 of the 12870 bytes"), "{failed:?}");
}

#[test]
fn a_trap_on_what_is_no_number_is_found() {
    let plugin = transform(|_, data, _, _| match data {
        [0, 0, 0xC0, 0x7F, ..] => Err(trap()),
        _ => Ok(data.to_vec()),
    });
    assert_eq!(failure(&plugin, &[], None).0, "the least, the greatest and no number do not trap");
}

#[test]
fn a_plan_that_changes_with_the_shape_is_found() {
    let plan = |input: &TensorType| {
        let mut output = input.clone();
        if let [_, Some(130), _] = output.shape[..] {
            output.dtype = zenith_core::DType::Float64;
        }
        output
    };
    let plugin = Fake::Transform(strict::<dyn Transform>(move || {
        Box::new(FakeTransform { plan, ..FakeTransform::default() })
    }));
    let report = report(&plugin, &[], None);
    assert_eq!(failures(&report)[0].0, "what it plans for an open shape holds for every known one");
}

#[test]
fn a_result_that_depends_on_the_samples_before_it_is_found() {
    let plugin = transform(|calls, data, _, _| {
        let mut data = data.to_vec();
        if let Some(byte) = data.get_mut(5) {
            *byte = calls.to_le_bytes()[0];
        }
        Ok(data)
    });
    let failed: Vec<_> = failures(&report(&plugin, &[], None)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        failed,
        [
            "the same seed gives the same bytes, whatever came before and in another instance",
            "without `seeded` in its plan the seed changes nothing"
        ]
    );
}

#[test]
fn a_seed_that_is_used_and_not_told_is_found() {
    let plugin = transform(|_, data, _, seed| {
        let mut data = data.to_vec();
        data[0] = seed.to_le_bytes()[0];
        Ok(data)
    });
    let (name, came) = failure(&plugin, &[], None);
    assert_eq!(name, "without `seeded` in its plan the seed changes nothing");
    assert!(came.contains("at byte 0"), "{came}");
}

#[test]
fn a_transform_that_declines_everything_is_found() {
    let plugin = transform(|_, _, _, _| Err(OperatorError::InvalidData("no".into())));
    assert_eq!(failure(&plugin, &[], None).0, "it writes exactly what it planned");
}

fn samples() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let case = folder.path().join("one");
    std::fs::create_dir(&case).unwrap();
    let mut sample = vec![9, 7];
    sample.extend((0..63).map(|pixel| pixel * 4));
    std::fs::write(case.join("sample"), sample).unwrap();
    std::fs::write(case.join("case.json"), r#"{"input": {"file": "sample"}}"#).unwrap();
    folder
}

#[test]
fn a_window_that_is_another_part_of_the_image_is_found() {
    let decoder = || FakeDecoder { ignores_the_window: true, ..FakeDecoder::default() };
    let plugin = Fake::Decoder(strict::<dyn Decode>(move || Box::new(decoder())));
    let (name, came) = failure(&plugin, &[], Some(samples().path()));
    assert_eq!(name, "a window is that part of the whole");
    assert!(came.starts_with("another part than the whole shows"), "{came}");
}

#[test]
fn a_trap_on_a_sample_that_is_cut_short_is_found_with_the_byte() {
    let decoder = || FakeDecoder { traps_when_cut: true, ..FakeDecoder::default() };
    let plugin = Fake::Decoder(strict::<dyn Decode>(move || Box::new(decoder())));
    let report = report(&plugin, &[], Some(samples().path()));
    let failed: Vec<_> = failures(&report).into_iter().map(|(name, _)| name).collect();
    // Random bytes are seldom as long as they say; and half of the flips hit the two bytes that tell it.
    assert!(failed.contains(&"a sample that is cut short is decoded or declined".to_owned()), "{failed:?}");
    assert!(failed.contains(&"no bytes, a few bytes and random bytes are an error".to_owned()), "{failed:?}");
}

#[test]
fn a_decoder_that_keeps_its_promises_passes_on_its_samples() {
    let plugin = Fake::Decoder(strict::<dyn Decode>(|| Box::<FakeDecoder>::default()));
    let report = report(&plugin, &[], Some(samples().path()));
    assert_eq!(failures(&report), [], "{report:?}");
    assert_eq!(report.kind, Kind::Decoder);
}

#[test]
fn an_epoch_that_does_not_go_on_where_it_was_saved_is_found() {
    let sampler = || FakeSampler::that_forgets();
    let plugin = Fake::Sampler(strict::<dyn Sampler>(move || Box::new(sampler())));
    assert_eq!(failure(&plugin, &[], None).0, "a restored epoch goes on as the saved one does");
}

#[test]
fn fewer_indices_than_announced_are_found() {
    let sampler = || FakeSampler::that_announces_more();
    let plugin = Fake::Sampler(strict::<dyn Sampler>(move || Box::new(sampler())));
    let failed = failures(&report(&plugin, &[], None));
    assert_eq!(failed[0].0, "it yields as many indices as it announces, each of them in the dataset");
    assert!(failed[0].1.contains("announces 1 indices and yields 0"), "{failed:?}");
}

#[test]
fn decisions_that_differ_from_instance_to_instance_are_found() {
    let plugin = Fake::Policy(strict::<dyn Policy>(|| {
        Box::new(FakePolicy { differs: true, ..FakePolicy::default() })
    }));
    let failed: Vec<_> = failures(&report(&plugin, &[], None)).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        failed,
        [
            "the same rounds give the same decisions in another instance",
            "its successor takes its state, and decides the next round as it does"
        ]
    );
}

#[test]
fn a_trap_on_the_state_of_another_is_found() {
    let plugin = Fake::Policy(strict::<dyn Policy>(|| {
        Box::new(FakePolicy { traps_on_states: true, ..FakePolicy::default() })
    }));
    assert_eq!(
        failure(&plugin, &[], None).0,
        "a state that is not its own is refused or taken, without a trap"
    );
}
