//! The SDK as a plugin's own unit tests and the native twins use it: no WebAssembly.

#![expect(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

use zenith_core::{OperatorError, OutputError};
use zenith_plugin_sdk::{
    API_VERSION, BatchEffect, BatchTransform, DType, DecodeRequest, Decoder, Effect, Error, Format, Header,
    NoConfig, Output, Population, Sampler, Tensor, TensorType, Transform, Window, export, parse_config,
    testing,
};

/// Adds one to every byte, through any of the ways to hand over an output.
struct AddOne(How);

#[derive(serde::Deserialize)]
#[serde(rename_all = "lowercase")]
enum How {
    Fill,
    Write,
    FillTooLittle,
    FillTwice,
}

impl Transform for AddOne {
    type Config = How;

    fn configure(how: How) -> Result<Self, Error> {
        Ok(Self(how))
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Ok(Self::pure(input.clone()))
    }

    fn apply(&mut self, input: Tensor<'_>, _: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let result: Vec<_> = input.data().iter().map(|byte| byte.wrapping_add(1)).collect();
        match self.0 {
            How::Fill => output.fill(result.len(), |place| place.copy_from_slice(&result)),
            How::Write => result.chunks(2).for_each(|part| output.write(part)),
            How::FillTooLittle => output.fill(1, |place| place[0] = 1),
            How::FillTwice => {
                for part in result.chunks(result.len() / 2) {
                    output.fill(part.len(), |place| place.copy_from_slice(part));
                }
            }
        }
        Ok(())
    }
}

fn add_one(how: How) -> Result<Vec<u8>, OperatorError> {
    testing::apply(&mut AddOne(how), Tensor::new(DType::Uint8, &[4], &[1, 2, 3, 255]).unwrap(), 0)
}

#[test]
fn an_output_may_be_filled_or_written_in_pieces() {
    for how in [How::Fill, How::Write, How::FillTwice] {
        assert_eq!(add_one(how).unwrap(), [2, 3, 4, 0]);
    }
}

#[test]
fn an_output_of_another_length_is_an_error_and_not_a_panic() {
    let error = add_one(How::FillTooLittle).unwrap_err();
    assert_eq!(error, OperatorError::Output(OutputError::TooShort { written: 1, expected: 4 }));
}

#[test]
fn effects_say_what_their_names_say() {
    let output = TensorType::fixed(DType::Uint8, &[1]);
    let flags = |effect: Effect| (effect.seeded, effect.windowed, effect.crop_only, effect.reducible);
    assert_eq!(flags(AddOne::pure(output.clone())), (false, false, false, false));
    assert_eq!(flags(AddOne::seeded(output.clone())), (true, false, false, false));
    assert_eq!(flags(AddOne::windowed(output.clone(), true)), (true, true, false, false));
    assert_eq!(flags(AddOne::crop(output.clone(), false)), (false, true, true, false));
    assert_eq!(flags(AddOne::reducible(AddOne::windowed(output, false))), (false, true, false, true));
}

#[test]
fn a_transform_without_a_window_reads_the_whole_image() {
    assert_eq!(AddOne(How::Fill).window(5, 4, 0), Ok(Window::full(5, 4)));
}

/// Samples of one row: a byte for the width, then the pixels.
struct Row {
    width: u32,
}

impl Decoder for Row {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self { width: 0 })
    }

    fn formats(&self) -> Vec<Format> {
        vec![Format { media_type: "image/x-row".into(), extensions: vec!["row".into()], magic: Vec::new() }]
    }

    fn open(&mut self, data: &[u8]) -> Result<Header, Error> {
        let Some(width) = data.first() else { return Err(Error::InvalidData("the sample is empty".into())) };
        self.width = u32::from(*width);
        Ok(Header { width: self.width, height: 1, orientation: 1, reductions: Vec::new() })
    }

    fn decode(&mut self, data: &[u8], request: DecodeRequest, output: &mut Output<'_>) -> Result<(), Error> {
        let start = 1 + request.window.x as usize * 3;
        output.write(&data[start..][..request.window.width as usize * 3]);
        Ok(())
    }
}

#[test]
fn a_decoders_window_is_checked_against_its_plan() {
    let sample = [2, 1, 2, 3, 4, 5, 6];
    let request = DecodeRequest { window: Window { x: 1, y: 0, width: 1, height: 1 }, reduction: 1 };
    let mut row = Row::configure(parse_config("{}").unwrap()).unwrap();
    assert_eq!(testing::decode(&mut row, &sample, request).unwrap(), [4, 5, 6]);
    assert_eq!(row.plan().to_string(), "uint8[?, ?, 3]");
    assert_eq!(row.formats()[0].extensions, ["row"]);
    let error = testing::decode(&mut row, &[], request).unwrap_err();
    assert_eq!(error, OperatorError::InvalidData("the sample is empty".into()));
}

struct Nothing;

impl BatchTransform for Nothing {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn plan(&self, inputs: &[TensorType]) -> Result<BatchEffect, Error> {
        Ok(BatchEffect { outputs: inputs.to_vec(), seeded: false })
    }

    fn apply(&mut self, inputs: &[Tensor<'_>], _: u64, outputs: &mut [Output<'_>]) -> Result<(), Error> {
        for (input, output) in inputs.iter().zip(outputs) {
            output.write(input.data());
        }
        Ok(())
    }
}

impl Sampler for Nothing {
    type Config = NoConfig;

    fn configure(_: NoConfig) -> Result<Self, Error> {
        Ok(Self)
    }

    fn start(&mut self, population: Population) -> Result<u64, Error> {
        Ok(population.length)
    }

    fn next(&mut self, _: u32, _: &mut Vec<u64>) -> Result<(), Error> {
        Ok(())
    }

    fn save(&self) -> Vec<u8> {
        Vec::new()
    }

    fn restore(&mut self, _: &[u8]) -> Result<(), Error> {
        Err(Error::InvalidState("there is no state to restore".into()))
    }
}

// Natively the macro makes nothing, so that a crate of native twins may hold several.
export!(transform: AddOne);
export!(decoder: Row);
export!(batch_transform: Nothing);
export!(sampler: Nothing);

#[test]
fn every_error_of_a_plugin_keeps_its_kind_and_its_words() {
    let text = || "it is so".to_owned();
    for (error, operator) in [
        (Error::UnsupportedType(text()), OperatorError::UnsupportedType(text())),
        (Error::InvalidData(text()), OperatorError::InvalidData(text())),
        (Error::UnsupportedData(text()), OperatorError::UnsupportedData(text())),
        (Error::TooLarge(text()), OperatorError::TooLarge(text())),
        (Error::InvalidState(text()), OperatorError::InvalidState(text())),
    ] {
        assert_eq!(error.to_string(), "it is so");
        assert_eq!(OperatorError::from(error), operator);
    }
    assert_eq!(Error::config("p", "must be below 1").to_string(), "`p` must be below 1");
}

#[test]
fn a_declared_shape_reaches_the_hosts_place() {
    let mut buffer = Vec::new();
    let mut output = Output::new(zenith_core::Output::open(DType::Int16, 64, &mut buffer));
    output.set_shape(&[2]);
    output.fill(4, |place| place.copy_from_slice(&[1, 0, 2, 0]));
    assert_eq!(output.into_inner().finish(), Ok(()));
    assert_eq!(buffer, [1, 0, 2, 0]);
}

#[test]
fn the_stamp_is_the_version_of_the_interface_in_wit() {
    let wit = include_str!("../../wit/types.wit");
    assert!(wit.starts_with(&format!("package zenith:plugin@{API_VERSION};")));
}
