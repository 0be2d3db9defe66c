//! What a component is, read from its bytes alone: before anything of it is compiled or run.

use wasmparser::{ComponentExternalKind, Encoding, Parser, Payload};
use zenith_core::Kind;

use crate::{
    error::{Problem, Side},
    text::tame,
    wasi,
};

/// The version of the plugin interface that this host speaks.
pub const API_VERSION: &str = "0.1.0";

/// The custom section in which the SDK stamps the version that a plugin was built for.
const API_SECTION: &str = "zenith:api";

/// The custom section that holds a plugin's manifest.
const MANIFEST_SECTION: &str = "zenith:manifest";

/// What a plugin may import, besides a hermetic WASI.
const GRANTED: [&str; 2] = ["zenith:plugin/types@0.1.0", "zenith:plugin/log@0.1.0"];

/// The interfaces that make a component a plugin.
const INTERFACES: [(&str, Kind); 5] = [
    ("decoder", Kind::Decoder),
    ("transform", Kind::Transform),
    ("batch-transform", Kind::BatchTransform),
    ("sampler", Kind::Sampler),
    ("policy", Kind::Policy),
];

/// What a component's bytes say about it.
#[derive(Debug, Default)]
struct Sections<'a> {
    stamps: Vec<&'a [u8]>,
    manifest: Option<&'a [u8]>,
    imports: Vec<&'a str>,
    exports: Vec<&'a str>,
    code: u64,
}

/// The manifest (`plugin.toml`) that a component carries, as text. `None` where it carries none, or
/// the bytes are no component.
pub fn manifest_of(bytes: &[u8]) -> Option<String> {
    let manifest = sections(bytes).ok()?.manifest?;
    String::from_utf8(manifest.to_vec()).ok()
}

/// What a component is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Inspected {
    pub(crate) kind: Kind,
    /// Whether it imports WASI.
    pub(crate) wasi: bool,
    /// Bytes of code in all of its modules, by which the time to compile it can be foreseen.
    pub(crate) code: u64,
}

/// Checks all that can be checked without compiling, and tells what the component is.
pub(crate) fn inspect(bytes: &[u8]) -> Result<Inspected, Problem> {
    recognise(bytes)?;
    let sections =
        sections(bytes).map_err(|error| Problem::Malformed { reason: tame(&error.to_string()) })?;
    check_version(&sections)?;
    check_imports(&sections)?;
    let wasi = sections.imports.iter().any(|name| wasi::serves(name));
    Ok(Inspected { kind: kind(&sections)?, wasi, code: sections.code })
}

fn recognise(bytes: &[u8]) -> Result<(), Problem> {
    let not_wasm = |what| Err(Problem::NotWasm { what });
    if Parser::is_component(bytes) {
        return Ok(());
    }
    if Parser::is_core_wasm(bytes) {
        return Err(Problem::CoreModule);
    }
    if bytes.is_empty() {
        return not_wasm("an empty file");
    }
    if bytes.starts_with(b"\0asm") {
        return not_wasm("of a version of the binary format that is not known");
    }
    let start = bytes[..bytes.len().min(1024)].trim_ascii_start();
    if start.starts_with(b"(component") || start.starts_with(b"(module") {
        return not_wasm("the text form of WebAssembly, which must be assembled first");
    }
    // A character may be cut in two at the end of the part that is looked at.
    let is_text = match str::from_utf8(start) {
        Ok(text) => !text.contains('\0'),
        Err(error) => error.error_len().is_none() && bytes.len() > 1024,
    };
    not_wasm(if is_text { "a text" } else { "other binary data" })
}

fn sections(bytes: &[u8]) -> wasmparser::Result<Sections<'_>> {
    let mut found = Sections::default();
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { encoding: Encoding::Component | Encoding::Module, .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) => match section.name() {
                API_SECTION => found.stamps.push(section.data()),
                // The outermost comes last, as tools append it; it has the final word.
                MANIFEST_SECTION => found.manifest = Some(section.data()),
                _ => {}
            },
            Payload::CodeSectionStart { size, .. } => found.code += u64::from(size),
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    found.imports.push(import?.name.name);
                }
            }
            Payload::ComponentExportSection(exports) if depth == 1 => {
                for export in exports {
                    let export = export?;
                    if export.kind == ComponentExternalKind::Instance {
                        found.exports.push(export.name.name);
                    }
                }
            }
            _ => {}
        }
    }
    Ok(found)
}

fn check_version(sections: &Sections<'_>) -> Result<(), Problem> {
    let versions = versions(sections);
    if versions.is_empty() {
        return Err(Problem::Unstamped);
    }
    for stamp in versions {
        if stamp == API_VERSION {
            continue;
        }
        let Some(plugin) = version(&stamp) else {
            return Err(Problem::Malformed { reason: format!("its API version is `{stamp}`") });
        };
        let older =
            if version(API_VERSION).is_some_and(|ours| plugin < ours) { Side::Plugin } else { Side::Zenith };
        return Err(Problem::Api { plugin: stamp, older });
    }
    Ok(())
}

/// The versions that it says it was built for. Where no SDK stamped it, as with bindings of other
/// languages, they are those in the names of what it exports.
fn versions(sections: &Sections<'_>) -> Vec<String> {
    if !sections.stamps.is_empty() {
        return sections.stamps.iter().map(|stamp| tame(&String::from_utf8_lossy(stamp))).collect();
    }
    let exported = sections.exports.iter().filter_map(|name| name.strip_prefix("zenith:plugin/"));
    exported.filter_map(|name| name.split_once('@')).map(|(_, version)| tame(version)).collect()
}

fn version(text: &str) -> Option<[u32; 3]> {
    let mut numbers = text.split('.').map(|number| number.parse().ok());
    let version = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(version)
}

fn check_imports(sections: &Sections<'_>) -> Result<(), Problem> {
    let granted = |name: &&&str| GRANTED.contains(name) || wasi::serves(name);
    let refused: Vec<_> =
        sections.imports.iter().filter(|name| !granted(name)).map(|name| tame(name)).collect();
    if refused.is_empty() { Ok(()) } else { Err(Problem::Imports { names: refused }) }
}

fn kind(sections: &Sections<'_>) -> Result<Kind, Problem> {
    let kinds: Vec<_> = INTERFACES
        .iter()
        .filter(|(name, _)| sections.exports.contains(&&*format!("zenith:plugin/{name}@{API_VERSION}")))
        .collect();
    match kinds[..] {
        [(_, kind)] => Ok(*kind),
        _ => Err(Problem::Exports { names: kinds.iter().map(|(name, _)| (*name).to_owned()).collect() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_component_is_called_by_its_name() {
        let what = |bytes: &[u8]| match inspect(bytes) {
            Err(Problem::NotWasm { what }) => what,
            other => panic!("{other:?}"),
        };
        assert_eq!(what(b""), "an empty file");
        assert_eq!(what(b"  (component)"), "the text form of WebAssembly, which must be assembled first");
        assert_eq!(what(b"<html>"), "a text");
        assert_eq!(what("é".repeat(1000).as_bytes()), "a text");
        assert_eq!(what(&[0x7F, b'E', b'L', b'F', 0, 0xFF]), "other binary data");
        assert_eq!(what(b"\0asm\xFF\0\0\0"), "of a version of the binary format that is not known");
        assert_eq!(inspect(b"\0asm\x01\0\0\0").unwrap_err(), Problem::CoreModule);
    }

    #[test]
    fn versions_are_three_numbers() {
        assert_eq!(version("1.20.3"), Some([1, 20, 3]));
        for wrong in ["", "1", "1.2", "1.2.3.4", "1.2.x", "-1.2.3"] {
            assert_eq!(version(wrong), None, "{wrong}");
        }
    }
}
