//! The guests of `tests/guests`, built: a constant for each, and for each kind of plugin a macro over
//! their names. A test file calls that macro with [`assert_test_exists`], so that a guest without a
//! test does not compile. What the guests do, and what must come of it, does not live here.

#![forbid(unsafe_code)]

use sha2::{Digest as _, Sha256};
use zenith_core::{Digest, Identity};

include!(concat!(env!("OUT_DIR"), "/guests.rs"));

/// Fails to compile where no test, or module of tests, has the guest's name.
#[macro_export]
macro_rules! assert_test_exists {
    ($name:ident) => {
        const _: () = {
            #[expect(unused_imports, reason = "that it can be imported is the test")]
            use self::$name as _;
        };
    };
}

/// The component of a guest's core module; what is a component already stays as it is.
pub fn component(module: &[u8]) -> Vec<u8> {
    zenith_registry::package::encode(module).unwrap_or_else(|error| panic!("a guest is no plugin: {error}"))
}

/// The identity that a registry would resolve these bytes to.
pub fn identity(bytes: &[u8]) -> Identity {
    Identity {
        name: "acme:guest".parse().unwrap_or_else(|error| panic!("{error}")),
        version: "1.0.0".to_owned(),
        digest: Digest::from_bytes(Sha256::digest(bytes).into()),
    }
}
