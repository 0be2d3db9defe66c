//! Inputs for tests: tensors of every usual form, from bytes that are the same in every run. Nothing here
//! calls a plugin.

use std::fmt;

use zenith_core::{DType, Shape, TensorType, TensorView, Window};

/// A tensor of one's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Tensor {
    pub(crate) dtype: DType,
    pub(crate) extents: Vec<u32>,
    pub(crate) data: Vec<u8>,
}

/// Bytes that a tensor made here may have.
const MOST: usize = 1 << 30;

impl Tensor {
    /// A tensor with plausible elements: any integer, or numbers from 0 to 1. `None` where it would be
    /// larger than tests make them.
    pub(crate) fn plausible(dtype: DType, extents: &[u32], noise: &mut Noise) -> Option<Self> {
        let length = TensorType::fixed(dtype, extents).byte_len().filter(|length| *length <= MOST)?;
        let elements = length / dtype.size();
        let mut part = || f32::from(noise.byte()) / 255.0;
        let data = match dtype {
            DType::Float64 => (0..elements).flat_map(|_| f64::from(part()).to_le_bytes()).collect(),
            DType::Float32 => (0..elements).flat_map(|_| part().to_le_bytes()).collect(),
            // The upper half of a binary32.
            DType::Bfloat16 => (0..elements)
                .flat_map(|_| {
                    let [_, _, low, high] = part().to_le_bytes();
                    [low, high]
                })
                .collect(),
            // From 0.5 to 1: one exponent, any fraction.
            DType::Float16 => (0..elements)
                .flat_map(|_| {
                    let [low, high, ..] = noise.number().to_le_bytes();
                    [low, 0x38 | (high & 3)]
                })
                .collect(),
            DType::Bool => noise.bytes(length).into_iter().map(|byte| byte & 1).collect(),
            _ => noise.bytes(length),
        };
        Some(Self { dtype, extents: extents.to_vec(), data })
    }

    pub(crate) fn tensor_type(&self) -> TensorType {
        TensorType::fixed(self.dtype, &self.extents)
    }

    /// As operators take it; `None` where the bytes do not fill the shape, which the makers here see to.
    pub(crate) fn view(&self) -> Option<TensorView<'_>> {
        TensorView::new(self.dtype, &self.extents, &self.data)
    }

    /// Rows and columns, as far as it has any.
    pub(crate) fn rows_and_columns(&self) -> (u32, u32) {
        (self.extents.first().copied().unwrap_or(1), self.extents.get(1).copied().unwrap_or(1))
    }

    /// The part of an image that a window shows.
    pub(crate) fn cut(&self, window: Window) -> Self {
        let (_, columns) = self.rows_and_columns();
        let pixel = self.dtype.size() * self.extents[2..].iter().product::<u32>() as usize;
        let line = columns as usize * pixel;
        let (left, width) = (window.x as usize * pixel, window.width as usize * pixel);
        let rows = window.y as usize..(window.y + window.height) as usize;
        let data = rows.flat_map(|row| &self.data[row * line + left..row * line + left + width]).copied();
        let extents = [window.height, window.width].into_iter().chain(self.extents[2..].iter().copied());
        Self { dtype: self.dtype, data: data.collect(), extents: extents.collect() }
    }
}

impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.tensor_type().fmt(f)
    }
}

/// A usual form of one sample's tensor, of any height and width.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Form {
    pub(crate) dtype: DType,
    /// The channels, and whether they come first.
    channels: Option<(u32, bool)>,
}

/// The forms in which tensors come to operators: images as decoders make them, images as models take
/// them, and a plain row of numbers.
pub(crate) const FORMS: [Form; 6] = [
    Form { dtype: DType::Uint8, channels: Some((3, false)) },
    Form { dtype: DType::Uint8, channels: Some((1, false)) },
    Form { dtype: DType::Float32, channels: Some((3, false)) },
    Form { dtype: DType::Float32, channels: Some((3, true)) },
    Form { dtype: DType::Uint8, channels: None },
    Form { dtype: DType::Float32, channels: None },
];

impl Form {
    /// The form of a tensor at hand, if it is an image with its channels last.
    pub(crate) fn of(tensor: &Tensor) -> Option<Self> {
        match tensor.extents[..] {
            [_, _, channels] => Some(Self { dtype: tensor.dtype, channels: Some((channels, false)) }),
            [_] => Some(Self { dtype: tensor.dtype, channels: None }),
            _ => None,
        }
    }

    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.dtype == other.dtype && self.channels == other.channels
    }

    /// Whether it has rows and columns in front, as a window calls for.
    pub(crate) fn has_windows(&self) -> bool {
        matches!(self.channels, Some((_, false)))
    }

    fn extents(&self, height: u32, width: u32) -> Vec<u32> {
        match self.channels {
            Some((channels, true)) => vec![channels, height, width],
            Some((channels, false)) => vec![height, width, channels],
            None => vec![height * width],
        }
    }

    /// The type with height and width open.
    pub(crate) fn open(&self) -> TensorType {
        let shape: Shape = match self.channels {
            Some((channels, true)) => [Some(channels), None, None].into_iter().collect(),
            Some((channels, false)) => [None, None, Some(channels)].into_iter().collect(),
            None => [None].into_iter().collect(),
        };
        TensorType { dtype: self.dtype, shape }
    }

    /// A tensor of this form with plausible elements.
    pub(crate) fn tensor(&self, height: u32, width: u32, noise: &mut Noise) -> Tensor {
        let extents = self.extents(height, width);
        Tensor::plausible(self.dtype, &extents, noise).unwrap_or(Tensor {
            dtype: self.dtype,
            extents: vec![0],
            data: Vec::new(),
        })
    }

    /// The same, with elements that arithmetic stumbles over: the least, the greatest, and what is no
    /// number.
    pub(crate) fn awkward(&self, height: u32, width: u32) -> Vec<Tensor> {
        let extents = self.extents(height, width);
        let elements = extents.iter().product::<u32>() as usize;
        let patterns: Vec<Vec<u8>> = match self.dtype {
            DType::Float32 => [f32::NAN, f32::INFINITY, f32::MIN, f32::MIN_POSITIVE, -0.0]
                .map(|value| value.to_le_bytes().to_vec())
                .to_vec(),
            dtype => vec![vec![0; dtype.size()], vec![0xFF; dtype.size()]],
        };
        patterns
            .into_iter()
            .map(|pattern| Tensor {
                dtype: self.dtype,
                extents: extents.clone(),
                data: pattern.repeat(elements),
            })
            .collect()
    }
}

/// Bytes and numbers without a pattern, the same in every run: the generator `SplitMix64` of Steele, Lea
/// and Flood (2014).
#[derive(Clone, Debug)]
pub(crate) struct Noise(u64);

impl Noise {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `limit`, which is at least 1.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        self.number() % limit
    }

    pub(crate) fn below_u32(&mut self, limit: u32) -> u32 {
        u32::try_from(self.below(u64::from(limit))).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }

    pub(crate) fn bytes(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(length + 8);
        while bytes.len() < length {
            bytes.extend_from_slice(&self.number().to_le_bytes());
        }
        bytes.truncate(length);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_makes_tensors_that_fill_their_shape() {
        let mut noise = Noise::new(1);
        for form in FORMS {
            let tensor = form.tensor(5, 7, &mut noise);
            assert!(tensor.view().is_some() && form.open().admits(tensor.dtype, &tensor.extents));
            assert!(form.awkward(2, 3).iter().all(|tensor| tensor.view().is_some()));
        }
    }

    #[test]
    fn a_cut_is_the_windows_part() {
        let data = (0..24).collect();
        let image = Tensor { dtype: DType::Uint8, extents: vec![3, 4, 2], data };
        let cut = image.cut(Window { x: 1, y: 1, width: 2, height: 2 });
        assert_eq!((cut.extents, cut.data), (vec![2, 2, 2], vec![10, 11, 12, 13, 18, 19, 20, 21]));
    }

    #[test]
    fn noise_is_the_same_in_every_run() {
        assert_eq!(Noise::new(0).number(), 0xE220_A839_7B1D_CDAF);
        assert_eq!(Noise::new(7).bytes(9), Noise::new(7).bytes(9));
    }
}
