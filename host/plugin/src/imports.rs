//! What every component may import: its output, and a log. What else a runtime may find is in
//! [`crate::wasi`].

use wasmtime::{
    StoreContextMut,
    component::{Linker, Resource, ResourceType, WasmList, WasmStr},
};

use crate::{
    bindings::zenith::plugin::log::Level,
    convert::MAX_RANK,
    lent::{self, Destination},
    state::State,
};

/// Defines the imports that every kind of plugin shares.
pub(crate) fn define(linker: &mut Linker<State>) -> wasmtime::Result<()> {
    let mut types = linker.instance("zenith:plugin/types@0.1.0")?;
    // Only borrowed handles are ever handed out, and dropping one of those runs no destructor.
    types.resource("output", ResourceType::host::<Destination>(), |_, _| Ok(()))?;
    types.func_wrap(
        "[method]output.set-shape",
        |store: StoreContextMut<'_, State>, (_, shape): (Resource<Destination>, WasmList<u32>)| {
            if shape.len() > MAX_RANK {
                wasmtime::bail!("it declared an output of {} dimensions, more than {MAX_RANK}", shape.len());
            }
            lent::set_shape(shape.as_le_slice(&store))?;
            Ok(())
        },
    )?;
    // The one copy of an output: from a view of the guest's memory straight to where it belongs.
    types.func_wrap(
        "[method]output.write",
        |store: StoreContextMut<'_, State>, (_, data): (Resource<Destination>, WasmList<u8>)| {
            lent::write(data.as_le_slice(&store))?;
            Ok(())
        },
    )?;
    linker.instance("zenith:plugin/log@0.1.0")?.func_wrap(
        "write",
        |mut store: StoreContextMut<'_, State>, (level, message): (Level, WasmStr)| {
            let message = message.to_str(&store)?.into_owned();
            store.data_mut().log.write(level, &message);
            Ok(())
        },
    )
}
