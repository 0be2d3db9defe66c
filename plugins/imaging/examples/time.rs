//! Prints how long the algorithms take, in microseconds for one image, for each kind of vectors:
//! `cargo run --release -p zenith-imaging --example time`.

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::{hint::black_box, time::Instant};

use zenith_imaging::{Image, Interpolation, Resizer, flip, simd::Level};
use zenith_plugin_sdk::{DType, Tensor};

fn main() {
    let noise: Vec<u8> =
        (0..1920 * 1080 * 4_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    for level in Level::all() {
        for (height, width, channels) in
            [(300, 350, 3), (224, 350, 3), (300, 350, 1), (300, 350, 4), (1080, 1920, 3), (120, 150, 3)]
        {
            let extents = [height, width, channels];
            let length = extents.iter().product::<u32>() as usize;
            let Some(tensor) = Tensor::new(DType::Uint8, &extents, &noise[..length]) else { continue };
            for interpolation in [Interpolation::Bilinear, Interpolation::Bicubic] {
                let mut resizer = Resizer::new(interpolation, true).with_level(level);
                let mut place = vec![0; 224 * 224 * channels as usize];
                // Two sizes in turns, so that tables are made anew for each, as a random crop does.
                let mut narrow = extents;
                narrow[1] -= 1;
                let Some(other) =
                    Tensor::new(DType::Uint8, &narrow, &noise[..narrow.iter().product::<u32>() as usize])
                else {
                    continue;
                };
                let fresh = best(|| {
                    drop(resizer.resize(black_box(tensor), (224, 224), &mut place));
                    drop(resizer.resize(black_box(other), (224, 224), &mut place));
                }) / 2.0;
                let again = best(|| drop(resizer.resize(black_box(tensor), (224, 224), &mut place)));
                println!(
                    "{:8} {interpolation:?} {height}×{width}×{channels} → 224×224: {fresh:7.1} µs, tables kept {again:7.1} µs",
                    level.name()
                );
            }
        }
        let mut place = vec![0; 224 * 224 * 3];
        if let Some(image) = Image::new(&noise[..224 * 224 * 3], 224, 224, 3) {
            let time = best(|| flip(level, black_box(image), &mut place));
            println!("{:8} flip 224×224×3: {time:.1} µs", level.name());
        }
    }
    let mut place = vec![0; 224 * 224 * 3];
    let time = best(|| black_box(&mut place).copy_from_slice(black_box(&noise[..224 * 224 * 3])));
    println!("copy 224×224×3: {time:.1} µs");
}

/// The fastest of many calls, in microseconds: what it costs without the machine's other work.
fn best(mut call: impl FnMut()) -> f64 {
    (0..400)
        .map(|_| {
            let start = Instant::now();
            call();
            start.elapsed().as_secs_f64() * 1e6
        })
        .fold(f64::INFINITY, f64::min)
}
