//! The corpus, as its generator left it.

use std::{fs, path::PathBuf};

use zenith_jpeg::{Config, Jpeg};
use zenith_plugin_sdk::{DecodeRequest, Decoder, Window, testing};

/// One file with what Pillow makes of it.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) data: Vec<u8>,
    pub(crate) width: u32,
    pub(crate) height: u32,
    pub(crate) orientation: u8,
    /// Hashes of the RGB bytes at the reductions 1, 2, 4 and 8.
    pub(crate) hashes: [String; 4],
}

pub(crate) fn corpus() -> Vec<Case> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let lines = fs::read_to_string(folder.join("expected.tsv")).unwrap();
    lines
        .lines()
        .map(|line| {
            let [name, width, height, orientation, hashes @ ..] = &line.split('\t').collect::<Vec<_>>()[..]
            else {
                panic!("`{line}` is too short");
            };
            Case {
                name: (*name).to_owned(),
                data: fs::read(folder.join("files").join(name)).unwrap(),
                width: width.parse().unwrap(),
                height: height.parse().unwrap(),
                orientation: orientation.parse().unwrap(),
                hashes: core::array::from_fn(|i| hashes[i].to_owned()),
            }
        })
        .collect()
}

pub(crate) fn decoder() -> Jpeg {
    Jpeg::configure(Config::default()).unwrap()
}

/// Decodes a window, or says why not.
pub(crate) fn decode(
    decoder: &mut Jpeg,
    data: &[u8],
    window: Window,
    reduction: u32,
) -> Result<Vec<u8>, String> {
    testing::decode(decoder, data, DecodeRequest { window, reduction }).map_err(|error| error.to_string())
}

/// Numbers that look random, the same in every run.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
}
