//! Turning a compiled artefact back into code.

#![expect(unsafe_code, reason = "a compiled artefact is native code, which no check can vouch for")]

use wasmtime::{Engine, component::Component};

use crate::cache::Artefact;

/// The component that was compiled to `artefact`, or an error where another engine made it.
pub(crate) fn revive(engine: &Engine, artefact: &Artefact) -> wasmtime::Result<Component> {
    // SAFETY: the bytes must be what `Component::serialize` gave. An `Artefact` is only made by
    // `cache::Cache::load`, from a file whose checksum matches, in a directory that was opened once,
    // belongs to this user and can be written by nobody else: whoever could forge it could as well
    // change this program. The bytes are copied from the buffer whose checksum was taken, so nothing
    // changes in between. The engine checks that its own version and configuration made them.
    unsafe { Component::deserialize(engine, artefact.bytes()) }
}
