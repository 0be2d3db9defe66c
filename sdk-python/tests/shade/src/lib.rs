//! Paints images in one shade: `10 × N` in version `1.N.0`. Some versions cannot take the place of
//! another, for tests of what becomes of a swap.
//!
//! Which version it is stands in the manifest, of which the component has a copy among its data: the
//! tests make other versions of one component by changing the number in both.

use std::hint::black_box;

use zenith_plugin_sdk::{DType, Effect, Error, Output, Tensor, TensorType, Transform, export, serde};

const TRAPS_WHEN_PLANNED: u8 = 4;
const KNOWS_NO_DEPTH: u8 = 5;
const MAKES_FLOATS: u8 = 6;
const DECLINES_WIDE_IMAGES: u8 = 7;

#[derive(serde::Deserialize)]
#[serde(crate = "serde", deny_unknown_fields)]
struct Shade {
    /// Is subtracted from the shade.
    #[serde(default)]
    depth: u8,
}

fn minor() -> u8 {
    let manifest = black_box(include_str!("../plugin.toml"));
    let (_, version) = manifest.split_once("version = \"1.").unwrap_or_default();
    version.bytes().next().unwrap_or(b'0') - b'0'
}

impl Transform for Shade {
    type Config = Self;

    fn configure(config: Self) -> Result<Self, Error> {
        if minor() == KNOWS_NO_DEPTH && config.depth > 0 {
            return Err(Error::config("depth", "is gone: all shades are flat since 1.5"));
        }
        Ok(config)
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        let mut planned = input.clone();
        match minor() {
            TRAPS_WHEN_PLANNED => panic!("no plan"),
            MAKES_FLOATS => planned.dtype = DType::Float32,
            _ => {}
        }
        Ok(Self::pure(planned))
    }

    fn apply(&mut self, input: Tensor<'_>, _: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let wide = input.extents()[1] > 2 * input.extents()[0];
        if minor() == DECLINES_WIDE_IMAGES && wide {
            return Err(Error::InvalidData("it is too wide to be painted".into()));
        }
        output.write(&vec![10 * minor() - self.depth; input.data().len()]);
        Ok(())
    }
}

export!(transform: Shade);
