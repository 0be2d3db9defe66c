//! Bytes to floating point, as torchvision's v2 `ToDtype` does it, and channels first.

use serde::Deserialize;
use zenith_planar::{Layout, pixels_to_pixels, pixels_to_planes};
use zenith_plugin_sdk::{DType, Effect, Error, Output, Tensor, TensorType, Transform};

use crate::narrow::{to_bfloat16, to_float16};

/// The configuration of [`ToFloat`].
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Whether 0 to 255 become 0 to 1, rather than staying what they are.
    pub scale: bool,
    /// `float16`, `bfloat16`, `float32` or `float64`.
    pub dtype: DType,
    /// The order of the output's extents.
    pub layout: Layout,
}

impl Default for Config {
    fn default() -> Self {
        Self { scale: true, dtype: DType::Float32, layout: Layout::Chw }
    }
}

/// Turns `uint8[height, width, channels]` into floating point.
///
/// As v2's `ToDtype(dtype, scale=True)` does, a value is multiplied by 1/255 rounded to binary32
/// (to binary64 for `float64`), and the results are those of torchvision bit by bit. The older
/// `ToTensor` divides by 255 instead; the two differ by at most one unit in the last place.
#[derive(Debug)]
pub struct ToFloat {
    config: Config,
}

impl ToFloat {
    fn rearrange<const N: usize, G: Fn(u8) -> [u8; N]>(
        &self,
        input: Tensor<'_>,
        output: &mut Output<'_>,
        map: impl Fn(usize) -> G,
    ) {
        let channels = input.extents().last().map_or(0, |channels| *channels as usize);
        output.fill(input.data().len() * N, |place| match self.config.layout {
            Layout::Chw => pixels_to_planes(input.data(), channels, place, map),
            Layout::Hwc => pixels_to_pixels(input.data(), channels, place, map),
        });
    }

    /// What a byte becomes, in binary32.
    fn scaled(&self, value: u8) -> f32 {
        if self.config.scale { f32::from(value) * (1.0 / 255.0) } else { f32::from(value) }
    }

    /// What every byte becomes, in `N` bytes.
    fn table<const N: usize>(convert: impl Fn(u8) -> [u8; N]) -> [[u8; N]; 256] {
        let mut table = [[0; N]; 256];
        for (value, entry) in (0..=255).zip(&mut table) {
            *entry = convert(value);
        }
        table
    }
}

impl Transform for ToFloat {
    type Config = Config;

    fn configure(config: Config) -> Result<Self, Error> {
        match config.dtype {
            DType::Float16 | DType::Bfloat16 | DType::Float32 | DType::Float64 => Ok(Self { config }),
            other => Err(Error::config(
                "dtype",
                format!("must be `float16`, `bfloat16`, `float32` or `float64`, but is `{other}`"),
            )),
        }
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Some(input)
            .filter(|input| input.dtype == DType::Uint8)
            .and_then(|input| self.config.layout.of_decoded(input, self.config.dtype))
            .map(Self::pure)
            .ok_or_else(|| {
                Error::UnsupportedType(format!("it takes uint8[height, width, channels], not {input}"))
            })
    }

    fn apply(&mut self, input: Tensor<'_>, _seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        match (self.config.dtype, self.config.scale) {
            (DType::Float16, _) => {
                let table = Self::table(|value| to_float16(self.scaled(value)).to_le_bytes());
                self.rearrange(input, output, |_| |value: u8| table[usize::from(value)]);
            }
            (DType::Bfloat16, _) => {
                let table = Self::table(|value| to_bfloat16(self.scaled(value)).to_le_bytes());
                self.rearrange(input, output, |_| |value: u8| table[usize::from(value)]);
            }
            (DType::Float64, scale) => {
                let factor = if scale { 1.0 / 255.0 } else { 1.0 };
                self.rearrange(input, output, |_| move |value: u8| (f64::from(value) * factor).to_le_bytes());
            }
            (_, scale) => {
                let factor = if scale { 1.0 / 255.0 } else { 1.0 };
                self.rearrange(input, output, |_| move |value: u8| (f32::from(value) * factor).to_le_bytes());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use zenith_plugin_sdk::{parse_config, testing::apply};

    use super::*;

    fn configure(config: &str) -> Result<ToFloat, Error> {
        ToFloat::configure(parse_config(config)?)
    }

    fn floats(config: &str, extents: &[u32], data: &[u8]) -> Vec<f32> {
        let input = Tensor::new(DType::Uint8, extents, data).unwrap();
        let bytes = apply(&mut configure(config).unwrap(), input, 0).unwrap();
        bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect()
    }

    #[test]
    fn channels_come_first_unless_told_otherwise() {
        let plain = |layout| format!(r#"{{"scale": false, "layout": "{layout}"}}"#);
        let data = [1, 2, 3, 4, 5, 6];
        assert_eq!(floats(&plain("chw"), &[1, 2, 3], &data), [1., 4., 2., 5., 3., 6.]);
        assert_eq!(floats(&plain("hwc"), &[1, 2, 3], &data), [1., 2., 3., 4., 5., 6.]);
    }

    #[test]
    fn the_planned_type_follows_layout_and_dtype() {
        let image = TensorType { dtype: DType::Uint8, shape: [None, Some(7), Some(3)].into_iter().collect() };
        let plan = |config| configure(config).unwrap().plan(&image).unwrap();
        assert_eq!(plan("{}").output.to_string(), "float32[3, ?, 7]");
        assert_eq!(plan(r#"{"layout":"hwc","dtype":"float16"}"#).output.to_string(), "float16[?, 7, 3]");
        assert!(!plan("{}").seeded);
    }

    #[test]
    fn other_types_are_refused() {
        for (dtype, shape) in
            [(DType::Float32, &[3, 4, 4][..]), (DType::Uint8, &[4, 4]), (DType::Uint8, &[1, 2, 3, 4])]
        {
            let input = TensorType::fixed(dtype, shape);
            assert_eq!(
                configure("{}").unwrap().plan(&input).unwrap_err().to_string(),
                format!("it takes uint8[height, width, channels], not {input}")
            );
        }
    }

    #[test]
    fn empty_images_stay_empty() {
        for extents in [[0, 5, 3], [5, 0, 3], [5, 5, 0]] {
            assert!(floats("{}", &extents, &[]).is_empty());
        }
    }

    #[test]
    fn hostile_configurations_are_told_apart() {
        for (config, expected) in [
            (
                r#"{"dtype": "uint8"}"#,
                "`dtype` must be `float16`, `bfloat16`, `float32` or `float64`, but is `uint8`",
            ),
            (r#"{"layout": "nchw"}"#, "`layout` is wrong: unknown variant `nchw`, expected `chw` or `hwc`"),
            (r#"{"scale": 1}"#, "`scale` is wrong: invalid type: integer `1`, expected a boolean"),
            (
                r#"{"size": 1}"#,
                "`size` is wrong: unknown field `size`, expected one of `scale`, `dtype`, `layout`",
            ),
        ] {
            assert_eq!(configure(config).unwrap_err().to_string(), expected);
        }
    }
}
