//! The plugin that does nothing, as a component: what is measured beside a plugin to see what the boundary
//! costs.

use wit_component::{StringEncoding, embed_component_metadata};
use wit_parser::{Resolve, SourceMap};
use zenith_core::Identity;
use zenith_plugin::API_VERSION;
use zenith_registry::package::{self, API_SECTION};

const TEXT: &str = include_str!("noop.wat");

/// The interface that it has, from `wit/`.
const WIT: [(&str, &str); 2] = [
    ("types.wit", include_str!("../../../../wit/types.wit")),
    ("transform.wit", include_str!("../../../../wit/transform.wit")),
];

/// The component and its identity. It fails only where this version itself is broken.
pub(super) fn component() -> Result<(Identity, Vec<u8>), String> {
    let mut module = wat::parse_str(TEXT).map_err(|error| error.to_string())?;
    let mut sources = SourceMap::new();
    for (name, text) in WIT {
        sources.push_str(name, text);
    }
    let group = sources.parse().map_err(|(_, error)| error.to_string())?;
    let mut resolve = Resolve::default();
    let package = resolve.push_group(group).map_err(|error| error.to_string())?;
    let world =
        resolve.select_world(&[package], Some("transform-plugin")).map_err(|error| format!("{error:#}"))?;
    embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| format!("{error:#}"))?;
    // The stamp: a custom section of a few bytes, so that each of its lengths is one byte.
    let body: Vec<u8> = [
        &[u8::try_from(API_SECTION.len()).unwrap_or_default()],
        API_SECTION.as_bytes(),
        API_VERSION.as_bytes(),
    ]
    .concat();
    module.extend([0, u8::try_from(body.len()).unwrap_or_default()]);
    module.extend(body);
    let bytes = package::encode(&module).map_err(|error| error.to_string())?;
    let identity = Identity {
        name: "zenith:noop".parse().map_err(|error: zenith_core::IdentityError| error.to_string())?,
        version: "0.0.0".to_owned(),
        digest: package::digest(&bytes),
    };
    Ok((identity, bytes))
}
