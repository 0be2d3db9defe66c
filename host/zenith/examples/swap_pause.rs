//! How long a training loop waits because a plugin is swapped: the longest wait for a batch around
//! each swap, beside the time of a batch and the longest wait in stretches without a swap. Once with
//! versions that are compiled already, where both stretches are equally long; and once where each swap
//! compiles, on the same cores, and the stretch goes on for as long again after it.
//!
//! `cargo run --release --locked --workspace --example swap_pause` after `make setup`.

#![expect(clippy::print_stdout, reason = "that is what it is for")]

use std::{
    error::Error,
    fs,
    path::Path,
    sync::atomic::{AtomicBool, Ordering::Relaxed},
    thread,
    time::{Duration, Instant},
};

use serde_json::json;
use zenith::{CacheOption, Context, ContextOptions, Epoch, HostOptions, LoadOptions, Loader, Next, Spec};

/// Swaps that are measured, and batches that are taken after each.
const SWAPS: usize = 40;
const STRETCH: usize = 24;

fn main() -> Result<(), Box<dyn Error>> {
    let project = tempfile::tempdir()?;
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let built_in = here.join("../../sdk-python/python/zenith/registry");
    for number in 0..400 {
        let class = project.path().join(format!("photos/{}", number % 4));
        fs::create_dir_all(&class)?;
        fs::copy(here.join("tests/data/photograph.jpg"), class.join(format!("{number:03}.jpg")))?;
    }
    for version in ["1.0.0", "1.1.0"] {
        let file = project.path().join(format!(".zenith/registry/acme/normal/{version}.wasm"));
        fs::create_dir_all(file.parent().ok_or("no folder")?)?;
        fs::copy(built_in.join("zenith/normalize/0.1.0.wasm"), file)?;
    }
    let spec: Spec = serde_json::from_value(json!({
        "source": {"kind": "images", "path": project.path().join("photos")},
        "operator": [
            {"sample": "zenith:shuffle"},
            {"decode": "zenith:jpeg"},
            {"map": "zenith:random-resized-crop", "size": 224},
            {"map": "acme:normal@1.0.0", "mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]},
        ],
        "batch": {"size": 16},
    }))?;
    for (workers, compiles) in [(1, false), (2, false), (1, true), (2, true)] {
        // Nothing is kept on disk, so that a new context compiles, and the kept one does not.
        let fresh = || {
            Context::new(ContextOptions {
                project: project.path().to_owned(),
                built_in: Some(built_in.clone()),
                host: HostOptions { cache: CacheOption::Off },
                ..ContextOptions::default()
            })
        };
        let mut options = LoadOptions::default();
        options.run.num_workers = workers;
        let kept = fresh()?;
        let loader = Loader::new(&kept, &spec, options)?;
        for version in ["1.1.0", "1.0.0"] {
            loader.swap(&kept, "acme:normal", version)?;
        }
        let mut batches = Batches { epoch: loader.begin()?, loader: &loader };
        let mut calm: Vec<Duration> = Vec::new();
        for _ in 0..2 * STRETCH {
            batches.wait()?;
        }
        let (mut calm_longest, mut longest, mut took) = (Vec::new(), Vec::new(), Vec::new());
        for number in 0..SWAPS {
            let stretch = (0..STRETCH).map(|_| batches.wait()).collect::<Result<Vec<_>, _>>()?;
            calm_longest.push(stretch.iter().max().copied().unwrap_or_default());
            calm.extend(stretch);
            let version = if number % 2 == 0 { "1.1.0" } else { "1.0.0" };
            let new = if compiles { Some(fresh()?) } else { None };
            let context = new.as_ref().unwrap_or(&kept);
            let over = AtomicBool::new(false);
            let (swapped, waits) = thread::scope(|scope| {
                let swapping = scope.spawn(|| {
                    let started = Instant::now();
                    let swapped = loader.swap(context, "acme:normal", version);
                    over.store(true, Relaxed);
                    swapped.map(|_| started.elapsed())
                });
                let mut waits = Vec::new();
                let mut after = 0;
                while after < STRETCH {
                    waits.push(batches.wait());
                    after += usize::from(!compiles || over.load(Relaxed));
                }
                (swapping.join(), waits)
            });
            took.push(swapped.map_err(|_| "the swap panicked")??);
            longest.push(
                waits.into_iter().collect::<Result<Vec<_>, _>>()?.into_iter().max().unwrap_or_default(),
            );
        }
        for list in [&mut calm, &mut calm_longest, &mut longest, &mut took] {
            list.sort();
        }
        let batch = calm[calm.len() / 2];
        let what = if compiles { "that compile" } else { "to what is compiled" };
        println!("{workers} worker threads, batches of 16 photographs, {SWAPS} swaps {what}");
        println!("  one batch             {:>8.2} ms", milliseconds(batch));
        println!(
            "  a swap takes          {:>8.2} ms, beside the workers",
            milliseconds(took[took.len() / 2])
        );
        for (what, list) in [("without a swap", &calm_longest), ("around a swap", &longest)] {
            let (middle, most) = (list[list.len() / 2], list[list.len() - 1]);
            println!(
                "  longest wait {what:<15} median {:>6.2} ms ({:.2} batches), most {:>6.2} ms",
                milliseconds(middle),
                middle.as_secs_f64() / batch.as_secs_f64(),
                milliseconds(most)
            );
        }
    }
    Ok(())
}

/// Batches without end: the next epoch follows the one before.
struct Batches<'a> {
    epoch: Epoch,
    loader: &'a Loader,
}

impl Batches<'_> {
    /// Takes the next batch; answers how long that took. The first of an epoch, whose threads are to be
    /// started, is not counted.
    fn wait(&mut self) -> Result<Duration, zenith::Error> {
        let mut asked = Instant::now();
        loop {
            match self.epoch.next(Duration::from_secs(1))? {
                Next::Batch(_) => return Ok(asked.elapsed()),
                Next::Pending => {}
                Next::End => {
                    self.epoch = self.loader.begin()?;
                    while !matches!(self.epoch.next(Duration::from_secs(1))?, Next::Batch(_)) {}
                    asked = Instant::now();
                }
            }
        }
    }
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}
