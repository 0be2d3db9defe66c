//! A batch transform that runs as a component.

use smallvec::SmallVec;
use wasmtime::component::Resource;
use zenith_core::{BatchEffect, BatchTransform, OperatorError, Output, TensorType, TensorView};

use crate::{
    bindings::exports::zenith::plugin::batch_transform as wit,
    convert::{self, nonsense},
    instance::Guest,
};

/// The adapter from a batch transform's component to the host's trait.
pub(crate) struct WasmBatchTransform {
    guest: Guest<wit::Guest>,
}

impl WasmBatchTransform {
    pub(crate) fn new(guest: Guest<wit::Guest>) -> Self {
        Self { guest }
    }

    fn checked(&self, inputs: usize, effect: wit::Effect) -> Result<BatchEffect, OperatorError> {
        if effect.outputs.len() != inputs {
            return nonsense(format!("it plans {} outputs for {inputs} inputs", effect.outputs.len()));
        }
        let outputs = effect
            .outputs
            .into_iter()
            .map(|output| convert::type_result(output, self.guest.limits()))
            .collect::<Result<Vec<_>, _>>()?;
        match outputs.iter().find(|output| output.shape.is_empty()) {
            Some(output) => nonsense(format!("it plans {output}, which has no extent for the batch")),
            None => Ok(BatchEffect { outputs, seeded: effect.seeded }),
        }
    }
}

impl BatchTransform for WasmBatchTransform {
    fn plan(&mut self, inputs: &[TensorType]) -> Result<BatchEffect, OperatorError> {
        let effect = self.guest.call(|live| {
            let inputs: SmallVec<[_; 4]> = inputs.iter().map(convert::type_param).collect();
            live.interface.instance().call_plan(&mut live.store, live.resource, &inputs)
        })?;
        let checked = self.checked(inputs.len(), effect);
        self.guest.judge(checked)
    }

    fn apply(
        &mut self,
        inputs: &[TensorView<'_>],
        seed: u64,
        outputs: &mut [Output<'_>],
    ) -> Result<(), OperatorError> {
        self.guest.call_into(seed, outputs, |live| {
            let inputs: SmallVec<[_; 4]> = inputs.iter().map(convert::tensor).collect();
            live.interface.instance().call_apply(
                &mut live.store,
                live.resource,
                &inputs,
                seed,
                Resource::new_borrow(0),
            )
        })
    }
}
