//! What a transform costs that was written in some language, beside others in the same run:
//! `cargo run --release -p zenith-plugin --example guest_speed -- [CONFIG=]COMPONENT …`.
//!
//! For each component: milliseconds to compile it and to load the compiled form, to make an instance, and
//! to transform an image of 224×224 bytes in three channels; and the memory that an instance holds. The
//! first component is what the others are compared with. A path may follow a configuration and `=`.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{
    env,
    error::Error,
    fs,
    path::Path,
    time::{Duration, Instant},
};

use sha2::{Digest as _, Sha256};
use zenith_core::{DType, Digest, Identity, Limits, Output, TensorType, TensorView};
use zenith_plugin::{CacheOption, Host, HostOptions};

const SHAPE: [u32; 3] = [224, 224, 3];
const BYTES: usize = 224 * 224 * 3;

/// How long one component takes, in milliseconds.
struct Times {
    /// `None` where it was compiled for an earlier argument.
    compile: Option<f64>,
    load: f64,
    start: f64,
    apply: f64,
    memory: f64,
}

fn milliseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

fn measure(bytes: &[u8], config: &str, cache: &Path) -> Result<Times, Box<dyn Error>> {
    let identity = || -> Result<Identity, Box<dyn Error>> {
        let digest = Digest::from_bytes(Sha256::digest(bytes).into());
        Ok(Identity { name: "acme:guest".parse()?, version: "1.0.0".to_owned(), digest })
    };
    let load = || -> Result<_, Box<dyn Error>> {
        let host = Host::new(HostOptions { cache: CacheOption::Dir(cache.to_owned()) })?;
        let start = Instant::now();
        let plugin = host.load(identity()?, bytes)?;
        Ok((plugin, milliseconds(start.elapsed()), host.cache_stats().compiled == 1))
    };
    let (_, first, compiled) = load()?;
    let (plugin, load, _) = load()?;
    let limits = Limits { time: Duration::from_mins(1), ..Limits::default() };
    let start = Instant::now();
    let mut transform = plugin.transform(config, &limits)?;
    let start = milliseconds(start.elapsed());
    transform.plan(&TensorType::fixed(DType::Uint8, &SHAPE))?;

    let data: Vec<u8> = (0..=250_u8).cycle().take(BYTES).collect();
    let mut place = vec![0; BYTES];
    let mut call = || -> Result<f64, Box<dyn Error>> {
        let input =
            TensorView::new(DType::Uint8, &SHAPE, &data).ok_or("the tensor does not fit its shape")?;
        let start = Instant::now();
        transform.apply(input, 7, &mut Output::place(&mut place))?;
        Ok(milliseconds(start.elapsed()))
    };
    // The first call may warm something up; the least of the others has the least of the noise.
    call()?;
    let (mut apply, began) = (f64::INFINITY, Instant::now());
    for _ in 0..500 {
        apply = apply.min(call()?);
        if began.elapsed() > Duration::from_secs(2) {
            break;
        }
    }
    let memory = f64::from(u32::try_from(plugin.stats().memory >> 10)?) / 1024.0;
    Ok(Times { compile: compiled.then_some(first), load, start, apply, memory })
}

fn main() -> Result<(), Box<dyn Error>> {
    println!(
        "{:>10} {:>8} {:>8} {:>10} {:>8} {:>8}  component",
        "compile", "load", "start", "apply", "", "MiB"
    );
    let folder = tempfile::tempdir()?;
    let mut first = None;
    for argument in env::args().skip(1) {
        let (config, path) = argument.split_once('=').unwrap_or(("{}", &argument));
        let Times { compile, load, start, apply, memory } =
            measure(&fs::read(path)?, config, &folder.path().join("compiled"))?;
        let ratio = apply / *first.get_or_insert(apply);
        let compile = compile.map_or_else(|| "-".to_owned(), |time| format!("{time:.0}ms"));
        println!(
            "{compile:>10} {load:6.1}ms {start:6.1}ms {apply:8.3}ms {ratio:7.1}× {memory:8.1}  {argument}"
        );
    }
    Ok(())
}
