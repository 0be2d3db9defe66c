//! The WebAssembly host: load, check, limit, cache and call components.
