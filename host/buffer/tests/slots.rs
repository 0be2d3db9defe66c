//! The pool and its slots as the pipeline uses them: many writers, several consumers, any order of
//! dropping. What happens in a forked child is in `fork.rs`.

use std::{
    collections::BTreeSet,
    sync::{
        Arc, Barrier,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use proptest::prelude::*;
use zenith_buffer::{
    ALIGNMENT, AcquireError, Budget, FrozenSlot, MemoryKind, SlotError, SlotLayout, SlotPool, WritableSlot,
};

const ROUNDS: usize = if cfg!(miri) { 4 } else { 200 };

fn pool(rows: usize, fields: &[usize], slots: usize) -> (SlotPool, Budget) {
    let budget = Budget::new(None);
    let layout = SlotLayout::new(rows, fields).expect("the layout is small");
    (SlotPool::new(layout, &budget, slots), budget)
}

fn fill(slot: &WritableSlot, value: impl Fn(usize, usize) -> u8) {
    for field in 0..slot.layout().fields().len() {
        for row in 0..slot.rows() {
            slot.place(field, row).expect("it is free").fill(value(field, row));
        }
    }
}

#[test]
fn what_is_written_into_places_is_what_consumers_read() {
    let (pool, _) = pool(3, &[5, 8], 1);
    let slot = pool.acquire().unwrap();
    fill(&slot, |field, row| u8::try_from(10 * field + row).unwrap());
    let frozen = slot.freeze().unwrap();
    assert_eq!(frozen.field(0).unwrap(), [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 2, 2, 2, 2, 2]);
    assert_eq!(frozen.field(1).unwrap()[8..16], [11; 8]);
    assert_eq!(frozen.field(2), None);
    assert_eq!(frozen.field_start(2), None);
    for field in 0..2 {
        let start = frozen.field_start(field).unwrap().as_ptr();
        assert_eq!(start.align_offset(ALIGNMENT), 0);
        assert_eq!(start.cast_const(), frozen.field(field).unwrap().as_ptr());
    }
}

#[test]
fn a_place_can_be_had_once_and_must_exist() {
    let (pool, _) = pool(70, &[1, 4], 1);
    let mut slot = pool.acquire().unwrap();
    let place = slot.place(1, 69).unwrap();
    assert_eq!((place.field(), place.row(), place.len()), (1, 69, 4));
    assert_eq!(slot.place(1, 69).unwrap_err(), SlotError::Taken { field: 1, row: 69 });
    drop(place);
    assert_eq!(slot.place(1, 69).unwrap_err(), SlotError::Taken { field: 1, row: 69 });
    assert_eq!(slot.place(2, 0).unwrap_err(), SlotError::NoSuchField { field: 2, fields: 2 });
    assert_eq!(slot.place(0, 70).unwrap_err(), SlotError::NoSuchRow { row: 70, rows: 70 });
    slot.truncate(69).unwrap();
    assert_eq!(slot.place(0, 69).unwrap_err(), SlotError::NoSuchRow { row: 69, rows: 69 });
    assert_eq!(slot.truncate(70), Err(SlotError::NoSuchRow { row: 70, rows: 69 }));
}

#[test]
fn the_whole_slot_is_out_of_reach_while_a_place_is_held() {
    let (pool, _) = pool(2, &[4], 1);
    let mut slot = pool.acquire().unwrap();
    let place = slot.place(0, 0).unwrap();
    assert!(!slot.is_complete());
    assert_eq!(slot.field_mut(0), Err(SlotError::Busy));
    assert_eq!(slot.fields_mut().unwrap_err(), SlotError::Busy);
    assert_eq!(slot.truncate(1), Err(SlotError::Busy));
    assert_eq!(slot.remove_rows(&[0]), Err(SlotError::Busy));
    let mut slot = slot.freeze().unwrap_err();
    drop(place);
    assert!(slot.is_complete());
    assert_eq!(slot.field_mut(0).unwrap().len(), 8);
    assert_eq!(slot.field_mut(1), Err(SlotError::NoSuchField { field: 1, fields: 1 }));
    assert!(slot.freeze().is_ok());
}

#[test]
fn a_batch_step_sees_all_fields_at_once_and_apart() {
    let (pool, _) = pool(3, &[2, 0, 4], 1);
    let mut slot = pool.acquire().unwrap();
    slot.truncate(2).unwrap();
    fill(&slot, |field, _| u8::try_from(field).unwrap());
    {
        let mut fields = slot.fields_mut().unwrap();
        assert_eq!(fields.iter().map(|field| field.len()).collect::<Vec<_>>(), [4, 0, 8]);
        let (first, rest) = fields.split_at_mut(1);
        rest[1][..4].copy_from_slice(first[0]);
    }
    assert_eq!(slot.field_mut(2).unwrap(), [0, 0, 0, 0, 2, 2, 2, 2]);
}

#[test]
fn many_threads_fill_one_slot_and_the_last_one_freezes_it() {
    let (pool, _) = pool(64, &[300, 8], 2);
    for round in 0..ROUNDS {
        let slot = Arc::new(pool.acquire().unwrap());
        let next = AtomicUsize::new(0);
        let finished: Vec<FrozenSlot> = thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|_| {
                    let slot = Arc::clone(&slot);
                    let next = &next;
                    scope.spawn(move || {
                        loop {
                            let row = next.fetch_add(1, Ordering::Relaxed);
                            if row >= slot.rows() {
                                break;
                            }
                            let mut image = slot.place(0, row).unwrap();
                            let mut label = slot.place(1, row).unwrap();
                            image.fill(u8::try_from((row + round) % 251).unwrap());
                            label.copy_from_slice(&(row as u64).to_le_bytes());
                        }
                        Arc::into_inner(slot).map(|slot| slot.freeze().unwrap())
                    })
                })
                .collect();
            drop(slot);
            workers.into_iter().filter_map(|worker| worker.join().unwrap()).collect()
        });
        // The scope's own handle may be the last, in which case the slot simply went home.
        for frozen in finished {
            for row in 0..64 {
                let wanted = u8::try_from((row + round) % 251).unwrap();
                assert!(frozen.field(0).unwrap()[row * 300..][..300].iter().all(|byte| *byte == wanted));
                assert_eq!(frozen.field(1).unwrap()[row * 8..][..8], (row as u64).to_le_bytes());
            }
        }
    }
    assert_eq!((pool.outstanding(), pool.allocated()), (0, 1));
}

#[test]
fn a_contested_place_goes_to_exactly_one_thread() {
    let (pool, _) = pool(ROUNDS, &[4], 1);
    let slot = pool.acquire().unwrap();
    let barrier = Barrier::new(4);
    let won = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                for row in 0..ROUNDS {
                    won.fetch_add(usize::from(slot.place(0, row).is_ok()), Ordering::Relaxed);
                }
            });
        }
    });
    assert_eq!(won.into_inner(), ROUNDS);
}

#[test]
fn slots_are_reused_and_a_keeper_of_batches_is_told() {
    let (pool, budget) = pool(4, &[100], 2);
    let mut kept: Vec<FrozenSlot> = (0..2).map(|_| pool.acquire().unwrap().freeze().unwrap()).collect();
    let clone = kept[0].clone();
    let error = pool.acquire().unwrap_err();
    assert!(matches!(error, AcquireError::Exhausted { held: 2, limit: 2 }) && error.is_transient());
    assert_eq!(error.to_string(), "all 2 batch slots are in use, 2 of them held by the consumer");
    kept.remove(0);
    assert!(pool.acquire().is_err(), "a clone still reads it");
    drop(clone);
    assert_eq!(pool.outstanding(), 1);
    let slot = pool.acquire().unwrap();
    assert!(slot.place(0, 0).is_ok(), "claims do not outlive a use of the slot");
    assert_eq!(budget.used_by(MemoryKind::Slots), 2 * pool.slot_bytes() as u64);
    assert_eq!((pool.allocated(), pool.max_slots()), (2, 2));
}

#[test]
fn a_waiter_is_woken_by_the_slot_that_comes_home() {
    let (pool, _) = pool(1, &[8], 1);
    let frozen = pool.acquire().unwrap().freeze().unwrap();
    assert!(matches!(pool.acquire_timeout(Duration::from_millis(1)), Err(AcquireError::Exhausted { .. })));
    thread::scope(|scope| {
        let waiters: Vec<_> =
            (0..3).map(|_| scope.spawn(|| pool.acquire_timeout(Duration::MAX).map(drop))).collect();
        drop(frozen);
        assert!(waiters.into_iter().all(|waiter| waiter.join().unwrap().is_ok()));
    });
}

#[test]
fn producers_and_consumers_that_race_neither_lose_a_slot_nor_hang() {
    let (pool, budget) = pool(1, &[8], 3);
    thread::scope(|scope| {
        for thread in 0..4_usize {
            let pool = &pool;
            scope.spawn(move || {
                for round in 0..ROUNDS {
                    let slot = pool.acquire_timeout(Duration::MAX).unwrap();
                    slot.place(0, 0).unwrap().copy_from_slice(&(thread * ROUNDS + round).to_le_bytes());
                    let frozen = slot.freeze().unwrap();
                    assert_eq!(frozen.field(0).unwrap(), (thread * ROUNDS + round).to_le_bytes());
                }
            });
        }
    });
    assert_eq!(pool.outstanding(), 0);
    let allocated = pool.allocated();
    assert_eq!(budget.used(), (allocated * pool.slot_bytes()) as u64);
    assert_eq!((pool.trim(), budget.used(), pool.allocated()), (allocated, 0, 0));
}

#[test]
fn closing_the_pool_wakes_and_refuses() {
    let (pool, _) = pool(1, &[8], 1);
    let slot = pool.acquire().unwrap();
    thread::scope(|scope| {
        let waiter = scope.spawn(|| pool.acquire_timeout(Duration::MAX).map(drop));
        pool.close();
        assert!(matches!(waiter.join().unwrap(), Err(AcquireError::Closed)));
    });
    let frozen = slot.freeze().unwrap();
    assert_eq!(frozen.field(0).unwrap().len(), 8);
    assert_eq!(pool.acquire().unwrap_err().to_string(), "the slot pool was closed");
}

#[test]
fn the_memory_limit_refuses_a_slot_until_memory_is_given_back() {
    let budget = Budget::new(Some(10_000));
    let pool = SlotPool::new(SlotLayout::new(1, &[8]).unwrap(), &budget, 8);
    let other = budget.try_reserve(MemoryKind::Guests, 7_000).unwrap();
    let error = pool.acquire().unwrap_err();
    assert!(error.is_transient());
    assert_eq!(
        error.to_string(),
        "one more batch slot of 4096 bytes would pass the memory limit of 10000 bytes, of which 7000 are in use (0 batches are held by the consumer)"
    );
    assert_eq!(pool.allocated(), 0);
    thread::scope(|scope| {
        let waiter = scope.spawn(|| pool.acquire_timeout(Duration::MAX).map(drop));
        drop(other);
        assert!(waiter.join().unwrap().is_ok());
    });
    assert!(format!("{pool:?}").contains("allocated: 1"));
}

#[test]
#[cfg(not(miri))]
fn a_slot_beyond_the_machine_is_an_error_and_no_abort() {
    let (pool, budget) = pool(1, &[1 << 60], 1);
    let error = pool.acquire().unwrap_err();
    assert!(matches!(error, AcquireError::System { .. }) && !error.is_transient());
    assert_eq!((budget.used(), pool.allocated()), (0, 0));
}

#[test]
fn consumers_may_outlive_the_pool() {
    let (pool, budget) = pool(2, &[4], 2);
    let slot = pool.acquire().unwrap();
    fill(&slot, |_, row| u8::try_from(row).unwrap() + 1);
    let frozen = slot.freeze().unwrap();
    drop(pool);
    assert_eq!(frozen.field(0).unwrap(), [1, 1, 1, 1, 2, 2, 2, 2]);
    assert!(budget.used() > 0);
    thread::spawn(move || drop(frozen)).join().unwrap();
    assert_eq!(budget.used(), 0);
}

#[test]
fn a_slot_dropped_half_written_goes_home() {
    let (pool, _) = pool(2, &[4], 1);
    let slot = pool.acquire().unwrap();
    let place = slot.place(0, 1).unwrap();
    drop(slot);
    assert!(pool.acquire().is_err(), "a worker still writes into it");
    drop(place);
    assert!(pool.acquire().is_ok());
    assert_eq!(pool.outstanding(), 0);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: if cfg!(miri) { 4 } else { 128 },
        failure_persistence: None,
        ..ProptestConfig::default()
    })]

    #[test]
    fn removing_rows_keeps_the_others_in_order_in_every_field(
        sizes in prop::collection::vec(0_usize..6, 1..4),
        rows in 1_usize..20,
        removed in prop::collection::vec(0_usize..20, 0..12),
    ) {
        let removed: Vec<usize> = removed.into_iter().map(|row| row % rows).collect();
        let (pool, _) = pool(rows, &sizes, 1);
        let mut slot = pool.acquire().unwrap();
        let value = |field: usize, row: usize| u8::try_from(field * 50 + row).unwrap();
        fill(&slot, value);
        let distinct: BTreeSet<usize> = removed.iter().copied().collect();
        prop_assert_eq!(slot.remove_rows(&removed), Ok(rows - distinct.len()));
        let frozen = slot.freeze().unwrap();
        prop_assert_eq!(frozen.rows(), rows - distinct.len());
        for (field, size) in sizes.iter().enumerate() {
            let expected: Vec<u8> = (0..rows)
                .filter(|row| !distinct.contains(row))
                .flat_map(|row| vec![value(field, row); *size])
                .collect();
            prop_assert_eq!(frozen.field(field).unwrap(), &expected);
        }
    }
}

#[test]
fn a_row_that_does_not_exist_cannot_be_removed() {
    let (pool, _) = pool(3, &[1], 1);
    let mut slot = pool.acquire().unwrap();
    assert_eq!(slot.remove_rows(&[1, 3]), Err(SlotError::NoSuchRow { row: 3, rows: 3 }));
    assert_eq!(slot.rows(), 3);
    assert_eq!(format!("{slot:?}"), "WritableSlot(3 rows, 0 places held)");
}
