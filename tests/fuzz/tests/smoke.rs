//! Every reader of untrusted bytes, on damaged ones, for a few seconds: no panic, no wait without end, a
//! clear error. `ZENITH_FUZZ_SECONDS` says for how many seconds in all, 30 unless set; `ZENITH_FUZZ_SEED`
//! where to begin, the same place unless set.
//!
//! A case that fails is left in a file, and its name is said.

#![expect(clippy::unwrap_used, reason = "these are tests")]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "how many cases ran, and which one hangs")]

mod corpus;

use std::{
    env, fs,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use zenith_fuzz::{Random, bodies, mutate};
use zenith_registry::package;

/// A case that takes longer is taken to have no end.
const PATIENCE: Duration = Duration::from_secs(30);

/// As many bodies share the time.
const BODIES: f64 = 9.0;

fn setting(name: &str, default: f64) -> f64 {
    env::var(name).ok().map_or(default, |value| value.parse().unwrap())
}

/// Ends the process where a case takes too long: a thread cannot be stopped from outside.
struct Watch {
    case: Arc<Mutex<(Instant, Vec<u8>)>>,
    over: Arc<AtomicBool>,
}

impl Watch {
    fn start(body: &'static str) -> Self {
        let watch = Self {
            case: Arc::new(Mutex::new((Instant::now(), Vec::new()))),
            over: Arc::new(AtomicBool::new(false)),
        };
        let (case, over) = (Arc::clone(&watch.case), Arc::clone(&watch.over));
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                thread::sleep(Duration::from_millis(200));
                let (since, data) = &*case.lock().unwrap();
                if since.elapsed() > PATIENCE && !over.load(Ordering::Relaxed) {
                    eprintln!("`{body}` does not come to an end: {}", keep(body, data).display());
                    std::process::abort();
                }
            }
        });
        watch
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Leaves a case in a file.
fn keep(body: &str, data: &[u8]) -> PathBuf {
    let name: String = package::digest(data).hex().chars().take(16).collect();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("fuzz-{body}-{name}"));
    fs::write(&path, data).unwrap();
    path
}

fn drive(name: &'static str, damage: fn(&mut Vec<u8>, &[&[u8]], &mut Random), body: fn(&[u8])) {
    let seeds = corpus::of(name);
    let donors: Vec<&[u8]> = seeds.iter().map(Vec::as_slice).collect();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a seed is any whole number")]
    let mut random = Random::new(setting("ZENITH_FUZZ_SEED", 1.0) as u64);
    let budget = Duration::from_secs_f64(setting("ZENITH_FUZZ_SECONDS", 30.0) / BODIES);
    let watch = Watch::start(name);
    let (started, mut cases) = (Instant::now(), 0_u64);
    // What damage gave before is damaged further, now and then.
    let mut pool = seeds.clone();
    while cases < seeds.len() as u64 || started.elapsed() < budget {
        let seed = usize::try_from(cases).ok().and_then(|case| seeds.get(case));
        let mut data = seed.unwrap_or_else(|| &pool[random.below(pool.len())]).clone();
        if seed.is_none() {
            for _ in 0..=random.below(3) {
                damage(&mut data, &donors, &mut random);
            }
            data.truncate(1 << 20);
        }
        *watch.case.lock().unwrap() = (Instant::now(), data.clone());
        if let Err(panic) = panic::catch_unwind(AssertUnwindSafe(|| body(&data))) {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            let text = text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked");
            panic!("case {cases} of `{name}`: {text}\nthe case is in {}", keep(name, &data).display());
        }
        if pool.len() < 4 * seeds.len() {
            pool.push(data);
        } else {
            let place = seeds.len() + random.below(pool.len() - seeds.len());
            pool[place] = data;
        }
        cases += 1;
    }
    println!("{name}: {cases} cases in {:.1} s", started.elapsed().as_secs_f64());
}

fn any(data: &mut Vec<u8>, _: &[&[u8]], random: &mut Random) {
    mutate::bytes(data, random);
}

fn text(data: &mut Vec<u8>, _: &[&[u8]], random: &mut Random) {
    if random.below(8) == 0 { mutate::bytes(data, random) } else { mutate::text(data, random) }
}

fn archive(data: &mut Vec<u8>, _: &[&[u8]], random: &mut Random) {
    mutate::tar(data, random);
}

#[test]
fn component() {
    drive("component", mutate::wasm, bodies::component);
}

#[test]
fn load() {
    drive("load", mutate::wasm, bodies::load);
}

#[test]
fn manifest() {
    drive("manifest", text, bodies::manifest);
}

#[test]
fn lockfile() {
    drive("lockfile", text, bodies::lockfile);
}

#[test]
fn reference() {
    drive("reference", text, bodies::reference);
}

#[test]
fn minisig() {
    drive("minisig", text, bodies::minisig);
}

#[test]
fn oci_manifest() {
    drive("oci_manifest", text, bodies::oci_manifest);
}

#[test]
fn tar() {
    drive("tar", archive, bodies::tar);
}

#[test]
fn image() {
    drive("image", any, bodies::image);
}
