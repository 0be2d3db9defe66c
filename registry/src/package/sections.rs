//! The custom sections that this project puts into components.

use std::ops::Range;

use thiserror::Error;
use wasmparser::{BinaryReader, Parser};

use super::manifest::Manifest;

/// The section that holds the manifest, as JSON, at the top level of a component.
pub const MANIFEST_SECTION: &str = "zenith:manifest";

/// The section that holds the version of the interface that the SDK spoke, as text. The linker puts it
/// into the core module, so it is found there, inside the component.
pub const API_SECTION: &str = "zenith:api";

/// Why a manifest could not be embedded.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum SectionError {
    /// The bytes are not a component.
    #[error("it is not a WebAssembly component")]
    NotComponent,
    /// The component's sections do not add up.
    #[error("it is a damaged WebAssembly component: {0}")]
    Damaged(String),
}

/// The component with the manifest in it, in place of any that was there.
pub fn embed(component: &[u8], manifest: &Manifest) -> Result<Vec<u8>, SectionError> {
    let damaged = |reason: &dyn ToString| SectionError::Damaged(reason.to_string());
    if !Parser::is_component(component) {
        return Err(SectionError::NotComponent);
    }
    let old = manifest_sections(component).map_err(|error| damaged(&error))?;
    let json = serde_json::to_vec(manifest).map_err(|error| damaged(&error))?;

    let mut result = Vec::with_capacity(component.len() + json.len() + 32);
    let mut kept = 0;
    for section in old {
        result.extend_from_slice(&component[kept..section.start]);
        kept = section.end;
    }
    result.extend_from_slice(&component[kept..]);
    append_custom(&mut result, MANIFEST_SECTION, &json);
    Ok(result)
}

/// Where the component's own manifest sections are, from their id byte to their end.
fn manifest_sections(component: &[u8]) -> wasmparser::Result<Vec<Range<usize>>> {
    const PREAMBLE: usize = 8;
    let mut found = Vec::new();
    let mut reader = BinaryReader::new(&component[PREAMBLE..], PREAMBLE);
    while !reader.eof() {
        let start = reader.original_position();
        let id = reader.read_u8()?;
        let size = reader.read_var_u32()? as usize;
        let content = reader.original_position();
        let body = reader.read_bytes(size)?;
        if id == 0 && BinaryReader::new(body, content).read_string()? == MANIFEST_SECTION {
            found.push(start..reader.original_position());
        }
    }
    Ok(found)
}

/// Appends a custom section: id 0, its size, its name, its content.
fn append_custom(wasm: &mut Vec<u8>, name: &str, content: &[u8]) {
    let mut head = Vec::with_capacity(name.len() + 5);
    append_leb128(&mut head, name.len());
    head.extend_from_slice(name.as_bytes());
    wasm.push(0);
    append_leb128(wasm, head.len() + content.len());
    wasm.extend_from_slice(&head);
    wasm.extend_from_slice(content);
}

/// Appends an unsigned number in LEB128, as the binary format writes all of its numbers.
fn append_leb128(wasm: &mut Vec<u8>, mut number: usize) {
    loop {
        let low = u8::try_from(number & 0x7F).unwrap_or(0x7F);
        number >>= 7;
        if number == 0 {
            wasm.push(low);
            return;
        }
        wasm.push(low | 0x80);
    }
}
