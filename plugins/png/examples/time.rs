//! How long a photograph takes, natively: `cargo run --release --example time photo.png`. The whole
//! of it, and a window of its upper half; the best of several rounds.

#![expect(clippy::print_stdout, reason = "printing is its purpose")]

use std::{env, fs, hint::black_box, time::Instant};

use zenith_plugin_sdk::{DecodeRequest, Decoder, Window, parse_config, testing::decode};
use zenith_png::Png;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = env::args().nth(1).ok_or("name a PNG file")?;
    let file = fs::read(path)?;
    let mut png = Png::configure(parse_config("{}")?)?;
    let header = png.open(&file)?;
    let whole = Window::full(header.width, header.height);
    let upper = Window { height: header.height.div_ceil(2), ..whole };
    for (name, window) in [("whole", whole), ("upper half", upper)] {
        let best = (0..30)
            .map(|_| {
                let start = Instant::now();
                drop(black_box(decode(&mut png, &file, DecodeRequest { window, reduction: 1 })));
                start.elapsed().as_secs_f64() * 1e6
            })
            .fold(f64::INFINITY, f64::min);
        println!("{name}: {best:.0} µs for {window}");
    }
    Ok(())
}
