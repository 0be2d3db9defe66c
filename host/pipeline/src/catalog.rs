//! Where plans find plugins. The facade implements it over the registry, the WebAssembly host and
//! the native twins; tests implement it over plain Rust.

use std::sync::Arc;

use thiserror::Error;
use zenith_core::{Limits, Plugin};

/// Why a reference leads to no plugin.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{message}")]
pub struct CatalogError {
    /// What is wrong, naming the reference.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// A place to find plugins in.
pub trait Catalog {
    /// The plugin that a reference such as `zenith:jpeg` or `acme:sepia@^1.2` stands for.
    fn resolve(&self, reference: &str) -> Result<Arc<dyn Plugin>, CatalogError>;

    /// What a plugin may use where its operator does not say; the defaults, unless said otherwise.
    fn limits(&self, plugin: &dyn Plugin) -> Limits {
        let _ = plugin;
        Limits::default()
    }

    /// The decoders that a pipeline may choose from by content.
    fn decoders(&self) -> Result<Vec<Arc<dyn Plugin>>, CatalogError>;
}
