//! What becomes of samples that fail, and of what they share a batch with.

use crate::support::{Memory, all, next, runner, spec, start};
use serde_json::json;
use zenith_pipeline::{LoadError, OnError, RunOptions};

fn options(on_error: OnError) -> RunOptions {
    RunOptions { num_workers: 2, on_error, ..RunOptions::default() }
}

fn cropped(step: &str) -> Vec<serde_json::Value> {
    vec![json!({"decode": null}), json!({"map": "test:crop", "size": 2, "at": 0}), json!({"map": step})]
}

#[test]
fn an_error_names_operator_version_key_and_cause_and_the_epoch_goes_on() {
    let runner = runner(Memory::counting(8), &spec(&cropped("test:fails-on-3"), 2), options(OnError::Raise));
    let results = all_with_errors(&runner);
    assert_eq!(results.len(), 4);
    let LoadError::Sample(error) = results[1].as_ref().unwrap_err() else { panic!("not a sample's error") };
    assert_eq!(
        error.to_string(),
        "transform `test:fails-on-3@1.0.0` failed on `memory/003` (sample 3): its first pixel ends in 3"
    );
    assert!(error.hint().unwrap().contains("on_error=\"skip\""));
    assert_eq!(results[2].as_ref().unwrap(), &[4, 5]);
}

#[test]
fn skipped_samples_are_left_out_in_place_and_listed() {
    let mut images: Vec<_> = (0..8).map(|value| vec![4, 3, value]).collect();
    images[0] = b"gone".to_vec();
    images[4] = vec![4];
    images[5] = b"gone".to_vec();
    for num_workers in [0, 1, 4] {
        let options = RunOptions { num_workers, ..options(OnError::Skip) };
        let runner = runner(Memory::new(images.clone()), &spec(&cropped("test:fails-on-3"), 2), options);
        let indices: Vec<_> =
            all(&mut start(&runner, 0)).into_iter().map(|batch| batch.unwrap().indices().to_vec()).collect();
        assert_eq!(indices, [vec![1], vec![2], vec![6, 7]]);
        let keys: Vec<_> =
            runner.quarantine().into_iter().map(|entry| (entry.key, entry.operator, entry.error)).collect();
        assert_eq!(keys.len(), 4);
        assert_eq!(keys[0], ("memory/000".into(), "source".into(), "`memory/000` was removed".into()));
        assert_eq!(keys[1].1, "transform `test:fails-on-3@1.0.0`");
        assert_eq!(keys[2].2, "it has 1 bytes instead of 3");
        let stats = runner.stats();
        assert_eq!((stats.samples, stats.skipped), (4, 4));
    }
}

#[test]
fn skipping_keeps_the_pixels_of_the_others() {
    let runner = runner(Memory::counting(5), &spec(&cropped("test:fails-on-3"), 5), options(OnError::Skip));
    let batch = next(&mut start(&runner, 0)).unwrap().unwrap();
    let first_pixels: Vec<_> = batch.tensors()[0].data().chunks(4).map(|pixels| pixels[0]).collect();
    assert_eq!(first_pixels, [0, 1, 2, 4]);
    assert_eq!(batch.tensors()[1].data()[24..32], 400_i64.to_le_bytes());
}

#[test]
fn a_panic_in_an_operator_costs_its_batch_and_nothing_else() {
    let runner = runner(Memory::counting(8), &spec(&cropped("test:panics-on-5"), 2), options(OnError::Raise));
    let results = all_with_errors(&runner);
    assert!(matches!(&results[2], Err(LoadError::Internal(text)) if text.contains("five")), "{results:?}");
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 3);
}

#[test]
fn an_operator_that_breaks_its_plan_is_blamed() {
    let runner = runner(Memory::counting(2), &spec(&cropped("test:short"), 2), options(OnError::Raise));
    let error = next(&mut start(&runner, 0)).unwrap_err();
    assert!(error.to_string().contains("it wrote 3 of the 4 bytes"), "{error}");
    assert!(error.hint().unwrap().contains("a fault of the plugin"));
}

#[test]
fn a_window_outside_the_image_is_blamed_on_its_author() {
    let operators = [json!({"decode": null}), json!({"map": "test:crop", "size": 9, "at": 0})];
    let runner = runner(Memory::counting(2), &spec(&operators, 2), options(OnError::Raise));
    let error = next(&mut start(&runner, 0)).unwrap_err();
    assert!(error.to_string().contains("its window 9×9+0+0 does not lie in the 4×3 image"), "{error}");
}

#[test]
fn content_that_no_decoder_knows_is_told_with_its_first_bytes() {
    let runner = runner(
        Memory::new(vec![b"hello".to_vec()]),
        &spec(&[json!({"decode": null})], 1),
        options(OnError::Raise),
    );
    let error = next(&mut start(&runner, 0)).unwrap_err().to_string();
    assert!(error.contains("no decoder knows its content (it begins with 68 65 6c 6c 6f; the decoders at hand read image/raw)"), "{error}");
}

fn all_with_errors(runner: &zenith_pipeline::Runner) -> Vec<Result<Vec<u64>, LoadError>> {
    all(&mut start(runner, 0)).into_iter().map(|batch| batch.map(|batch| batch.indices().to_vec())).collect()
}
