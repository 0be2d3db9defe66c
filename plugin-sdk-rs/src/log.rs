//! Lines for the host's log. Who reads them is the host's matter: each carries the plugin and the sample
//! at hand there, and a call that writes without end is cut off.
//!
//! Natively, as under `cargo test`, they go to standard error.

/// The operation failed.
pub fn error(message: &str) {
    write(Level::Error, message);
}

/// Something is off, but the operation goes on.
pub fn warn(message: &str) {
    write(Level::Warn, message);
}

/// Worth telling a user.
pub fn info(message: &str) {
    write(Level::Info, message);
}

/// Worth telling the plugin's author.
pub fn debug(message: &str) {
    write(Level::Debug, message);
}

#[cfg(target_arch = "wasm32")]
use crate::guest::log::{Level, write};

#[cfg(not(target_arch = "wasm32"))]
#[derive(Clone, Copy, Debug)]
enum Level {
    Error,
    Warn,
    Info,
    Debug,
}

#[cfg(not(target_arch = "wasm32"))]
#[expect(clippy::print_stderr, reason = "this is what a native test of a plugin sees")]
fn write(level: Level, message: &str) {
    eprintln!("{level:?}: {message}");
}
