//! Decodes a window of a file and writes its RGB bytes to the standard output:
//! `decode FILE [X Y WIDTH HEIGHT [REDUCTION]]`.

use std::{env, error::Error, fs, io::Write};

use zenith_jpeg::{Config, Jpeg};
use zenith_plugin_sdk::{DecodeRequest, Decoder, Window, testing};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = env::args().skip(1);
    let data = fs::read(arguments.next().ok_or("name a file")?)?;
    let numbers = arguments.map(|argument| argument.parse()).collect::<Result<Vec<u32>, _>>()?;
    let mut decoder = Jpeg::configure(Config::default())?;
    let header = decoder.open(&data)?;
    let (window, reduction) = match numbers[..] {
        [] => (Window::full(header.width, header.height), 1),
        [x, y, width, height] => (Window { x, y, width, height }, 1),
        [x, y, width, height, reduction] => (Window { x, y, width, height }, reduction),
        _ => return Err("a window has four numbers".into()),
    };
    let pixels = testing::decode(&mut decoder, &data, DecodeRequest { window, reduction })?;
    std::io::stdout().write_all(&pixels)?;
    Ok(())
}
