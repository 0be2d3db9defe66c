//! How long a 224×224 RGB image takes, natively: `cargo run --release --example time`. The best of
//! several rounds, beside a table of 256 results for each channel, the obvious rival.

#![expect(clippy::print_stdout, reason = "printing is its purpose")]

use std::{hint::black_box, time::Instant};

use zenith_normalize::Normalize;
use zenith_plugin_sdk::{DType, Tensor, Transform, parse_config, testing::apply};

const PIXELS: usize = 224 * 224;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let (mean, std) = ([0.485_f32, 0.456, 0.406], [0.229_f32, 0.224, 0.225]);
    let config = r#"{"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}"#;
    let mut normalize = Normalize::configure(parse_config(config)?)?;
    let image: Vec<u8> =
        (0..PIXELS * 3).map(|index| u8::try_from(index * 7919 % 256)).collect::<Result<_, _>>()?;
    let input = Tensor::new(DType::Uint8, &[224, 224, 3], &image).ok_or("the image has the wrong size")?;

    // `apply` clears the output first, which the host does not; the difference is measured apart.
    let whole = best(|| drop(black_box(apply(&mut normalize, input, 0))));
    let clearing = best(|| drop(black_box(vec![0_u8; PIXELS * 12])));
    let planes = best_in_place(|place| {
        zenith_planar::pixels_to_planes(&image, 3, place, |channel| {
            move |value: u8| ((f32::from(value) * (1.0 / 255.0) - mean[channel]) / std[channel]).to_le_bytes()
        });
    });
    let table: [[[u8; 4]; 256]; 3] = std::array::from_fn(|channel| {
        std::array::from_fn(|value| {
            let value = f32::from(u8::try_from(value).unwrap_or(255));
            ((value * (1.0 / 255.0) - mean[channel]) / std[channel]).to_le_bytes()
        })
    });
    let looked_up = best_in_place(|place| {
        zenith_planar::pixels_to_planes(&image, 3, place, |channel| {
            let table = &table[channel];
            move |value: u8| table[usize::from(value)]
        });
    });
    println!("224×224×3 uint8 to float32 planes, microseconds:");
    println!("  {planes:6.1}  arithmetic, into a warm place");
    println!("  {looked_up:6.1}  table, into a warm place");
    println!("  {whole:6.1}  the plugin, into a new place (of which allocating: {clearing:.1})");
    Ok(())
}

fn best_in_place(mut work: impl FnMut(&mut [u8])) -> f64 {
    let mut place = vec![0; PIXELS * 12];
    best(|| {
        work(&mut place);
        black_box(&place);
    })
}

/// The shortest time of one call, in microseconds.
fn best(mut work: impl FnMut()) -> f64 {
    (0..50)
        .map(|_| {
            let start = Instant::now();
            for _ in 0..20 {
                work();
            }
            start.elapsed().as_secs_f64() * 1e6 / 20.0
        })
        .fold(f64::INFINITY, f64::min)
}
