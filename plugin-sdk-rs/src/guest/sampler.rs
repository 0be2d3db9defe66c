//! From the generated trait of the sampler's world to [`Sampler`].

use std::{cell::RefCell, marker::PhantomData};

use zenith_core::Population;

use self::bindings::exports::zenith::plugin::sampler::{self as abi, Guest, GuestInstance};
use super::{panic::report_panics, types};
use crate::{config::parse_config, traits::Sampler};

/// What `wit-bindgen` generates for the world `sampler-plugin`.
#[doc(hidden)]
#[expect(clippy::same_length_and_capacity, reason = "generated: lists of the canonical ABI are that full")]
pub mod bindings {
    wit_bindgen::generate!({
        world: "sampler-plugin",
        path: "../wit",
        with: {
            "zenith:plugin/types@0.1.0": crate::guest::types,
            "zenith:plugin/log@0.1.0": crate::guest::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_sampler",
    });
}

/// The component of a sampler.
pub struct Component<T>(PhantomData<T>);

/// One configured sampler.
pub struct Instance<T>(RefCell<T>);

impl<T: Sampler> Guest for Component<T> {
    type Instance = Instance<T>;
}

impl<T: Sampler> GuestInstance for Instance<T> {
    fn configure(config: String) -> Result<abi::Instance, types::Error> {
        report_panics();
        let sampler = T::configure(parse_config(&config)?)?;
        Ok(abi::Instance::new(Self(RefCell::new(sampler))))
    }

    fn start(&self, population: abi::Population) -> Result<u64, types::Error> {
        let population = Population {
            length: population.length,
            epoch: population.epoch,
            seed: population.seed,
            rank: population.rank,
            world_size: population.world_size,
        };
        Ok(self.0.borrow_mut().start(population)?)
    }

    fn next(&self, limit: u32) -> Result<Vec<u64>, types::Error> {
        let mut run = Vec::new();
        self.0.borrow_mut().next(limit, &mut run)?;
        Ok(run)
    }

    fn save(&self) -> Result<Vec<u8>, types::Error> {
        Ok(self.0.borrow().save())
    }

    fn restore(&self, state: Vec<u8>) -> Result<(), types::Error> {
        Ok(self.0.borrow_mut().restore(&state)?)
    }
}
