//! Misbehaves on every sample, in the way that its configuration names: for tests of what a user is told.

use std::hint::black_box;

use zenith_plugin_sdk::{Effect, Error, Output, Tensor, TensorType, Transform, export, log, serde};

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(crate = "serde", rename_all = "kebab-case")]
enum Case {
    Allocate,
    Descend,
    Log,
    Loop,
    WriteTooMuch,
}

#[derive(serde::Deserialize)]
#[serde(crate = "serde", deny_unknown_fields)]
struct Guest {
    case: Case,
}

impl Transform for Guest {
    type Config = Self;

    fn configure(config: Self) -> Result<Self, Error> {
        Ok(config)
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        Ok(Self::pure(input.clone()))
    }

    fn apply(&mut self, input: Tensor<'_>, seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        match self.case {
            Case::Allocate => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            Case::Descend => {
                black_box(descend(seed));
            }
            Case::Log => (0..10_000).for_each(|line| log::warn(&format!("line {line}"))),
            Case::Loop => loop {
                black_box(seed);
            },
            Case::WriteTooMuch => output.write(input.data()),
        }
        output.write(input.data());
        Ok(())
    }
}

#[inline(never)]
fn descend(depth: u64) -> u64 {
    // Not a tail call, and not one that the compiler can see through.
    let again: fn(u64) -> u64 = black_box(descend);
    again(depth + 1) ^ depth
}

export!(transform: Guest);
