//! Golden samples: what an author says that comes of an input, kept in `golden/<case>/case.json` beside
//! files of raw bytes.
//!
//! A case has a configuration and, by the plugin's kind, an input and its output:
//!
//! | kind | input | output |
//! |---|---|---|
//! | transform | `seed`, `input` (a tensor) | `output` (a tensor) |
//! | decoder | `input` (a file) | `output` (a tensor, the whole image) |
//! | batch transform | `seed`, `inputs` (tensors) | `outputs` (tensors) |
//! | sampler | `population` | `indices` |
//! | policy | `round` | `decision` |
//!
//! A tensor is `{"dtype", "shape", "file"}`; its file holds its elements, row-major and little-endian. An
//! output has a `tolerance` besides: how far an element may be off, 0 unless set. A case without its
//! output is given the one that the plugin makes, when its author asks for it.

mod compare;
mod file;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use thiserror::Error;
use zenith_core::{Decision, DecodeRequest, Kind, OperatorError, Population, Round, Window};

use super::{
    Checks, Failure, Subject, Verdict, batch_transform, decoder, inputs::Tensor, sampler, transform,
};

use compare::compared;

/// Why golden samples could not be read or written.
#[derive(Debug, Error)]
#[error("the golden sample `{}` {problem}", case.display())]
pub struct GoldenError {
    /// The folder of the case.
    pub case: PathBuf,
    /// What is wrong, in a clause.
    pub problem: String,
}

impl GoldenError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        Some("`zenith plugin test --help` says what a golden sample looks like".to_owned())
    }

    fn new(case: &Path, problem: impl Into<String>) -> Self {
        Self { case: case.to_owned(), problem: problem.into() }
    }
}

/// An encoded sample.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Encoded {
    /// What failures call it.
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
}

/// A plugin's golden samples.
#[derive(Clone, Debug, Default)]
pub struct Golden {
    cases: Vec<Case>,
    tensors: Vec<Tensor>,
    encoded: Vec<Encoded>,
}

/// One golden sample.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    folder: PathBuf,
    config: String,
    content: Content,
}

/// What goes in, and what must come out of it where that is known.
#[derive(Clone, Debug)]
enum Content {
    Transform { seed: u64, input: Tensor, output: Expected },
    Decoder { input: Encoded, output: Expected },
    BatchTransform { seed: u64, inputs: Vec<Tensor>, outputs: Vec<Expected> },
    Sampler { population: Population, indices: Option<Vec<u64>> },
    Policy { round: Box<Round>, decision: Option<Decision> },
}

/// An output as a case has it.
#[derive(Clone, Debug)]
struct Expected {
    /// `None` where it is still to be written.
    tensor: Option<Tensor>,
    tolerance: f64,
    file: String,
}

/// What a plugin makes of a case.
enum Made {
    Tensors(Vec<Tensor>),
    Indices(Vec<u64>),
    Decision(Decision),
}

impl Golden {
    /// Reads every case in a folder, by name. A folder that does not exist has none.
    pub fn read(folder: &Path, kind: Kind) -> Result<Self, GoldenError> {
        let mut golden = Self::default();
        for case in file::cases(folder)? {
            let case = file::read(&case, kind)?;
            match &case.content {
                Content::Transform { input, .. } => golden.tensors.push(input.clone()),
                Content::Decoder { input, .. } => golden.encoded.push(input.clone()),
                _ => {}
            }
            golden.cases.push(case);
        }
        Ok(golden)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.cases.is_empty()
    }

    /// The configurations of the cases.
    pub(crate) fn configs(&self) -> impl Iterator<Item = String> {
        self.cases.iter().map(|case| case.config.clone())
    }

    /// The inputs of a transform's cases.
    pub(crate) fn tensors(&self) -> &[Tensor] {
        &self.tensors
    }

    /// The inputs of a decoder's cases.
    pub(crate) fn encoded(&self) -> &[Encoded] {
        &self.encoded
    }

    /// The first encoded sample, for who measures a decoder.
    pub fn first_encoded(&self) -> Option<&[u8]> {
        self.encoded.first().map(|sample| sample.bytes.as_slice())
    }

    /// The configuration of the first case.
    pub fn first_config(&self) -> Option<&str> {
        self.cases.first().map(|case| case.config.as_str())
    }
}

/// Makes a check of every case.
pub(super) fn check(checks: &mut Checks, subject: &Subject<'_>) {
    if subject.golden.is_empty() {
        checks.skip("its author's golden samples", "there are none, in a folder `golden`");
    }
    for case in &subject.golden.cases {
        let name = format!("golden sample `{}`", case.name);
        if case.content.is_complete() {
            checks.check(name, || case.check(subject));
        } else {
            checks.skip(name, "it has no output yet; --bless writes the one that the plugin makes");
        }
    }
}

/// Writes what is missing of the cases.
pub(super) fn bless(subject: &Subject<'_>) -> Result<Vec<String>, GoldenError> {
    let mut blessed = Vec::new();
    for case in subject.golden.cases.iter().filter(|case| !case.content.is_complete()) {
        let made = case
            .make(subject)
            .map_err(|error| GoldenError::new(&case.folder, format!("has no output to write: {error}")))?;
        file::write(case, &made)?;
        blessed.push(case.name.clone());
    }
    Ok(blessed)
}

impl Content {
    fn is_complete(&self) -> bool {
        match self {
            Self::Transform { output, .. } | Self::Decoder { output, .. } => output.tensor.is_some(),
            Self::BatchTransform { inputs, outputs, .. } => {
                outputs.len() == inputs.len() && outputs.iter().all(|output| output.tensor.is_some())
            }
            Self::Sampler { indices, .. } => indices.is_some(),
            Self::Policy { decision, .. } => decision.is_some(),
        }
    }
}

impl Case {
    fn make(&self, subject: &Subject<'_>) -> Result<Made, OperatorError> {
        let (plugin, limits, config) = (subject.plugin, &subject.limits, &self.config);
        Ok(match &self.content {
            Content::Transform { seed, input, .. } => {
                let mut transform = plugin.transform(config, limits)?;
                Made::Tensors(vec![transform::transformed(&mut *transform, input, *seed, limits)?])
            }
            Content::Decoder { input, .. } => {
                let mut decoder = plugin.decoder(config, limits)?;
                let header = decoder.open(&input.bytes)?;
                let request =
                    DecodeRequest { window: Window::full(header.width, header.height), reduction: 1 };
                Made::Tensors(vec![decoder::decoded(&mut *decoder, &input.bytes, request, limits)?])
            }
            Content::BatchTransform { seed, inputs, .. } => {
                let mut transform = plugin.batch_transform(config, limits)?;
                Made::Tensors(batch_transform::transformed(&mut *transform, inputs, *seed, limits)?)
            }
            Content::Sampler { population, .. } => {
                let mut sampler = plugin.sampler(config, limits)?;
                Made::Indices(sampler::drawn(&mut *sampler, *population, 4096)?)
            }
            Content::Policy { round, .. } => Made::Decision(plugin.policy(config, limits)?.decide(round)?),
        })
    }

    fn check(&self, subject: &Subject<'_>) -> Verdict {
        let failure = |came: String| Failure::new(&self.config, self.folder.display(), came);
        let made = self.make(subject).map_err(|error| failure(error.to_string()))?;
        let wrong = match (&self.content, made) {
            (Content::Transform { output, .. } | Content::Decoder { output, .. }, Made::Tensors(made)) => {
                made.iter().find_map(|made| compared(output, made))
            }
            (Content::BatchTransform { outputs, .. }, Made::Tensors(made)) => {
                outputs.iter().zip(&made).enumerate().find_map(|(place, (output, made))| {
                    compared(output, made).map(|wrong| format!("in output {place}, {wrong}"))
                })
            }
            (Content::Sampler { indices: Some(indices), .. }, Made::Indices(made)) => {
                (*indices != made).then(|| short(&format!("{made:?}")))
            }
            (Content::Policy { decision: Some(decision), .. }, Made::Decision(made)) => {
                (*decision != made).then(|| short(&json!(made).to_string()))
            }
            _ => Some("an output of another kind".to_owned()),
        };
        match wrong {
            Some(wrong) => Err(failure(wrong)),
            None => Ok(None),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(2000).collect()
}

/// An input as failures and files name it.
fn shape_of(tensor: &Tensor) -> Value {
    json!(tensor.extents)
}
