//! Prints the time that decoding takes, in microseconds for each image: whole, and for windows as a
//! random resized crop draws them (8 to 100 % of the area, ratios from ¾ to 4⁄3).
//! `cargo run --release --example time -- FILES…`

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::{env, error::Error, fs, time::Instant};

use zenith_jpeg::{Config, Jpeg};
use zenith_plugin_sdk::{DecodeRequest, Decoder, Rng, Window, testing};

/// The best of several rounds over all files, in microseconds for each image.
fn time(
    mut round: impl FnMut(u64) -> Result<(), Box<dyn Error>>,
    images: usize,
) -> Result<f64, Box<dyn Error>> {
    let mut best = f64::INFINITY;
    for seed in 0..15 {
        let start = Instant::now();
        round(seed)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2⁵²")]
    Ok(best * 1e6 / images as f64)
}

/// A window as torchvision's `RandomResizedCrop` draws it.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "lengths of images")]
fn crop(rng: &mut Rng, width: u32, height: u32) -> Window {
    for _ in 0..10 {
        let area = f64::from(width) * f64::from(height) * rng.uniform(0.08, 1.0);
        let ratio = rng.uniform(0.75_f64.ln(), (4.0_f64 / 3.0).ln()).exp();
        let (w, h) = ((area * ratio).sqrt().round() as u32, (area / ratio).sqrt().round() as u32);
        if (1..=width).contains(&w) && (1..=height).contains(&h) {
            let x = rng.below(u64::from(width - w + 1)) as u32;
            let y = rng.below(u64::from(height - h + 1)) as u32;
            return Window { x, y, width: w, height: h };
        }
    }
    Window::full(width, height)
}

fn main() -> Result<(), Box<dyn Error>> {
    let files = env::args().skip(1).map(fs::read).collect::<Result<Vec<_>, _>>()?;
    let mut decoder = Jpeg::configure(Config::default())?;
    let mut place = Vec::new();
    let mut decode = |data: &[u8], reduction: u32, rng: Option<&mut Rng>| -> Result<(), Box<dyn Error>> {
        let header = decoder.open(data)?;
        let whole = Window::full(header.width, header.height);
        let window = rng.map_or(whole, |rng| crop(rng, header.width, header.height));
        place = testing::decode(&mut decoder, data, DecodeRequest { window, reduction })?;
        Ok(())
    };
    for reduction in [1, 2, 4, 8] {
        let whole = time(|_| files.iter().try_for_each(|data| decode(data, reduction, None)), files.len())?;
        let windows = time(
            |seed| {
                let mut rng = Rng::new(seed);
                files.iter().try_for_each(|data| decode(data, reduction, Some(&mut rng)))
            },
            files.len(),
        )?;
        println!("1/{reduction}: {whole:7.1} µs whole, {windows:7.1} µs in windows");
    }
    Ok(())
}
