//! A transform that runs as a component.

use std::slice;

use wasmtime::component::Resource;
use zenith_core::{Effect, OperatorError, Output, TensorType, TensorView, Transform, Window};

use crate::{
    bindings::exports::zenith::plugin::transform as wit,
    convert::{self, nonsense},
    instance::Guest,
};

/// The adapter from a transform's component to the host's trait.
pub(crate) struct WasmTransform {
    guest: Guest<wit::Guest>,
}

impl WasmTransform {
    pub(crate) fn new(guest: Guest<wit::Guest>) -> Self {
        Self { guest }
    }

    fn checked(&self, input: &TensorType, effect: wit::Effect) -> Result<Effect, OperatorError> {
        let wit::Effect { output, seeded, windowed, crop_only, reducible } = effect;
        let output = convert::type_result(output, self.guest.limits())?;
        if windowed && input.shape.len() < 2 {
            return nonsense(format!("it asks for a window of {input}, which has no rows and columns"));
        }
        if crop_only && !windowed {
            return nonsense("it says that its window is its result, but not that it has a window");
        }
        if crop_only && (output.dtype != input.dtype || output.shape.len() != input.shape.len()) {
            return nonsense(format!("it says that it only crops, but makes {output} of {input}"));
        }
        Ok(Effect { output, seeded, windowed, crop_only, reducible })
    }
}

impl Transform for WasmTransform {
    fn plan(&mut self, input: &TensorType) -> Result<Effect, OperatorError> {
        let effect = self.guest.call(|live| {
            live.interface.instance().call_plan(&mut live.store, live.resource, convert::type_param(input))
        })?;
        let checked = self.checked(input, effect);
        self.guest.judge(checked)
    }

    fn window(&mut self, width: u32, height: u32, seed: u64) -> Result<Window, OperatorError> {
        let window = self.guest.call_seeded(seed, |live| {
            live.interface.instance().call_window(&mut live.store, live.resource, width, height, seed)
        })?;
        let window = Window { x: window.x, y: window.y, width: window.width, height: window.height };
        let checked = if window.lies_in(width, height) {
            Ok(window)
        } else {
            nonsense(format!("it asks for the window {window} of an image of {width}×{height} pixels"))
        };
        self.guest.judge(checked)
    }

    fn apply(
        &mut self,
        input: TensorView<'_>,
        seed: u64,
        output: &mut Output<'_>,
    ) -> Result<(), OperatorError> {
        self.guest.call_into(seed, slice::from_mut(output), |live| {
            live.interface.instance().call_apply(
                &mut live.store,
                live.resource,
                convert::tensor(&input),
                seed,
                Resource::new_borrow(0),
            )
        })
    }
}
