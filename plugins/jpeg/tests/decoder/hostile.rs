//! What the decoder makes of damaged files: an answer or an error, never a panic, a hang or an
//! allocation that the file does not warrant. Debug assertions and overflow checks are on.

use crate::common::{Random, corpus, decode, decoder};
use zenith_jpeg::{Config, Jpeg};
use zenith_plugin_sdk::{Decoder, Error, Window};

/// A decoder for damaged files: they may declare any size, and the test has other things to do than
/// to fill gigabytes with grey.
fn small() -> Jpeg {
    Jpeg::configure(Config { max_pixels: 1 << 18 }).unwrap()
}

/// Decodes whatever the file declares: a random window at a random reduction.
fn exercise(decoder: &mut Jpeg, data: &[u8], random: &mut Random) -> bool {
    let Ok(header) = decoder.open(data) else { return false };
    let (width, height) = (header.width as usize, header.height as usize);
    let (w, h) = (1 + random.below(width), 1 + random.below(height));
    let (x, y) = (random.below(width - w + 1), random.below(height - h + 1));
    let window = Window { x: x as u32, y: y as u32, width: w as u32, height: h as u32 };
    decode(decoder, data, window, 1 << random.below(4)).is_ok()
}

#[test]
fn flipped_bits_never_panic() {
    let cases = corpus();
    let mut random = Random(3);
    let mut decoder = small();
    let mut decoded = 0;
    for round in 0..6000 {
        let mut data = cases[round % cases.len()].data.clone();
        // Headers are where a bit decides most.
        let reach = if round % 3 == 0 { data.len().min(700) } else { data.len() };
        for _ in 0..=random.below(8) {
            let at = random.below(reach);
            data[at] ^= 1 << random.below(8);
        }
        decoded += usize::from(exercise(&mut decoder, &data, &mut random));
    }
    assert!(decoded > 1000, "most damage is inside the data, and read over: {decoded}");
}

#[test]
fn replaced_and_repeated_bytes_never_panic() {
    let cases = corpus();
    let mut random = Random(4);
    let mut decoder = small();
    for round in 0..4000 {
        let mut data = cases[round % cases.len()].data.clone();
        let at = random.below(data.len());
        let length = random.below(40).min(data.len() - at);
        match random.below(4) {
            0 => data[at..at + length].fill(0xFF),
            1 => data[at..at + length].iter_mut().for_each(|byte| *byte = random.below(256) as u8),
            2 => drop(data.drain(at..at + length)),
            _ => {
                let copy = data[at..at + length].to_vec();
                let to = random.below(data.len());
                data.splice(to..to, copy);
            }
        }
        exercise(&mut decoder, &data, &mut random);
    }
}

#[test]
fn headers_of_one_file_before_the_data_of_another_never_panic() {
    let cases = corpus();
    let mut random = Random(5);
    let mut decoder = small();
    for _ in 0..2000 {
        let (a, b) = (&cases[random.below(cases.len())].data, &cases[random.below(cases.len())].data);
        let (at, from) = (random.below(a.len()), random.below(b.len()));
        exercise(&mut decoder, &[&a[..at], &b[from..]].concat(), &mut random);
    }
}

#[test]
fn random_bytes_behind_a_start_marker_never_panic() {
    let mut random = Random(6);
    let mut decoder = small();
    let markers = [0xC0, 0xC2, 0xC4, 0xDA, 0xDB, 0xDD, 0xE1, 0xEE, 0xD9];
    for _ in 0..20_000 {
        let mut data = vec![0xFF, 0xD8];
        for _ in 0..random.below(6) {
            let length = random.below(80);
            data.extend([0xFF, markers[random.below(markers.len())], 0, length as u8 + 2]);
            data.extend((0..length).map(|_| [0, 1, 0x11, 0x22, random.below(256) as u8][random.below(5)]));
        }
        exercise(&mut decoder, &data, &mut random);
    }
}

#[test]
fn a_truncated_file_is_invalid_and_names_the_byte() {
    let mut decoder = decoder();
    for case in corpus().iter().filter(|case| !case.name.starts_with("trailing") && case.data.len() < 4000) {
        for length in (0..case.data.len()).step_by(7) {
            let cut = &case.data[..length];
            let error = decode(&mut decoder, cut, Window::full(1, 1), 1).unwrap_err();
            let named = error == format!("the data ends early, at byte {length}: the file is truncated");
            let none = length < 2 && error.starts_with("the sample is");
            assert!(named || none, "{} cut at {length}: {error}", case.name);
        }
    }
}

#[test]
fn a_file_without_its_end_marker_is_truncated_whatever_the_window() {
    let case = corpus().into_iter().find(|case| case.name == "large-420.jpg").unwrap();
    let cut = &case.data[..case.data.len() - 2];
    for window in [Window::full(case.width, case.height), Window::full(1, 1)] {
        assert!(decode(&mut decoder(), cut, window, 1).unwrap_err().contains("truncated"));
    }
}

#[test]
fn what_is_no_jpeg_file_is_told_as_such() {
    let mut decoder = decoder();
    assert_eq!(decoder.open(b"").unwrap_err().to_string(), "the sample is empty");
    let error = decoder.open(b"this is a text").unwrap_err();
    assert_eq!(error.to_string(), "the sample is no JPEG file: it does not begin with FF D8");
}

/// A file of the corpus with its frame header changed.
fn with_frame(change: impl Fn(&mut [u8])) -> Vec<u8> {
    let mut data = corpus().into_iter().find(|case| case.name == "adobe-ycc.jpg").unwrap().data;
    let frame = data.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    change(&mut data[frame..]);
    data
}

#[test]
fn a_huge_image_is_too_large_before_anything_is_allocated() {
    let data = with_frame(|frame| frame[5..9].copy_from_slice(&[0x75, 0x30, 0x75, 0x30]));
    let error = decoder().open(&data).unwrap_err();
    assert_eq!(
        error,
        Error::TooLarge(
            "the image is 30000×30000 pixels, 900000000 in all; `max_pixels` allows 178956970".into()
        )
    );
}

#[test]
fn a_small_window_of_a_huge_image_decodes_where_the_limit_allows_the_image() {
    let data = with_frame(|frame| frame[5..9].copy_from_slice(&[0x75, 0x30, 0x75, 0x30]));
    let mut decoder = Jpeg::configure(Config { max_pixels: 900_000_000 }).unwrap();
    assert_eq!(decode(&mut decoder, &data, Window::full(16, 16), 1).unwrap().len(), 768);
}

#[test]
fn forms_that_are_not_decoded_are_unsupported_and_say_so() {
    for (marker, what) in [
        (0xC3, "it is coded without loss"),
        (0xC9, "it is coded arithmetically"),
        (0xCA, "it is coded arithmetically"),
        (0xC5, "it is coded hierarchically"),
    ] {
        let error = decoder().open(&with_frame(|frame| frame[1] = marker)).unwrap_err();
        assert!(matches!(&error, Error::UnsupportedData(text) if text.starts_with(what)), "{error}");
    }
    let error = decoder().open(&with_frame(|frame| frame[4] = 12)).unwrap_err();
    assert!(matches!(&error, Error::UnsupportedData(text) if text.contains("12 bits")), "{error}");
    let error = decoder().open(&with_frame(|frame| frame[11] = 0x33)).unwrap_err();
    assert!(matches!(error, Error::InvalidData(_)), "more than ten blocks in a unit: {error}");
    // 3×1 beside 2×1.
    let data = with_frame(|frame| (frame[11], frame[14], frame[17]) = (0x31, 0x21, 0x11));
    let error = decode(&mut decoder(), &data, Window::full(1, 1), 1).unwrap_err();
    assert!(error.contains("only whole ratios"), "{error}");
}

#[test]
fn a_configuration_without_pixels_is_refused() {
    let error = Jpeg::configure(Config { max_pixels: 0 }).err().unwrap();
    assert_eq!(error.to_string(), "`max_pixels` must be at least 1, but is 0");
}

#[test]
fn a_window_outside_the_image_is_refused() {
    let case = &corpus()[0];
    let mut decoder = decoder();
    assert!(decode(&mut decoder, &case.data, Window::full(case.width + 1, 1), 1).is_err());
    assert!(decode(&mut decoder, &case.data, Window::full(case.width, 1), 3).is_err());
}
