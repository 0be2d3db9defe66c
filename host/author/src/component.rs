//! From what a compiler leaves to a package: a component, checked against its manifest.

use wasi_preview1_component_adapter_provider::{
    WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER,
};
use wit_component::ComponentEncoder;
use zenith_registry::package::{self, EncodeError};

/// Makes a component of a core module; what is one already comes back unchanged. A module whose runtime
/// imports WASI's first preview, as Go's does, gets the adapter to the second, which the host serves
/// hermetically; the adapter is left out where nothing needs it.
pub(crate) fn encode(wasm: &[u8]) -> Result<Vec<u8>, EncodeError> {
    // A component begins with the same four bytes, and another version.
    let is_module = wasm.starts_with(b"\0asm\x01\0\0\0");
    if !is_module {
        return package::encode(wasm);
    }
    ComponentEncoder::default()
        .validate(true)
        .module(wasm)
        .and_then(|encoder| {
            encoder.adapter(WASI_SNAPSHOT_PREVIEW1_ADAPTER_NAME, WASI_SNAPSHOT_PREVIEW1_REACTOR_ADAPTER)
        })
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| EncodeError::Component(format!("{error:#}")))
}
