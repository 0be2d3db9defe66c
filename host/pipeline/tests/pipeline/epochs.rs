//! What an epoch yields: the same samples and pixels however it is run.

use crate::support::{Memory, all, next, pixels, plan_with, runner, spec, start};
use serde_json::json;
use zenith_core::DType;
use zenith_pipeline::{Fidelity, LoadError, LoaderState, OnError, RunOptions, Runner};

fn workers(num_workers: usize) -> RunOptions {
    RunOptions { num_workers, seed: 1, ..RunOptions::default() }
}

#[test]
fn batches_come_in_order_with_their_labels() {
    for num_workers in [0, 1, 3] {
        let spec = spec(
            &[
                json!({"sample": "test:backwards"}),
                json!({"decode": null}),
                json!({"map": "test:crop", "size": 1, "at": 0}),
            ],
            4,
        );
        let runner = runner(Memory::counting(10), &spec, workers(num_workers));
        assert_eq!(runner.epoch_batches(0).unwrap(), 3);
        let batches: Vec<_> = all(&mut start(&runner, 0)).into_iter().map(Result::unwrap).collect();
        let indices: Vec<_> = batches.iter().map(|batch| batch.indices().to_vec()).collect();
        assert_eq!(indices, [vec![9, 8, 7, 6], vec![5, 4, 3, 2], vec![1, 0]]);
        let labels = &batches[2].tensors()[1];
        assert_eq!((labels.name(), labels.dtype(), labels.extents()), ("label", DType::Int64, &[2][..]));
        assert_eq!(labels.data(), [100_i64.to_le_bytes(), 0_i64.to_le_bytes()].concat());
        assert_eq!(batches[0].tensors()[0].extents(), [4, 1, 1, 1]);
        assert_eq!(batches[0].tensors()[0].data(), [9, 8, 7, 6]);
    }
}

#[test]
fn pixels_do_not_depend_on_the_number_of_workers() {
    let spec = spec(
        &[json!({"decode": null}), json!({"map": "test:shrink", "size": 2}), json!({"map": "test:noise"})],
        7,
    );
    let reference = pixels(&mut start(&runner(Memory::counting(50), &spec, workers(0)), 3));
    for num_workers in [1, 2, 4, 16] {
        assert_eq!(
            pixels(&mut start(&runner(Memory::counting(50), &spec, workers(num_workers)), 3)),
            reference
        );
    }
    let other_epoch = pixels(&mut start(&runner(Memory::counting(50), &spec, workers(2)), 4));
    assert_ne!(other_epoch, reference);
}

#[test]
fn pushing_the_window_down_changes_what_is_decoded_and_no_pixel() {
    let operators = [
        json!({"decode": null}),
        json!({"map": "test:crop", "size": 3, "at": 1}),
        json!({"map": "test:crop", "size": 2, "at": 1}),
        json!({"map": "test:noise"}),
    ];
    for count in [3, 4] {
        let spec = spec(&operators[..count], 2);
        let run = |push| {
            let plan = plan_with(Memory::counting(4), &spec, Fidelity::Exact, push).unwrap();
            pixels(&mut start(&Runner::new(plan.into(), workers(0)), 0))
        };
        let pushed = run(true);
        assert_eq!(pushed, run(false));
        assert_eq!(pushed[0].len(), 2 * 2 * 2);
    }
}

#[test]
fn a_crop_after_another_operator_is_applied_by_the_host() {
    let operators = [
        json!({"decode": null}),
        json!({"map": "test:same"}),
        json!({"map": "test:crop", "size": 2, "at": 1}),
        json!({"map": "test:same"}),
        json!({"map": "test:crop", "size": 1, "at": 1}),
    ];
    for count in [3, 4, 5] {
        let runner = runner(Memory::counting(2), &spec(&operators[..count], 2), workers(0));
        let first: Vec<u8> = pixels(&mut start(&runner, 0)).concat();
        let expected: &[u8] = if count == 5 { &[2, 3] } else { &[1, 2, 11, 12, 2, 3, 12, 13] };
        assert_eq!(first, expected);
    }
}

#[test]
fn fast_fidelity_decodes_at_the_largest_scale_that_leaves_enough_pixels() {
    let images = vec![vec![8, 8, 0], vec![5, 3, 0]];
    let spec = spec(&[json!({"decode": "test:raw"}), json!({"map": "test:shrink", "size": 2})], 1);
    let plan = plan_with(Memory::new(images), &spec, Fidelity::Fast, true).unwrap();
    crate::support::REQUESTS.lock().unwrap().clear();
    let runner = Runner::new(plan.into(), workers(0));
    assert_eq!(pixels(&mut start(&runner, 0)).len(), 2);
    let requests = crate::support::REQUESTS.lock().unwrap().clone();
    assert!(requests.iter().any(|request| request.window.width == 8 && request.reduction == 2));
    assert!(requests.iter().any(|request| request.window.width == 5 && request.reduction == 1));
}

#[test]
fn samples_of_equal_but_unplanned_shape_are_stacked() {
    let runner = runner(Memory::counting(3), &spec(&[json!({"decode": null})], 2), workers(2));
    let batches: Vec<_> = all(&mut start(&runner, 0)).into_iter().map(Result::unwrap).collect();
    assert_eq!(batches[0].tensors()[0].extents(), [2, 3, 4, 1]);
    assert_eq!(batches[1].tensors()[0].extents(), [1, 3, 4, 1]);
    assert_eq!(batches[1].tensors()[0].data()[..5], [2, 3, 4, 5, 12]);
}

#[test]
fn samples_of_different_shapes_cannot_share_a_batch() {
    let images = vec![vec![4, 3, 0], vec![5, 3, 1], vec![4, 3, 2]];
    let spec = spec(&[json!({"decode": "test:raw"})], 3);
    let raise = runner(Memory::new(images.clone()), &spec, workers(1));
    let error = next(&mut start(&raise, 0)).unwrap_err();
    assert_eq!(
        error.to_string(),
        "batch failed on `memory/001` (sample 1): its shape is [3, 5, 1], but that of `memory/000` in the same batch is [3, 4, 1]"
    );
    assert!(error.hint().unwrap().contains("zenith:resize"));
    let skip = runner(Memory::new(images), &spec, RunOptions { on_error: OnError::Skip, ..workers(1) });
    assert_eq!(next(&mut start(&skip, 0)).unwrap().unwrap().indices(), [0, 2]);
}

#[test]
fn an_output_of_undeclared_size_is_stacked_where_sizes_agree() {
    let spec = spec(&[json!({"decode": null}), json!({"map": "test:grow"})], 1);
    let runner = runner(Memory::counting(3), &spec, workers(2));
    let extents: Vec<_> = all(&mut start(&runner, 0))
        .into_iter()
        .map(|batch| batch.unwrap().tensors()[0].extents().to_vec())
        .collect();
    assert_eq!(extents, [[1, 1], [1, 2], [1, 3]]);
}

#[test]
fn batch_transforms_run_on_the_stacked_batch() {
    let operators = [
        json!({"decode": null}),
        json!({"map": "test:crop", "size": 1, "at": 2}),
        json!({"map-batch": "test:widen"}),
    ];
    let runner = runner(Memory::counting(3), &spec(&operators, 2), workers(2));
    let batches: Vec<_> = all(&mut start(&runner, 0)).into_iter().map(Result::unwrap).collect();
    assert_eq!(batches[0].tensors()[0].dtype(), DType::Int16);
    assert_eq!(batches[0].tensors()[0].data(), [2, 0, 3, 0]);
    assert_eq!(batches[1].tensors()[0].extents(), [1, 1, 1, 1]);
    assert_eq!(batches[1].tensors()[1].data(), 200_i64.to_le_bytes());
}

#[test]
fn an_epoch_goes_on_where_its_state_was_saved_under_other_options() {
    let make = |batch, num_workers| {
        let operators = [
            json!({"sample": "test:backwards"}),
            json!({"decode": null}),
            json!({"map": "test:shrink", "size": 1}),
            json!({"map": "test:noise"}),
        ];
        runner(Memory::counting(23), &spec(&operators, batch), workers(num_workers))
    };
    let whole: Vec<u8> = pixels(&mut start(&make(4, 0), 2)).concat();
    let first = make(4, 3);
    let mut epoch = start(&first, 2);
    let mut seen = Vec::new();
    for _ in 0..3 {
        seen.extend_from_slice(next(&mut epoch).unwrap().unwrap().tensors()[0].data());
    }
    let text = epoch.state().write();
    drop(epoch);
    let second = make(5, 1);
    let state = LoaderState::read(&text, second.plan().digest()).unwrap();
    assert_eq!(state.position, 12);
    seen.extend(pixels(&mut second.epoch(&state).unwrap()).concat());
    assert_eq!(seen, whole);
}

#[test]
fn the_last_batch_may_be_dropped() {
    let mut spec = spec(&[json!({"decode": null})], 4);
    spec.batch.drop_last = true;
    let runner = runner(Memory::counting(10), &spec, workers(2));
    assert_eq!(runner.epoch_batches(0).unwrap(), 2);
    assert_eq!(all(&mut start(&runner, 0)).len(), 2);
}

#[test]
fn keeping_every_batch_under_a_memory_limit_is_an_error_and_letting_go_heals_it() {
    let spec = spec(&[json!({"decode": null}), json!({"map": "test:crop", "size": 2, "at": 0})], 2);
    let options = RunOptions { memory_limit: Some(40_000), ..workers(1) };
    let runner = runner(Memory::counting(200), &spec, options);
    let mut epoch = start(&runner, 0);
    let mut kept = Vec::new();
    let error = loop {
        match next(&mut epoch) {
            Ok(batch) => kept.push(batch.expect("the limit is reached before the epoch ends")),
            Err(error) => break error,
        }
    };
    assert!(matches!(error, LoadError::MemoryHeld { held, .. } if held == kept.len()), "{error}");
    assert!(error.hint().unwrap().contains("clone()"));
    let last = kept.last().unwrap().indices()[1];
    kept.clear();
    assert_eq!(next(&mut epoch).unwrap().unwrap().indices()[0], last + 1);
}

#[test]
fn a_batch_that_is_larger_than_the_limit_is_told_as_that() {
    let spec = spec(&[json!({"decode": null}), json!({"map": "test:crop", "size": 2, "at": 0})], 2);
    let runner = runner(Memory::counting(4), &spec, RunOptions { memory_limit: Some(100), ..workers(1) });
    assert!(matches!(next(&mut start(&runner, 0)), Err(LoadError::MemoryTooSmall { .. })));
}

#[test]
fn a_dropped_epoch_leaves_no_slot_behind() {
    let spec = spec(&[json!({"decode": null}), json!({"map": "test:crop", "size": 2, "at": 0})], 2);
    let runner = runner(Memory::counting(100), &spec, workers(3));
    for number in 0..20 {
        let mut epoch = start(&runner, number);
        let batch = next(&mut epoch).unwrap().unwrap();
        drop(epoch);
        assert_eq!(batch.len(), 2);
    }
    let stats = runner.stats();
    assert_eq!(stats.batches, 20);
    assert!(stats.slot_bytes < 10 * 8192, "{stats:?}");
}
