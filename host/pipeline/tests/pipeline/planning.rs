//! What is found before the first batch, and what `explain` says.

use crate::support::{Memory, plan, plan_with, spec};
use serde_json::json;
use zenith_pipeline::{Fidelity, RunOptions};

#[test]
fn all_mistakes_are_reported_together_and_each_names_its_place() {
    let operators = [
        json!({"sample": "test:backwards"}),
        json!({"decode": "test:raw"}),
        json!({"map": "test:crop", "sise": 2}),
        json!({"map": "acme:sepia"}),
        json!({"map": "test:raw"}),
    ];
    let errors = plan(Memory::counting(2), &spec(&operators, 2)).unwrap_err();
    let text = errors.to_string();
    assert_eq!(errors.errors.len(), 3, "{text}");
    assert!(
        text.contains("operator 3, transform `test:crop@1.0.0`: configuration: `sise` is not known"),
        "{text}"
    );
    assert!(text.contains("operator 4, map `acme:sepia`: there is no package `acme:sepia`"), "{text}");
    assert!(
        text.contains(
            "operator 5, map `test:raw`: `test:raw@1.0.0` is a decoder, and `map` takes a transform"
        ),
        "{text}"
    );
    assert!(text.contains("\nhint: zenith registry list"), "{text}");
}

#[test]
fn a_shape_mismatch_between_stages_is_found_before_the_first_batch() {
    let operators = [json!({"decode": null}), json!({"map": "test:flatten"}), json!({"map": "test:crop"})];
    let text = plan(Memory::counting(2), &spec(&operators, 2)).unwrap_err().to_string();
    assert!(
        text.contains(
            "operator 3, transform `test:crop@1.0.0`: it is given uint8[1], and says: it takes [height, width, channels], not uint8[1]"
        ),
        "{text}"
    );
}

#[test]
fn roles_come_in_the_order_in_which_a_sample_meets_them() {
    let operators = [json!({"decode": null}), json!({"sample": "test:backwards"}), json!({"decode": null})];
    let text = plan(Memory::counting(2), &spec(&operators, 2)).unwrap_err().to_string();
    assert!(text.contains("operator 2, sample `test:backwards`: `sample` comes after `decode`"), "{text}");
    let text =
        plan(Memory::counting(2), &spec(&[json!({"decode": null}), json!({"decode": null})], 2)).unwrap_err();
    assert!(text.to_string().contains("a pipeline has one `decode`"), "{text}");
}

#[test]
fn encoded_bytes_cannot_be_batched() {
    // Planning a transform without a decoder once failed for "0 reasons".
    for operators in [vec![], vec![json!({"map": "test:noise"})]] {
        let text = plan(Memory::counting(2), &spec(&operators, 2)).unwrap_err().to_string();
        assert!(text.contains("batch: the field `image` holds encoded bytes"), "{text}");
        assert!(text.contains("hint: add a decoder"), "{text}");
    }
}

#[test]
fn an_empty_source_and_an_empty_batch_are_refused() {
    let text = plan(Memory::counting(0), &spec(&[json!({"decode": null})], 0)).unwrap_err().to_string();
    assert!(text.contains("source: memory: 0 samples has no samples"), "{text}");
    assert!(text.contains("the batch size must be at least 1"), "{text}");
}

#[test]
fn the_digest_moves_with_what_decides_the_pixels_and_with_nothing_else() {
    let digest = |operators: &[serde_json::Value], batch, fidelity| {
        plan_with(Memory::counting(4), &spec(operators, batch), fidelity, true).unwrap().digest().to_owned()
    };
    let base = [json!({"decode": "test:raw"}), json!({"map": "test:crop", "size": 2})];
    let digest_of_base = digest(&base, 2, Fidelity::Exact);
    assert_eq!(digest_of_base, digest(&base, 3, Fidelity::Exact));
    assert_ne!(digest_of_base, digest(&base, 2, Fidelity::Fast));
    let ordered = |map| digest(&[json!({"decode": "test:raw"}), map], 2, Fidelity::Exact);
    assert_eq!(
        ordered(json!({"map": "test:crop", "size": 2, "at": 1})),
        ordered(json!({"map": "test:crop", "at": 1, "size": 2}))
    );
    let other = [json!({"decode": "test:raw"}), json!({"map": "test:crop", "size": 3})];
    assert_ne!(digest_of_base, digest(&other, 2, Fidelity::Exact));
}

#[test]
fn explain_shows_types_engines_windows_and_optimisations() {
    let operators = [
        json!({"sample": "test:backwards"}),
        json!({"decode": "test:raw"}),
        json!({"map": "test:crop", "size": 3, "at": 1}),
        json!({"map": "test:shrink", "size": 2}),
        json!({"map": "test:noise"}),
        json!({"map-batch": "test:widen"}),
    ];
    let plan = plan_with(Memory::counting(5), &spec(&operators, 2), Fidelity::Fast, true).unwrap();
    insta::assert_snapshot!(plan.explain(&RunOptions { num_workers: 2, ..RunOptions::default() }, None));
    let exact = plan_with(Memory::counting(5), &spec(&operators[..3], 2), Fidelity::Exact, false).unwrap();
    insta::assert_snapshot!(
        exact.explain(&RunOptions { memory_limit: Some(2_000_000_000), ..RunOptions::default() }, None)
    );
}
