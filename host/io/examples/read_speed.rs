//! Reads a folder with each engine, warm and cold, and prints wall and CPU time.
//!
//! ```text
//! cargo run --release -p zenith-io --example read_speed -- [folder] [work in microseconds] [rounds]
//! ```
//!
//! Without a folder it makes one of 2000 files of about 100 KB. The work stands for decoding: so much
//! CPU time is spent on every sample. Cold means that the files' pages were dropped from the cache
//! (`POSIX_FADV_DONTNEED`); folders and inodes stay in it. Engines take turns, and medians are printed.
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::{
    env,
    error::Error,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use rustix::{
    fs::{Advice, fadvise},
    time::{ClockId, clock_gettime},
};
use zenith_buffer::{Budget, BytesPool};
use zenith_core::{ReaderOptions, Source, Value};
use zenith_io::{EngineChoice, ImageFolder, ImageFolderOptions};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let mut arguments = env::args().skip(1);
    let scratch = tempfile::tempdir_in(".")?;
    let folder = match arguments.next() {
        Some(folder) if !folder.is_empty() => PathBuf::from(folder),
        _ => make_files(scratch.path())?,
    };
    let work = Duration::from_micros(arguments.next().map_or(Ok(0), |work| work.parse())?);
    let rounds: usize = arguments.next().map_or(Ok(5), |rounds| rounds.parse())?;

    println!("{:<10} {:<5} {:>8} {:>12} {:>12}", "engine", "cache", "readers", "wall, ms", "CPU, ms");
    for (is_cold, readers) in [(false, 1), (false, 2), (true, 1), (true, 2)] {
        let engines = [EngineChoice::IoUring, EngineChoice::Threads, EngineChoice::Blocking];
        let mut figures = vec![Vec::new(); engines.len()];
        for _ in 0..rounds {
            for (engine, figures) in engines.iter().zip(&mut figures) {
                let options = ImageFolderOptions { engine: *engine, ..ImageFolderOptions::default() };
                let source = Arc::new(ImageFolder::open(&folder, &options)?);
                prepare(&source, is_cold)?;
                figures.push(measure(&source, readers, work)?);
            }
        }
        for (engine, figures) in engines.iter().zip(figures) {
            let median = |mut all: Vec<f64>| {
                all.sort_by(f64::total_cmp);
                all.get(all.len() / 2).copied().unwrap_or_default()
            };
            let (walls, cpus) = figures.into_iter().unzip();
            println!(
                "{:<10} {:<5} {readers:>8} {:>12.1} {:>12.1}",
                engine.resolve()?.to_string(),
                if is_cold { "cold" } else { "warm" },
                median(walls),
                median(cpus),
            );
        }
    }
    Ok(())
}

/// 2000 files of 50 to 150 KB in ten classes.
fn make_files(root: &Path) -> Result<PathBuf, Failure> {
    for number in 0..2000_usize {
        let folder = root.join(format!("class{}", number % 10));
        fs::create_dir_all(&folder)?;
        let content: Vec<u8> = (0..50_000 + number * 7919 % 100_000).map(|at| at.to_le_bytes()[0]).collect();
        let path = folder.join(format!("{number:05}.jpg"));
        fs::write(&path, content)?;
        fs::File::open(&path)?.sync_all()?;
    }
    Ok(root.to_owned())
}

/// Brings all files into the page cache, or drops them from it.
fn prepare(source: &ImageFolder, is_cold: bool) -> Result<(), Failure> {
    for path in (0..source.len()).filter_map(|index| source.path(index)) {
        if is_cold {
            fadvise(fs::File::open(path)?, 0, None, Advice::DontNeed)?;
        } else {
            fs::read(path)?;
        }
    }
    Ok(())
}

/// Wall and CPU milliseconds that `readers` threads take to read all samples and work on each.
fn measure(source: &Arc<ImageFolder>, readers: u64, work: Duration) -> Result<(f64, f64), Failure> {
    let budget = Budget::new(None);
    let pool = Arc::new(BytesPool::new(&budget, 64 << 20));
    let (wall, cpu) = (Instant::now(), cpu_ms());
    let workers: Vec<_> = (0..readers)
        .map(|worker| {
            let source = Arc::clone(source);
            let options = ReaderOptions { home: Some(Arc::clone(&pool) as _), ..ReaderOptions::default() };
            thread::spawn(move || -> Result<u8, Failure> {
                let mut reader = source.reader(&options)?;
                // Scattered, as a shuffled epoch is: 7919 is prime, and no divisor of any count here.
                let samples = source.len();
                let run: Vec<u64> = (worker..samples).step_by(usize::try_from(readers)?).collect();
                let run: Vec<u64> = run.iter().map(|index| index * 7919 % samples).collect();
                reader.submit(&run);
                let mut sum = 0_u8;
                while let Some((_, sample)) = reader.next() {
                    let sample = sample?;
                    let Some(Value::Bytes(bytes)) = sample.values.first() else { continue };
                    let begin = Instant::now();
                    loop {
                        sum = bytes.iter().fold(sum, |sum, byte| sum.wrapping_add(*byte));
                        if begin.elapsed() >= work {
                            break;
                        }
                    }
                }
                Ok(sum)
            })
        })
        .collect();
    for worker in workers {
        worker.join().map_err(|_| "a worker panicked")??;
    }
    Ok((wall.elapsed().as_secs_f64() * 1e3, cpu_ms() - cpu))
}

fn cpu_ms() -> f64 {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), u32::try_from(time.tv_nsec).unwrap_or(0)).as_secs_f64() * 1e3
}
