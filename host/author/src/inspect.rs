//! What a plugin is, read from its component alone: nothing of it is compiled or run. Who signed it, and
//! what it is given here, is not in its bytes and so not told here.

use serde::Serialize;
use wasmparser::{Parser, Payload, ProducersSectionReader};
use zenith_core::{Digest, Kind, Permission};
use zenith_registry::package::{self, PackageInfo, ReadError, RequestedLimits};

/// What a component says about itself.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// Its name and version, as in `acme:sepia@0.1.0`, where it carries them.
    pub package: Option<String>,
    /// What it is for.
    pub kind: Kind,
    /// The world that it was built for.
    pub world: String,
    /// What it imports.
    pub imports: Vec<String>,
    /// What it asks for beyond computing.
    pub permissions: Vec<Permission>,
    /// How much it wishes of what is limited.
    pub limits: RequestedLimits,
    /// Its size in bytes.
    pub size: usize,
    /// Its digest.
    pub digest: Digest,
    /// What it was made with, as in `language: Rust`, where it says so.
    pub producers: Vec<Producer>,
    /// One sentence about it.
    pub description: Option<String>,
    /// An SPDX expression.
    pub license: Option<String>,
    /// Who wrote it.
    pub authors: Vec<String>,
    /// Where its source is.
    pub repository: Option<String>,
}

/// One thing that a component was made with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Producer {
    /// `language`, `processed-by` or `sdk`.
    pub field: String,
    /// The language or tool.
    pub name: String,
    /// Its version, where that is told.
    pub version: String,
}

/// Reads what a component says about itself.
pub fn inspect(bytes: &[u8]) -> Result<Inspection, ReadError> {
    let PackageInfo { manifest, kind, api, imports, digest, size } = package::read(bytes)?;
    let world = match kind {
        Kind::Decoder => "decoder",
        Kind::Transform => "transform",
        Kind::BatchTransform => "batch-transform",
        Kind::Sampler => "sampler",
        Kind::Policy => "policy",
    };
    let manifest = manifest.as_ref();
    Ok(Inspection {
        package: manifest.map(|manifest| format!("{}@{}", manifest.name, manifest.version)),
        kind,
        world: format!("zenith:plugin/{world}-plugin@{api}"),
        imports,
        permissions: manifest.map(|manifest| manifest.permissions.clone()).unwrap_or_default(),
        limits: manifest.map(|manifest| manifest.limits).unwrap_or_default(),
        size,
        digest,
        producers: producers(bytes),
        description: manifest
            .map(|manifest| manifest.description.clone())
            .filter(|description| !description.is_empty()),
        license: manifest.and_then(|manifest| manifest.license.clone()),
        authors: manifest.map(|manifest| manifest.authors.clone()).unwrap_or_default(),
        repository: manifest.and_then(|manifest| manifest.repository.clone()),
    })
}

/// Everything that the component and the modules in it were made with, each once. A section that is
/// damaged says nothing: it decides nothing either.
fn producers(bytes: &[u8]) -> Vec<Producer> {
    let mut found = Vec::new();
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        let Payload::CustomSection(section) = payload else { continue };
        if section.name() != "producers" {
            continue;
        }
        let reader = wasmparser::BinaryReader::new(section.data(), section.data_offset());
        let Ok(fields) = ProducersSectionReader::new(reader) else { continue };
        for field in fields.into_iter().map_while(Result::ok) {
            for value in field.values.into_iter().map_while(Result::ok) {
                let producer = Producer {
                    field: tame(field.name),
                    name: tame(value.name),
                    version: tame(value.version),
                };
                if !found.contains(&producer) {
                    found.push(producer);
                }
            }
        }
    }
    found.sort_by(|one, other| one.field.cmp(&other.field));
    found
}

/// A text from a component, without what a terminal would obey, and not too long.
fn tame(text: &str) -> String {
    text.chars().filter(|symbol| !symbol.is_control()).take(200).collect()
}
