//! Guests whose runtime imports WASI: what they find, and what they cannot do. One module or test for
//! each guest, of the guest's name.

use crate::common::{BAD, GOOD, apply, fault, load, short};
use zenith_core::{DType, Limits, OperatorError, TensorType};
use zenith_test_artifacts as guests;
use zenith_test_artifacts::assert_test_exists;

zenith_test_artifacts::foreach_wasi!(assert_test_exists);

/// What a guest sees, as a number.
fn seen(module: &[u8], seed: u64) -> u64 {
    let mut transform = load(module).transform("{}", &Limits::default()).unwrap();
    number(&apply(&mut *transform, seed).unwrap())
}

fn number(answer: &[u8]) -> u64 {
    u64::from_le_bytes(answer.try_into().unwrap())
}

#[test]
fn wasi_reads_a_file() {
    assert_eq!(seen(guests::WASI_READS_A_FILE, GOOD), 0, "no file and no folder can be reached");
}

#[test]
fn wasi_opens_a_socket() {
    assert_eq!(seen(guests::WASI_OPENS_A_SOCKET, GOOD), 0, "no socket can be made");
}

#[test]
fn wasi_resolves_a_name() {
    assert_eq!(seen(guests::WASI_RESOLVES_A_NAME, GOOD), 0, "no name is looked up");
}

#[test]
fn wasi_reads_its_environment() {
    assert_eq!(seen(guests::WASI_READS_ITS_ENVIRONMENT, GOOD), 0, "there is nothing to read");
}

mod wasi_leaves_its_folder {
    use std::{fs, os::unix::fs::symlink, process::Command};

    use super::*;
    use crate::common::host;
    use zenith_core::{Grant, Permission, Permissions};

    #[test]
    fn a_granted_folder_is_read_and_nothing_outside_it_is_and_nothing_is_changed() {
        let place = tempfile::tempdir().unwrap();
        let luts = place.path().join("luts");
        let secret = place.path().join("secret.bin");
        fs::create_dir_all(luts.join("inner")).unwrap();
        fs::write(&secret, [1]).unwrap();
        fs::write(luts.join("warm.bin"), [7]).unwrap();
        symlink("../secret.bin", luts.join("link.bin")).unwrap();
        symlink(&secret, luts.join("absolute.bin")).unwrap();
        symlink("..", luts.join("outside")).unwrap();
        assert!(Command::new("mkfifo").arg(luts.join("pipe")).status().unwrap().success());
        let bytes = guests::component(guests::WASI_LEAVES_ITS_FOLDER);
        let grant = Grant::Files { name: "luts".into(), folder: luts.clone() };
        let permissions = Permissions::new(vec![Permission::Files], &[grant].into_iter().collect());
        let plugin = host().load_with(guests::identity(&bytes), &bytes, permissions).unwrap();
        let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
        assert_eq!(apply(&mut *transform, GOOD).unwrap(), [0, 0, 0, 0, 0, 0, 0, 1]);
        assert_eq!(fs::read(luts.join("warm.bin")).unwrap(), [7]);
        assert_eq!(fs::read_dir(&luts).unwrap().count(), 6);
    }
}

mod wasi_paints_what_it_finds {
    use std::fs;

    use super::*;
    use crate::common::host;
    use zenith_core::{Grant, Permission, Permissions};

    /// What eight plugins in turn find, with these grants.
    fn found(grants: &[Grant]) -> Vec<[u8; 3]> {
        let bytes = guests::component(guests::WASI_PAINTS_WHAT_IT_FINDS);
        let allowed = grants.iter().cloned().collect();
        let permissions = Permissions::new(Permission::ALL.to_vec(), &allowed);
        let plugin = host().load_with(guests::identity(&bytes), &bytes, permissions).unwrap();
        (0..8)
            .map(|_| {
                let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
                let mut place = [0; 3];
                let input =
                    zenith_core::TensorView::new(zenith_core::DType::Uint8, &[1, 1, 3], &[9; 3]).unwrap();
                transform.apply(input, GOOD, &mut zenith_core::Output::place(&mut place)).unwrap();
                place
            })
            .collect()
    }

    #[test]
    fn without_a_grant_it_finds_the_same_nothing_each_time() {
        let found = found(&[]);
        assert_eq!((found[0][0], found[0][2]), (0, 0));
        assert!(found.iter().all(|pixel| *pixel == found[0]));
    }

    #[test]
    fn each_grant_opens_one_thing_and_no_other() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("warm.bin"), [77]).unwrap();
        let files = Grant::Files { name: "luts".into(), folder: folder.path().into() };
        assert!(found(&[Grant::Clock]).iter().all(|[clock, _, file]| (*clock, *file) == (1, 0)));
        assert!(
            found(std::slice::from_ref(&files)).iter().all(|[clock, _, file]| (*clock, *file) == (0, 77))
        );
        let random = found(&[Grant::Entropy]);
        assert!(random.iter().all(|[clock, _, file]| (*clock, *file) == (0, 0)));
        assert!(random.iter().any(|pixel| pixel[1] != random[0][1]), "eight equal random bytes");
        let all = found(&[files, Grant::Clock, Grant::Entropy]);
        assert!(all.iter().all(|[clock, _, file]| (*clock, *file) == (1, 77)));
    }
}

mod wasi_sleeps_forever {
    use super::*;

    #[test]
    fn a_sleep_takes_no_time_and_the_guest_believes_it() {
        let mut transform = load(guests::WASI_SLEEPS_FOREVER).transform("{}", &Limits::default()).unwrap();
        for _ in 0..3 {
            assert_eq!(number(&apply(&mut *transform, GOOD).unwrap()), 3600);
        }
        let eternity = number(&apply(&mut *transform, BAD + 1).unwrap());
        assert!(eternity > 3600 * 24 * 365 * 100, "{eternity}");
        assert_eq!(number(&apply(&mut *transform, GOOD).unwrap()), 3600, "each call begins anew");
    }

    #[test]
    fn one_sleep_after_the_other_ends_at_the_time_limit() {
        let limits = short();
        let plugin = load(guests::WASI_SLEEPS_FOREVER);
        let mut transform = plugin.transform("{}", &limits).unwrap();
        let error = apply(&mut *transform, BAD).unwrap_err();
        assert_eq!(error, OperatorError::TimeLimit { limit: limits.time });
        assert_eq!(number(&apply(&mut *transform, GOOD).unwrap()), 3600);
        assert_eq!(plugin.stats().replaced, 1);
    }
}

#[test]
fn wasi_reads_the_clock() {
    let stopped = 1_577_836_800 << 32;
    let mut transform = load(guests::WASI_READS_THE_CLOCK).transform("{}", &Limits::default()).unwrap();
    for seed in 0..3 {
        assert_eq!(number(&apply(&mut *transform, seed).unwrap()), stopped, "the clocks stand still");
    }
    assert_eq!(seen(guests::WASI_READS_THE_CLOCK, GOOD), stopped);
}

mod wasi_draws_randomness {
    use super::*;

    #[test]
    fn what_is_drawn_is_a_function_of_the_seed_and_of_nothing_else() {
        let draw = |order: &[u64]| {
            let mut transform =
                load(guests::WASI_DRAWS_RANDOMNESS).transform("{}", &Limits::default()).unwrap();
            let mut drawn: Vec<_> =
                order.iter().map(|seed| (*seed, apply(&mut *transform, *seed).unwrap())).collect();
            drawn.sort();
            drawn
        };
        let forwards = draw(&[0, 1, 2, 3, (1 << 53) - 1]);
        assert_eq!(forwards, draw(&[3, (1 << 53) - 1, 1, 0, 2]), "other calls before it change nothing");
        for pair in forwards.windows(2) {
            assert_ne!(pair[0].1, pair[1].1, "another seed draws something else");
        }
        assert!(forwards.iter().all(|(_, drawn)| drawn[..4] != drawn[4..]), "each source is its own");
    }

    #[test]
    fn a_plan_and_a_configuration_do_not_disturb_it() {
        let mut transform = load(guests::WASI_DRAWS_RANDOMNESS).transform("{}", &Limits::default()).unwrap();
        let first = apply(&mut *transform, GOOD).unwrap();
        transform.plan(&TensorType::fixed(DType::Uint8, &[8])).unwrap();
        assert_eq!(apply(&mut *transform, GOOD).unwrap(), first);
    }
}

#[test]
fn wasi_seeds_a_hash_map() {
    let order = |first: u64| {
        let mut transform = load(guests::WASI_SEEDS_A_HASH_MAP).transform("{}", &Limits::default()).unwrap();
        apply(&mut *transform, first).unwrap()
    };
    assert_eq!(order(1), order(2), "its seed does not depend on the sample that came first");
}

mod wasi_floods_stderr {
    use super::*;
    use crate::common::guest_lines;

    fn lines(seed: u64) -> Vec<String> {
        let mut transform = load(guests::WASI_FLOODS_STDERR).transform("{}", &Limits::default()).unwrap();
        guest_lines(|| {
            apply(&mut *transform, seed).unwrap();
        })
    }

    #[test]
    fn what_is_printed_reaches_the_log_line_by_line_under_the_plugins_name() {
        assert_eq!(
            lines(GOOD),
            [
                r#"INFO zenith::guest: a result plugin="acme:guest@1.0.0""#,
                r#"WARN zenith::guest: a complaint plugin="acme:guest@1.0.0""#,
                r#"WARN zenith::guest: no end plugin="acme:guest@1.0.0""#,
            ]
        );
    }

    #[test]
    fn a_flood_is_cut_off_with_a_word() {
        let lines = lines(BAD);
        assert_eq!(lines.len(), 101);
        assert!(lines[100].contains("further lines of this call are left out"), "{}", lines[100]);
    }
}

mod wasi_exits {
    use super::*;

    fn reason(seed: u64) -> String {
        let plugin = load(guests::WASI_EXITS);
        let mut transform = plugin.transform("{}", &Limits::default()).unwrap();
        let error = apply(&mut *transform, seed).unwrap_err();
        assert!(apply(&mut *transform, GOOD).is_ok(), "the process lives on, in another instance");
        assert_eq!((plugin.stats().instances, plugin.stats().replaced), (2, 1));
        let OperatorError::Trap { reason, .. } = error else { panic!("{error}") };
        reason
    }

    #[test]
    fn an_exit_costs_the_instance_and_nothing_else() {
        assert_eq!(reason(BAD), "it exited with status 1");
    }

    #[test]
    fn an_abort_is_told_with_the_last_words() {
        assert_eq!(reason(BAD + 1), "it aborted, after it logged: the table has no entry 7");
    }
}

mod wasi_hoards_handles {
    use super::*;

    fn reason(seed: u64) -> String {
        let mut transform = load(guests::WASI_HOARDS_HANDLES).transform("{}", &Limits::default()).unwrap();
        let error = apply(&mut *transform, seed).unwrap_err();
        assert!(apply(&mut *transform, GOOD).is_ok());
        let OperatorError::Trap { reason, .. } = error else { panic!("{error}") };
        reason
    }

    #[test]
    fn the_host_keeps_a_bounded_number_for_it() {
        let error = fault(guests::WASI_HOARDS_HANDLES, &Limits::default());
        assert!(error.to_string().contains("resource table"), "{error}");
    }

    #[test]
    fn the_host_makes_no_bytes_without_bound() {
        assert_eq!(reason(BAD + 1), "it asked for 1099511627776 random bytes, more than 16777216");
        assert_eq!(reason(BAD + 2), "it wrote more than `check-write` allows");
    }
}

#[test]
fn a_plugin_without_wasi_and_one_with_it_start_no_thread_but_the_clocks() {
    let threads = || {
        std::fs::read_dir("/proc/self/task")
            .unwrap()
            .filter_map(|task| std::fs::read_to_string(task.ok()?.path().join("comm")).ok())
            .filter(|name| name.starts_with("tokio"))
            .count()
    };
    for module in [guests::TRANSFORM_ECHOES, guests::WASI_OPENS_A_SOCKET, guests::WASI_SLEEPS_FOREVER] {
        let mut transform = load(module).transform("{}", &Limits::default()).unwrap();
        apply(&mut *transform, GOOD).unwrap();
        assert_eq!(threads(), 0);
    }
}
