//! What a user sees of a plugin that panics: a line in the host's log, before the trap.

use std::{panic, sync::Once};

use super::log::{self, Level};

/// Sends the message of a later panic to the host's log. Every adapter calls it before it runs any
/// of the plugin's own code.
pub(super) fn report_panics() {
    static INSTALLED: Once = Once::new();
    INSTALLED.call_once(|| {
        panic::set_hook(Box::new(|info| {
            let text = info.payload_as_str().unwrap_or("the plugin panicked");
            let line = match info.location() {
                Some(place) => format!("panicked at {place}: {text}"),
                None => format!("panicked: {text}"),
            };
            log::write(Level::Error, &line);
        }));
    });
}
