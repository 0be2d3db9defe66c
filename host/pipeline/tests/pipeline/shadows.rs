//! Two versions of a plugin on the same samples: what is told about how they differ.

use std::sync::Arc;

use crate::versions::{Manner, Version, adds, plan, version};
use serde_json::{Value as Json, json};
use zenith_core::{Kind, Plugin};
use zenith_pipeline::{ShadowError, ShadowInput, ShadowReport, shadow};

fn compare(
    versions: [&Arc<Version>; 2],
    operators: &[Json],
    samples: u64,
    position: Option<u32>,
) -> Result<ShadowReport, ShadowError> {
    let [present, candidate] = versions;
    let plan = plan(present, operators, 12);
    let mut told = 0;
    let report = shadow(
        &ShadowInput {
            plan: &plan,
            name: &"test:adds".parse().unwrap(),
            position,
            candidate: Arc::clone(candidate) as Arc<dyn Plugin>,
            samples,
            seed: 5,
            examples: 2,
        },
        &mut |samples| {
            assert!(samples >= told);
            told = samples;
        },
    )?;
    assert!(told >= report.samples.min(samples), "progress was told up to {told}");
    Ok(report)
}

fn mapped() -> Vec<Json> {
    vec![
        json!({"decode": null}),
        json!({"map": "test:crop", "size": 2, "at": 1}),
        json!({"map": "test:adds"}),
        json!({"map": "test:flatten"}),
    ]
}

#[test]
fn versions_that_make_the_same_do_not_differ() {
    let (one, other) = (adds(3), adds(3));
    let report = compare([&one, &other], &mapped(), 12, None).unwrap();
    assert_eq!((report.samples, report.differing, report.left_out), (12, 0, 0));
    assert_eq!((report.examples.len(), report.failures.len()), (0, 0));
    let distance = report.distance.unwrap();
    assert_eq!((distance.elements, distance.differing), (12 * 4, 0));
    assert_eq!((report.kind, report.position), (Kind::Transform, 3));
    for side in [&report.present, &report.candidate] {
        assert_eq!((&*side.plugin, &*side.engine, side.errors), ("test:adds@1.0.3", "wasm", 0));
        assert!(side.median.unwrap() <= side.percentile_95.unwrap());
        assert_eq!(side.memory, Some(1000));
    }
}

#[test]
fn a_difference_is_measured_element_by_element() {
    let report = compare([&adds(3), &adds(5)], &mapped(), 10, None).unwrap();
    assert_eq!((report.samples, report.differing, report.other_types), (10, 10, 0));
    let distance = report.distance.unwrap();
    assert_eq!((distance.elements, distance.differing), (40, 40));
    assert!((distance.largest - 2.0).abs() < 1e-9 && (distance.mean - 2.0).abs() < 1e-9, "{distance:?}");
    let keys: Vec<_> = report.examples.iter().map(|example| (&*example.key, example.index)).collect();
    assert_eq!(keys, [("memory/000", 0), ("memory/001", 1)]);
}

#[test]
fn samples_come_again_in_later_epochs_where_there_are_fewer() {
    let report = compare([&adds(1), &adds(2)], &mapped(), 30, None).unwrap();
    assert_eq!((report.samples, report.differing), (30, 30));
    let report = serde_json::to_value(&report).unwrap();
    assert_eq!(report["present"]["plugin"], "test:adds@1.0.1");
    assert_eq!(report["distance"]["largest"], 1.0);
}

#[test]
fn a_sample_on_which_one_version_fails_is_named_with_it() {
    let fails = version(3, Kind::Transform, Manner::FailsOn3);
    let mut operators = mapped();
    operators[1] = json!({"map": "test:crop", "size": 2, "at": 0});
    let report = compare([&adds(3), &fails], &operators, 12, None).unwrap();
    // The first pixel of sample 3 ends in 3.
    assert_eq!((report.samples, report.differing), (12, 1));
    assert_eq!((report.present.errors, report.candidate.errors), (0, 1));
    let [failure] = &report.failures[..] else { panic!("{:?}", report.failures) };
    assert_eq!((&*failure.key, failure.index, &*failure.plugin), ("memory/003", 3, "test:adds@1.0.3"));
    assert!(failure.error.contains("ends in 3"));
    assert!(report.examples[0].note.as_ref().unwrap().starts_with("only `test:adds@1.0.3` fails"));
    // Where both fail on it, they do not differ.
    let other = version(3, Kind::Transform, Manner::FailsOn3);
    let report = compare([&fails, &other], &operators, 12, None).unwrap();
    assert_eq!((report.differing, report.present.errors, report.candidate.errors), (0, 1, 1));
}

#[test]
fn tensors_of_other_types_are_told_and_not_measured() {
    let flattens = version(3, Kind::Transform, Manner::Flattens);
    let report = compare([&adds(3), &flattens], &mapped(), 6, None).unwrap();
    assert_eq!((report.differing, report.other_types), (6, 6));
    assert_eq!(report.examples[0].note.as_deref(), Some("uint8[2, 2, 1] and uint8[4]"));
    assert_eq!(report.distance.unwrap().elements, 0);
    let traps = version(3, Kind::Transform, Manner::TrapsWhenPlanned);
    let report = compare([&adds(3), &traps], &mapped(), 6, None).unwrap();
    assert_eq!((report.differing, report.candidate.errors, report.failures.len()), (6, 6, 2));
    assert!(report.failures[0].error.contains("the plugin trapped"));
}

#[test]
fn decoders_and_batch_transforms_are_compared_too() {
    let decoded = [json!({"decode": "test:adds"}), json!({"map": "test:crop", "size": 1, "at": 0})];
    let version_of = |kind, number| version(number, kind, Manner::Works);
    let report =
        compare([&version_of(Kind::Decoder, 1), &version_of(Kind::Decoder, 5)], &decoded, 12, None).unwrap();
    // Whole images of 4×3, as no operator after it is asked for a window.
    assert_eq!((report.samples, report.distance.unwrap().elements), (12, 12 * 12));
    let batched = [
        json!({"decode": null}),
        json!({"map": "test:crop", "size": 1, "at": 0}),
        json!({"map-batch": "test:widen"}),
        json!({"map-batch": "test:adds"}),
    ];
    let batches = [&version_of(Kind::BatchTransform, 1), &version_of(Kind::BatchTransform, 2)];
    let report = compare(batches, &batched, 12, None).unwrap();
    assert_eq!((report.samples, report.differing), (12, 12));
    assert_eq!(report.examples[0].key, "memory/000 and 3 more");
    // A pixel and a label for each sample.
    assert_eq!(report.distance.unwrap().elements, 24);
}

#[test]
fn samplers_are_compared_place_by_place() {
    let operators = [
        json!({"sample": "test:adds"}),
        json!({"decode": null}),
        json!({"map": "test:crop", "size": 1, "at": 0}),
    ];
    let sampler = |number, manner| version(number, Kind::Sampler, manner);
    let same = compare([&sampler(0, Manner::Works), &sampler(12, Manner::Works)], &operators, 20, None);
    let same = same.unwrap();
    assert_eq!((same.samples, same.differing, same.distance), (20, 0, None));
    let report =
        compare([&sampler(0, Manner::Works), &sampler(1, Manner::Works)], &operators, 12, None).unwrap();
    assert_eq!((report.samples, report.differing), (12, 12));
    assert_eq!(report.examples[0].key, "place 0");
    assert_eq!(report.examples[0].note.as_deref(), Some("memory/000, and memory/001"));
    let traps = sampler(1, Manner::TrapsWhenPlanned);
    let report = compare([&sampler(0, Manner::Works), &traps], &operators, 12, None).unwrap();
    assert_eq!((report.candidate.errors, report.failures.len()), (1, 1));
    assert_eq!(report.differing, 1);
}

#[test]
fn what_cannot_be_compared_is_refused_with_the_reason() {
    let mut twice = mapped();
    twice.insert(3, json!({"map": "test:adds"}));
    let error = compare([&adds(1), &adds(2)], &twice, 5, None).unwrap_err();
    assert_eq!(error.to_string(), "the operators 3 and 4 are `test:adds`");
    assert!(error.hint().unwrap().contains("which one"));
    let report = compare([&adds(1), &adds(2)], &twice, 5, Some(4)).unwrap();
    assert_eq!((report.position, report.differing), (4, 5));
    let decoder = version(2, Kind::Decoder, Manner::Works);
    let error = compare([&adds(1), &decoder], &mapped(), 5, None).unwrap_err().to_string();
    assert!(error.contains("is a decoder, and operator 3 is a transform"), "{error}");
    let refuses = version(2, Kind::Transform, Manner::RefusesConfig);
    let error = compare([&adds(1), &refuses], &mapped(), 5, None).unwrap_err().to_string();
    assert!(error.contains("`at` is not known"), "{error}");
    let error = compare([&adds(1), &adds(2)], &mapped(), 5, Some(2)).unwrap_err().to_string();
    assert_eq!(error, "the pipeline has no operator `test:adds`");
}

#[test]
fn samples_that_the_pipeline_cannot_make_are_left_out_and_listed() {
    let mut operators = mapped();
    operators[1] = json!({"map": "test:crop", "size": 2, "at": 0});
    operators.insert(2, json!({"map": "test:fails-on-3"}));
    let report = compare([&adds(1), &adds(1)], &operators, 12, None).unwrap();
    // A second epoch makes up for the one sample that each epoch lacks.
    assert_eq!((report.samples, report.left_out, report.differing), (12, 1, 0));
    assert_eq!(report.failures[0].plugin, "transform `test:fails-on-3@1.0.0`");
}
