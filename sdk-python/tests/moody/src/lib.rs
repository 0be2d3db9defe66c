//! Hands images on unchanged, except those that are 77 columns wide: on them it misbehaves in the
//! way that its configuration names, for tests of what a user is told.

use std::hint::black_box;

use zenith_plugin_sdk::{Effect, Error, Output, Tensor, TensorType, Transform, export, log, serde};

const DISLIKED: u32 = 77;

#[derive(Clone, Copy, serde::Deserialize)]
#[serde(crate = "serde", rename_all = "kebab-case")]
enum Mood {
    Calm,
    Trap,
    Loop,
    Allocate,
    Overflow,
    Short,
    Decline,
    Absurd,
    Chatty,
}

#[derive(serde::Deserialize)]
#[serde(crate = "serde", deny_unknown_fields)]
struct Moody {
    mood: Mood,
}

impl Transform for Moody {
    type Config = Self;

    fn configure(config: Self) -> Result<Self, Error> {
        Ok(config)
    }

    fn plan(&self, input: &TensorType) -> Result<Effect, Error> {
        let mut planned = input.clone();
        if let Mood::Absurd = self.mood {
            // Height and width are told with each sample.
            planned.shape[..2].fill(None);
        }
        Ok(Self::pure(planned))
    }

    fn apply(&mut self, input: Tensor<'_>, seed: u64, output: &mut Output<'_>) -> Result<(), Error> {
        let disliked = input.extents()[1] == DISLIKED;
        match self.mood {
            Mood::Calm => {}
            Mood::Chatty if disliked => {
                (0..10_000).for_each(|line| log::warn(&format!("line {line}")));
            }
            _ if !disliked => {}
            Mood::Chatty => {}
            Mood::Trap => panic!("this sample is not to my taste"),
            Mood::Loop => loop {
                black_box(seed);
            },
            Mood::Allocate => {
                let mut hoard = Vec::new();
                loop {
                    hoard.push(black_box(vec![1_u8; 1 << 20]));
                }
            }
            Mood::Overflow => {
                black_box(descend(seed));
            }
            Mood::Short => {
                output.write(&input.data()[1..]);
                return Ok(());
            }
            Mood::Decline => return Err(Error::InvalidData("the image has no charm".into())),
            Mood::Absurd => {
                output.set_shape(&[u32::MAX, u32::MAX, 3]);
                return Ok(());
            }
        }
        if let Mood::Absurd = self.mood {
            output.set_shape(input.extents());
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

export!(transform: Moody);
