//! From a core WebAssembly module, as a compiler leaves it, to a component.

use thiserror::Error;
use wasmparser::{Parser, Payload, Validator, WasmFeatures};
use wit_component::ComponentEncoder;

/// Why a module could not be made into a component.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// The bytes are no WebAssembly at all.
    #[error("it is not a WebAssembly module")]
    NotWasm,
    /// Cut short, or damaged.
    #[error("it is a damaged WebAssembly module: {0}")]
    Damaged(String),
    /// It imports something that no plugin interface has, or lacks what its interface calls for.
    #[error("it cannot be made into a component: {0}")]
    Component(String),
}

impl EncodeError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NotWasm => None,
            Self::Damaged(_) => Some("build it again".to_owned()),
            Self::Component(reason) if reason.contains("wasi_snapshot_preview1") => Some(
                "it was built for WASI: build it for `wasm32-unknown-unknown`, as plugins have no files, \
                 network or clock"
                    .to_owned(),
            ),
            Self::Component(_) => Some(
                "a Rust plugin names its type in `zenith_plugin_sdk::export!`; bindings of other languages \
                 come from `wit-bindgen` and `wit/`"
                    .to_owned(),
            ),
        }
    }
}

/// Wraps a core module, whose custom sections tell its world, into a validated component. What is a
/// component already comes back unchanged.
pub fn encode(core_module: &[u8]) -> Result<Vec<u8>, EncodeError> {
    encode_with(core_module, &[])
}

/// The same for a module that imports what adapters provide: each is the name of the imported module and
/// the module that stands in for it. One that nothing imports is left out.
pub fn encode_with(core_module: &[u8], adapters: &[(&str, &[u8])]) -> Result<Vec<u8>, EncodeError> {
    if Parser::is_component(core_module) {
        return Ok(core_module.to_vec());
    }
    if !Parser::is_core_wasm(core_module) {
        return Err(EncodeError::NotWasm);
    }
    check(core_module).map_err(|error| EncodeError::Damaged(error.to_string()))?;
    ComponentEncoder::default()
        .validate(true)
        .module(core_module)
        .and_then(|encoder| {
            adapters.iter().try_fold(encoder, |encoder, (name, adapter)| encoder.adapter(name, adapter))
        })
        .and_then(|mut encoder| encoder.encode())
        .map_err(|error| EncodeError::Component(format!("{error:#}")))
}

/// Checks a core module, and the descriptions of its world that it carries, which are components
/// themselves. The encoder takes both to be sound: it slices by the lengths that they state.
fn check(core_module: &[u8]) -> wasmparser::Result<()> {
    Validator::new_with_features(WasmFeatures::all()).validate_all(core_module)?;
    for payload in Parser::new(0).parse_all(core_module) {
        if let Payload::CustomSection(section) = payload?
            && section.name().starts_with("component-type")
        {
            Validator::new_with_features(WasmFeatures::all()).validate_all(section.data())?;
        }
    }
    Ok(())
}
