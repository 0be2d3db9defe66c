//! The traits that a pipeline's operators implement, whether WebAssembly or native. They mirror
//! `wit/`, where each call is described in full; here stands only what a Rust caller must know.
//!
//! An operator belongs to one worker thread: calls take `&mut self` and never overlap.

use serde::{Deserialize, Serialize};

use crate::{
    error::OperatorError,
    output::Output,
    tensor::{TensorType, TensorView},
    window::Window,
};

/// A format that a decoder reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// The media type, such as `image/jpeg`.
    pub media_type: String,
    /// Usual file name extensions, lower case and without the dot.
    pub extensions: Vec<String>,
    /// The bytes that such a sample begins with.
    pub magic: Vec<u8>,
}

/// What the first bytes of an encoded image say.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Header {
    /// Columns of the full image, as stored.
    pub width: u32,
    /// Rows of the full image, as stored.
    pub height: u32,
    /// EXIF orientation, 1 to 8. Told, not applied.
    pub orientation: u8,
    /// The reductions that the decoder can do besides 1.
    pub reductions: Vec<u32>,
}

/// Which part of the open sample to decode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DecodeRequest {
    /// The wanted part of the full image.
    pub window: Window,
    /// 1, or one of the header's reductions.
    pub reduction: u32,
}

impl DecodeRequest {
    /// Columns and rows of the result.
    pub fn size(&self) -> (u32, u32) {
        (self.window.width.div_ceil(self.reduction), self.window.height.div_ceil(self.reduction))
    }
}

/// From encoded bytes to a tensor.
pub trait Decode: Send {
    /// The formats that it reads.
    fn formats(&mut self) -> Result<Vec<Format>, OperatorError>;

    /// What it decodes to: `[height, width, channels]`, height and width open.
    fn plan(&mut self) -> Result<TensorType, OperatorError>;

    /// Reads the header of a sample.
    fn open(&mut self, data: &[u8]) -> Result<Header, OperatorError>;

    /// Decodes a part of the sample that was opened last; `data` are the same bytes again.
    fn decode(
        &mut self,
        data: &[u8],
        request: DecodeRequest,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError>;
}

/// What a transform makes of an input of a given type.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, one to one with the record in `wit/`")]
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The type of its output.
    pub output: TensorType,
    /// Whether the result depends on the seed.
    pub seeded: bool,
    /// Whether it reads a window of its input only, which [`Transform::window`] tells.
    pub windowed: bool,
    /// Whether the window itself is the result.
    pub crop_only: bool,
    /// Whether it resamples its input to the output's size, whatever scale it is handed.
    pub reducible: bool,
}

/// From one tensor of a sample to another.
pub trait Transform: Send {
    /// What it makes of an input of this type, or why it does not take it.
    fn plan(&mut self, input: &TensorType) -> Result<Effect, OperatorError>;

    /// The part of a `width` × `height` image that [`Transform::apply`] will be given.
    fn window(&mut self, width: u32, height: u32, seed: u64) -> Result<Window, OperatorError>;

    /// Transforms one sample.
    fn apply(
        &mut self,
        input: TensorView<'_>,
        seed: u64,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError>;
}

/// What a batch transform makes of its inputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchEffect {
    /// One output type for each input; the first extent is the batch's.
    pub outputs: Vec<TensorType>,
    /// Whether the result depends on the seed.
    pub seeded: bool,
}

/// From the tensors of a batch to others.
pub trait BatchTransform: Send {
    /// What it makes of these fields, in the order in which the pipeline names them.
    fn plan(&mut self, inputs: &[TensorType]) -> Result<BatchEffect, OperatorError>;

    /// Transforms one batch: one output for each input.
    fn apply(
        &mut self,
        inputs: &[TensorView<'_>],
        seed: u64,
        outputs: &mut [Output<'_>],
    ) -> Result<(), OperatorError>;
}

/// What an epoch draws from, and this process's part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Population {
    /// Samples in the dataset.
    pub length: u64,
    /// Which epoch, from 0.
    pub epoch: u64,
    /// The run's seed, below 2⁵³.
    pub seed: u64,
    /// This process's rank.
    pub rank: u32,
    /// Processes that share the epoch, at least 1.
    pub world_size: u32,
}

/// The order in which an epoch reads its samples.
pub trait Sampler: Send {
    /// Begins an epoch; answers how many indices it will yield.
    fn start(&mut self, population: Population) -> Result<u64, OperatorError>;

    /// Appends the next indices, at most `limit`; none ends the epoch.
    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), OperatorError>;

    /// Where the epoch stands.
    fn save(&mut self) -> Result<Vec<u8>, OperatorError>;

    /// Continues from a saved place, after a [`Sampler::start`] with the same population.
    fn restore(&mut self, state: &[u8]) -> Result<(), OperatorError>;
}
