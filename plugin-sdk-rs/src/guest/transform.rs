//! From the generated trait of the transform's world to [`Transform`].

use std::{cell::RefCell, marker::PhantomData};

use self::bindings::exports::zenith::plugin::transform::{self as abi, Guest, GuestInstance};
use super::{OutputHandle, convert::view, panic::report_panics, types};
use crate::{config::parse_config, output::Output, traits::Transform};

/// What `wit-bindgen` generates for the world `transform-plugin`.
#[doc(hidden)]
#[expect(clippy::same_length_and_capacity, reason = "generated: lists of the canonical ABI are that full")]
pub mod bindings {
    wit_bindgen::generate!({
        world: "transform-plugin",
        path: "../wit",
        pub_export_macro: true,
        export_macro_name: "export_transform",
    });
}

/// The component of a transform.
pub struct Component<T>(PhantomData<T>);

/// One configured transform.
pub struct Instance<T>(RefCell<T>);

impl<T: Transform> Guest for Component<T> {
    type Instance = Instance<T>;
}

impl<T: Transform> GuestInstance for Instance<T> {
    fn configure(config: String) -> Result<abi::Instance, types::Error> {
        report_panics();
        let transform = T::configure(parse_config(&config)?)?;
        Ok(abi::Instance::new(Self(RefCell::new(transform))))
    }

    fn plan(&self, input: types::TensorType) -> Result<abi::Effect, types::Error> {
        let effect = self.0.borrow().plan(&input.into())?;
        Ok(abi::Effect {
            output: effect.output.into(),
            seeded: effect.seeded,
            windowed: effect.windowed,
            crop_only: effect.crop_only,
            reducible: effect.reducible,
        })
    }

    fn window(&self, width: u32, height: u32, seed: u64) -> Result<types::Window, types::Error> {
        Ok(self.0.borrow().window(width, height, seed)?.into())
    }

    fn apply(&self, input: types::Tensor, seed: u64, output: &types::Output) -> Result<(), types::Error> {
        let mut output = Output::new(OutputHandle::Only(output));
        Ok(self.0.borrow_mut().apply(view(&input)?, seed, &mut output)?)
    }
}
