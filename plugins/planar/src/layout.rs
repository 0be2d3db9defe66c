//! Whether the channels of an image come first or last.

use serde::Deserialize;
use zenith_plugin_sdk::{DType, TensorType};

/// The order of an image's extents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// `[channels, height, width]`: a plane for each channel, as torch has images.
    #[default]
    Chw,
    /// `[height, width, channels]`: pixel after pixel, as decoders give images.
    Hwc,
}

impl Layout {
    /// The type of a decoded image, whose channels come last, with its elements turned into `dtype`
    /// and its extents into this order. `None` where it does not have three extents.
    pub fn of_decoded(self, image: &TensorType, dtype: DType) -> Option<TensorType> {
        let [height, width, channels] = *image.shape.as_slice() else {
            return None;
        };
        let shape = match self {
            Self::Chw => [channels, height, width],
            Self::Hwc => [height, width, channels],
        };
        Some(TensorType { dtype, shape: shape.into_iter().collect() })
    }

    /// Where among the extents the channels are.
    pub const fn channel_axis(self) -> usize {
        match self {
            Self::Chw => 0,
            Self::Hwc => 2,
        }
    }

    /// The extents by name, for messages.
    pub const fn describe(self) -> &'static str {
        match self {
            Self::Chw => "[channels, height, width]",
            Self::Hwc => "[height, width, channels]",
        }
    }
}
