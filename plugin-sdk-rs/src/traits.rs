//! One trait for each kind of plugin. They mirror the interfaces in `wit/`, where each call is
//! described in full.

use serde::de::DeserializeOwned;
use zenith_core::{
    BatchEffect, DType, Decision, DecodeRequest, Effect, Format, Header, Population, Round, TensorType,
    TensorView, Window,
};

use crate::{error::Error, output::Output};

/// From one tensor of a sample to another.
///
/// ```
/// use zenith_plugin_sdk::{Effect, Error, NoConfig, Output, Tensor, TensorType, Transform};
///
/// struct Invert;
///
/// impl Transform for Invert {
///     type Config = NoConfig;
///
///     fn configure(_: NoConfig) -> Result<Self, Error> {
///         Ok(Self)
///     }
///
///     fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
///         Ok(Self::pure(input.clone()))
///     }
///
///     fn apply(&mut self, input: Tensor<'_>, _seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
///         output.fill(input.data().len(), |place| {
///             for (out, value) in place.iter_mut().zip(input.data()) {
///                 *out = 255 - value;
///             }
///         });
///         Ok(())
///     }
/// }
/// ```
pub trait Transform: Sized + Send + 'static {
    /// The configuration, read from JSON. Use `#[serde(deny_unknown_fields)]`, so that a mistyped
    /// key is told to the user.
    type Config: DeserializeOwned;

    /// Makes the transform, or says which key of the configuration is wrong.
    fn configure(config: Self::Config) -> Result<Self, Error>;

    /// Says what the transform makes of an input of this type, or why it does not take it.
    /// [`Transform::pure`], [`Transform::seeded`] and [`Transform::windowed`] write the answer.
    fn plan(&self, input: &TensorType) -> Result<Effect, Error>;

    /// The part of a `width` × `height` image that `apply` will be given. Called only where `plan`
    /// answered `windowed`.
    fn window(&self, width: u32, height: u32, seed: u64) -> Result<Window, Error> {
        let _ = seed;
        Ok(Window::full(width, height))
    }

    /// Transforms one sample. The seed is the one that `window` was given.
    fn apply(&mut self, input: TensorView<'_>, seed: u64, output: &mut Output<'_>) -> Result<(), Error>;

    /// The effect of a transform that does not use its seed and reads its whole input.
    fn pure(output: TensorType) -> Effect {
        Effect { output, seeded: false, windowed: false, crop_only: false, reducible: false }
    }

    /// The effect of a transform that uses its seed and reads its whole input.
    fn seeded(output: TensorType) -> Effect {
        Effect { seeded: true, ..Self::pure(output) }
    }

    /// The effect of a transform that reads a window of its input.
    fn windowed(output: TensorType, seeded: bool) -> Effect {
        Effect { windowed: true, seeded, ..Self::pure(output) }
    }

    /// The effect of a transform whose window is its result; the host never calls its `apply`.
    fn crop(output: TensorType, seeded: bool) -> Effect {
        Effect { crop_only: true, ..Self::windowed(output, seeded) }
    }

    /// The same effect, of a transform that resamples what it is given to its output's size, so
    /// that it may be handed the image at a reduced scale under `fidelity="fast"`.
    fn reducible(effect: Effect) -> Effect {
        Effect { reducible: true, ..effect }
    }
}

/// From encoded bytes to a tensor.
pub trait Decoder: Sized + Send + 'static {
    /// The configuration, read from JSON.
    type Config: DeserializeOwned;

    /// Makes the decoder, or says which key of the configuration is wrong.
    fn configure(config: Self::Config) -> Result<Self, Error>;

    /// The formats that it reads.
    fn formats(&self) -> Vec<Format>;

    /// What it decodes to; `uint8[?, ?, 3]` unless said otherwise.
    fn plan(&self) -> TensorType {
        TensorType { dtype: DType::Uint8, shape: [None, None, Some(3)].into_iter().collect() }
    }

    /// Reads the header of a sample. What it learns may be kept in `self` for `decode`.
    fn open(&mut self, data: &[u8]) -> Result<Header, Error>;

    /// Decodes a part of the sample that was opened last; `data` are the same bytes again.
    fn decode(&mut self, data: &[u8], request: DecodeRequest, output: &mut Output<'_>) -> Result<(), Error>;
}

/// From the tensors of a batch to others.
pub trait BatchTransform: Sized + Send + 'static {
    /// The configuration, read from JSON.
    type Config: DeserializeOwned;

    /// Makes the batch transform, or says which key of the configuration is wrong.
    fn configure(config: Self::Config) -> Result<Self, Error>;

    /// Says what it makes of these fields, in the order in which the pipeline names them.
    fn plan(&self, inputs: &[TensorType]) -> Result<BatchEffect, Error>;

    /// Transforms one batch. `outputs` has one place for each input.
    fn apply(
        &mut self,
        inputs: &[TensorView<'_>],
        seed: u64,
        outputs: &mut [Output<'_>],
    ) -> Result<(), Error>;
}

/// The order in which an epoch reads its samples.
pub trait Sampler: Sized + Send + 'static {
    /// The configuration, read from JSON.
    type Config: DeserializeOwned;

    /// Makes the sampler, or says which key of the configuration is wrong.
    fn configure(config: Self::Config) -> Result<Self, Error>;

    /// Begins an epoch; answers how many indices it will yield.
    fn start(&mut self, population: Population) -> Result<u64, Error>;

    /// Appends the next indices, at most `limit`; none ends the epoch.
    fn next(&mut self, limit: u32, run: &mut Vec<u64>) -> Result<(), Error>;

    /// Where the epoch stands.
    fn save(&self) -> Vec<u8>;

    /// Continues from a saved place, after a `start` with the same population.
    fn restore(&mut self, state: &[u8]) -> Result<(), Error>;
}

/// Which waiting job starts where.
///
/// ```
/// use zenith_plugin_sdk::{Decision, Error, NoConfig, Placement, Policy, Round};
///
/// /// Starts the oldest job, if it has one task and the first node has room for it.
/// struct Timid;
///
/// impl Policy for Timid {
///     type Config = NoConfig;
///
///     fn configure(_: NoConfig) -> Result<Self, Error> {
///         Ok(Self)
///     }
///
///     fn decide(&mut self, round: &Round) -> Result<Decision, Error> {
///         let (waiting, nodes) = (&round.waiting, &round.nodes);
///         let mut decision = Decision::default();
///         if let ([job, ..], [node, ..]) = (&waiting.id[..], &nodes.id[..])
///             && waiting.tasks[0] == 1
///             && waiting.cpus[0] <= nodes.cpus_free[0]
///             && waiting.memory[0] <= nodes.memory_free[0]
///             && waiting.gpus[0] <= nodes.gpus_free[0]
///         {
///             decision.placements.push(Placement { job: *job, node: *node });
///         }
///         Ok(decision)
///     }
/// }
/// ```
pub trait Policy: Sized + Send + 'static {
    /// The configuration, read from JSON.
    type Config: DeserializeOwned;

    /// Makes the policy, or says which key of the configuration is wrong.
    fn configure(config: Self::Config) -> Result<Self, Error>;

    /// Decides one round. The columns of each record are equally long.
    fn decide(&mut self, round: &Round) -> Result<Decision, Error>;

    /// What it has learnt, for the policy that follows it; nothing, unless said otherwise.
    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    /// Takes over what an earlier policy learnt. A policy that learns nothing takes only a state that
    /// is empty.
    fn restore(&mut self, state: &[u8]) -> Result<(), Error> {
        if state.is_empty() {
            return Ok(());
        }
        Err(Error::InvalidState(format!("it keeps no state, and was given {} bytes", state.len())))
    }
}
