//! Swapping a plugin while epochs run: every batch is made by one version, none is lost, and a swap
//! that fails changes nothing.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst},
        mpsc,
    },
    thread,
    time::Duration,
};

use crate::{
    support::{FakeCatalog, Memory, all, next, start},
    versions::{Manner, Version, adds, plan, version},
};
use serde_json::{Value as Json, json};
use zenith_core::{Identity, Kind, Plugin};
use zenith_pipeline::{
    Batch, Catalog, CatalogError, Epoch, Fidelity, LoaderState, OnError, Optimisations, Plan, PlanInput,
    RunOptions, Runner, StateError, SwapError,
};

fn runner(first: &Arc<Version>, operators: &[Json], samples: u8, options: RunOptions) -> Runner {
    Runner::new(Arc::new(plan(first, operators, samples)), options)
}

fn workers(num_workers: usize) -> RunOptions {
    RunOptions { num_workers, ..RunOptions::default() }
}

fn swap(runner: &Runner, to: &Arc<Version>) -> Result<zenith_pipeline::Swap, SwapError> {
    runner.swap(&(Arc::clone(to) as Arc<dyn Plugin>))
}

/// What was added to the pixels of a batch whose images were cropped to one pixel: one number, or the
/// batch was made by two versions.
fn added(batch: &Batch) -> u8 {
    let pixels = batch.tensors()[0].data();
    let added: Vec<u8> = pixels
        .iter()
        .zip(batch.indices())
        .map(|(pixel, index)| pixel.wrapping_sub(u8::try_from(*index).unwrap()))
        .collect();
    assert!(added.iter().all(|first| *first == added[0]), "{added:?} in one batch");
    let labels: Vec<u8> = batch
        .indices()
        .iter()
        .flat_map(|index| (i64::try_from(*index).unwrap() * 100).to_le_bytes())
        .collect();
    assert_eq!(batch.tensors()[1].data(), labels);
    added[0]
}

/// Twice in one pipeline, so that one batch made by two versions shows in every pixel.
fn twice() -> Vec<Json> {
    vec![
        json!({"decode": null}),
        json!({"map": "test:crop", "size": 1, "at": 0}),
        json!({"map": "test:adds"}),
        json!({"map": "test:same"}),
        json!({"map": "test:adds"}),
    ]
}

fn take(epoch: &mut Epoch) -> Batch {
    next(epoch).unwrap().expect("the epoch is not over")
}

#[test]
fn hundreds_of_swaps_under_load_lose_duplicate_and_mix_no_batch() {
    const SWAPS: usize = 400;
    for num_workers in [0, 1, 2, 4] {
        let (old, new) = (adds(10), adds(20));
        let runner = runner(&old, &twice(), 200, workers(num_workers));
        let (over, handed) = (AtomicBool::new(false), AtomicUsize::new(0));
        let mut seen = [0_u64; 2];
        let mut epochs = 0;
        thread::scope(|scope| {
            scope.spawn(|| {
                for swaps in 0..SWAPS {
                    // Three swaps to two batches: none is swapped in the same moment as the one before.
                    while handed.load(SeqCst) < swaps * 2 / 3 {
                        thread::yield_now();
                    }
                    let swapped = swap(&runner, if swaps % 2 == 0 { &new } else { &old }).unwrap();
                    assert_eq!(swapped.operators.len(), 2);
                    // Now and then, one version of each is left in place for longer than batches are
                    // made ahead, so that both make some, however the threads take turns.
                    let until = handed.load(SeqCst) + if swaps % 100 < 2 { 8 } else { 0 };
                    while handed.load(SeqCst) < until {
                        thread::yield_now();
                    }
                }
                over.store(true, SeqCst);
            });
            while !over.load(SeqCst) {
                let mut epoch = start(&runner, epochs);
                let mut expected = 0..200;
                while let Some(batch) = next(&mut epoch).unwrap() {
                    handed.fetch_add(1, SeqCst);
                    for index in batch.indices() {
                        assert_eq!(Some(*index), expected.next());
                    }
                    match added(&batch) {
                        20 => seen[0] += 1,
                        40 => seen[1] += 1,
                        mixed => panic!("a batch was made by both versions: {mixed}"),
                    }
                }
                assert_eq!(expected.next(), None);
                epochs += 1;
            }
        });
        let stats = runner.stats();
        assert_eq!(seen.iter().sum::<u64>(), 50 * epochs);
        assert_eq!((stats.batches, stats.samples, stats.skipped), (50 * epochs, 200 * epochs, 0));
        assert!(seen.iter().all(|batches| *batches > 0), "{num_workers} workers, {seen:?}");
        // No worker is left, and so no instance: those made ahead are gone as well.
        assert_eq!((old.alive.load(SeqCst), new.alive.load(SeqCst)), (0, 0));
    }
}

#[test]
fn batches_that_are_under_way_stay_old_and_all_later_ones_are_new() {
    for num_workers in [0, 1, 3] {
        let runner = runner(&adds(1), &twice(), 80, workers(num_workers));
        let mut epoch = start(&runner, 0);
        assert_eq!([added(&take(&mut epoch)), added(&take(&mut epoch))], [2, 2]);
        let swapped = swap(&runner, &adds(2)).unwrap();
        assert_eq!(swapped.operators.iter().map(|operator| operator.position).collect::<Vec<_>>(), [3, 5]);
        assert_eq!(swapped.plugin.to_string(), "test:adds@1.0.2");
        assert_eq!(swapped.operators[0].before.to_string(), "test:adds@1.0.1");
        let rest: Vec<_> = all(&mut epoch).into_iter().map(|batch| added(&batch.unwrap())).collect();
        assert_eq!(rest.len(), 18);
        let old = rest.iter().take_while(|added| **added == 2).count();
        assert!(old <= runner.options().prefetch, "{rest:?}");
        assert!(rest[old..].iter().all(|added| *added == 4), "{rest:?}");
        assert!(runner.plan().explain(runner.options(), None).contains("test:adds@1.0.2"));
        assert!(!runner.plan().explain(runner.options(), None).contains("test:adds@1.0.1"));
    }
}

#[test]
fn the_workers_go_on_while_a_new_version_is_made_ready() {
    let runner = runner(&adds(1), &twice(), 200, workers(2));
    let mut epoch = start(&runner, 0);
    take(&mut epoch);
    let slow = adds(2);
    let (go, wait) = mpsc::channel::<()>();
    let (entered, inside) = mpsc::channel();
    *slow.planned.lock().unwrap() = Box::new(move || {
        entered.send(()).ok();
        // Not for ever, so that the test fails instead of hanging.
        wait.recv_timeout(Duration::from_secs(20)).ok();
    });
    thread::scope(|scope| {
        let swapping = scope.spawn(|| swap(&runner, &slow));
        inside.recv().unwrap();
        for _ in 0..20 {
            assert_eq!(added(&take(&mut epoch)), 2);
        }
        drop(go);
        swapping.join().unwrap().unwrap();
    });
    assert_eq!(all(&mut epoch).into_iter().map(|batch| added(&batch.unwrap())).last(), Some(4));
}

#[test]
fn a_swap_that_fails_says_why_and_the_old_version_goes_on() {
    let other_name = Arc::new(Version {
        identity: Identity { name: "test:unknown".parse().unwrap(), ..adds(2).identity.clone() },
        ..Arc::into_inner(adds(2)).unwrap()
    });
    let transform = |manner| version(2, Kind::Transform, manner);
    let cases: [(Arc<Version>, &str); 9] = [
        (other_name, "the pipeline has no operator `test:unknown`"),
        (
            version(2, Kind::Decoder, Manner::Works),
            "`test:adds@1.0.2` is a decoder, and operator 3 is a transform",
        ),
        (transform(Manner::RefusesConfig), "operator 3, transform `test:adds@1.0.2`: `at` is not known"),
        (
            transform(Manner::TrapsWhenPlanned),
            "operator 3, transform `test:adds@1.0.2`: it is given uint8[1, 1, 1], and says: the plugin trapped: unreachable",
        ),
        (transform(Manner::PanicsWhenPlanned), "the plugin panicked while it was tried: no plan"),
        (
            transform(Manner::DoesNotStart),
            "operator 3, transform `test:adds@1.0.2`: the plugin could not be started: it has no memory",
        ),
        (
            // Two are tried, two workers need two each.
            transform(Manner::StartsTimes(5)),
            "operator 5, transform `test:adds@1.0.2`: the plugin has 2 instances already, as many as its limit allows",
        ),
        (
            transform(Manner::MakesInt16),
            "with `test:adds@1.0.2` the batch's field `image` would be int16[?, 1, 1, 1], and it is uint8[?, 1, 1, 1]",
        ),
        (
            transform(Manner::Flattens),
            "operator 4, transform `test:same@1.0.0`, does not take what `test:adds@1.0.2` makes: it is given uint8[1], and says: it takes [height, width, channels], not uint8[1]",
        ),
    ];
    for num_workers in [0, 2] {
        let runner = runner(&adds(1), &twice(), 200, workers(num_workers));
        let mut epoch = start(&runner, 0);
        take(&mut epoch);
        let digest = runner.plan().digest().to_owned();
        for (version, message) in &cases {
            if num_workers == 0 && matches!(version.manner, Manner::StartsTimes(_)) {
                continue;
            }
            version.made.store(0, SeqCst);
            let error = swap(&runner, version).unwrap_err();
            assert_eq!(error.to_string(), *message);
            assert_eq!(added(&take(&mut epoch)), 2);
            assert_eq!(version.alive.load(SeqCst), 0, "{message}");
        }
        assert_eq!((runner.plan().digest(), epoch.state().plan), (&*digest, digest.clone()));
        assert!(all(&mut epoch).into_iter().all(|batch| added(&batch.unwrap()) == 2));
        // And a swap that is in order still comes through.
        swap(&runner, &adds(3)).unwrap();
        assert_eq!(added(&take(&mut start(&runner, 1))), 6);
    }
}

#[test]
fn what_the_pipeline_does_not_name_is_not_swapped() {
    let runner = runner(&adds(1), &twice(), 8, workers(0));
    for (name, chosen) in
        [("test:raw", "by the content of each sample"), ("zenith:sequential", "as the default sampler")]
    {
        let error = runner.swap(&FakeCatalog::new().resolve(name).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), format!("the pipeline does not name `{name}`: it was chosen {chosen}"));
        assert!(error.hint().unwrap().contains("in the pipeline"));
    }
    let error = runner.plan().check_swap(&"test:unknown".parse().unwrap()).unwrap_err();
    assert_eq!(error.hint().unwrap(), "it names `test:adds`, `test:crop`, `test:same`");
}

#[test]
fn a_swap_to_the_version_that_runs_changes_nothing() {
    let first = adds(1);
    let runner = runner(&first, &twice(), 8, workers(1));
    let swapped = swap(&runner, &first).unwrap();
    assert_eq!((swapped.operators.len(), &*swapped.plan), (0, runner.plan().digest()));
}

#[test]
fn a_version_that_makes_another_type_in_between_is_taken_where_the_batch_stays_the_same() {
    // What follows the second plugin makes `uint8[1]` of any image.
    let mut operators = twice();
    operators.truncate(3);
    operators.push(json!({"map-batch": "test:widen"}));
    let widened = runner(&adds(1), &operators, 8, workers(1));
    // `test:widen` makes int16 of uint8, and leaves int16 as it is.
    let int16 = version(0, Kind::Transform, Manner::MakesInt16);
    swap(&widened, &int16).unwrap();
    assert_eq!(widened.plan().batch_types()[0].to_string(), "int16[?, 1, 1, 1]");
}

#[test]
fn decoders_and_batch_transforms_are_swapped_too() {
    let decoded = [json!({"decode": "test:adds"}), json!({"map": "test:crop", "size": 1, "at": 0})];
    let batched = [
        json!({"decode": null}),
        json!({"map": "test:crop", "size": 1, "at": 0}),
        json!({"map-batch": "test:adds"}),
    ];
    for (kind, operators) in [(Kind::Decoder, &decoded[..]), (Kind::BatchTransform, &batched[..])] {
        for num_workers in [0, 2] {
            let first = version(1, kind, Manner::Works);
            let runner = runner(&first, operators, 100, workers(num_workers));
            let mut epoch = start(&runner, 0);
            assert_eq!(added(&take(&mut epoch)), 1);
            swap(&runner, &version(2, kind, Manner::Works)).unwrap();
            let rest: Vec<_> = all(&mut epoch).into_iter().map(|batch| added(&batch.unwrap())).collect();
            let old = rest.iter().take_while(|added| **added == 1).count();
            assert!(old <= 3 && rest[old..].iter().all(|added| *added == 2), "{rest:?}");
            assert_eq!(rest.len(), 24);
            // A worker that got nothing to do since lets go of the old version with the epoch.
            drop(epoch);
            assert_eq!(first.alive.load(SeqCst), 0);
            let error = swap(&runner, &version(3, kind, Manner::MakesInt16)).unwrap_err().to_string();
            assert!(error.contains("would be int16[?, 1, 1, 1], and it is uint8[?, 1, 1, 1]"), "{error}");
            let error = swap(&runner, &version(3, kind, Manner::TrapsWhenPlanned)).unwrap_err().to_string();
            assert!(error.contains("the plugin trapped"), "{error}");
        }
    }
}

#[test]
fn a_swapped_sampler_orders_the_epochs_that_begin_afterwards() {
    let operators = [
        json!({"sample": "test:adds"}),
        json!({"decode": null}),
        json!({"map": "test:crop", "size": 1, "at": 0}),
    ];
    let sampler = |number| version(number, Kind::Sampler, Manner::Works);
    let runner = runner(&sampler(0), &operators, 12, workers(2));
    let before = runner.plan().digest().to_owned();
    let mut epoch = start(&runner, 0);
    assert_eq!(take(&mut epoch).indices(), [0, 1, 2, 3]);
    let error = swap(&runner, &version(2, Kind::Sampler, Manner::TrapsWhenPlanned)).unwrap_err();
    assert!(error.to_string().contains("operator 1, sampler `test:adds@1.0.2`"), "{error}");
    swap(&runner, &sampler(2)).unwrap();
    // The epoch keeps its order, and a state of it belongs to the sampler that it has.
    assert_eq!(take(&mut epoch).indices(), [4, 5, 6, 7]);
    assert_eq!(epoch.state().plan, before);
    assert_ne!(runner.plan().digest(), before);
    let mut epoch = start(&runner, 1);
    assert_eq!(take(&mut epoch).indices(), [2, 3, 4, 5]);
    assert_eq!(epoch.state().plan, runner.plan().digest());
}

#[test]
fn a_state_saved_after_a_swap_goes_on_with_the_new_version_and_no_other() {
    let make = |number| runner(&adds(number), &twice(), 40, workers(2));
    let first = make(1);
    let mut epoch = start(&first, 0);
    let before = epoch.state().write();
    take(&mut epoch);
    swap(&first, &adds(2)).unwrap();
    take(&mut epoch);
    let text = epoch.state().write();
    let standing = epoch.standing().clone();
    drop(epoch);
    assert_eq!(standing.state().write(), text);

    assert!(matches!(LoaderState::read(&text, make(1).plan().digest()), Err(StateError::Plan { .. })));
    let second = make(2);
    assert!(matches!(LoaderState::read(&before, second.plan().digest()), Err(StateError::Plan { .. })));
    let state = LoaderState::read(&text, second.plan().digest()).unwrap();
    let rest = all(&mut second.epoch(&state).unwrap());
    let indices: Vec<_> = rest.iter().flat_map(|batch| batch.as_ref().unwrap().indices().to_vec()).collect();
    assert_eq!(indices, (8..40).collect::<Vec<_>>());
    assert!(rest.iter().all(|batch| added(batch.as_ref().unwrap()) == 4));
    // Also where the swap comes after the epoch was closed.
    swap(&first, &adds(3)).unwrap();
    assert_eq!(standing.state().plan, make(3).plan().digest());
}

#[test]
fn what_is_counted_and_left_out_keeps_the_version_that_did_it() {
    let fails = |number| version(number, Kind::Transform, Manner::FailsOn3);
    let mut operators = twice();
    operators.truncate(3);
    let options = RunOptions { on_error: OnError::Skip, ..workers(1) };
    let runner = runner(&fails(1), &operators, 80, options);
    let mut epoch = start(&runner, 0);
    // The batch of sample 3.
    take(&mut epoch);
    swap(&runner, &fails(2)).unwrap();
    all(&mut epoch);
    let failed: Vec<_> = runner.quarantine().into_iter().map(|entry| (entry.index, entry.operator)).collect();
    assert_eq!(failed.len(), 8);
    assert_eq!(failed[0], (3, "transform `test:adds@1.0.1`".to_owned()));
    assert_eq!(failed[7], (73, "transform `test:adds@1.0.2`".to_owned()));
    let stats = runner.stats();
    let stages: Vec<_> = stats.stages.iter().map(|stage| (&*stage.label, stage.calls)).collect();
    let labels: Vec<_> = stages.iter().map(|(label, _)| *label).collect();
    assert_eq!(
        labels,
        [
            "decoder `test:raw@1.0.0`",
            "transform `test:crop@1.0.0`",
            "transform `test:adds@1.0.1`",
            "transform `test:adds@1.0.2`"
        ]
    );
    assert_eq!(stages[2].1 + stages[3].1, 72);
    assert!(stages[2].1 > 0 && stages[3].1 > 0, "{stages:?}");
    // Back again: the old version counts on.
    swap(&runner, &fails(1)).unwrap();
    assert_eq!(runner.stats().stages.len(), 4);
}

/// `test:adds`, and another version of it as `test:kept`.
struct Two(Arc<Version>, Arc<Version>);
impl Catalog for Two {
    fn resolve(&self, reference: &str) -> Result<Arc<dyn Plugin>, CatalogError> {
        match reference {
            "test:adds" => Ok(Arc::clone(&self.0) as Arc<dyn Plugin>),
            "test:kept" => Ok(Arc::clone(&self.1) as Arc<dyn Plugin>),
            _ => FakeCatalog::new().resolve(reference),
        }
    }
    fn decoders(&self) -> Result<Vec<Arc<dyn Plugin>>, CatalogError> {
        FakeCatalog::new().decoders()
    }
}

#[test]
fn operators_that_are_not_swapped_keep_their_instances_and_old_ones_end() {
    let kept = version(0, Kind::Transform, Manner::Works);
    let kept = Arc::new(Version {
        identity: Identity { name: "test:kept".parse().unwrap(), ..kept.identity.clone() },
        ..Arc::into_inner(kept).unwrap()
    });
    let mut operators = twice();
    operators[4] = json!({"map": "test:kept"});
    let first = adds(1);
    let input = PlanInput {
        spec: &crate::support::spec(&operators, 4),
        source: Memory::counting(200),
        catalog: &Two(Arc::clone(&first), Arc::clone(&kept)),
        fidelity: Fidelity::Exact,
        optimisations: Optimisations::default(),
    };
    let runner = Runner::new(Arc::new(Plan::new(&input).unwrap()), workers(1));
    let mut epoch = start(&runner, 0);
    for _ in 0..10 {
        take(&mut epoch);
    }
    let (made, alive) = (kept.made.load(SeqCst), kept.alive.load(SeqCst));
    assert!(alive > 0 && first.alive.load(SeqCst) > 0);
    let second = adds(2);
    swap(&runner, &second).unwrap();
    for _ in 0..30 {
        take(&mut epoch);
    }
    // One was made for the plan that nobody ran, and none for the one that goes on.
    assert_eq!((kept.made.load(SeqCst), kept.alive.load(SeqCst)), (made, alive));
    assert_eq!(first.alive.load(SeqCst), 0, "the old version's instances are still there");
    assert!(runner.stats().guest_bytes >= 1000 * second.alive.load(SeqCst) as u64);
    drop(epoch);
    assert_eq!(second.alive.load(SeqCst), 0);
}
