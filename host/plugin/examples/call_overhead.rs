//! What a call into a component costs: `cargo run --release -p zenith-plugin --example call_overhead`.
//!
//! Prints nanoseconds for a call that does nothing worth mentioning, and microseconds for 150 KB in and
//! 602 KB out (a photograph of 224×224 pixels as bytes, then as floats), beside the bare copies.

#![expect(clippy::print_stdout, reason = "its output is what it is for")]

use std::{error::Error, hint::black_box, time::Instant};

use zenith_core::{DType, Limits, Output, TensorView};
use zenith_plugin::{CacheOption, Host, HostOptions};
use zenith_test_artifacts::{TRANSFORM_ECHOES, TRANSFORM_WRITES_BUFFER, component, identity};

const IN: usize = 224 * 224 * 3;
const OUT: usize = 4 * IN;

/// The least of several rounds, in seconds for one call: what is above it is the machine's noise.
fn least(rounds: u32, calls: u32, mut call: impl FnMut()) -> f64 {
    let mut round = || {
        let start = Instant::now();
        for _ in 0..calls {
            call();
        }
        start.elapsed().as_secs_f64() / f64::from(calls)
    };
    (0..rounds).map(|_| round()).fold(f64::INFINITY, f64::min)
}

fn main() -> Result<(), Box<dyn Error>> {
    let host = Host::new(HostOptions { cache: CacheOption::Off })?;
    let load = |module| {
        let bytes = component(module);
        host.load(identity(&bytes), &bytes)
    };
    let mut echo = load(TRANSFORM_ECHOES)?.transform("{}", &Limits::default())?;
    let mut widen = load(TRANSFORM_WRITES_BUFFER)?.transform("{}", &Limits::default())?;
    let mut failures = 0_u64;

    let window = least(20, 100_000, || failures += u64::from(echo.window(8, 8, 0).is_err()));
    println!("window, no tensor:         {:8.0} ns", window * 1e9);

    let mut place = [0; 8];
    let small = least(20, 100_000, || {
        let input = TensorView::new(DType::Uint8, &[8], &[1; 8]);
        let done = input.map(|input| echo.apply(input, 0, &mut Output::place(&mut place)));
        failures += u64::from(!matches!(done, Some(Ok(()))));
    });
    println!("apply, 8 bytes in and out: {:8.0} ns", small * 1e9);

    let (data, mut place) = (vec![7; IN], vec![0; OUT]);
    let large = least(20, 1000, || {
        let input = TensorView::new(DType::Uint8, &[224, 224, 3], &data);
        let done = input.map(|input| widen.apply(input, 0, &mut Output::place(&mut place)));
        failures += u64::from(!matches!(done, Some(Ok(()))));
    });
    println!("apply, 150 KB in, 602 out: {:8.1} µs", large * 1e6);

    let (mut first, source) = (vec![0; IN], vec![7; OUT]);
    let copies = least(20, 1000, || {
        black_box(&mut first).copy_from_slice(black_box(&data));
        black_box(&mut place).copy_from_slice(black_box(&source));
    });
    println!("the two copies alone:      {:8.1} µs", copies * 1e6);
    if failures > 0 {
        return Err(format!("{failures} calls failed").into());
    }
    Ok(())
}
