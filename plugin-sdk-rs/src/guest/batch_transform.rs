//! From the generated trait of the batch transform's world to [`BatchTransform`].

use std::{cell::RefCell, marker::PhantomData};

use zenith_core::{TensorType, TensorView};

use self::bindings::exports::zenith::plugin::batch_transform::{self as abi, Guest, GuestInstance};
use super::{OutputHandle, convert::view, panic::report_panics, types};
use crate::{config::parse_config, output::Output, sequence::Sequence, traits::BatchTransform};

/// What `wit-bindgen` generates for the world `batch-transform-plugin`.
#[doc(hidden)]
#[expect(clippy::same_length_and_capacity, reason = "generated: lists of the canonical ABI are that full")]
pub mod bindings {
    wit_bindgen::generate!({
        world: "batch-transform-plugin",
        path: "../wit",
        with: {
            "zenith:plugin/types@0.1.0": crate::guest::types,
            "zenith:plugin/log@0.1.0": crate::guest::log,
        },
        pub_export_macro: true,
        export_macro_name: "export_batch_transform",
    });
}

/// The component of a batch transform.
pub struct Component<T>(PhantomData<T>);

/// One configured batch transform.
pub struct Instance<T>(RefCell<T>);

impl<T: BatchTransform> Guest for Component<T> {
    type Instance = Instance<T>;
}

impl<T: BatchTransform> GuestInstance for Instance<T> {
    fn configure(config: String) -> Result<abi::Instance, types::Error> {
        report_panics();
        let transform = T::configure(parse_config(&config)?)?;
        Ok(abi::Instance::new(Self(RefCell::new(transform))))
    }

    fn plan(&self, inputs: Vec<types::TensorType>) -> Result<abi::Effect, types::Error> {
        let inputs: Vec<_> = inputs.into_iter().map(TensorType::from).collect();
        let effect = self.0.borrow().plan(&inputs)?;
        Ok(abi::Effect {
            outputs: effect.outputs.into_iter().map(types::TensorType::from).collect(),
            seeded: effect.seeded,
        })
    }

    fn apply(
        &self,
        inputs: Vec<types::Tensor>,
        seed: u64,
        output: &types::Output,
    ) -> Result<(), types::Error> {
        let inputs = inputs.iter().map(view).collect::<Result<Vec<_>, _>>()?;
        let given: Vec<_> = inputs.iter().map(TensorView::tensor_type).collect();
        let mut transform = self.0.borrow_mut();
        let planned = transform.plan(&given)?.outputs;
        let count = planned.len();
        let sequence = RefCell::new(Sequence::new(output, planned));
        let mut outputs: Vec<_> =
            (0..count).map(|index| Output::new(OutputHandle::OneOf { sequence: &sequence, index })).collect();
        transform.apply(&inputs, seed, &mut outputs)?;
        sequence.borrow_mut().finish();
        Ok(())
    }
}
