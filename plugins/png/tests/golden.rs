//! Every kind of PNG against Pillow's `convert("RGB")`: equal, whole and in every window. The files
//! come from `golden/make.py`.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use std::{collections::BTreeMap, fs, path::Path};

use zenith_plugin_sdk::{DecodeRequest, Decoder, Window, parse_config, testing::decode};
use zenith_png::Png;

fn decoder() -> Png {
    Png::configure(parse_config("{}").unwrap()).unwrap()
}

/// Every case: the file, and its pixels.
fn cases() -> BTreeMap<String, (Vec<u8>, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut cases = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "png") {
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            cases.insert(name, (fs::read(&path).unwrap(), fs::read(path.with_extension("rgb")).unwrap()));
        }
    }
    cases
}

fn request(window: Window) -> DecodeRequest {
    DecodeRequest { window, reduction: 1 }
}

#[test]
fn every_kind_of_png_decodes_to_pillows_pixels() {
    let cases = cases();
    assert_eq!(cases.len(), 34);
    for (name, (file, expected)) in cases {
        let header = decoder().open(&file).unwrap();
        let whole = request(Window::full(header.width, header.height));
        assert!(decode(&mut decoder(), &file, whole).unwrap() == expected, "{name}");
    }
}

#[test]
fn every_window_is_that_part_of_the_whole() {
    for (name, (file, expected)) in cases() {
        let header = decoder().open(&file).unwrap();
        let (width, height) = (header.width, header.height);
        for x in (0..width).step_by(3) {
            for y in 0..height {
                for window_width in [1, 2, 5, 9, width - x].into_iter().filter(|extent| x + extent <= width) {
                    for window_height in [1, 4, height - y].into_iter().filter(|extent| y + extent <= height)
                    {
                        let window = Window { x, y, width: window_width, height: window_height };
                        let part: Vec<u8> = (y..y + window_height)
                            .flat_map(|row| {
                                let start = (row * width + x) as usize * 3;
                                &expected[start..start + window_width as usize * 3]
                            })
                            .copied()
                            .collect();
                        let pixels = decode(&mut decoder(), &file, request(window)).unwrap();
                        assert!(pixels == part, "{name} {window}");
                    }
                }
            }
        }
    }
}

#[test]
fn the_orientation_is_told_and_not_applied() {
    let cases = cases();
    let header = decoder().open(&cases["turned"].0).unwrap();
    assert_eq!((header.width, header.height, header.orientation), (7, 4, 6));
    assert_eq!(decoder().open(&cases["rgb_8"].0).unwrap().orientation, 1);
}

#[test]
fn rows_below_the_window_are_not_read() {
    for name in ["rgb_8", "rgb_8_interlaced"] {
        let (file, expected) = &cases()[name];
        // The second half of the image data is cut off.
        let cut = &file[..file.len() * 7 / 10];
        let top = request(Window::full(21, if name == "rgb_8" { 4 } else { 1 }));
        if name == "rgb_8" {
            assert!(decode(&mut decoder(), cut, top).unwrap() == expected[..21 * 4 * 3]);
        } else {
            // An interlaced image has its first row spread over all but the last pass.
            let corner = request(Window::full(1, 1));
            assert!(decode(&mut decoder(), cut, corner).unwrap() == expected[..3]);
        }
        assert!(decode(&mut decoder(), cut, request(Window::full(21, 13))).is_err());
    }
}

#[test]
fn it_reads_png_and_says_so() {
    let formats = decoder().formats();
    assert_eq!(formats[0].media_type, "image/png");
    assert!(cases().values().all(|(file, _)| file.starts_with(&formats[0].magic)));
    assert_eq!(decoder().plan().to_string(), "uint8[?, ?, 3]");
}

#[test]
fn a_window_of_many_megabytes_is_handed_over_whole() {
    const WIDTH: u32 = 1501;
    const HEIGHT: u32 = 1403;
    let pixels: Vec<u8> =
        (0..WIDTH * HEIGHT * 3).map(|index| (index.wrapping_mul(2_654_435_761) >> 25) as u8).collect();
    let mut file = Vec::new();
    let mut encoder = png::Encoder::new(&mut file, WIDTH, HEIGHT);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_compression(png::Compression::Fastest);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    for window in [Window::full(WIDTH, HEIGHT), Window { x: 3, y: 5, width: WIDTH - 3, height: HEIGHT - 9 }] {
        let part: Vec<u8> = pixels
            .chunks_exact(WIDTH as usize * 3)
            .skip(window.y as usize)
            .take(window.height as usize)
            .flat_map(|row| &row[window.x as usize * 3..][..window.width as usize * 3])
            .copied()
            .collect();
        assert!(decode(&mut decoder(), &file, request(window)).unwrap() == part, "{window}");
    }
}
