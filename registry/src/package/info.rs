//! Reading a package back: what it is called, what it is for, which interface it speaks.

use semver::Version;
use thiserror::Error;
use wasmparser::{Parser, Payload, Validator};
use zenith_core::{Digest, Kind, PackageName};

use super::{
    digest,
    manifest::Manifest,
    sections::{API_SECTION, MANIFEST_SECTION},
};

/// The package whose interfaces plugins export.
const INTERFACES: &str = "zenith:plugin/";

/// What a package's bytes say about it.
#[derive(Clone, Debug)]
pub struct PackageInfo {
    /// What its author says, where the package carries it.
    pub manifest: Option<Manifest>,
    /// What it is for, by the interface that it exports.
    pub kind: Kind,
    /// The version of the plugin interface that it was built against.
    pub api: Version,
    /// What it imports, by name: the host gives a plugin nothing else.
    pub imports: Vec<String>,
    /// The digest of its bytes.
    pub digest: Digest,
    /// Its size in bytes.
    pub size: usize,
}

/// Why bytes could not be read as a package.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadError {
    /// A core module, which the engine does not take.
    #[error("it is a core WebAssembly module, not a component")]
    CoreModule,
    /// Not WebAssembly.
    #[error("it is not a WebAssembly component")]
    NotWasm,
    /// Cut short, or damaged.
    #[error("it is a damaged WebAssembly component: {0}")]
    Damaged(String),
    /// None of the plugin interfaces.
    #[error("it exports none of the plugin interfaces; it exports {}", listed(.exports))]
    NoInterface {
        /// What it exports instead.
        exports: Vec<String>,
    },
    /// More than one of the plugin interfaces.
    #[error("it exports both `{}` and `{}`, but a plugin is of one kind", .0[0], .0[1])]
    SeveralInterfaces([String; 2]),
    /// The interface version that the SDK stamped into it is none.
    #[error("its interface version is not a version: `{0}`")]
    Api(String),
    /// The manifest inside it is damaged.
    #[error("its manifest is wrong: {0}")]
    Manifest(String),
    /// The manifest inside it says another kind.
    #[error("its manifest says that it is a {manifest}, but it exports the interface of a {exported}")]
    Kind {
        /// The manifest's kind.
        manifest: Kind,
        /// The kind by its exports.
        exported: Kind,
    },
}

impl ReadError {
    /// What a user can do about it, where that is known.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::CoreModule => Some(
                "`zenith plugin build` makes a component of a plugin's source, in any of its languages"
                    .to_owned(),
            ),
            Self::NotWasm => {
                Some("a package is the `.wasm` file that `zenith plugin build` writes".to_owned())
            }
            Self::Damaged(_) => Some("fetch or build it again".to_owned()),
            Self::NoInterface { .. } => Some(format!(
                "a plugin exports `{INTERFACES}decoder`, `transform`, `batch-transform`, `sampler` or `policy`"
            )),
            Self::Kind { exported, .. } => {
                Some(format!("set `kind` in `plugin.toml` to that of a {exported}, or export the other one"))
            }
            _ => None,
        }
    }
}

/// As many exports are named in an error.
const MOST_LISTED: usize = 8;

fn listed(names: &[String]) -> String {
    if names.is_empty() {
        return "nothing".to_owned();
    }
    let shown: Vec<_> = names.iter().take(MOST_LISTED).map(|name| format!("`{name}`")).collect();
    match names.len() - shown.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// Why a package cannot be stored under a name.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NamingError {
    /// It has no manifest, and no name was given.
    #[error("the package has no manifest, so that its name and version are not known")]
    Unnamed,
    /// What was given is not what its manifest says.
    #[error("the package is `{manifest}` by its own manifest, not `{given}`")]
    Differs {
        /// Name and version in the manifest.
        manifest: String,
        /// What was given.
        given: String,
    },
}

impl NamingError {
    /// What a user can do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unnamed => Some("say them: `namespace:name@version`".to_owned()),
            Self::Differs { manifest, .. } => Some(format!("add it as `{manifest}`, or leave the name out")),
        }
    }
}

impl PackageInfo {
    /// The name and version to store it under: those of its manifest, or the given ones where it has
    /// none. Given ones that differ from the manifest are an error.
    pub fn naming(
        &self,
        given: Option<(PackageName, Version)>,
    ) -> Result<(PackageName, Version), NamingError> {
        let own = self.manifest.as_ref().map(|manifest| (manifest.name.clone(), manifest.version.clone()));
        match (own, given) {
            (None, None) => Err(NamingError::Unnamed),
            (Some(own), Some(given)) if own != given => Err(NamingError::Differs {
                manifest: format!("{}@{}", own.0, own.1),
                given: format!("{}@{}", given.0, given.1),
            }),
            (Some(name), _) | (None, Some(name)) => Ok(name),
        }
    }
}

/// Reads what a package says about itself. Its code is not checked; [`validate`] does that.
pub fn read(bytes: &[u8]) -> Result<PackageInfo, ReadError> {
    if Parser::is_core_wasm(bytes) {
        return Err(ReadError::CoreModule);
    }
    if !Parser::is_component(bytes) {
        return Err(ReadError::NotWasm);
    }
    let found = scan(bytes).map_err(|error| ReadError::Damaged(error.to_string()))?;
    let (kind, exported_api) = interface(&found.exports)?;
    let stamp = found.api.map(String::from_utf8_lossy);
    let api = match &stamp {
        Some(stamp) => Version::parse(stamp).map_err(|_| ReadError::Api(stamp.clone().into_owned()))?,
        None => exported_api,
    };
    let manifest: Option<Manifest> = found
        .manifest
        .map(serde_json::from_slice)
        .transpose()
        .map_err(|error| ReadError::Manifest(error.to_string()))?;
    if let Some(manifest) = manifest.as_ref().filter(|manifest| manifest.kind != kind) {
        return Err(ReadError::Kind { manifest: manifest.kind, exported: kind });
    }
    let imports = found.imports.into_iter().map(str::to_owned).collect();
    Ok(PackageInfo { manifest, kind, api, imports, digest: digest(bytes), size: bytes.len() })
}

/// Checks every byte of a component as an engine would, without running it.
pub fn validate(bytes: &[u8]) -> Result<(), ReadError> {
    match Validator::new().validate_all(bytes) {
        Ok(_) => Ok(()),
        Err(error) => Err(ReadError::Damaged(error.to_string())),
    }
}

/// What a walk over a component's sections finds.
#[derive(Default)]
struct Found<'a> {
    exports: Vec<&'a str>,
    imports: Vec<&'a str>,
    manifest: Option<&'a [u8]>,
    api: Option<&'a [u8]>,
}

fn scan(bytes: &[u8]) -> wasmparser::Result<Found<'_>> {
    let mut found = Found::default();
    // Modules and components inside the component come as a `Version` … `End` of their own.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload? {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    found.exports.push(export?.name.name);
                }
            }
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    found.imports.push(import?.name.name);
                }
            }
            Payload::CustomSection(section) if section.name() == MANIFEST_SECTION && depth == 1 => {
                found.manifest = Some(section.data());
            }
            Payload::CustomSection(section) if section.name() == API_SECTION => {
                found.api.get_or_insert(section.data());
            }
            _ => {}
        }
    }
    Ok(found)
}

/// The plugin interface among the exports: its kind and its version.
fn interface(exports: &[&str]) -> Result<(Kind, Version), ReadError> {
    let mut known = exports.iter().filter_map(|export| {
        let (name, version) = export.strip_prefix(INTERFACES)?.split_once('@')?;
        let kind = match name {
            "decoder" => Kind::Decoder,
            "transform" => Kind::Transform,
            "batch-transform" => Kind::BatchTransform,
            "sampler" => Kind::Sampler,
            "policy" => Kind::Policy,
            _ => return None,
        };
        Some((*export, kind, Version::parse(version).ok()?))
    });
    match (known.next(), known.next()) {
        (Some((_, kind, version)), None) => Ok((kind, version)),
        (Some((first, ..)), Some((second, ..))) => {
            Err(ReadError::SeveralInterfaces([first.to_owned(), second.to_owned()]))
        }
        (None, _) => {
            Err(ReadError::NoInterface { exports: exports.iter().map(|name| (*name).to_owned()).collect() })
        }
    }
}
