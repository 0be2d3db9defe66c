//! The resizer against torchvision's results, which `generate.py` wrote down.
//!
//! Tolerance: none for `uint8`, whatever the interpolation and the instructions; 2⁻¹⁵ (for values
//! between 0 and 1) for `float32`, where torch computes positions in single precision.

use std::{env, fs, path::PathBuf};

use serde::Deserialize;
use zenith_imaging::{Interpolation, Resizer, simd::Level};
use zenith_plugin_sdk::{DType, Tensor};

#[derive(Deserialize)]
struct Golden {
    width: usize,
    height: usize,
    cases: Vec<Case>,
}

#[derive(Debug, Deserialize)]
struct Case {
    x: usize,
    y: usize,
    width: usize,
    height: usize,
    channels: usize,
    dtype: DType,
    size: (u32, u32),
    interpolation: Interpolation,
    antialias: bool,
    offset: usize,
}

const FLOAT_TOLERANCE: f32 = 1.0 / 32_768.0;

fn folder() -> PathBuf {
    env::var_os("ZENITH_GOLDEN")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden"), PathBuf::from)
}

/// The part of the photograph that a case is about, as `generate.py` cuts it.
fn input(case: &Case, photograph: &[u8], width: usize) -> Vec<u8> {
    let mut data = Vec::new();
    for y in case.y..case.y + case.height {
        for x in case.x..case.x + case.width {
            let pixel = &photograph[(y * width + x) * 3..][..3];
            let four = [pixel[0], pixel[1], pixel[2], 255 - pixel[0]];
            for value in &four[..case.channels] {
                match case.dtype {
                    DType::Float32 => data.extend((f32::from(*value) / 255.0).to_le_bytes()),
                    _ => data.push(*value),
                }
            }
        }
    }
    data
}

#[test]
fn results_are_those_of_torchvision() {
    let folder = folder();
    let golden: Golden = serde_json::from_slice(&fs::read(folder.join("cases.json")).unwrap()).unwrap();
    let photograph = fs::read(folder.join("photograph.bin")).unwrap();
    let resized = fs::read(folder.join("resized.bin")).unwrap();
    assert_eq!(photograph.len(), golden.width * golden.height * 3);

    let mut end = 0;
    for case in &golden.cases {
        let data = input(case, &photograph, golden.width);
        let extents = [case.height, case.width, case.channels].map(|extent| u32::try_from(extent).unwrap());
        let tensor = Tensor::new(case.dtype, &extents, &data).unwrap();
        let pixels = usize::try_from(case.size.0 * case.size.1).unwrap();
        let length = pixels * case.channels * case.dtype.size();
        let expected = &resized[case.offset..case.offset + length];
        for level in Level::all() {
            let mut resizer = Resizer::new(case.interpolation, case.antialias).with_level(level);
            let mut result = vec![0xA5; length];
            resizer.resize(tensor, case.size, &mut result).unwrap();
            if case.dtype == DType::Float32 {
                let floats = |bytes: &[u8]| -> Vec<f32> {
                    bytes.as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
                };
                for (got, wanted) in floats(&result).into_iter().zip(floats(expected)) {
                    assert!((got - wanted).abs() <= FLOAT_TOLERANCE, "{case:?}: {got}, not {wanted}");
                }
            } else {
                let wrong = result.iter().zip(expected).filter(|(got, wanted)| got != wanted).count();
                assert_eq!(wrong, 0, "{} of {length} bytes differ with {}: {case:?}", wrong, level.name());
            }
        }
        end = case.offset + length;
    }
    assert_eq!(end, resized.len(), "every golden byte is compared");
    assert!(golden.cases.len() > 100);
}
