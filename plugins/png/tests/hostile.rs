//! Damaged and hostile files: an error that says what and where, never a panic, and never more
//! memory than the limits allow.

#![expect(unsafe_code, reason = "an allocator that counts")]
#![expect(clippy::unwrap_used, reason = "these are tests")]
#![expect(clippy::cast_possible_truncation, reason = "the numbers are small")]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    cell::Cell,
    fs,
    path::Path,
};

use zenith_plugin_sdk::{DecodeRequest, Decoder, Error, Rng, Window, parse_config, testing::decode};
use zenith_png::Png;

/// Notes the largest allocation of each thread.
struct Noting;

thread_local! {
    static LARGEST: Cell<usize> = const { Cell::new(0) };
}

fn note(size: usize) {
    // Fails only while the thread is torn down, when nobody asks any more.
    let _ = LARGEST.try_with(|largest| largest.set(largest.get().max(size)));
}

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        note(layout.size());
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        note(size);
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.realloc(place, layout, size) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: the caller keeps the contract, which is the same.
        unsafe { System.dealloc(place, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Noting = Noting;

fn decoder() -> Png {
    Png::configure(parse_config("{}").unwrap()).unwrap()
}

fn golden(name: &str) -> Vec<u8> {
    fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)).unwrap()
}

fn crc(data: &[u8]) -> u32 {
    !data.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| crc >> 1 ^ if crc & 1 == 1 { 0xEDB8_8320 } else { 0 })
    })
}

/// Makes the checksums right again, so that what was damaged reaches the code behind them.
fn mend(file: &mut [u8]) {
    let mut at = 8;
    while let Some(length) = file.get(at..at + 4).and_then(|bytes| bytes.first_chunk()) {
        let end = at + 8 + u32::from_be_bytes(*length) as usize;
        if end + 4 > file.len() {
            return;
        }
        let sum = crc(&file[at + 4..end]);
        file[end..end + 4].copy_from_slice(&sum.to_be_bytes());
        at = end + 4;
    }
}

/// Opens and decodes as the host does: whole where that is reasonable, else a corner.
fn read(file: &[u8]) -> Result<(), Error> {
    let header = decoder().open(file)?;
    assert!(header.width > 0 && header.height > 0 && (1..=8).contains(&header.orientation));
    let window = Window::full(header.width.min(100), header.height.min(100));
    match decode(&mut decoder(), file, DecodeRequest { window, reduction: 1 }) {
        Ok(pixels) => assert_eq!(pixels.len(), (window.width * window.height * 3) as usize),
        Err(error) => assert!(!error.is_fault(), "{error}"),
    }
    Ok(())
}

fn header(width: u32, height: u32, depth: u8, colour: u8) -> Vec<u8> {
    let mut file = b"\x89PNG\r\n\x1a\n\0\0\0\x0DIHDR".to_vec();
    file.extend(width.to_be_bytes());
    file.extend(height.to_be_bytes());
    file.extend([depth, colour, 0, 0, 0]);
    file.extend([0; 4]);
    // Three bytes of image data that inflate to nothing yet.
    file.extend(b"\0\0\0\x03IDAT\x78\x9C\x03\0\0\0\0");
    mend(&mut file);
    file
}

#[test]
fn what_is_no_png_says_what_it_is_instead() {
    for (file, expected) in [
        (&b""[..], "it is empty"),
        (b"\x89PNG", "it ends early, after 4 bytes"),
        (b"hello, world", "it does not begin with the signature of a PNG file"),
        (b"\x89PNG\r\n\x1a\n", "its header cannot be decoded: the file ends early"),
    ] {
        assert_eq!(decoder().open(file), Err(Error::InvalidData(expected.to_owned())));
    }
}

#[test]
fn a_truncated_file_says_which_row_is_missing() {
    let request = DecodeRequest { window: Window::full(21, 13), reduction: 1 };
    for (name, what) in [("rgb_8.png", "row "), ("rgb_8_interlaced.png", " of pass 7 ")] {
        let file = golden(name);
        let error = decode(&mut decoder(), &file[..file.len() - 300], request).unwrap_err().to_string();
        assert!(error.starts_with("row ") && error.contains(what), "{error}");
        assert!(error.ends_with("cannot be decoded: the file ends early"), "{error}");
    }
}

#[test]
fn a_wrong_checksum_is_told() {
    let mut file = golden("rgb_8.png");
    let middle = file.len() / 2;
    file[middle] ^= 1;
    let request = DecodeRequest { window: Window::full(21, 13), reduction: 1 };
    let error = decode(&mut decoder(), &file, request).unwrap_err().to_string();
    assert!(error.contains("cannot be decoded: CRC error"), "{error}");
}

#[test]
fn a_huge_image_is_too_large_before_anything_is_allocated() {
    LARGEST.set(0);
    assert_eq!(
        decoder().open(&header(30_000, 30_000, 8, 2)),
        Err(Error::TooLarge(
            "it is 30000×30000 pixels, more than the 178956970 that `max_pixels` allows".to_owned()
        ))
    );
    // Few pixels in all, but rows of more than a gigabyte.
    assert!(matches!(decoder().open(&header(170_000_000, 1, 16, 6)), Err(Error::TooLarge(_))));
    assert!(matches!(decoder().open(&header(0x7FFF_FFFF, 0x7FFF_FFFF, 16, 6)), Err(Error::TooLarge(_))));
    assert!(LARGEST.get() < 1 << 20, "allocated {} bytes", LARGEST.get());
    let mut small = Png::configure(parse_config(r#"{"max_pixels": 272}"#).unwrap()).unwrap();
    assert!(matches!(small.open(&golden("rgb_8.png")), Err(Error::TooLarge(_))));
}

#[test]
fn a_palette_that_is_missing_is_told() {
    let file = header(1, 1, 8, 3);
    let request = DecodeRequest { window: Window::full(1, 1), reduction: 1 };
    let error = decode(&mut decoder(), &file, request).unwrap_err().to_string();
    assert!(error.to_lowercase().contains("palette") || error.contains("PLTE"), "{error}");
}

#[test]
fn windows_and_reductions_that_are_not_offered_are_refused() {
    let file = golden("rgb_8.png");
    for (window, reduction) in [
        (Window::full(22, 13), 1),
        (Window { x: u32::MAX, y: 0, width: 2, height: 1 }, 1),
        (Window { x: 0, y: 0, width: 0, height: 1 }, 1),
        (Window::full(21, 13), 2),
        (Window::full(21, 13), 0),
    ] {
        let mut place = [0; 4096];
        let mut output = zenith_plugin_sdk::Output::new(zenith_core::Output::place(&mut place));
        let answer = decoder().decode(&file, DecodeRequest { window, reduction }, &mut output);
        assert!(matches!(answer, Err(Error::UnsupportedData(_))));
    }
}

#[test]
fn no_truncation_panics() {
    for name in ["rgb_8.png", "palette_4_interlaced.png", "grey_alpha_16.png", "turned.png"] {
        let file = golden(name);
        for length in 0..file.len() {
            let _ = read(&file[..length]);
        }
    }
}

#[test]
fn no_mutation_panics_or_allocates_much() {
    let mut random = Rng::new(1);
    LARGEST.set(0);
    let names = [
        "rgb_8.png",
        "rgb_16_interlaced.png",
        "palette_2.png",
        "palette_8_interlaced.png",
        "grey_1_interlaced.png",
        "rgba_8.png",
        "turned.png",
        "tiny_2x5_interlaced.png",
    ];
    let mut opened = 0;
    for name in names {
        let file = golden(name);
        for round in 0..3000 {
            let mut wrong = file.clone();
            for _ in 0..=random.below(4) {
                let at = random.below(wrong.len() as u64) as usize;
                match random.below(4) {
                    0 => wrong[at] ^= 1 << random.below(8),
                    1 => wrong[at] = random.next_u64() as u8,
                    2 => drop(wrong.remove(at)),
                    _ => wrong.insert(at, random.next_u64() as u8),
                }
            }
            if round % 4 > 0 {
                mend(&mut wrong);
            }
            opened += u32::from(read(&wrong).is_ok());
        }
    }
    assert!(opened > 5000, "only {opened} files got as far as their pixels");
    // A row and a filter's row of the widest image that the limit on rows lets through.
    assert!(LARGEST.get() <= 128 << 20, "allocated {} bytes", LARGEST.get());
}

#[test]
fn hostile_configurations_are_told_apart() {
    let configure = |config| parse_config(config).and_then(Png::configure).unwrap_err().to_string();
    assert_eq!(configure(r#"{"max_pixels": 0}"#), "`max_pixels` must be at least 1, but is 0");
    assert_eq!(
        configure(r#"{"max_pixels": "all"}"#),
        "`max_pixels` is wrong: invalid type: string \"all\", expected u64"
    );
    assert_eq!(
        configure(r#"{"alpha": true}"#),
        "`alpha` is wrong: unknown field `alpha`, expected `max_pixels`"
    );
}
