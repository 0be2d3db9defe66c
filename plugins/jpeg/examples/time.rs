//! Prints the time that decoding takes, in microseconds for each image: whole, and for windows as a
//! random resized crop draws them (8 to 100 % of the area, ratios from ¾ to 4⁄3).
//! `cargo run --release --example time -- FILES…`

#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::{env, error::Error, fs, time::Instant};

use zenith_jpeg::{Config, Jpeg};
use zenith_plugin_sdk::{DecodeRequest, Decoder, Rng, Window, testing};

/// How often each decoding is repeated; its shortest time counts, so that other work on the machine
/// disturbs little.
const ROUNDS: usize = 15;

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
    for reduction in [1, 2, 4, 8] {
        let mut sums = [0.0; 2];
        let mut rng = Rng::new(0);
        for data in &files {
            let header = decoder.open(data)?;
            let whole = Window::full(header.width, header.height);
            for (sum, window) in sums.iter_mut().zip([whole, crop(&mut rng, header.width, header.height)]) {
                let mut best = f64::INFINITY;
                for _ in 0..ROUNDS {
                    let start = Instant::now();
                    testing::decode(&mut decoder, data, DecodeRequest { window, reduction })?;
                    best = best.min(start.elapsed().as_secs_f64());
                }
                *sum += best;
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "far fewer than 2⁵²")]
        let [whole, windows] = sums.map(|sum| sum * 1e6 / files.len() as f64);
        println!("1/{reduction}: {whole:7.1} µs whole, {windows:7.1} µs in windows");
    }
    Ok(())
}
