//! What stands for a package in an OCI registry, as bytes: a manifest that names a configuration and one
//! layer, which is the component. Nothing here uses the network.
//!
//! The shape is that of the CNCF's "wasm OCI artifact", as `wkg` 0.16 (the crate `oci-wasm` 0.6) writes
//! and reads it. A signature travels as an annotation of the manifest: `wkg` keeps annotations and
//! ignores those it does not know, registries of every age store them, and it is fetched together with
//! the digest that it vouches for. An artefact of its own that refers to the manifest would need a
//! registry that lists referrers, which many do not.

use std::collections::BTreeMap;

use semver::Version;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use wasmparser::{Parser, Payload};
use zenith_core::{Digest, PackageName};
use zenith_registry::package::{self, PackageInfo};

use crate::text::tame;

/// The media type of a manifest.
pub const MANIFEST_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
/// The media type of the configuration that makes a manifest a WebAssembly artefact.
pub const CONFIG_TYPE: &str = "application/vnd.wasm.config.v0+json";
/// The media type of the layer.
pub const LAYER_TYPE: &str = "application/wasm";
/// The annotation that holds the package's signature, the whole text of its `.minisig` file.
pub const SIGNATURE: &str = "dev.zenith.signature";

/// Bytes of a signature, at most: longer texts are none.
const LONGEST_SIGNATURE: usize = 8192;

/// Media types of manifests that are asked for, so that what is no package can be called by its name.
pub(crate) const MANIFEST_TYPES: [&str; 4] = [MANIFEST_TYPE, INDEX_TYPE, DOCKER_TYPE, DOCKER_LIST_TYPE];
const INDEX_TYPE: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_TYPE: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_LIST_TYPE: &str = "application/vnd.docker.distribution.manifest.list.v2+json";

/// When every artefact was made: no time at all, so that the same package gives the same manifest,
/// whoever pushes it and when.
const CREATED: &str = "1970-01-01T00:00:00Z";

/// What is pushed for a package, besides the component itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The manifest's bytes.
    pub manifest: Vec<u8>,
    /// The configuration's bytes.
    pub config: Vec<u8>,
    /// The digest by which the manifest names the configuration.
    pub config_digest: Digest,
}

/// What a manifest says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artefact {
    /// The component.
    pub layer: Digest,
    /// Its size in bytes.
    pub size: u64,
    /// The configuration.
    pub config: Digest,
    /// Its size in bytes.
    pub config_size: u64,
    /// The component's signature, where one travels with it.
    pub signature: Option<String>,
}

/// Why a manifest or a configuration is not that of a package.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ArtefactError {
    /// It is that of something else.
    #[error("it is {0}, not a WebAssembly package")]
    Other(String),
    /// It cannot be read.
    #[error("its {part} is wrong: {reason}")]
    Malformed {
        /// The manifest or the configuration.
        part: &'static str,
        /// What is wrong with it.
        reason: String,
    },
}

#[derive(Serialize)]
struct ManifestOut<'a> {
    // In the order of the alphabet, as a canonical manifest is.
    annotations: BTreeMap<&'a str, String>,
    config: DescriptorOut<'a>,
    layers: [DescriptorOut<'a>; 1],
    #[serde(rename = "mediaType")]
    media_type: &'a str,
    #[serde(rename = "schemaVersion")]
    schema_version: u8,
}

#[derive(Serialize)]
struct DescriptorOut<'a> {
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    annotations: BTreeMap<&'a str, String>,
    digest: Digest,
    #[serde(rename = "mediaType")]
    media_type: &'a str,
    size: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConfigOut<'a> {
    created: &'a str,
    author: Option<&'a str>,
    architecture: &'a str,
    os: &'a str,
    layer_digests: [Digest; 1],
    component: ComponentOut<'a>,
}

#[derive(Serialize)]
struct ComponentOut<'a> {
    exports: Vec<String>,
    imports: &'a [String],
    target: Option<&'a str>,
}

/// The manifest and the configuration of a package. `info` is what [`package::read`] says of `bytes`.
pub fn write(
    name: &PackageName,
    version: &Version,
    info: &PackageInfo,
    bytes: &[u8],
    signature: Option<&str>,
) -> serde_json::Result<Written> {
    let config = serde_json::to_vec(&ConfigOut {
        created: CREATED,
        author: None,
        architecture: "wasm",
        os: "wasip2",
        layer_digests: [info.digest],
        component: ComponentOut { exports: exports(bytes), imports: &info.imports, target: None },
    })?;
    let config_digest = package::digest(&config);
    let annotation = |key, value: &str| (key, value.to_owned());
    let mut annotations =
        BTreeMap::from([annotation("org.opencontainers.image.version", &version.to_string())]);
    if let Some(manifest) = &info.manifest {
        let mut say = |key, value: &str| {
            if !value.is_empty() {
                annotations.insert(key, value.to_owned());
            }
        };
        say("org.opencontainers.image.authors", &manifest.authors.join(", "));
        say("org.opencontainers.image.description", &manifest.description);
        say("org.opencontainers.image.licenses", manifest.license.as_deref().unwrap_or_default());
        say("org.opencontainers.image.source", manifest.repository.as_deref().unwrap_or_default());
    }
    annotations.extend(signature.map(|text| annotation(SIGNATURE, text)));
    let title = annotation("org.opencontainers.image.title", &format!("{}.wasm", name.name()));
    let manifest = serde_json::to_vec(&ManifestOut {
        annotations,
        config: DescriptorOut {
            annotations: BTreeMap::new(),
            digest: config_digest,
            media_type: CONFIG_TYPE,
            size: config.len(),
        },
        layers: [DescriptorOut {
            annotations: BTreeMap::from([title]),
            digest: info.digest,
            media_type: LAYER_TYPE,
            size: bytes.len(),
        }],
        media_type: MANIFEST_TYPE,
        schema_version: 2,
    })?;
    Ok(Written { manifest, config, config_digest })
}

/// What a component exports, by name. What cannot be read has none; whoever pushes has read it before.
fn exports(bytes: &[u8]) -> Vec<String> {
    let mut names = Vec::new();
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload {
            Ok(Payload::Version { .. }) => depth += 1,
            Ok(Payload::End(_)) => depth = depth.saturating_sub(1),
            Ok(Payload::ComponentExportSection(section)) if depth == 1 => {
                names.extend(section.into_iter().flatten().map(|export| export.name.name.to_owned()));
            }
            Ok(_) => {}
            Err(_) => break,
        }
    }
    names
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ManifestIn {
    schema_version: Option<u64>,
    media_type: Option<String>,
    config: Option<DescriptorIn>,
    #[serde(default)]
    layers: Vec<DescriptorIn>,
    manifests: Option<serde::de::IgnoredAny>,
    annotations: Option<BTreeMap<String, String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct DescriptorIn {
    media_type: String,
    digest: String,
    size: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct ConfigIn {
    architecture: String,
    layer_digests: Vec<String>,
}

/// Reads a manifest. What it says of sizes and digests is not checked against anything here.
pub fn read(manifest: &[u8]) -> Result<Artefact, ArtefactError> {
    let wrong = |reason: String| ArtefactError::Malformed { part: "manifest", reason };
    let other = |what: String| Err(ArtefactError::Other(what));
    let manifest: ManifestIn =
        serde_json::from_slice(manifest).map_err(|error| wrong(tame(&error.to_string())))?;
    if let Some(version) = manifest.schema_version.filter(|version| *version != 2) {
        return Err(wrong(format!("its schema version is {version}, and only 2 is known")));
    }
    if manifest.manifests.is_some() {
        return other("an index of several images".to_owned());
    }
    let Some(config) = manifest.config else {
        return Err(wrong("it names no configuration".to_owned()));
    };
    if config.media_type != CONFIG_TYPE {
        return other(match &*config.media_type {
            "application/vnd.oci.image.config.v1+json" | "application/vnd.docker.container.image.v1+json" => {
                "a container image".to_owned()
            }
            other => format!("an artefact of type `{}`", tame(other)),
        });
    }
    if let Some(kind) = manifest.media_type.filter(|kind| kind != MANIFEST_TYPE) {
        return Err(wrong(format!("its media type is `{}`", tame(&kind))));
    }
    let [layer] = &manifest.layers[..] else {
        return other(format!("a WebAssembly artefact of {} layers", manifest.layers.len()));
    };
    if layer.media_type != LAYER_TYPE {
        return other(format!("a WebAssembly artefact with a layer of type `{}`", tame(&layer.media_type)));
    }
    let digest = |text: &str| text.parse().map_err(|_| wrong(format!("`{}` is no sha256", tame(text))));
    let signature = manifest.annotations.and_then(|mut annotations| annotations.remove(SIGNATURE));
    if signature.as_ref().is_some_and(|text| text.len() > LONGEST_SIGNATURE) {
        return Err(wrong(format!("its signature is longer than {LONGEST_SIGNATURE} bytes")));
    }
    Ok(Artefact {
        layer: digest(&layer.digest)?,
        size: layer.size,
        config: digest(&config.digest)?,
        config_size: config.size,
        signature,
    })
}

/// Reads a configuration, and checks that it is that of an artefact with this layer.
pub fn check_config(config: &[u8], layer: Digest) -> Result<(), ArtefactError> {
    let wrong = |reason: String| ArtefactError::Malformed { part: "configuration", reason };
    let config: ConfigIn = serde_json::from_slice(config).map_err(|error| wrong(tame(&error.to_string())))?;
    if config.architecture != "wasm" {
        return Err(ArtefactError::Other(format!("built for `{}`", tame(&config.architecture))));
    }
    if config.layer_digests != [layer.to_string()] {
        return Err(wrong(format!("it is not about the layer {layer}")));
    }
    Ok(())
}
