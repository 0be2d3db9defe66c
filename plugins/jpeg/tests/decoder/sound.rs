//! What the decoder makes of sound files, held against Pillow (libjpeg-turbo): the same bytes.

use crate::common::{Random, corpus, decode, decoder};
use zenith_plugin_sdk::{Decoder, Window};

/// FNV-1a over words of eight bytes, as the corpus's generator has it.
fn hash(data: &[u8]) -> String {
    let hash = data.chunks(8).fold(0xCBF2_9CE4_8422_2325_u64, |hash, chunk| {
        let word = chunk.iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte));
        (hash ^ word).wrapping_mul(0x100_0000_01B3)
    });
    format!("{hash:016x}")
}

#[test]
fn headers_are_what_pillow_reads() {
    let mut decoder = decoder();
    for case in corpus() {
        let header = decoder.open(&case.data).unwrap();
        let found = (header.width, header.height, header.orientation);
        assert_eq!(found, (case.width, case.height, case.orientation), "{}", case.name);
        assert_eq!(header.reductions, [2, 4, 8]);
    }
}

#[test]
fn every_file_decodes_to_pillows_bytes_at_every_reduction() {
    let mut decoder = decoder();
    let mut wrong = Vec::new();
    let mut held = 0;
    for case in corpus() {
        for (reduction, expected) in [1, 2, 4, 8].into_iter().zip(&case.hashes) {
            // Pillow does not reduce an image to less than a pixel.
            if expected == "-" {
                continue;
            }
            held += 1;
            let pixels = decode(&mut decoder, &case.data, Window::full(case.width, case.height), reduction);
            match pixels {
                Ok(pixels) if hash(&pixels) == *expected => {}
                Ok(_) => wrong.push(format!("{} at 1/{reduction}", case.name)),
                Err(error) => wrong.push(format!("{} at 1/{reduction}: {error}", case.name)),
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert!(held > 350, "only {held} decodings were held against Pillow");
}

#[test]
fn a_window_is_a_part_of_the_whole_at_every_reduction() {
    let mut random = Random(1);
    let mut decoder = decoder();
    for case in corpus() {
        let (width, height) = (case.width as usize, case.height as usize);
        for reduction in [1, 2, 4, 8] {
            let whole =
                decode(&mut decoder, &case.data, Window::full(case.width, case.height), reduction as u32)
                    .unwrap();
            let stride = 3 * width.div_ceil(reduction);
            for _ in 0..12 {
                let (w, h) = (1 + random.below(width), 1 + random.below(height));
                let (x, y) = (random.below(width - w + 1), random.below(height - h + 1));
                let window = Window { x: x as u32, y: y as u32, width: w as u32, height: h as u32 };
                let part = decode(&mut decoder, &case.data, window, reduction as u32).unwrap();
                let columns = 3 * w.div_ceil(reduction);
                assert_eq!(part.len(), columns * h.div_ceil(reduction));
                for (row, found) in part.chunks(columns).enumerate() {
                    let start = (y / reduction + row) * stride + 3 * (x / reduction);
                    assert!(
                        found == &whole[start..start + columns],
                        "{}: row {row} of {window} at 1/{reduction}",
                        case.name
                    );
                }
            }
        }
    }
}

#[test]
fn what_was_decoded_before_leaves_no_trace() {
    let cases = corpus();
    let mut random = Random(2);
    let mut used = decoder();
    for _ in 0..100 {
        let case = &cases[random.below(cases.len())];
        let window = Window::full(case.width, case.height);
        let fresh = decode(&mut decoder(), &case.data, window, 1).unwrap();
        assert!(fresh == decode(&mut used, &case.data, window, 1).unwrap(), "{}", case.name);
    }
}
